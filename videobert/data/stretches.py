"""Stretches of video: the one row type of all questions that are about a part of a video."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from videobert.data.clips import Clips
from workfolder.progress import Progress, silent

T = TypeVar("T")


def _no_words() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Stretch:
    """A part of a video, what is said or written about it, and what is seen in it.

    Attributes:
        video: Id of the video.
        start: Start in seconds.
        end: End in seconds.
        text: Its sentence; empty if nobody speaks.
        words: Visual words of its clips, int [clips]; empty until with_clips has looked.
        feature: Mean of its clips' features, float32 [width]; None if they were not read.
        labels: Numbers of its labels, such as those of its verb and noun; empty without labels.
    """

    video: str
    start: float
    end: float
    text: str = ""
    words: np.ndarray = field(default_factory=_no_words)
    feature: np.ndarray | None = None
    labels: tuple[int, ...] = ()


def spoken(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Select the stretches that have a sentence."""
    return [stretch for stretch in stretches if stretch.text.strip()]


def sample(items: Sequence[T], most: int, seed: int = 0) -> list[T]:
    """Draw ``most`` items at random and keep their order; all if there are no more."""
    places = np.random.default_rng(seed).permutation(len(items))[:most]
    return [items[place] for place in np.sort(places)]


def different_sentences(stretches: Sequence[Stretch]) -> tuple[list[str], np.ndarray]:
    """Collect the sentences that differ by more than their case.

    Returns:
        The sentences, and for each stretch the number of its sentence, int [stretches].
    """
    folded = [stretch.text.strip().casefold() for stretch in stretches]
    _, first, number = np.unique(folded, return_index=True, return_inverse=True)
    return [stretches[place].text for place in first], number


def with_clips(
    stretches: Sequence[Stretch],
    clips_of: Callable[[str], Clips],
    progress: Progress = silent,
    stage: str = "videos",
) -> list[Stretch]:
    """Look up what is seen in stretches; those without a clip are left out.

    Args:
        stretches: In any order; each video is read once, in the order of its first stretch.
        clips_of: Reads the clips of a video by its id.
        progress: Hears of each video that was read.
        stage: The name under which it hears of them.
    """
    by_video: dict[str, list[Stretch]] = defaultdict(list)
    for stretch in stretches:
        by_video[stretch.video].append(stretch)
    found = []
    for done, (video, wanted) in enumerate(by_video.items(), 1):
        clips = clips_of(video)
        for stretch in wanted:
            inside = clips.within(stretch.start, stretch.end)
            if len(inside):
                feature = inside.mean_feature
                found.append(replace(stretch, words=inside.words, feature=feature))
        progress(stage, done, len(by_video))
    return found
