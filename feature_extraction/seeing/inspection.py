"""The contents of DIR/features in figures and as a picture: are the numbers sound?"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from feature_extraction.schema import feature_matrix
from workfolder.errors import InputError
from workfolder.files import read_table, save_png
from workfolder.progress import Progress, silent
from workfolder.stage import Stage

COLOUR = "#4477aa"
MANY = 100_000
"""A picture shows at most so many clips, evenly chosen."""


@dataclass(frozen=True)
class FeatureReport:
    """What a features folder holds.

    Attributes:
        videos: how many there are.
        clips: how many there are.
        width: how many numbers a feature has.
        hours: how much video the clips cover.
        not_finite: clips with a NaN or an infinity; there should be none.
        dead: dimensions that are the same in every clip.
        neighbours: mean cosine of a clip and the next of its video, without the mean feature.
        strangers: mean cosine of clips of different videos, likewise. Useful features have
            neighbours that are more alike than strangers.
        norms: float32 [clips], the length of each feature.
        deviations: float64 [width], the standard deviation of each dimension.
    """

    videos: int
    clips: int
    width: int
    hours: float
    not_finite: int
    dead: int
    neighbours: float
    strangers: float
    norms: np.ndarray = field(repr=False)
    deviations: np.ndarray = field(repr=False)

    def figures(self) -> dict[str, float]:
        """Return the single numbers, by name."""
        shortest, middle, longest = (
            np.quantile(self.norms, [0, 0.5, 1]).tolist() if len(self.norms) else [0.0] * 3
        )
        return {
            "videos": self.videos,
            "clips": self.clips,
            "hours of video": self.hours,
            "numbers a clip": self.width,
            "dead dimensions": self.dead,
            "clips with NaN or infinity": self.not_finite,
            "shortest": shortest,
            "median length": middle,
            "longest": longest,
            "cosine to the next clip": self.neighbours,
            "cosine to another video": self.strangers,
        }


def inspect_features(work: Path, progress: Progress = silent) -> FeatureReport:
    """Read every feature of DIR/features, one video at a time.

    Raises:
        InputError: if there are none.
    """
    stage = Stage(work / "features")
    videos = stage.done()
    if not videos:
        raise InputError(
            f"{stage.folder} holds no features: run videobert extract VIDEOS --work {work}"
        )
    total = _Total(stage.options()["width"])
    for done, video in enumerate(videos, 1):
        table = read_table(stage.path(video), columns=["start", "end", "feature"])
        total.add(
            feature_matrix(table), table.column("end").to_numpy() - table.column("start").to_numpy()
        )
        progress("features", done, len(videos))
    norms = np.concatenate(total.norms)
    mean = total.sum / max(len(norms), 1)
    deviations = np.sqrt(np.maximum(total.squares / max(len(norms), 1) - mean**2, 0))
    neighbours, strangers = _likeness(stage, videos, mean)
    return FeatureReport(
        videos=len(videos),
        clips=len(norms) + total.not_finite,
        width=len(mean),
        hours=total.seconds / 3600,
        not_finite=total.not_finite,
        dead=int((total.low == total.high).sum()),
        neighbours=neighbours,
        strangers=strangers,
        norms=norms,
        deviations=deviations,
    )


class _Total:
    """Sums over the videos."""

    def __init__(self, width: int) -> None:
        self.sum, self.squares = np.zeros(width), np.zeros(width)
        self.low, self.high = np.full(width, np.inf), np.full(width, -np.inf)
        self.norms: list[np.ndarray] = []
        self.seconds, self.not_finite = 0.0, 0

    def add(self, features: np.ndarray, seconds: np.ndarray) -> None:
        finite = _finite(features)
        self.not_finite += len(features) - len(finite)
        self.seconds += float(seconds.sum())
        self.sum += finite.sum(axis=0)
        self.squares += np.square(finite).sum(axis=0)
        self.low = np.minimum(self.low, finite.min(axis=0, initial=np.inf))
        self.high = np.maximum(self.high, finite.max(axis=0, initial=-np.inf))
        self.norms.append(np.linalg.norm(finite, axis=1).astype(np.float32))


def _finite(features: np.ndarray) -> np.ndarray:
    """Return the features without NaN or infinity, float64 [clips, width]."""
    return features[np.isfinite(features).all(axis=1)].astype(np.float64)


def _likeness(stage: Stage, videos: list[str], mean: np.ndarray) -> tuple[float, float]:
    """Return the mean cosine of neighbouring clips, and of the middle clips of two videos."""
    near: list[float] = []
    middles = []
    for video in videos[:: max(1, len(videos) // 1000)]:
        features = (
            _finite(feature_matrix(read_table(stage.path(video), columns=["feature"]))) - mean
        )
        if not len(features):
            continue
        features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
        near += (features[1:] * features[:-1]).sum(axis=1).tolist()
        middles.append(features[len(features) // 2])
    far = [float(one @ two) for one, two in pairwise(middles)]
    return float(np.mean(near)) if near else float("nan"), float(np.mean(far)) if far else float(
        "nan"
    )


def draw_features(report: FeatureReport, path: Path) -> None:
    """Draw the lengths of the features and the deviation of each dimension, as PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2)
    left.hist(report.norms[:: max(1, len(report.norms) // MANY)], bins=60, color=COLOUR)
    left.set(title=f"length of {report.clips:,} features", xlabel="L2 norm", ylabel="clips")
    right.plot(np.sort(report.deviations)[::-1], color=COLOUR)
    right.set(
        title=f"{report.width:,} dimensions, {report.dead} of them dead",
        xlabel="dimension, by deviation",
    )
    right.set_ylabel("standard deviation")
    right.set_yscale("symlog", linthresh=max(float(report.deviations.max()) * 1e-3, 1e-9))
    save_png(figure, path)
