"""What ``--centre videos`` is worth to clips of which only a few neighbours are known.

    python -m benchmarks.lone_videos ../shared/data/features/captaincook4d_pe --json lone.json

The mean that is taken off a feature is drawn towards the mean of all videos, as if PRIORS clips had
that (tokenization/hierarchical_kmeans/centring.py). For each of them a tree of 12^2 words is fitted
on whole recordings, and a linear probe learns verbs and nouns from the words of their steps. Both
are then asked about steps of other recordings of which the whole is known, or only so many clips
around the step. The recordings and the seeds are those of benchmarks.codebooks; what is there below
--out is not measured again.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.codebook_folds import BRANCHING, Fold, Study
from benchmarks.machine import machine
from tokenization.examples import clips_within
from tokenization.hierarchical_kmeans.centring import VideoCentring
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from videobert.data.stretches import Stretch
from videobert.evaluation.linear_probe import LinearProbe
from workfolder.files import write_json

DEPTH = 2
WHOLE = 10**9
PRIORS = (0, 30, 100, WHOLE)
"""The last takes the mean of all videos off, as ``--centre all`` does."""
KNOWN = (1, 30, 100, 300, WHOLE)
"""Clips that are known around the middle of a step; at least one."""


def around(inside: np.ndarray, known: int, clips: int) -> tuple[int, int]:
    """Return the first clip and the one after the last of ``known`` clips around a step's middle.

    Args:
        inside: the numbers of the step's clips, ascending.
        known: how many clips are wanted.
        clips: how many the recording has.
    """
    middle = int(inside[len(inside) // 2])
    first = min(max(0, middle - known // 2), max(0, clips - known))
    return first, min(clips, first + known)


def shares(words: np.ndarray) -> np.ndarray:
    """Return how often each word is among some, [words of the tree]."""
    return np.bincount(words, minlength=BRANCHING**DEPTH) / len(words)


def measured(fold: Fold, prior: float) -> dict[str, float]:
    """Fit a tree and probes on whole recordings, and ask about steps of others."""
    means = [fold.features[video][0].mean(axis=0, dtype=np.float64) for video in fold.learnt]
    centre = VideoCentring(np.mean(means, axis=0).astype(np.float32), prior)
    centred = {video: centre(found[0]) for video, found in fold.features.items()}
    tree = HierarchicalKMeans(BRANCHING, DEPTH, random_state=fold.seed)
    tree.fit(np.concatenate([centred[video] for video in fold.learnt]))
    words = {video: tree.predict(rows) for video, rows in centred.items()}
    taught = fold.stretches(fold.learnt, words)
    asked = fold.stretches(fold.measured, words)
    probes = [
        LinearProbe.fit(
            np.stack([shares(each.words) for each in taught]),
            np.array([each.labels[place] for each in taught]),
            len(kind),
        )
        for place, kind in enumerate((fold.labels.verbs, fold.labels.nouns))
    ]
    found: dict[str, float] = {}
    for known in KNOWN:
        pairs = [_words_alone(fold, tree, centre, each, known) for each in asked]
        same = np.concatenate([alone == whole for alone, whole in pairs])
        bags = np.stack([shares(alone) for alone, _ in pairs])
        found[f"same_{known}"] = float(same.mean())
        for place, (name, probe) in enumerate(zip(("verb", "noun"), probes, strict=True)):
            truth = np.array([each.labels[place] for each in asked])
            found[f"{name}_{known}"] = float((probe.scores(bags).argmax(axis=1) == truth).mean())
    return found


def _words_alone(
    fold: Fold, tree: HierarchicalKMeans, centre: VideoCentring, step: Stretch, known: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the words of a step's known clips, and those that the whole recording gives them."""
    features, starts, ends = fold.features[step.video]
    inside = clips_within(starts, ends, step.start, step.end)
    first, stop = around(inside, known, len(features))
    kept = (first <= inside) & (inside < stop)
    alone = tree.predict(centre(features[first:stop]))
    return alone[inside[kept] - first], step.words[kept]


def table(found: dict[str, list[dict[str, float]]]) -> list[str]:
    """Return the lines of a table in Markdown: the mean over the seeds, and the worst seed."""
    heads = ["the whole" if known == WHOLE else str(known) for known in KNOWN]
    lines = [f"| | prior | {' | '.join(heads)} |", "| --- " * (len(heads) + 2) + "|"]
    for name in ("same", "verb", "noun"):
        for prior, rows in found.items():
            cells = []
            for known in KNOWN:
                values = [100 * row[f"{name}_{known}"] for row in rows]
                cells.append(f"{np.mean(values):.1f} ({min(values):.1f})")
            lines.append(f"| {name} | {prior} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Measure what is not there yet, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("build/codebooks"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    study = Study(given.folder, given.out, updates=0)
    folds = [Fold(study, seed) for seed in study.seeds]
    found: dict[str, list[dict[str, float]]] = {}
    for prior in PRIORS:
        name = "all" if prior == WHOLE else str(prior)
        found[name] = [
            study.figures(f"lone-{name}-{fold.seed}", partial(measured, fold, prior))
            for fold in folds
        ]
    about: dict[str, Any] = machine("numpy", "scikit-learn")
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    print("\n".join(table(found)))
    if given.json:
        write_json({"made": about, "rows": found}, given.json)


if __name__ == "__main__":
    main()
