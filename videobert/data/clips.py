"""The clips of a video: what the backbone saw in each, and the visual word that stands for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tokenization.examples import clips_within


@dataclass(frozen=True)
class Clips:
    """The clips of a video, or of a part of it, in the order of time.

    Attributes:
        start: When each clip starts, float64 [clips], in seconds.
        end: When each clip ends, float64 [clips], in seconds.
        words: The visual word of each clip, int [clips].
        features: What the backbone saw, float16 [clips, width]; None if it was not read.
    """

    start: np.ndarray
    end: np.ndarray
    words: np.ndarray
    features: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.words)

    def within(self, start: float, end: float) -> Clips:
        """Select the clips of a stretch, possibly none; see tokenization.examples.clips_within.

        Args:
            start: Start of the stretch in seconds.
            end: End of the stretch in seconds; before ``start`` no clip belongs to it.
        """
        inside = np.empty(0, dtype=int)
        if start <= end:
            inside = clips_within(self.start, self.end, start, end)
        features = None if self.features is None else self.features[inside]
        return Clips(self.start[inside], self.end[inside], self.words[inside], features)

    @property
    def mean_feature(self) -> np.ndarray | None:
        """The mean of the features, float32 [width]; None if they were not read."""
        return None if self.features is None else self.features.astype(np.float32).mean(axis=0)
