"""The verbs of captions: a sentence about a clip, what learns to write it, and how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from videobert.cli_options import Json, Model, Work

if TYPE_CHECKING:
    from videobert.tasks.caption_evaluation import CaptionEvaluation
    from videobert.tasks.caption_training import CaptionerReport

Beam = Annotated[int, typer.Option(help="Width of the search; 1 is greedy.", min=1, max=64)]
Annotations = Annotated[
    Optional[Path], typer.Option(help="YouCook2's youcookii_annotations_trainval.json.", show_default="what is said in DIR")
]
MISSING_SHOWN = 10


def caption(
    clip: Annotated[Path, typer.Argument(help="A video.")],
    model: Model,
    beam: Beam = 4,
    start: Annotated[float, typer.Option(help="Seconds at which the clip begins.", min=0)] = 0.0,
    end: Annotated[float, typer.Option(help="Seconds at which it ends.", show_default="the video's end")] = float("inf"),
    weights: Annotated[Optional[str], typer.Option(help="Where S3D's weights are now.", show_default="as trained")] = None,
    json: Json = False,
) -> None:
    """A sentence about a clip."""
    from videobert.clip_encoder import ClipEncoder
    from videobert.console import print_json, print_line
    from videobert.loading import load_model
    from videobert.tasks import captioning

    trained = load_model(model)
    captioner = captioning.load_captioner(model, trained)
    encoded = ClipEncoder(trained.processor.codebook, weights)(clip, start, end)
    found = captioning.caption(trained, captioner, encoded, beam)
    if json:
        times = {"start": float(encoded.start[0]), "end": float(encoded.end[-1])}
        how = {"beam": beam, "features": captioner.network.config.features}
        print_json({"clip": str(clip), **times, "caption": found.text, "score": found.score, **how})
    else:
        print_line(found.text)


def finetune_caption(
    model: Model,
    work: Work,
    annotations: Annotations = None,
    features: Annotated[str, typer.Option(help="s3d, video, videobert or videobert+s3d.")] = "videobert+s3d",
    layers: Annotated[int, typer.Option(help="Of encoder and decoder alike.")] = 2,
    width: Annotated[int, typer.Option(help="Of encoder and decoder; a multiple of 64.")] = 128,
    dropout: Annotated[float, typer.Option(help="Of embeddings and of what each layer adds.")] = 0.4,
    longest: Annotated[int, typer.Option(help="Pieces of a caption at most.")] = 40,
    learning_rate: Annotated[float, typer.Option(help="Adam's first, which falls linearly to 0.")] = 1e-3,
    batch_size: Annotated[int, typer.Option(help="Segments in an update.")] = 128,
    steps: Annotated[int, typer.Option(help="Updates at most.")] = 40_000,
    validation_share: Annotated[float, typer.Option(help="Share of the videos that chooses the step.")] = 0.1,
    validate_every: Annotated[int, typer.Option(help="Steps between two looks at them.")] = 200,
    patience: Annotated[int, typer.Option(help="Looks without a better one after which it stops.")] = 10,
    seed: Annotated[int, typer.Option(help="Decides every draw.")] = 0,
    json: Json = False,
) -> None:
    """A captioner, learnt from the sentences of DIR, or from annotations of its videos; MODEL/captioner."""
    from videobert.console import print_json, progress_bars
    from videobert.tasks.caption_options import CaptionOptions
    from videobert.tasks.caption_training import finetune_captioner

    options = CaptionOptions(
        features=features, layers=layers, width=width, dropout=dropout, longest=longest, learning_rate=learning_rate,
        batch_size=batch_size, steps=steps, validation_share=validation_share, validate_every=validate_every,
        patience=patience, seed=seed,
    )  # fmt: skip
    with progress_bars() as progress:
        report = finetune_captioner(model, work, options, annotations, progress)
    if json:
        print_json(report)
    else:
        _print_report(report)


def _print_report(report: CaptionerReport) -> None:
    from videobert.console import print_line

    if not report.now:
        print_line("captioner: done already, nothing to do")
        return
    loss = "" if report.validation_loss is None else f", validation loss {report.validation_loss:.3f} a piece"
    print_line(f"captioner: {report.folder} learnt from {report.segments:,} segments; step {report.best_step:,} of "
               f"{report.steps:,} was best{loss}")  # fmt: skip
    _print_left_out(report.unseen, report.missing)


def _print_left_out(unseen: int, missing: Sequence[str]) -> None:
    from videobert.console import print_line

    if unseen:
        print_line(f"{unseen:,} segments have no clip")
    if missing:
        more = f" and {len(missing) - MISSING_SHOWN:,} more (--json names all)" if len(missing) > MISSING_SHOWN else ""
        print_line(f"{len(missing):,} videos are missing: {', '.join(missing[:MISSING_SHOWN])}{more}")


def evaluate_caption(model: Model, work: Work, annotations: Annotations = None, beam: Beam = 4, json: Json = False) -> None:
    """How near the captions of YouCook2's validation segments, or of what is said in DIR, are to the reference ones."""
    from videobert.console import print_json, progress_bars
    from videobert.loading import load_model
    from videobert.tasks.caption_evaluation import evaluate_captions
    from videobert.tasks.captioning import load_captioner, to_best_device

    trained = to_best_device(load_model(model))
    captioner = load_captioner(model, trained)
    with progress_bars() as progress:
        result = evaluate_captions(trained, captioner, work, annotations, beam, progress)
    if json:
        print_json({**vars(result), "scores": result.scores.corpus, "why_no_meteor": result.scores.why_no_meteor})
    else:
        _print_evaluation(result)


def _print_evaluation(result: CaptionEvaluation) -> None:
    """The columns of the paper's Table 3: per cent, but CIDEr-D, in [0, 10], as it is there."""
    from videobert.console import print_line, print_table

    shown = {name: score for name, score in result.scores.corpus.items() if name not in {"BLEU-1", "BLEU-2"}}
    cells = [
        "not measured" if score is None else f"{score:.2f}" if name == "CIDEr-D" else f"{score:.2%}"
        for name, score in shown.items()
    ]
    print_table(f"captions of {result.segments:,} segments, beam {result.beam}", ["", *shown], [[result.features, *cells]])
    if result.scores.why_no_meteor:
        print_line(f"METEOR is not measured: {result.scores.why_no_meteor}")
    _print_left_out(result.unseen, result.missing)
