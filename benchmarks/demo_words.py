"""How much the demo's visual words tell of verb and noun, for several ways to make them.

    python -m demos.street --seed 100 --out build/kitchen_100
    python -m benchmarks.demo_words build/kitchen_100

For each way, a codebook is fitted on the training videos with six seeds. A linear probe learns
verb and noun of the training steps from which words occur in them, with labels, and is asked about
both held-out splits: no model that reads the words alone can be expected to do much better. The
mean of the seeds is printed, and the worst.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.machine import machine
from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, TRAINING, Truth, read_truth
from demos.street import Places
from feature_extraction.schema import feature_matrix
from tokenization.estimators import make_estimator
from tokenization.hierarchical_kmeans.feature_source import FolderSource
from tokenization.options import ClusterOptions
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.stage import Stage

SEEDS = range(6)
WAYS = {
    f"{side} x {side} words, {components} components, {search}": ClusterOptions(
        side, 2, "whiten", components, search=search
    )
    for side, components, search in (
        (12, 48, "tree"),
        (12, 48, "flat"),
        (12, 64, "tree"),
        (12, 64, "flat"),
        (12, 96, "tree"),
        (12, 96, "flat"),
        (16, 64, "flat"),
    )
}
Step = tuple[np.ndarray, int, int]
"""The features of a step's clips, its verb and its noun."""


def steps_of(truth: Truth, split: str, stage: Stage) -> Iterator[Step]:
    """Yield the steps of a split that have a clip."""
    for video in truth.videos:
        if video.split != split:
            continue
        table = read_table(stage.path(Path(video.video).name))
        middle = (table["start"].to_numpy() + table["end"].to_numpy()) / 2
        features = feature_matrix(table)
        for step in video.steps:
            within = (step.start <= middle) & (middle < step.end)
            if within.any():
                labels = truth.verbs.index(step.verb), truth.nouns.index(step.noun)
                yield features[within], *labels


def probe(
    find: Callable[[np.ndarray], np.ndarray],
    words: int,
    known: Sequence[Step],
    asked: Sequence[Sequence[Step]],
) -> list[float]:
    """Return the per cent of verbs and nouns that are right, for each list of steps."""

    def there(steps: Sequence[Step]) -> np.ndarray:
        return np.array([np.bincount(find(step[0]), minlength=words) > 0 for step in steps])

    learnt, right = there(known), []
    for steps in asked:
        for label in (1, 2):
            fitted = LogisticRegression(max_iter=300).fit(learnt, [step[label] for step in known])
            right.append(100 * fitted.score(there(steps), [step[label] for step in steps]))
    return right


def main() -> None:
    """Probe every way and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("demo", type=Path, help="the folder of a demo that was made")
    at = Places.below(parser.parse_args().demo)
    try:
        truth = read_truth(at.kitchen / "truth.json")
        known = list(steps_of(truth, TRAINING, Stage(at.work / "features")))
        held_out = Stage(at.held_out / "features")
        splits = (HELD_OUT_VIDEOS, HELD_OUT_COMBINATIONS)
        asked = [list(steps_of(truth, split, held_out)) for split in splits]
        source = FolderSource(at.work / "features")
    except InputError as error:
        sys.exit(f"python -m benchmarks.demo_words: {error}")
    print(machine("scikit-learn"))
    print(f"{'':42s}new videos: verb, noun; new combinations: verb, noun")
    for way, options in WAYS.items():
        found = []
        for seed in SEEDS:
            estimator = make_estimator(options).set_params(random_state=seed).fit(source)
            words = options.branching**options.depth
            found.append(probe(estimator.predict, words, known, asked))
        told = (
            f"{mean:5.1f} ({worst:4.1f})"
            for mean, worst in zip(np.mean(found, axis=0), np.min(found, axis=0), strict=True)
        )
        print(f"{way:42s}{'  '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
