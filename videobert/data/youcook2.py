"""YouCook2's annotations (Zhou et al., 2018): which stretches of which videos have which captions."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workfolder.errors import InputError

TRAINING, VALIDATION = "training", "validation"

YOUTUBE_ID = 11

BRACKET = "%5D"
"""What a closing bracket is in a video id; download programs put the YouTube id between brackets."""


@dataclass(frozen=True)
class CaptionedSegment:
    """A row of the annotations; times in seconds."""

    video: str
    subset: str
    start: float
    end: float
    sentence: str


def read_annotations(path: Path) -> list[CaptionedSegment]:
    """The segments of YouCook2's JSON file, in its order; InputError if it has another shape or no validation segment."""
    try:
        database = json.loads(path.read_text(encoding="utf-8"))["database"]
        found = [
            CaptionedSegment(
                video, about["subset"], *_times(row["segment"]), _text(row["sentence"])
            )
            for video, about in database.items()
            for row in about["annotations"]
        ]
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): give youcookii_annotations_trainval.json"
        ) from error
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        raise InputError(
            f"{path} has not the shape of YouCook2's annotations, database > video > subset, annotations > segment, sentence "
            f"({type(error).__name__}: {error}): give youcookii_annotations_trainval.json"
        ) from error
    if not any(segment.subset == VALIDATION for segment in found):
        raise InputError(
            f"{path} has no segment of the subset {VALIDATION!r}: give youcookii_annotations_trainval.json"
        )
    return found


def _times(segment: Any) -> tuple[float, float]:
    start, end = map(float, segment)
    if not 0 <= start <= end < math.inf:
        raise ValueError(f"the segment {segment}")
    return start, end


def _text(sentence: Any) -> str:
    if not isinstance(sentence, str):
        raise TypeError(f"the sentence {sentence!r}")
    return sentence


def by_youtube_id(video_ids: Iterable[str], wanted: Collection[str]) -> dict[str, str]:
    """Which video has which of the wanted YouTube ids, by the rule above; InputError if two have the same."""
    found: dict[str, str] = {}
    for video in sorted(video_ids):
        youtube = video.removesuffix(BRACKET)[-YOUTUBE_ID:]
        if youtube in found:
            raise InputError(
                f"the videos {found[youtube]!r} and {video!r} end in the same YouTube id: leave one out"
            )
        if youtube in wanted:
            found[youtube] = video
    return found
