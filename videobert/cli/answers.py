"""The verbs that ask a model about a sentence: imagine, search, locate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

from videobert.answers.options import (
    Asking,
    ImagineOptions,
    LocateOptions,
    SearchOptions,
)
from videobert.cli.asking import encoded_clip, prepared_encoder, print_guesses
from videobert.cli.options import (
    TRAINING,
    Clip,
    Json,
    Model,
    PathOption,
    Sentence,
    Work,
    takes,
)
from videobert.data.options import ClipOptions
from videobert.finetune.options import ALIGN, FIND, is_taught

if TYPE_CHECKING:
    from collections.abc import Sequence

    from videobert.answers.search import FirstStage, Judge
    from videobert.data.stretches import Stretch
    from videobert.loading import TrainedModel


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
    print_guesses(text, rows)
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
    from videobert.answers.judging import aligned, judged
    from videobert.cli.console import print_json, print_line, print_table, progress_bars
    from videobert.data.work import read_stretches
    from videobert.loading import load_to_ask

    judge: Judge = aligned if asking.as_the_paper else judged
    name = "model"
    if is_taught(model, ALIGN) and not asking.as_the_paper:
        from videobert.finetune.tuned import load_to_judge

        trained, judge, name = load_to_judge(model)
    else:
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
    if how.whole_videos:
        _search_videos(trained, stretches, text, first, how, judge, json)
        return
    with progress_bars() as progress:
        hits = retrieval.search(trained, stretches, text, first, how, progress, judge)
    if json:
        print_json({"text": text, "judge": name, "hits": hits})
        return
    rows = [
        [hit.video_id, f"{hit.start:.1f}", f"{hit.end:.1f}", f"{hit.score:.2f}", hit.text]
        for hit in hits
    ]
    print_table(text, ["video", "start", "end", "score", "what is said"], rows)
    print_line("score: how well it fits, 0 to 1; 1 more where the sentence is said word for word")


def _search_videos(
    trained: TrainedModel,
    stretches: Sequence[Stretch],
    text: str,
    first: FirstStage | None,
    how: SearchOptions,
    judge: Judge,
    json: bool,
) -> None:
    from videobert.answers.whole_videos import search_videos
    from videobert.cli.console import print_json, print_line, print_table, progress_bars

    with progress_bars() as progress:
        videos = search_videos(trained, stretches, text, first, how, progress, judge)
    if json:
        print_json({"text": text, "videos": videos})
        return
    rows = [
        [
            each.video_id,
            f"{each.score:.2f}",
            ", ".join(f"{a:.1f}-{b:.1f}" for a, b in each.stretches),
        ]
        for each in videos
    ]
    print_table(text, ["video", "score", "best stretches, seconds"], rows)
    print_line("score: how well the video fits, 0 to 1")


@takes(part=ClipOptions, how=LocateOptions, omit=["start", "end"])
def locate(
    text: Sentence,
    clip: Clip,
    model: Model,
    part: ClipOptions,
    how: LocateOptions,
    json: Json = False,
) -> None:
    """Find when in a video a sentence is shown."""
    encoder = prepared_encoder(model, part)
    from videobert.answers.localisation import locate as ask
    from videobert.answers.spelling import check_sentence
    from videobert.cli.console import print_json, print_line, print_table, progress_bars
    from videobert.loading import load_to_ask

    finder = None
    if is_taught(model, FIND):
        from videobert.finetune.tuned import Finder

        finder = Finder.of(model)
    trained = finder.tuned.model if finder else load_to_ask(model)
    check_sentence(trained.processor, text)  # before the video is read, which takes a while
    encoded = encoded_clip(encoder, clip, part)
    with progress_bars() as progress:
        if finder:
            found = finder(text, str(clip), encoded.clips)
        else:
            found = ask(trained, text, encoded.clips, how.length, how.top, progress)
    if json:
        told = {"text": text, "clip": str(clip), "partial": encoded.partial}
        print_json({**told, "judge": finder.name if finder else "model", "locations": found})
        return
    if not found:
        print_line(f"{text}: not shown in {clip}")
        return
    rows = [[f"{value:.1f}" for value in vars(place).values()] for place in found]
    print_table(f"{text}: {clip}", ["start", "end", "score"], rows)


VERBS = (imagine, search, locate)
