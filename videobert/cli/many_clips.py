"""One question about many clips: a row for each as it is done, and a status for all of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from videobert.cli.console import as_json, print_line, progress_bars
from videobert.cli.reports import INCOMPLETE
from videobert.data.options import ClipOptions, WindowOptions
from workfolder.errors import InputError
from workfolder.options import cores

if TYPE_CHECKING:
    from videobert.data.clip_encoder import EncodedClip
    from videobert.data.many_clips import Seen
    from videobert.loading import TrainedModel


@dataclass(frozen=True)
class Question:
    """What is asked about each clip.

    Attributes:
        answer: Returns what JSON tells of a clip, beside which clip it was.
        told: Makes one line for people of that.
        with_features: Whether it reads the features behind the visual words.
    """

    answer: Callable[[EncodedClip], dict[str, Any]]
    told: Callable[[dict[str, Any]], str]
    with_features: bool = False


def ask_many(
    question: Question,
    trained: TrainedModel,
    clips: Sequence[Path],
    part: ClipOptions,
    windows: WindowOptions,
    as_rows: bool,
) -> None:
    """Ask about many clips, or about the windows of tokenized videos, and print each answer.

    Args:
        question: What is asked.
        trained: The model.
        clips: Videos, folders and lists; with ``windows.work`` the ids of its videos.
        part: The stretch of each clip that is looked at.
        windows: Which work folder is read in place of videos, and how.
        as_rows: Whether each answer is a line of JSON.

    Raises:
        typer.Exit: some clips failed.
    """
    groups: Iterable[list[Seen]]
    if windows.work:
        groups = _windows(question, trained, clips, part, windows)
    else:
        windows.refuse_without_work()
        groups = ([each] for each in _looked_at(trained, clips, part))
    failures = 0
    for group in groups:
        rows = [_row(question, each) for each in group]
        failures += sum("failure" in row for row in rows)
        if windows.captions:
            _write_captions(question, windows, rows)
        else:
            _print_rows(question, rows, as_rows)
    if failures:
        raise typer.Exit(INCOMPLETE)


def _looked_at(trained: TrainedModel, clips: Sequence[Path], part: ClipOptions) -> Iterator[Seen]:
    from feature_extraction.imported.arrays import SUFFIXES
    from videobert.data.clip_encoder import ClipEncoder
    from videobert.data.many_clips import look_at
    from workfolder.sources import VIDEO_SUFFIXES, find_videos

    codebook = trained.processor.codebook
    imported = codebook.options["features"].get("imported")
    sources = find_videos(clips, SUFFIXES if imported else VIDEO_SUFFIXES)
    encoder = ClipEncoder(codebook, part.weights, use_cache=part.cache, lanes=cores())
    with progress_bars() as progress:
        for done, seen in enumerate(look_at(encoder, sources, part), 1):
            if not sys.stdout.isatty():  # a bar would be torn by the rows
                progress("clips", done, len(sources))
            yield seen


def _windows(
    question: Question,
    trained: TrainedModel,
    videos: Sequence[Path],
    part: ClipOptions,
    how: WindowOptions,
) -> Iterable[list[Seen]]:
    from videobert.data.many_clips import read_windows

    assert how.work
    ids = [str(video) for video in videos]
    codebook = trained.processor.codebook
    return read_windows(how.work, codebook, ids, how, part, question.with_features)


def _row(question: Question, seen: Seen) -> dict[str, Any]:
    """Answer about a clip; a failure is a row, too."""
    if seen.clip is None:
        return {"clip": seen.name, "failure": seen.failure}
    clips = seen.clip.clips
    where = {"start": float(clips.start[0]), "end": float(clips.end[-1])}
    row: dict[str, Any] = {"clip": seen.name, **where, "partial": seen.clip.partial}
    try:
        return row | question.answer(seen.clip)
    except InputError as error:
        return {"clip": seen.name, "failure": str(error)}


def _print_rows(question: Question, rows: Iterable[dict[str, Any]], as_rows: bool) -> None:
    for row in rows:
        if as_rows:
            sys.stdout.write(json.dumps(row, default=as_json) + "\n")
        elif "failure" in row:
            sys.stderr.write(f"videobert: {row['failure']}\n")
        else:
            partial = f" ({row['partial']})" if row["partial"] else ""
            when = f"{row['start']:7.1f} {row['end']:7.1f}"
            print_line(f"{row['clip']}{partial}  {when}  {question.told(row)}")
    sys.stdout.flush()  # whoever reads along need not wait for the next


def _write_captions(question: Question, how: WindowOptions, rows: list[dict[str, Any]]) -> None:
    """Write the captions of a video, and say where they are."""
    from videobert.cli.captions_file import write_captions

    if "failure" in rows[0]:
        sys.stderr.write(f"videobert: {rows[0]['failure']}\n")
        return
    assert how.captions
    path = how.captions / f"{rows[0]['clip']}.{how.captions_format}"
    cues = [(row["start"], row["end"], question.told(row)) for row in rows if "failure" not in row]
    write_captions(cues, path)
    print_line(f"written: {path}")
