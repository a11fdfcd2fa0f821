"""YouCook2's annotations (Zhou et al., 2018): which stretches of which videos have which captions.

A video of a work folder is one of YouCook2's if its id ends in the eleven characters of the YouTube
id, with or without a bracket after them: GLd3aX16zBg, recipes%2FGLd3aX16zBg,
Sandwich%20%5BGLd3aX16zBg%5D. A file that holds a single segment has its number behind the id, the
first being 0: GLd3aX16zBg_0.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from videobert.data.stretches import Stretch
from workfolder.errors import InputError

TRAINING, VALIDATION = "training", "validation"
YOUTUBE_ID = 11
"""Characters of a YouTube id."""
BRACKET = "%5D"
"""A closing bracket in a video id; download programs put the YouTube id between brackets."""
ADVICE = "give youcookii_annotations_trainval.json"
SEGMENT = re.compile(r"([\w-]{11})_(\d+)$", re.ASCII)
"""The end of the id of a file that holds one segment."""
CLIPS_ADVICE = "give validation_youcook.csv of MIL-NCE, or a table like it"


def read_annotations(path: Path) -> dict[str, list[Stretch]]:
    """Read the captioned stretches of YouCook2's JSON file, by subset and in its order.

    Raises:
        InputError: if the file has another shape, or no stretch of the subset ``validation``.
    """
    found: dict[str, list[Stretch]] = {}
    try:
        database = json.loads(path.read_text(encoding="utf-8"))["database"]
        for video, about in database.items():
            subset = found.setdefault(about["subset"], [])
            for row in about["annotations"]:
                subset.append(Stretch(video, *_times(row["segment"]), _text(row["sentence"])))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): {ADVICE}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as e:
        raise InputError(
            f"{path} has not the shape of YouCook2's annotations, database > video > subset, "
            f"annotations > segment, sentence ({type(e).__name__}: {e}): {ADVICE}"
        ) from e
    if not found.get(VALIDATION):
        raise InputError(f"{path} has no segment of the subset {VALIDATION!r}: {ADVICE}")
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
    """Find which video has which of the wanted YouTube ids, by the rule above.

    Raises:
        InputError: if two videos have the same wanted id.
    """
    found: dict[str, str] = {}
    for video in sorted(video_ids):
        youtube = video.removesuffix(BRACKET)[-YOUTUBE_ID:]
        if youtube in found:
            raise InputError(
                f"the videos {found[youtube]!r} and {video!r} end in the same YouTube id: leave "
                "one out"
            )
        if youtube in wanted:
            found[youtube] = video
    return found


def segments_by_youtube_id(
    video_ids: Iterable[str], wanted: Collection[str]
) -> dict[str, dict[int, str]]:
    """Find which videos hold a single segment of which of the wanted YouTube ids, by its number.

    Raises:
        InputError: if two videos hold the same one.
    """
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for video in sorted(video_ids):
        named = SEGMENT.search(video.removesuffix(BRACKET))
        if named and named[1] in wanted:
            segments, number = found[named[1]], int(named[2])
            if number in segments:
                raise InputError(
                    f"the videos {segments[number]!r} and {video!r} hold the same segment of "
                    f"{named[1]}: leave one out"
                )
            segments[number] = video
    return dict(found)


def read_clip_list(path: Path) -> list[Stretch]:
    """Read a table of clips and their captions: start, end, text, video_id.

    Miech et al. (2020), "End-to-End Learning of Visual Representations from Uncurated Instructional
    Videos", publish the 3,350 validation clips that retrieval is measured on.

    Raises:
        InputError: if it has another shape.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [_listed(row) for row in csv.DictReader(file)]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): {CLIPS_ADVICE}") from error
    except (ValueError, KeyError, TypeError, csv.Error) as e:
        raise InputError(
            f"{path} is no table with the columns start, end, text and video_id "
            f"({type(e).__name__}: {e}): {CLIPS_ADVICE}"
        ) from e


def _listed(row: Mapping[str, str]) -> Stretch:
    return Stretch(row["video_id"], *_times((row["start"], row["end"])), _text(row["text"]))
