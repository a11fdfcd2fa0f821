"""Stretches of video with a sentence about each, and what a work folder shows of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokenization.codebook import Codebook
from videobert.data.corpus import read_examples
from videobert.data.passages import read_track, token_stage
from videobert.data.youcook2 import CaptionedSegment, by_youtube_id, read_annotations
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

SPOKEN = "spoken"
"""The subset of segments that come from what is said, not from annotations."""


@dataclass(frozen=True)
class SeenSegments:
    """The segments in which a work folder has a clip.

    Attributes:
        visual: visual words of each, one at least.
        s3d: float32 [segments, width], the mean feature of each one's clips; None where they were not asked for.
        unseen: how many segments of videos that are there have no clip.
        missing: the videos that are not there.
    """

    segments: Sequence[CaptionedSegment]
    visual: Sequence[np.ndarray]
    s3d: np.ndarray | None
    unseen: int
    missing: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """What is said of each."""
        return [segment.sentence for segment in self.segments]

    @property
    def videos(self) -> list[str]:
        """The video of each."""
        return [segment.video for segment in self.segments]


def spoken_segments(work: Path) -> list[CaptionedSegment]:
    """The sentences of DIR/examples; InputError if there are none."""
    rows = read_examples(work).select(["video_id", "start", "end", "text"]).to_pylist()
    found = [
        CaptionedSegment(r["video_id"], SPOKEN, r["start"], r["end"], r["text"])
        for r in rows
        if r["text"]
    ]
    if not found:
        raise InputError(f"nobody speaks in the videos of {work}: give --annotations FILE")
    return found


def annotated_segments(path: Path, subset: str) -> list[CaptionedSegment]:
    """The segments of a subset of YouCook2's annotations; InputError if it has none."""
    found = [
        segment
        for segment in read_annotations(path)
        if segment.subset == subset and segment.sentence.strip()
    ]
    if not found:
        raise InputError(
            f"{path} has no segment of the subset {subset!r}: give youcookii_annotations_trainval.json"
        )
    return found


def see(
    segments: Sequence[CaptionedSegment],
    work: Path,
    codebook: Codebook,
    with_s3d: bool,
    progress: Progress = silent,
) -> SeenSegments:
    """The visual words that DIR/tokens has of each segment, and the mean of what DIR/features has.

    InputError if DIR has not one clip of them, or its visual words are of another codebook.
    """
    there = token_stage(work, codebook).done()
    by_video: dict[str, list[CaptionedSegment]] = defaultdict(list)
    for segment in segments:
        by_video[segment.video].append(segment)
    known = known_videos(there, by_video.keys())
    found: list[tuple[CaptionedSegment, np.ndarray, np.ndarray | None]] = []
    for done, (video, name) in enumerate(known.items(), 1):
        track = read_track(work, name, codebook, with_s3d)
        for segment in by_video[video]:
            shown = track.within(segment.start, segment.end)
            if len(shown.words):
                found.append((segment, shown.words, shown.mean))
        progress("segments", done, len(known))
    missing = tuple(sorted(by_video.keys() - known.keys()))
    if not found:
        raise InputError(
            f"{work} has no clip of the {len(segments):,} segments, and {len(missing)} of their {len(by_video)} videos are not "
            "there: give the folder that has them"
        )
    seen, visual, means = zip(*found, strict=True)
    unseen = sum(len(by_video[video]) for video in known) - len(seen)
    return SeenSegments(seen, visual, np.stack(means) if with_s3d else None, unseen, missing)


def known_videos(there: Collection[str], wanted: Collection[str]) -> dict[str, str]:
    """Which wanted video is which of those that are there: of the same id, or of the same YouTube id."""
    same = set(there) & set(wanted)
    others = set(wanted) - same
    alike = by_youtube_id(set(there) - same, others) if others else {}
    return {video: alike.get(video, video) for video in wanted if video in same or video in alike}
