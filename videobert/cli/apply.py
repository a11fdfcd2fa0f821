"""The verb that has a model do what it was taught."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from videobert.cli.options import Clips, Model, PathOption, TaskName, takes
from videobert.data.options import ClipOptions
from workfolder.errors import InputError

if TYPE_CHECKING:
    from videobert.data.clip_encoder import EncodedClip
    from videobert.finetune.tuned import Tuned

WHOLE = 1e9
"""Seconds: a window that holds any video."""


@takes(part=ClipOptions)
def apply(
    name: TaskName,
    model: Model,
    part: ClipOptions,
    clips: Clips = None,
    work: Annotated[
        Optional[Path],
        PathOption(
            help="Work folder whose videos are read; then CLIP is a video's id.",
            show_default="none",
        ),
    ] = None,
    text: Annotated[
        Optional[list[str]],
        typer.Option(help="What is asked about; again for several.", show_default="none"),
    ] = None,
    label: Annotated[
        Optional[list[str]],
        typer.Option(
            help="Label that classify chooses from; again for each. It need not have been taught.",
            show_default="those that were taught",
        ),
    ] = None,
) -> None:
    """Do what finetune --task taught; a line of JSON for each clip."""
    from videobert.cli.many_clips import Question, ask_many
    from videobert.data.options import WindowOptions
    from videobert.finetune.tuned import apply_to_clip, load_tuned

    if not clips and not work:
        raise InputError("give a CLIP, or --work DIR for the videos of a folder")
    taught = load_tuned(model, name)
    if label:
        taught = taught.asking_for(label)
    if work and taught.hears:
        _apply_to_said(taught, work, [str(clip) for clip in clips or ()], text or ())
        return

    def answer(clip: EncodedClip) -> dict[str, Any]:
        return apply_to_clip(taught, str(clip.path), clip.clips, text or ())

    windows = WindowOptions(work=work, window=WHOLE)
    ask_many(Question(answer, str), taught.model, clips or (), part, windows, as_rows=True)


def _apply_to_said(taught: Tuned, work: Path, videos: Sequence[str], texts: Sequence[str]) -> None:
    """Print a line of JSON for what is said in each video of a folder.

    Raises:
        InputError: if the folder has no transcript of a video, or of any.
    """
    from videobert.data.said import read_said
    from videobert.finetune.tuned import apply_to_said

    said = read_said(work)
    if missing := [video for video in videos if video not in said] or ([] if said else ["videos"]):
        raise InputError(f"{work / 'transcripts'} has no transcript of {missing[0]}")
    for video in videos or said:
        told = apply_to_said(taught, video, said[video], texts)
        sys.stdout.write(json.dumps({"clip": video, **told}) + "\n")
