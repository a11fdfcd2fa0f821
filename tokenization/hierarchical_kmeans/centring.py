"""Takes the mean of its video off each feature, so that words tell clips and not kitchens apart.

The mean of a few clips says little about their video, and that of a single clip is the clip. So a
video's mean is drawn towards the mean of all videos: with n clips of mean m and the overall mean
M, what is taken off is (n m + PRIOR_CLIPS M) / (n + PRIOR_CLIPS). One formula holds for the fit,
for tokenize and for a clip alone, of which nearly M is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from workfolder.errors import InputError
from workfolder.files import write_whole

PRIOR_CLIPS = 100
"""So many clips of a video weigh as much as the mean of all videos: with fewer, words of short
videos tell less than with no mean of theirs taken off; docs/clustering.md compares."""
FIRST_PRIOR = 30
"""That of codebooks that do not say theirs."""
VIDEO_MEAN_FILE = "video_mean.safetensors"
MOST_VIDEOS = 1000
"""Videos, evenly chosen, from which the overall mean is learnt."""


@dataclass(frozen=True)
class VideoCentring:
    """Takes videos' means off their features.

    Attributes:
        overall: float32 [width], the mean of videos' means.
        prior: so many clips of a video weigh as much as ``overall``.
    """

    overall: np.ndarray
    prior: float = float(PRIOR_CLIPS)

    def __call__(self, features: np.ndarray, video: np.ndarray | None = None) -> np.ndarray:
        """Centre features.

        Args:
            features: [clips, width].
            video: all features of their video; the same ones by default.

        Returns:
            float16 [clips, width].
        """
        video = features if video is None else video
        count = len(video)
        if not count:
            return features.astype(np.float16)
        own = video.mean(axis=0, dtype=np.float64)
        mean = (count * own + self.prior * self.overall) / (count + self.prior)
        return np.asarray(features - mean).astype(np.float16)

    def save(self, folder: Path) -> None:
        """Write the overall mean and the prior into a codebook's folder."""
        with write_whole(folder / VIDEO_MEAN_FILE) as part:
            save_file({"overall": self.overall, "prior": np.array([self.prior], np.float32)}, part)

    def tobytes(self) -> bytes:
        """Return what decides the centring, for a digest."""
        prior = b"" if self.prior == FIRST_PRIOR else str(self.prior).encode()
        return self.overall.tobytes() + prior

    @classmethod
    def load(cls, folder: Path) -> VideoCentring:
        """Read what ``save`` wrote.

        Raises:
            InputError: if the file is absent or damaged.
        """
        path = folder / VIDEO_MEAN_FILE
        try:
            kept = load_file(path)
            return cls(kept["overall"], float(kept.get("prior", [FIRST_PRIOR])[0]))
        except (OSError, SafetensorError, KeyError) as error:
            raise InputError(f"{path} cannot be read ({error}): run cluster again") from error
