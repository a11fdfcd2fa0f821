"""A clip as the model reads it: encoded once, asked many times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from feature_extraction.errors import InputError
from feature_extraction.features import FeatureExtractor, FeatureOptions
from feature_extraction.schema import feature_matrix
from feature_extraction.sources import Source
from tokenization.codebook import Codebook


@dataclass(frozen=True)
class EncodedClip:
    """A video, or a part of it, as visual words.

    Attributes:
        start, end: float64 [words], seconds in the video.
        words: int32 [words].
        features: float16 [words, width], the backbone's, which the words stand for.
    """

    path: Path
    start: np.ndarray
    end: np.ndarray
    words: np.ndarray
    features: np.ndarray


@dataclass(frozen=True)
class ClipEncoder:
    """Turns a video file into the visual words of a codebook.

    Attributes:
        weights: where the backbone's weights are now; those that the codebook names if None.
    """

    codebook: Codebook
    weights: str | None = None

    def __call__(self, path: Path, start: float = 0.0, end: float = float("inf")) -> EncodedClip:
        """Encode the clips whose middle is shown from ``start`` to ``end``, in seconds.

        InputError if the file is no video, the weights are not the codebook's, or no clip lies in that time.
        """
        weights = self.weights or self.codebook.options["features"]["weights"]
        extractor = FeatureExtractor(FeatureOptions(weights))
        table = extractor(Source(path.stem, path)).table
        extractor.close()
        starts, ends = (table.column(name).to_numpy() for name in ("start", "end"))
        middles = (starts + ends) / 2
        inside = np.flatnonzero((start <= middles) & (middles <= end))
        if not inside.size:
            raise InputError(f"{path} ends at {ends[-1]:.1f} s: no clip lies between {start:g} and {end:g} s; give other times")
        features = feature_matrix(table)[inside]
        words = self.codebook.predict(features, extractor.provenance())
        return EncodedClip(path, starts[inside], ends[inside], words, features)
