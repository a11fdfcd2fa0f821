"""The verbs that ask a model about clips, one or many: predict, caption, forecast."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from videobert.answers.options import (
    Asking,
    ForecastOptions,
    PredictOptions,
)
from videobert.cli.asking import encoded_clip, is_one, prepared_encoder, print_guesses
from videobert.cli.options import (
    Clips,
    Flag,
    Json,
    Model,
    PathOption,
    takes,
)
from videobert.data.options import ClipOptions, WindowOptions
from videobert.finetune.captions.options import BeamOptions
from workfolder.errors import InputError

if TYPE_CHECKING:
    from videobert.answers.forecasting import Forecast
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


UNLIKE = "unlike anything this model has seen"
OverTime = Annotated[
    bool,
    Flag(
        "--over-time", help="Answer along a whole video, as a picture, or a film: --picture X.mp4."
    ),
]


@takes(part=ClipOptions, how=PredictOptions, asking=Asking, windows=WindowOptions)
def predict(
    model: Model,
    part: ClipOptions,
    how: PredictOptions,
    asking: Asking,
    windows: WindowOptions,
    clips: Clips = None,
    template: Template = None,
    templates: Templates = None,
    labels: Labels = None,
    over_time: OverTime = False,
    picture: Annotated[Optional[Path], _picture("CLIP.prediction.png")] = None,
    json: Json = False,
) -> None:
    """Find the likeliest words for each [MASK] of a sentence about a clip."""
    encoder = prepared_encoder(model, part) if is_one(clips or [], windows.work) else None
    from videobert.answers.spelling import read_labels
    from videobert.answers.templates import filled
    from videobert.answers.zero_shot import predict as ask
    from videobert.cli.many_clips import Question, ask_many
    from videobert.loading import load_to_ask

    trained = load_to_ask(model)
    # Whatever can be refused is refused before the video is read, which takes a while.
    sentences = _sentences(trained, template, templates, asking)
    ranked = read_labels(labels, trained.processor) if labels else None

    def answer(clip: EncodedClip) -> dict[str, Any]:
        found = ask(trained, clip.clips.words, sentences, ranked, how.top, asking)
        unlike = trained.processor.codebook.is_unlike(clip.clips.features)
        masks = {"masks": found.guesses, "sensitivity": found.sensitivity}
        return {"templates": sentences, **masks, "unlike": unlike}

    if encoder is None:
        _refuse_picture(picture, over_time)

        def told(row: Mapping[str, Any]) -> str:
            return filled(sentences[0], row["masks"]) + f" ({UNLIKE})" * row["unlike"]

        ask_many(Question(answer, told), trained, clips or [], part, windows, json)
        return
    (clip,) = clips or []
    encoded = encoded_clip(encoder, clip, part)
    if over_time:
        _tell_over_time(encoded, answer, windows.window, picture, json)
        return
    _tell_prediction(trained, encoded, answer(encoded), picture, json)


def _sentences(
    trained: TrainedModel, template: str | None, templates: Path | None, asking: Asking
) -> list[str]:
    """Choose the templates: those that are given, or the model's own.

    Raises:
        InputError: if both options are given, or a template cannot be asked.
    """
    from videobert.answers.templates import checked_templates, read_templates
    from videobert.answers.zero_shot import question

    if template is not None and templates:
        raise InputError("--template and --templates are two ways to ask: give one of them")
    if trained.bank is None and not asking.as_the_paper:
        sys.stderr.write("videobert: the model has no bank, so it is asked as the paper asks\n")
    if templates:
        return read_templates(templates, trained.processor)
    given = question(trained, asking) if template is None else [template]
    return checked_templates(trained.processor, given)


def _tell_over_time(
    clip: EncodedClip,
    answer: Callable[[EncodedClip], dict[str, Any]],
    seconds: float,
    picture: Path | None,
    json: bool,
) -> None:
    """Ask about one window of a video after the other, and draw and print what is said."""
    from videobert.answers.templates import filled
    from videobert.cli.console import print_json, print_line, print_table
    from videobert.cli.over_time import Moment, draw_over_time
    from videobert.data.windows import windows

    moments = []
    for part in windows(clip.clips, seconds):
        found = answer(replace(clip, clips=part))
        moments.append(Moment(float(part.start[0]), float(part.end[-1]), found["masks"]))
    template = found["templates"][0]
    drawn = picture or Path(f"{clip.path.stem}.over_time.png")
    draw_over_time(clip, moments, template, drawn)
    if json:
        about = {"clip": str(clip.path), "partial": clip.partial, "templates": found["templates"]}
        print_json({**about, "windows": moments, "picture": str(drawn)})
        return
    rows = [
        [
            filled(template, moment.masks),
            f"{moment.start:.1f}",
            f"{moment.end:.1f}",
            " ".join(f"{words[0].probability:.0%}" for words in moment.masks),
        ]
        for moment in moments
    ]
    print_table(str(clip.path), ["", "start", "end", "sure"], rows)
    print_line(f"drawn: {drawn}")


def _tell_prediction(
    trained: TrainedModel,
    clip: EncodedClip,
    answer: Mapping[str, Any],
    picture: Path | None,
    json: bool,
) -> None:
    """Draw and print what is said of one clip."""
    from videobert.cli.console import print_json, print_line
    from videobert.cli.pictures import draw_prediction

    sentences, guesses, moved = (answer[key] for key in ("templates", "masks", "sensitivity"))
    drawn = picture or Path(f"{clip.path.stem}.prediction.png")
    draw_prediction(clip, trained.processor.codebook.pictures, sentences[0], guesses, drawn)
    if json:
        print_json({**_described(clip), **answer, "picture": str(drawn)})
        return
    print_guesses(
        sentences[0], {f"mask {number}": found for number, found in enumerate(guesses, 1)}
    )
    if answer["unlike"]:
        print_line(f"the clip is {UNLIKE}: do not trust the answer")
    if len(sentences) > 1:
        for number, one in enumerate(moved, 1):
            print_line(f"mask {number}: {one}")
    print_line(f"drawn: {drawn}")


@takes(part=ClipOptions, how=BeamOptions, windows=WindowOptions)
def caption(
    model: Model,
    part: ClipOptions,
    how: BeamOptions,
    windows: WindowOptions,
    clips: Clips = None,
    json: Json = False,
) -> None:
    """Describe a clip in a sentence (needs finetune caption)."""
    encoder = prepared_encoder(model, part) if is_one(clips or [], windows.work) else None
    from videobert.cli.console import print_json, print_line
    from videobert.cli.many_clips import Question, ask_many
    from videobert.finetune.captions import captioner as captioning
    from videobert.finetune.captions.report import read_report
    from videobert.loading import load_to_ask

    trained = load_to_ask(model)
    captioner = captioning.load_captioner(model, trained)
    report = read_report(model / captioning.FOLDER)
    read = {"beam": how.beam, "features": captioner.network.config.features}

    def answer(clip: EncodedClip) -> dict[str, Any]:
        found = captioning.caption(trained, captioner, clip, how.beam)
        told = {"caption": found.text, "score": found.score}
        return {**told, **read, "hardly_learnt": report.hardly_learnt}

    if encoder is None:
        question = Question(answer, lambda row: row["caption"], captioner.reads_features)
        ask_many(question, trained, clips or [], part, windows, json)
        if report.hardly_learnt:
            sys.stderr.write(f"videobert: the captioner{report.warning}\n")
        return
    (clip,) = clips or []
    encoded = encoded_clip(encoder, clip, part)
    found = answer(encoded)
    if json:
        times = {"start": float(encoded.clips.start[0]), "end": float(encoded.clips.end[-1])}
        print_json({"clip": str(clip), "partial": encoded.partial, **times, **found})
    else:
        print_line(found["caption"] + report.warning)


@takes(part=ClipOptions, how=ForecastOptions, windows=WindowOptions)
def forecast(
    model: Model,
    part: ClipOptions,
    how: ForecastOptions,
    windows: WindowOptions,
    clips: Clips = None,
    picture: Annotated[Optional[Path], _picture("CLIP.forecast.png")] = None,
    json: Json = False,
) -> None:
    """Show the visual words that may come after a clip, as pictures."""
    encoder = prepared_encoder(model, part) if is_one(clips or [], windows.work) else None
    from videobert.answers.forecasting import forecast as ask
    from videobert.cli.console import print_json, print_line
    from videobert.cli.many_clips import Question, ask_many
    from videobert.loading import load_to_ask

    trained = load_to_ask(model)

    def answer(clip: EncodedClip) -> dict[str, Any]:
        return {"forecast": ask(trained, clip.clips.words, how.step, how.top, how.context)}

    if encoder is None:
        _refuse_picture(picture)
        ask_many(Question(answer, _forecast_told), trained, clips or [], part, windows, json)
        return
    (clip,) = clips or []
    encoded = encoded_clip(encoder, clip, part)
    found = answer(encoded)
    drawn = picture or Path(f"{clip.stem}.forecast.png")
    _draw_forecast(trained, encoded, found["forecast"], how.top, drawn)
    if json:
        print_json({**_described(encoded), **found, "picture": str(drawn)})
        return
    print_guesses(str(clip), {f"{each.step} ahead": each.guesses for each in found["forecast"]})
    print_line(f"drawn: {drawn}")


def _forecast_told(row: Mapping[str, Any]) -> str:
    """Make one line of the likeliest word at each step."""
    return ", ".join(
        f"{each.step} ahead: word {each.guesses[0].word} ({each.guesses[0].probability:.0%})"
        for each in row["forecast"]
    )


def _draw_forecast(
    trained: TrainedModel, clip: EncodedClip, found: Sequence[Forecast], top: int, path: Path
) -> None:
    """Draw the last visual words of a clip beside those that may follow."""
    from videobert.cli.pictures import WordColumn, column_of_guesses, draw_words

    last, times = clip.clips.words[-top:].tolist(), clip.clips.start[-top:].tolist()
    labels = [f"word {word}: {at:.1f} s" for word, at in zip(last, times, strict=True)]
    columns = [column_of_guesses(f"{each.step} ahead", each.guesses) for each in found]
    title = f"{clip.path.name}: which visual words come next"
    seen = WordColumn("seen last", last, labels)
    draw_words(trained.processor.codebook.pictures, [seen, *columns], title, path)


def _refuse_picture(picture: Path | None, over_time: bool = False) -> None:
    """Refuse a picture of many clips."""
    if over_time:
        raise InputError("--over-time is drawn of one video: give one, without --work")
    if picture:
        raise InputError("--picture is drawn of one clip: leave it out, or give one clip")


def _described(clip: EncodedClip) -> dict[str, object]:
    """Describe a clip for a program."""
    names = ("start", "end", "words")
    visual = {name: getattr(clip.clips, name).tolist() for name in names}
    return {"clip": str(clip.path), "partial": clip.partial, "visual": visual}


VERBS = (predict, caption, forecast)
