"""The verbs that ask a model: about a clip, about a sentence, about both."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from videobert.cli.options import (
    TRAINING_HELP,
    Beam,
    Candidates,
    Clip,
    Context,
    Drawn,
    End,
    FirstStage,
    Json,
    Labels,
    Lengths,
    Masks,
    Model,
    NowWeights,
    Sentence,
    Start,
    Steps,
    Template,
    Top,
    Weight,
    Work,
)  # fmt: skip
from workfolder.errors import InputError

if TYPE_CHECKING:
    from videobert.answers.visual_words import VisualGuess
    from videobert.answers.zero_shot import Guess
    from videobert.data.clip_encoder import EncodedClip
    from videobert.loading import TrainedModel


def predict(
    clip: Clip, model: Model,
    template: Template = None,
    templates: Annotated[
        Optional[Path], typer.Option(help="File with a template a line; answers are averaged.", show_default="none")
    ] = None,
    labels: Labels = None, top: Drawn = 5, start: Start = 0.0, end: End = float("inf"), weights: NowWeights = None,
    picture: Annotated[Optional[Path], typer.Option(help="PNG file to write.", show_default="CLIP.prediction.png")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """The likeliest words for each [MASK] of a sentence about a clip."""
    from videobert.answers.spelling import read_labels
    from videobert.answers.templates import TEMPLATE, checked_templates, read_templates
    from videobert.answers.zero_shot import predict_with_templates
    from videobert.cli.console import print_json, print_line
    from videobert.cli.drawing import draw_prediction
    from videobert.loading import load_model

    if template is not None and templates:
        raise InputError("--template and --templates are two ways to ask: give one of them")
    trained = load_model(model)
    # All is spelt before the video is read, which takes a while.
    if templates:
        sentences = read_templates(templates, trained.processor)
    else:
        given = TEMPLATE if template is None else template
        sentences = checked_templates(trained.processor, [given])
    ranked = read_labels(labels, trained.processor) if labels else None
    encoded = _encoded(trained, clip, weights, start, end)
    answer = predict_with_templates(trained, encoded.clips.words, sentences, ranked, top)
    drawn = picture or Path(f"{clip.stem}.prediction.png")
    draw_prediction(
        encoded, trained.processor.codebook.pictures, sentences[0], answer.guesses, drawn
    )
    if json:
        asked = {**_seen(encoded), "templates": sentences}
        print_json(
            {
                **asked,
                "masks": answer.guesses,
                "sensitivity": answer.sensitivity,
                "picture": str(drawn),
            }
        )
        return
    _print_guesses(
        sentences[0],
        {f"mask {number}": guesses for number, guesses in enumerate(answer.guesses, 1)},
    )
    if len(sentences) > 1:
        for number, moved in enumerate(answer.sensitivity, 1):
            print_line(f"mask {number}: {moved}")
    print_line(f"drawn: {drawn}")


def caption(
    clip: Clip, model: Model, beam: Beam = 4, start: Start = 0.0, end: End = float("inf"), weights: NowWeights = None,
    json: Json = False,
) -> None:  # fmt: skip
    """A sentence about a clip (needs finetune caption)."""
    from videobert.cli.console import print_json, print_line
    from videobert.finetune.captions import captioner as captioning
    from videobert.loading import load_model

    trained = load_model(model)
    captioner = captioning.load_captioner(model, trained)
    encoded = _encoded(trained, clip, weights, start, end)
    found = captioning.caption(trained, captioner, encoded, beam)
    if json:
        times = {"start": float(encoded.clips.start[0]), "end": float(encoded.clips.end[-1])}
        how = {"beam": beam, "features": captioner.network.config.features}
        asked = {"clip": str(clip), "partial": encoded.partial, **times}
        print_json({**asked, "caption": found.text, "score": found.score, **how})
    else:
        print_line(found.text)


def forecast(
    clip: Clip, model: Model, step: Steps = None, context: Context = 4, top: Drawn = 3, start: Start = 0.0,
    end: End = float("inf"), weights: NowWeights = None,
    picture: Annotated[Optional[Path], typer.Option(help="PNG file to write.", show_default="CLIP.forecast.png")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """The visual words that may come after a clip, as pictures."""
    from videobert.answers.forecasting import STEPS
    from videobert.answers.forecasting import forecast as ask
    from videobert.cli.console import print_json, print_line
    from videobert.cli.word_pictures import WordColumn, draw_words, guessed
    from videobert.loading import load_model

    trained = load_model(model)
    codebook = trained.processor.codebook
    encoded = _encoded(trained, clip, weights, start, end)
    found = ask(trained, encoded.clips.words, step or STEPS, top, context)
    drawn = picture or Path(f"{clip.stem}.forecast.png")
    last = encoded.clips.words[-top:].tolist()
    seen = WordColumn(
        "seen last",
        last,
        [
            f"word {word}: {at:.1f} s"
            for word, at in zip(last, encoded.clips.start[-top:], strict=True)
        ],
    )
    columns = [seen, *(guessed(f"{each.step} ahead", each.guesses) for each in found)]
    draw_words(codebook.pictures, columns, f"{clip.name}: which visual words come next", drawn)
    if json:
        print_json({**_seen(encoded), "forecast": found, "picture": str(drawn)})
        return
    _print_guesses(str(clip), {f"{each.step} ahead": each.guesses for each in found})
    print_line(f"drawn: {drawn}")


def imagine(
    text: Sentence, model: Model, masks: Masks = 4, top: Drawn = 3,
    picture: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("imagined.png"),
    json: Json = False,
) -> None:  # fmt: skip
    """The visual words for a sentence, as pictures."""
    from videobert.answers.imagining import imagine as ask
    from videobert.cli.console import print_json, print_line
    from videobert.cli.word_pictures import draw_words, guessed
    from videobert.loading import load_model

    trained = load_model(model)
    found = ask(trained, text, masks, top)
    rows = {"overall": found.overall} | {
        f"clip {number}": guesses for number, guesses in enumerate(found.clips, 1)
    }
    draw_words(
        trained.processor.codebook.pictures, [guessed(*row) for row in rows.items()], text, picture
    )
    if json:
        print_json(
            {"text": text, "overall": found.overall, "clips": found.clips, "picture": str(picture)}
        )
        return
    _print_guesses(text, rows)
    print_line(f"drawn: {picture}")


def search(
    text: Sentence, model: Model, work: Work,
    first_stage: FirstStage = "profiles",
    training: Annotated[Optional[Path], typer.Option(help=TRAINING_HELP, show_default="the one searched")] = None,
    candidates: Candidates = 100, weight: Weight = 0.5, top: Top = 10, json: Json = False,
) -> None:  # fmt: skip
    """The stretches of video that fit a sentence."""
    from videobert.answers import search as retrieval
    from videobert.cli.console import print_json, print_table, progress_bars
    from videobert.data.work import read_stretches
    from videobert.loading import load_model
    from workfolder.errors import refuse_unknown

    refuse_unknown("--first-stage", first_stage, retrieval.FIRST_STAGES)
    trained = load_model(model)
    codebook = trained.processor.codebook
    stretches = read_stretches(work, codebook)
    first = None
    if first_stage == "profiles":
        first = retrieval.by_profiles(
            stretches, read_stretches(training, codebook) if training else stretches, codebook.words
        )
    elif first_stage == "transcripts":
        first = retrieval.by_transcripts(stretches)
    with progress_bars() as progress:
        hits = retrieval.search(trained, stretches, text, first, weight, candidates, top, progress)
    if json:
        print_json({"text": text, "hits": hits})
        return
    rows = [
        [h.video_id, f"{h.start:.1f}", f"{h.end:.1f}", f"{h.score:.2f}", f"{h.aligned:.0%}", h.text]
        for h in hits
    ]
    print_table(text, ["video", "start", "end", "score", "aligned", "what is said"], rows)


def locate(
    text: Sentence, clip: Clip, model: Model, top: Top = 3,
    length: Lengths = None, weights: NowWeights = None, json: Json = False,
) -> None:  # fmt: skip
    """When in a video a sentence is shown."""
    from videobert.answers.localisation import LENGTHS
    from videobert.answers.localisation import locate as ask
    from videobert.answers.spelling import check_sentence
    from videobert.cli.console import print_json, print_table, progress_bars
    from videobert.loading import load_model

    trained = load_model(model)
    check_sentence(trained.processor, text)  # before the video is read, which takes a while
    encoded = _encoded(trained, clip, weights)
    with progress_bars() as progress:
        found = ask(trained, text, encoded.clips, length or LENGTHS, top, progress)
    if json:
        print_json(
            {"text": text, "clip": str(clip), "partial": encoded.partial, "locations": found}
        )
        return
    rows = [[f"{value:.1f}" for value in vars(place).values()] for place in found]
    print_table(f"{text}: {clip}", ["start", "end", "score"], rows)


def _encoded(
    trained: TrainedModel,
    clip: Path,
    weights: str | None,
    start: float = 0.0,
    end: float = float("inf"),
) -> EncodedClip:
    """A part of a clip as visual words; if the file is not whole, that is said."""
    from videobert.cli.console import progress_bars
    from videobert.data.clip_encoder import ClipEncoder

    with progress_bars() as progress:
        encoded = ClipEncoder(trained.processor.codebook, weights)(clip, start, end, progress)
    if encoded.partial:
        sys.stderr.write(f"videobert: {clip} {encoded.partial}\n")
    return encoded


def _seen(clip: EncodedClip) -> dict[str, object]:
    """What a program is told of a clip."""
    names = ("start", "end", "words")
    visual = {name: getattr(clip.clips, name).tolist() for name in names}
    return {"clip": str(clip.path), "partial": clip.partial, "visual": visual}


def _print_guesses(
    title: str, columns: Mapping[str, Sequence[Guess] | Sequence[VisualGuess]]
) -> None:
    """A table with its longer side down, as screens are narrow: the guesses, the best first, or what they are about."""
    from videobert.cli.console import print_table

    places = [f"{place}." for place in range(1, 1 + max(map(len, columns.values())))]
    told = [
        [name, *(f"{guess.word} {guess.probability:.0%}" for guess in guesses)]
        for name, guesses in columns.items()
    ]
    rows: list[Sequence[str]] = [["", *places], *told]
    if len(places) > len(columns):
        rows = list(zip_longest(*rows, fillvalue=""))
    print_table(title, rows[0], rows[1:])
