"""A clip as the model reads it: encoded once, asked many times."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from feature_extraction.features import FeatureExtractor, FeatureOptions
from feature_extraction.schema import feature_matrix
from tokenization.codebook import Codebook
from videobert.data.passages import Track
from workfolder.errors import InputError
from workfolder.guard import Limits
from workfolder.progress import Progress, silent
from workfolder.sources import Source


@dataclass(frozen=True, kw_only=True)
class EncodedClip(Track):
    """A video file, or a part of it, as visual words.

    Attributes:
        partial: why the video was not whole, if it was not; it goes behind the video's name.
    """

    path: Path
    partial: str | None = None

    def part(self, start: float, end: float) -> EncodedClip:
        """The clips of a stretch, in seconds; InputError if there is none."""
        part = self.within(start, end)
        if not len(part.words):
            ends = f"{self.path} ends at {self.end[-1]:.1f} s"
            raise InputError(
                f"{ends}: no clip lies between {start:g} and {end:g} s; give other times"
            )
        return part


@dataclass(frozen=True)
class ClipEncoder:
    """Turns video files, one after the other, into the visual words of a codebook.

    Attributes:
        weights: where the backbone's weights are now; those that the codebook names if None.
        limits: what reading a file may take.
    """

    codebook: Codebook
    weights: str | None = None
    limits: Limits = field(default_factory=Limits)

    @cached_property
    def _extractor(self) -> FeatureExtractor:
        return FeatureExtractor(
            FeatureOptions(self.weights or self.codebook.options["features"]["weights"]),
            self.limits,
        )

    def __call__(
        self,
        path: Path,
        start: float = 0.0,
        end: float = math.inf,
        progress: Progress = silent,
        longest: float = math.inf,
    ) -> EncodedClip:
        """Encode the clips that belong to the stretch from ``start`` to ``end``, in seconds; see clips_within.

        InputError if the file is no video or ``longest`` seconds are less than it lasts, the weights are not the codebook's,
        or no clip lies in that time.
        """
        with closing(self._extractor) as extractor:  # its processes end, its engine stays
            made = extractor(Source(path.stem, path), progress, longest, start, end)
        starts, ends = (made.table.column(name).to_numpy() for name in ("start", "end"))
        features = feature_matrix(made.table)
        words = self.codebook.predict(features, extractor.provenance())
        return EncodedClip(starts, ends, words, features, path=path, partial=made.partial).part(
            start, end
        )
