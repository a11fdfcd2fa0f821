"""What the figures of single steps come to: means over all held-out steps, by seed and together.

Every step is held out once in a way to hold out. So the folds of a seed are put together, and the
mean is over all steps. The interval draws recordings, over the mean of the seeds at each step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.real_kitchens.corpus import CHOICE, RECORDINGS, Fold
from benchmarks.real_kitchens.learning import Variant
from benchmarks.real_kitchens.study import Study, job_name
from videobert.evaluation.intervals import Estimate, estimate
from videobert.evaluation.metrics.captions import score_captions
from workfolder.errors import InputError
from workfolder.files import read_json

NOT_RUN = "No model has run on all folds yet."


@dataclass(frozen=True)
class Figure:
    """A mean over steps.

    Attributes:
        value: Over all seeds, with its interval over recordings.
        seeds: Of each seed.
        steps: How many steps, or words, of each seed.
    """

    value: Estimate
    seeds: tuple[float, ...]
    steps: int

    @property
    def worst(self) -> float:
        """The lowest of the seeds."""
        return min(self.seeds)

    @property
    def json(self) -> dict[str, Any]:
        """As JSON has it."""
        interval = [self.value.low, self.value.high]
        return {"mean": self.value.value, "interval": interval, "seeds": self.seeds}


@dataclass(frozen=True)
class Pool:
    """Values of one part by way to hold out, of the seeds for which every fold is there.

    Attributes:
        by_seed: For each seed, the recordings of its steps and the values by method and column.
    """

    by_seed: Sequence[tuple[Sequence[str], Mapping[tuple[str, str], np.ndarray]]]

    def figure(self, method: str, column: str, among: set[str] | None = None) -> Figure:
        """Compute a figure, of the steps of some recordings only if these are given."""
        names, rows = [], []
        for videos, values in self.by_seed:
            chosen = np.isin(videos, sorted(set(videos) if among is None else among))
            names.append(np.array(videos)[chosen])
            rows.append(values[method, column][chosen])
        if all(np.array_equal(each, names[0]) for each in names):
            value = estimate(np.mean(rows, axis=0), names[0])
        else:  # each seed has a fold of its own
            value = estimate(np.concatenate(rows), np.concatenate(names))
        return Figure(value, tuple(float(each.mean()) for each in rows), len(rows[0]))

    @property
    def methods(self) -> list[str]:
        """All methods, in the order in which they were kept."""
        return list(dict.fromkeys(method for method, _ in self.by_seed[0][1]))


def pool(study: Study, part: str, way: str, variant: Variant, kind: str) -> Pool | None:
    """Put the figures of a part together; None if no seed has all folds.

    Args:
        study: Where they are kept.
        part: One of study.QUESTIONS.
        way: To hold out. By CHOICE each seed has a fold of its own.
        variant: Of the models.
        kind: What of the part: a kind of label, a scope and way, or seconds ahead.
    """
    named = {
        seed: [study.path(job_name(part, fold, variant, seed)) for fold in _folds(study, way, seed)]
        for seed in study.seeds
    }
    found = [_joined(paths, kind) for paths in named.values() if all(p.exists() for p in paths)]
    return Pool(found) if found else None


def pool_without_model(study: Study, way: str, variant: Variant, kind: str) -> Pool | None:
    """Put together what needs no model, as ``pool`` does; it has seeds by CHOICE alone."""
    found = []
    for seed in study.seeds if way == CHOICE else study.seeds[:1]:
        names = [f"without-{f.name}-{variant.codebook}" for f in _folds(study, way, seed)]
        paths = [study.path(name) for name in names]
        if all(path.exists() for path in paths):
            found.append(_joined(paths, kind))
    return Pool(found) if found else None


def pool_captions(study: Study, variant: Variant) -> Pool | None:
    """Score the captions of a seed's folds together, as CIDEr-D counts words over all of them."""
    found = []
    for seed in study.seeds:
        folds = _folds(study, RECORDINGS, seed)
        paths = [study.path(job_name("captions", fold, variant, seed)) for fold in folds]
        if all(path.exists() for path in paths):
            found.append(_scored([read_json(path) for path in paths]))
    return Pool(found) if found else None


def _scored(
    parts: Sequence[Mapping[str, Any]],
) -> tuple[Sequence[str], dict[tuple[str, str], np.ndarray]]:
    said = [[text] for part in parts for text in part["said"]]
    values = {}
    for method in parts[0]["written"]:
        written = [text for part in parts for text in part["written"][method]]
        scores = score_captions(written, said, with_meteor=True)
        values[method, "CIDEr-D"] = scores.cider_d.items
        if scores.meteor is None:
            raise InputError(f"METEOR cannot be had: {scores.why_no_meteor}")
        values[method, "METEOR"] = scores.meteor.items
    return [video for part in parts for video in part["videos"]], values


def _folds(study: Study, way: str, seed: int) -> list[Fold]:
    numbers = [seed] if way == CHOICE else list(range(study.folds))
    return [study.fold(way, number) for number in numbers]


def _joined(
    paths: Sequence[Path], kind: str
) -> tuple[Sequence[str], dict[tuple[str, str], np.ndarray]]:
    """Put folds one behind the other."""
    parts = [_values(read_json(path), kind) for path in paths]
    videos = [video for names, _ in parts for video in names]
    keys = parts[0][1]
    return videos, {key: np.concatenate([values[key] for _, values in parts]) for key in keys}


def _values(
    figures: Mapping[str, Any], kind: str
) -> tuple[Sequence[str], dict[tuple[str, str], np.ndarray]]:
    """Read what was kept of a fold: hits by method and k, ranks, or IoUs."""
    if kind in figures and "hits" in figures[kind]:
        here = figures[kind]
        hits = here["hits"]
        return here["videos"], {
            (m, k): np.array(v, float) for m, by_k in hits.items() for k, v in by_k.items()
        }
    if kind == "iou":
        rows = {m: np.array(v) for m, v in figures.items() if m != "videos"}
        return figures["videos"], {(method, "iou"): values for method, values in rows.items()}
    scope, way = kind.split("/")
    ranks = figures[scope][way]
    return figures["videos"], {
        (m, str(k)): (np.array(v) <= k).astype(float) for m, v in ranks.items() for k in (1, 5, 10)
    }
