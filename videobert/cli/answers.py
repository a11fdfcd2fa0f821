"""The verbs that ask a model: about a clip, about a sentence, about both."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from videobert.answers.options import (
    Asking,
    ForecastOptions,
    ImagineOptions,
    LocateOptions,
    PredictOptions,
    SearchOptions,
)
from videobert.cli.options import TRAINING, Clip, Json, Model, PathOption, Sentence, Work, takes
from videobert.data.options import ClipOptions
from videobert.finetune.captions.options import BeamOptions
from workfolder.errors import InputError

if TYPE_CHECKING:
    from videobert.answers.visual_words import VisualGuess
    from videobert.answers.zero_shot import Guess
    from videobert.data.clip_encoder import EncodedClip
    from videobert.loading import TrainedModel


def _picture(where: str) -> Any:
    """Make the option of an answer's picture; ``where`` is shown as its default."""
    return PathOption(help="PNG file to write.", show_default=where)


Template = Annotated[
    Optional[str],
    typer.Option(
        help="Sentence with a [MASK] for each word to find.",
        show_default="those in which the training videos name verb and noun",
    ),
]
Templates = Annotated[
    Optional[Path],
    PathOption(help="File with a template a line; answers are averaged.", show_default="none"),
]
Labels = Annotated[
    Optional[Path],
    PathOption(help="File with a word a line; only these are ranked.", show_default="all"),
]


@takes(part=ClipOptions, how=PredictOptions, asking=Asking)
def predict(
    clip: Clip,
    model: Model,
    part: ClipOptions,
    how: PredictOptions,
    asking: Asking,
    template: Template = None,
    templates: Templates = None,
    labels: Labels = None,
    picture: Annotated[Optional[Path], _picture("CLIP.prediction.png")] = None,
    json: Json = False,
) -> None:
    """Find the likeliest words for each [MASK] of a sentence about a clip."""
    from videobert.answers.spelling import read_labels
    from videobert.answers.templates import checked_templates, read_templates
    from videobert.answers.zero_shot import predict as ask
    from videobert.answers.zero_shot import question
    from videobert.cli.console import print_json, print_line
    from videobert.cli.pictures import draw_prediction
    from videobert.loading import load_to_ask

    if template is not None and templates:
        raise InputError("--template and --templates are two ways to ask: give one of them")
    trained = load_to_ask(model)
    # Whatever can be refused is refused before the video is read, which takes a while.
    if templates:
        sentences = read_templates(templates, trained.processor)
    else:
        given = question(trained, asking) if template is None else [template]
        sentences = checked_templates(trained.processor, given)
    ranked = read_labels(labels, trained.processor) if labels else None
    encoded = _encoded(trained, clip, part)
    words = encoded.clips.words
    answer = ask(trained, words, sentences, ranked, how.top, asking)
    drawn = picture or Path(f"{clip.stem}.prediction.png")
    draw_prediction(
        encoded, trained.processor.codebook.pictures, sentences[0], answer.guesses, drawn
    )
    if json:
        asked = {**_described(encoded), "templates": sentences}
        found = {"masks": answer.guesses, "sensitivity": answer.sensitivity}
        print_json({**asked, **found, "picture": str(drawn)})
        return
    _print_guesses(
        sentences[0],
        {f"mask {number}": guesses for number, guesses in enumerate(answer.guesses, 1)},
    )
    if len(sentences) > 1:
        for number, moved in enumerate(answer.sensitivity, 1):
            print_line(f"mask {number}: {moved}")
    print_line(f"drawn: {drawn}")


@takes(part=ClipOptions, how=BeamOptions)
def caption(
    clip: Clip, model: Model, part: ClipOptions, how: BeamOptions, json: Json = False
) -> None:
    """Describe a clip in a sentence (needs finetune caption)."""
    from videobert.cli.console import print_json, print_line
    from videobert.finetune.captions import captioner as captioning
    from videobert.finetune.captions.report import read_report
    from videobert.loading import load_to_ask

    trained = load_to_ask(model)
    captioner = captioning.load_captioner(model, trained)
    encoded = _encoded(trained, clip, part)
    found = captioning.caption(trained, captioner, encoded, how.beam)
    report = read_report(model / captioning.FOLDER)
    if json:
        times = {"start": float(encoded.clips.start[0]), "end": float(encoded.clips.end[-1])}
        read = {"beam": how.beam, "features": captioner.network.config.features}
        read["hardly_learnt"] = report.hardly_learnt
        asked = {"clip": str(clip), "partial": encoded.partial, **times}
        print_json({**asked, "caption": found.text, "score": found.score, **read})
    else:
        print_line(found.text + report.warning)


@takes(part=ClipOptions, how=ForecastOptions)
def forecast(
    clip: Clip,
    model: Model,
    part: ClipOptions,
    how: ForecastOptions,
    picture: Annotated[Optional[Path], _picture("CLIP.forecast.png")] = None,
    json: Json = False,
) -> None:
    """Show the visual words that may come after a clip, as pictures."""
    from videobert.answers.forecasting import forecast as ask
    from videobert.cli.console import print_json, print_line
    from videobert.cli.pictures import WordColumn, column_of_guesses, draw_words
    from videobert.loading import load_to_ask

    trained = load_to_ask(model)
    codebook = trained.processor.codebook
    encoded = _encoded(trained, clip, part)
    found = ask(trained, encoded.clips.words, how.step, how.top, how.context)
    drawn = picture or Path(f"{clip.stem}.forecast.png")
    last = encoded.clips.words[-how.top :].tolist()
    seen = WordColumn(
        "seen last",
        last,
        [
            f"word {word}: {at:.1f} s"
            for word, at in zip(last, encoded.clips.start[-how.top :], strict=True)
        ],
    )
    columns = [seen, *(column_of_guesses(f"{each.step} ahead", each.guesses) for each in found)]
    draw_words(codebook.pictures, columns, f"{clip.name}: which visual words come next", drawn)
    if json:
        print_json({**_described(encoded), "forecast": found, "picture": str(drawn)})
        return
    _print_guesses(str(clip), {f"{each.step} ahead": each.guesses for each in found})
    print_line(f"drawn: {drawn}")


@takes(how=ImagineOptions)
def imagine(
    text: Sentence,
    model: Model,
    how: ImagineOptions,
    picture: Annotated[Path, PathOption(help="PNG file to write.")] = Path("imagined.png"),
    json: Json = False,
) -> None:
    """Show the visual words that fit a sentence, as pictures."""
    from videobert.answers.imagining import imagine as ask
    from videobert.cli.console import print_json, print_line
    from videobert.cli.pictures import column_of_guesses, draw_words
    from videobert.loading import load_to_ask

    trained = load_to_ask(model)
    found = ask(trained, text, how.masks, how.top)
    rows = {"overall": found.overall} | {
        f"clip {number}": guesses for number, guesses in enumerate(found.clips, 1)
    }
    draw_words(
        trained.processor.codebook.pictures,
        [column_of_guesses(*row) for row in rows.items()],
        text,
        picture,
    )
    if json:
        print_json(
            {"text": text, "overall": found.overall, "clips": found.clips, "picture": str(picture)}
        )
        return
    _print_guesses(text, rows)
    print_line(f"drawn: {picture}")


@takes(how=SearchOptions, asking=Asking, omit=["prior"])
def search(
    text: Sentence,
    model: Model,
    work: Work,
    how: SearchOptions,
    asking: Asking,
    training: Annotated[
        Optional[Path], PathOption(help=TRAINING, show_default="the one searched")
    ] = None,
    json: Json = False,
) -> None:
    """Find the stretches of video that fit a sentence."""
    from videobert.answers import search as retrieval
    from videobert.cli.console import print_json, print_line, print_table, progress_bars
    from videobert.data.work import read_stretches
    from videobert.loading import load_to_ask

    trained = load_to_ask(model)
    codebook = trained.processor.codebook
    stretches = read_stretches(work, codebook)
    first = None
    if how.first_stage == "profiles":
        first = retrieval.by_profiles(
            stretches, read_stretches(training, codebook) if training else stretches, codebook.words
        )
    elif how.first_stage == "transcripts":
        first = retrieval.by_transcripts(stretches)
    with progress_bars() as progress:
        hits = retrieval.search(trained, stretches, text, first, how, asking, progress)
    if json:
        print_json({"text": text, "hits": hits})
        return
    rows = [
        [hit.video_id, f"{hit.start:.1f}", f"{hit.end:.1f}", f"{hit.score:.2f}", hit.text]
        for hit in hits
    ]
    print_table(text, ["video", "start", "end", "score", "what is said"], rows)
    print_line("score: how well it fits, 0 to 1; 1 more where the sentence is said word for word")


@takes(part=ClipOptions, how=LocateOptions, asking=Asking, omit=["start", "end", "prior"])
def locate(
    text: Sentence,
    clip: Clip,
    model: Model,
    part: ClipOptions,
    how: LocateOptions,
    asking: Asking,
    json: Json = False,
) -> None:
    """Find when in a video a sentence is shown."""
    from videobert.answers.localisation import locate as ask
    from videobert.answers.spelling import check_sentence
    from videobert.cli.console import print_json, print_table, progress_bars
    from videobert.loading import load_to_ask

    trained = load_to_ask(model)
    check_sentence(trained.processor, text)  # before the video is read, which takes a while
    encoded = _encoded(trained, clip, part)
    with progress_bars() as progress:
        found = ask(trained, text, encoded.clips, how.length, how.top, asking, progress)
    if json:
        print_json(
            {"text": text, "clip": str(clip), "partial": encoded.partial, "locations": found}
        )
        return
    rows = [[f"{value:.1f}" for value in vars(place).values()] for place in found]
    print_table(f"{text}: {clip}", ["start", "end", "score"], rows)


VERBS = (predict, caption, forecast, imagine, search, locate)


def _encoded(trained: TrainedModel, clip: Path, part: ClipOptions) -> EncodedClip:
    """Read a part of a clip as visual words; say so if the file is not whole."""
    from videobert.cli.console import progress_bars
    from videobert.data.clip_encoder import ClipEncoder

    with progress_bars() as progress:
        encoder = ClipEncoder(trained.processor.codebook, part.weights, use_cache=part.cache)
        encoded = encoder(clip, part.start, part.end, progress)
    if encoded.partial:
        sys.stderr.write(f"videobert: {clip} {encoded.partial}\n")
    return encoded


def _described(clip: EncodedClip) -> dict[str, object]:
    """Describe a clip for a program."""
    names = ("start", "end", "words")
    visual = {name: getattr(clip.clips, name).tolist() for name in names}
    return {"clip": str(clip.path), "partial": clip.partial, "visual": visual}


def _print_guesses(
    title: str, columns: Mapping[str, Sequence[Guess] | Sequence[VisualGuess]]
) -> None:
    """Print guesses as a table, the best first, with its longer side down: screens are narrow."""
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
