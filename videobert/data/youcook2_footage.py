"""What a work folder has of YouCook2's videos: whole ones, or files of a segment each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tokenization.codebook import Codebook
from videobert.data.clips import Clips
from videobert.data.stretches import Stretch
from videobert.data.work import encode_clips, read_clips, token_stage
from videobert.data.youcook2 import by_youtube_id, segments_by_youtube_id
from workfolder.errors import InputError
from workfolder.stage import Stage


def starts_by_video(stretches: Iterable[Stretch]) -> dict[str, list[float]]:
    """List when the segments of each video start, in seconds, in the order of the annotations."""
    found: dict[str, list[float]] = defaultdict(list)
    for stretch in stretches:
        found[stretch.video].append(stretch.start)
    return dict(found)


class Footage:
    """What a work folder has of YouCook2's videos.

    Attributes:
        known: The YouTube ids of which it has the video, or a file of one of its segments.
        with_features: Those whose features it has.
    """

    def __init__(
        self, work: Path, codebook: Codebook, starts: Mapping[str, Sequence[float]]
    ) -> None:
        """Look into the folder.

        Args:
            work: The folder.
            codebook: The model's.
            starts: By wanted YouTube id, when the segments of the video start in it, in seconds. A
                file of one segment begins then.

        Raises:
            InputError: if it holds neither visual words nor features, visual words of another
                codebook, or a segment that the annotations do not have.
        """
        self._work, self._codebook, self._starts = work, codebook, starts
        self._tokenized = set(Stage(work / "tokens").done())
        self._extracted = set(Stage(work / "features").done())
        there = self._tokenized | self._extracted
        if not there:
            raise InputError(
                f"{work} holds neither visual words nor features: run videobert extract VIDEOS "
                f"--work {work}"
            )
        if self._tokenized:
            token_stage(work, codebook)
        whole, parts = by_youtube_id(there, starts), segments_by_youtube_id(there, starts)
        self._parts = {youtube: {-1: video} for youtube, video in whole.items()}
        self._parts |= {youtube: found for youtube, found in parts.items() if youtube not in whole}
        self.known = self._parts.keys()
        self._check_segments()
        self.with_features = {
            youtube
            for youtube, videos in self._parts.items()
            if self._extracted.issuperset(videos.values())
        }

    def clips(self, youtube: str) -> Clips:
        """Read a video, with its features where they are kept.

        Of files of segments, the clips are put together, at their times in the whole video.
        """
        seen = []
        for number, video in sorted(self._parts[youtube].items()):
            clips = self._read(video, youtube in self.with_features)
            after = self._starts[youtube][number] if number >= 0 else 0.0
            seen.append(Clips(clips.start + after, clips.end + after, clips.words, clips.features))
        return seen[0] if len(seen) == 1 else _together(seen)

    def _read(self, video: str, with_features: bool) -> Clips:
        if video in self._tokenized:
            return read_clips(self._work, video, self._codebook, with_features)
        return encode_clips(Stage(self._work / "features"), video, self._codebook)

    def _check_segments(self) -> None:
        for youtube, videos in self._parts.items():
            count = len(self._starts[youtube])
            if max(videos) >= count and max(videos) >= 0:
                raise InputError(
                    f"{videos[max(videos)]} should be segment {max(videos)} of {youtube}, which "
                    f"has {count}, the first being 0: number the files as the annotations do"
                )


def _together(parts: Sequence[Clips]) -> Clips:
    """Put clips together in the order of time; with features if all have them."""
    start, end, words = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("start", "end", "words")
    )
    there = [part.features for part in parts if part.features is not None]
    order = np.argsort(start, kind="stable")
    features = np.concatenate(there)[order] if len(there) == len(parts) else None
    return Clips(start[order], end[order], words[order], features)
