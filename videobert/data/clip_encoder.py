"""A video file as the model reads it: encoded once, asked many times."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from feature_extraction.features import FeatureExtractor, FeatureOptions
from feature_extraction.imported.arrays import SUFFIXES, check_readable
from feature_extraction.imported.features import FeatureImporter, options_of
from feature_extraction.seeing.backbones.names import runs_other_code
from tokenization.codebook import Codebook
from videobert.data.clips import Clips
from videobert.data.work import clips_of_table
from workfolder.errors import InputError
from workfolder.guard import Limits
from workfolder.progress import Progress, silent
from workfolder.sources import Source


@dataclass(frozen=True)
class EncodedClip:
    """A video file, or a part of it, as visual words.

    Attributes:
        path: The file.
        clips: Its clips, one at least.
        partial: Why the video was not whole, to be read after its name; None if it was.
        has_frames: Whether the file is a video; False for a file of features.
    """

    path: Path
    clips: Clips
    partial: str | None = None
    has_frames: bool = True

    def part(self, start: float, end: float) -> EncodedClip:
        """Select the clips of a stretch, in seconds.

        Raises:
            InputError: if no clip lies in it.
        """
        part = self.clips.within(start, end)
        if not len(part):
            raise InputError(
                f"{self.path} ends at {self.clips.end[-1]:.1f} s: no clip lies between {start:g} "
                f"and {end:g} s; give other times"
            )
        return replace(self, clips=part)


@dataclass(frozen=True)
class ClipEncoder:
    """Turns video files, one after the other, into the visual words of a codebook.

    A codebook of imported features has no network that could look at a video. It is given files of
    features of the kind that ``videobert import features`` reads.

    Attributes:
        codebook: The model's.
        weights: Where the backbone's weights are now; None for those that the codebook names.
        limits: What reading a file may take.
        use_cache: Whether an exported network is kept, and used again.
        lanes: How many files are encoded at a time.
    """

    codebook: Codebook
    weights: str | None = None
    limits: Limits = field(default_factory=Limits)
    use_cache: bool = True
    lanes: int = 1

    @cached_property
    def _extractor(self) -> FeatureExtractor:
        made_with = self.codebook.options["features"]
        if self.weights is None and runs_other_code(made_with["weights"]):
            # A model that a stranger made must not choose which code runs here.
            raise InputError(
                f"the model's features are of {made_with['weights']}, code that is not part of "
                f"VideoBERT: give --weights {made_with['weights']} if you trust it"
            )
        options = FeatureOptions.as_before(made_with)
        options = replace(options, weights=self.weights or options.weights)
        return FeatureExtractor(options, self.limits, self.lanes, self.use_cache)

    @cached_property
    def _made_with(self) -> dict[str, Any]:
        return self._extractor.provenance()

    def prepare(self) -> None:
        """Build what looks at videos; otherwise the first video does so.

        Raises:
            InputError: if the weights or the engine do not work on this machine.
        """
        if not self.codebook.options["features"].get("imported"):
            self._extractor.prepare()

    def close(self) -> None:
        """End the processes that read files; the network that looks stays."""
        if "_extractor" in vars(self):
            self._extractor.close()

    def __call__(
        self,
        path: Path,
        start: float = 0.0,
        end: float = math.inf,
        progress: Progress = silent,
        longest: float = math.inf,
    ) -> EncodedClip:
        """Encode the clips of a stretch of a file, and end the processes that read it.

        See ``encode``.
        """
        try:
            return self.encode(path, start, end, progress, longest)
        finally:
            self.close()

    def encode(
        self,
        path: Path,
        start: float = 0.0,
        end: float = math.inf,
        progress: Progress = silent,
        longest: float = math.inf,
    ) -> EncodedClip:
        """Encode the clips of a stretch of a file; see tokenization.examples.clips_within.

        ``lanes`` threads may do so at a time.

        Args:
            path: The video file.
            start: Start of the stretch in seconds.
            end: End of the stretch in seconds.
            progress: Hears of the seconds that were read.
            longest: Seconds that the file may last.

        Raises:
            InputError: if the file cannot be read as a video or lasts longer, the weights are not
                the codebook's, or no clip lies in the stretch. Likewise if the codebook is one of
                imported features and the file is a video.
        """
        if path.is_dir():
            raise InputError(
                f"{path} is a folder, not a video: give a video file as the clip (a model's folder "
                "is given as --model)"
            )
        if self.codebook.options["features"].get("imported"):
            return self._imported(path).part(start, end)
        # Where a video's own mean is taken off, all of it counts.
        span = (start, end) if self.codebook.centring is None else (0.0, math.inf)
        made = self._extractor(Source(path.stem, path), progress, longest, *span)
        clips = clips_of_table(made.table, self.codebook, self._made_with)
        return EncodedClip(path, clips, made.partial).part(start, end)

    def _imported(self, path: Path) -> EncodedClip:
        """Encode a file of features, by the options with which the codebook's were imported."""
        made_with = self.codebook.options["features"]
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(
                f"{path} is not a file of features, and the model knows only imported ones "
                f"({made_with['weights']}): give one of {' '.join(sorted(SUFFIXES))}"
            )
        check_readable(path)
        options, width = options_of(made_with), made_with["width"]
        with closing(FeatureImporter(options, width, self.limits)) as importer:
            made = importer(Source(path.stem, path))
        clips = clips_of_table(made.table, self.codebook, made_with)
        return EncodedClip(path, clips, has_frames=False)
