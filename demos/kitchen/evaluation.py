"""How often a model names the verb and the noun of a step it never saw, beside what it must beat.

python -m demos.kitchen.evaluation --truth demo/kitchen/truth.json --training demo/work --held-out demo/held_out \
    --model demo/model --out demo/results.json
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, TRAINING, Truth, read_truth
from feature_extraction.schema import feature_matrix
from feature_extraction.storage import Stage, read_table, write_json
from videobert.console import print_line, print_table
from videobert.loading import TrainedModel, load_model
from videobert.pretraining.corpus import read_examples
from videobert.tasks.zero_shot import TEMPLATE, mask_logits, top_k_accuracy, word_ids

COLUMNS = ("verb_top1", "verb_top5", "noun_top1", "noun_top5")
METHODS = ("chance", "frequency_prior", "language_prior", "shuffled_video", "cross_modal", "linear_probe")
Row = dict[str, float]
Probe = Callable[[np.ndarray], np.ndarray]
"""From mean features, [steps, width], to scores, [steps, labels]."""


@dataclass(frozen=True)
class Segment:
    """A step of a video: its labels' numbers, and the features of the clips whose middle lies in it, [clips, width]."""

    verb: int
    noun: int
    features: np.ndarray


def segments(truth: Truth, split: str, features: Stage) -> list[Segment]:
    """The steps of a split that have a clip."""
    found = []
    for video in truth.videos:
        if video.split != split:
            continue
        table = read_table(features.path(Path(video.video).name))
        middles = (table.column("start").to_numpy() + table.column("end").to_numpy()) / 2
        matrix = feature_matrix(table)
        for step in video.steps:
            inside = (step.start <= middles) & (middles <= step.end)
            if inside.any():
                found.append(Segment(truth.verbs.index(step.verb), truth.nouns.index(step.noun), matrix[inside]))
    return found


def evaluate(truth: Truth, training: Path, held_out: Path, model: TrainedModel) -> dict[str, dict[str, Row]]:
    """Top-1 and top-5 accuracies, in [0, 1], of every method for the two held-out splits."""
    probes = _fit_probes(truth, segments(truth, TRAINING, Stage(training / "features")))
    counts = Counter(word for text in read_examples(training).column("text").to_pylist() for word in text.lower().split())
    features = Stage(held_out / "features")
    return {
        split: _split_table(truth, segments(truth, split, features), features.options(), model, counts, probes)
        for split in (HELD_OUT_VIDEOS, HELD_OUT_COMBINATIONS)
    }


def _split_table(
    truth: Truth,
    steps: Sequence[Segment],
    made_with: Mapping[str, object],
    model: TrainedModel,
    counts: Counter[str],
    probes: tuple[Probe, Probe],
) -> dict[str, Row]:
    words = [model.processor.codebook.predict(step.features, made_with).tolist() for step in steps]
    # Another clip's words: the list moved on by half of itself, so that no step keeps its own.
    others = words[len(words) // 2 :] + words[: len(words) // 2]
    means = np.stack([step.features.astype(np.float32).mean(axis=0) for step in steps])
    verbs, nouns = np.array([step.verb for step in steps]), np.array([step.noun for step in steps])

    def row(verb_scores: np.ndarray, noun_scores: np.ndarray) -> Row:
        pairs = ((verb_scores, verbs), (noun_scores, nouns))
        return dict(zip(COLUMNS, [top_k_accuracy(s, t, k) for s, t in pairs for k in (1, 5)], strict=True))

    def asked(visual: Sequence[Sequence[int]]) -> Row:
        logits = mask_logits(model, [TEMPLATE] * len(visual), visual).numpy()
        return row(logits[:, 0, word_ids(model.processor, truth.verbs)], logits[:, 1, word_ids(model.processor, truth.nouns)])

    def constant(labels: Sequence[str]) -> np.ndarray:
        return np.tile([counts[label] for label in labels], (len(steps), 1))

    chance = [k / len(labels) for labels in (truth.verbs, truth.nouns) for k in (1, 5)]
    return {
        "chance": dict(zip(COLUMNS, chance, strict=True)),
        "frequency_prior": row(constant(truth.verbs), constant(truth.nouns)),
        "language_prior": asked([[]] * len(steps)),
        "shuffled_video": asked(others),
        "cross_modal": asked(words),
        "linear_probe": row(*(probe(means) for probe in probes)),
    }


def _fit_probes(truth: Truth, steps: Sequence[Segment]) -> tuple[Probe, Probe]:
    """Supervised classifiers of a step's mean feature, for verbs and for nouns: what the features could tell at best."""
    means = np.stack([step.features.astype(np.float32).mean(axis=0) for step in steps])
    return (
        _fit_probe(means, np.array([step.verb for step in steps]), len(truth.verbs)),
        _fit_probe(means, np.array([step.noun for step in steps]), len(truth.nouns)),
    )


def _fit_probe(means: np.ndarray, labels: np.ndarray, count: int) -> Probe:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500)).fit(means, labels)

    def scores(features: np.ndarray) -> np.ndarray:
        found = np.zeros((len(features), count))  # a label that no training step has keeps a score of 0
        found[:, classifier.classes_] = classifier.predict_proba(features)
        return found

    return scores


def print_tables(tables: Mapping[str, Mapping[str, Row]]) -> None:
    """Print both tables in per cent."""
    for split, rows in tables.items():
        figures = [[method.replace("_", " "), *(f"{rows[method][name]:.1%}" for name in COLUMNS)] for method in METHODS]
        print_table(split.replace("_", " "), ["", *(name.replace("_top", " top-") for name in COLUMNS)], figures)


def main() -> None:
    """Evaluate, print the tables and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("truth", "training", "held-out", "model", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    truth = read_truth(options.truth)
    tables = evaluate(truth, options.training, options.held_out, load_model(options.model))
    write_json(tables, options.out)
    print_tables(tables)
    print_line(f"the same figures: {options.out}")


if __name__ == "__main__":
    main()
