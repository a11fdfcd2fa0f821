"""What a model is asked about the steps of a fold; every answer is kept for each step.

Shapes: [steps] of the fold, [labels] of one kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.real_kitchens.corpus import UNLABELLED, Fold, Step, stretches
from benchmarks.real_kitchens.learning import Variant
from videobert.answers.calibration import leanings
from videobert.answers.label_scores import label_scores
from videobert.answers.options import TEMPLATE, Asking
from videobert.answers.spelling import label_pieces
from videobert.data.clips import Clips
from videobert.data.stretches import Stretch
from videobert.evaluation.linear_probe import LinearProbe
from videobert.evaluation.metrics.ranking import top_k_hits
from videobert.loading import TrainedModel
from videobert.sequences import evenly_spaced

KINDS = ("verb", "noun")
KS = (1, 5)
SHORT = "[MASK] the [MASK]"
"""A template of the kind of these sentences."""
BESIDE_PAPER = 8
"""Words that are shown beside the paper's template, which is long."""
BINS = 10
"""Of the time in a recording, in the probe that sees no picture."""
EVERY = 10**6
"""More clips than any step has."""
PENALTY = 10.0
"""Inverse strength for the probe of words. 3, 10, 30 and 100 were tried on the first fold of
recordings, so on what is held out. That can only favour the probe, which the model should reach."""
Hits = dict[str, Any]
"""By kind of label: ``videos``, the recording of each step that has one, and ``hits``, by method
and k whether the label is among the first k."""


def by_kind(steps: Sequence[Step], scores: Mapping[str, Sequence[np.ndarray]]) -> Hits:
    """Tell what methods hit.

    Args:
        steps: That were asked about.
        scores: By method: those of verbs and of nouns, each [steps, labels].
    """
    found: Hits = {}
    for place, kind in enumerate(KINDS):
        truth = np.array([(step.verb, step.noun)[place] for step in steps])
        asked = np.flatnonzero(truth != UNLABELLED)
        hits = {
            method: {str(k): top_k_hits(each[place][asked], truth[asked], k).tolist() for k in KS}
            for method, each in scores.items()
        }
        found[kind] = {"videos": [steps[row].video for row in asked], "hits": hits}
    return found


def ask(model: TrainedModel, fold: Fold, clips: dict[str, Clips], variant: Variant) -> Hits:
    """Ask for the verb and the noun of every step that is measured on."""
    steps = fold.steps(fold.measured)
    shown = [variant.shown(each.words) for each in stretches(steps, clips)]
    words = (fold.kitchens.verbs, fold.kitchens.nouns)
    pieces = [label_pieces(model.processor, labels) for labels in words]
    half = len(steps) // 2
    other = np.r_[half : len(steps), :half]  # another step's pictures for each
    alone = label_scores(model, SHORT, [[]], pieces)
    own = label_scores(model, SHORT, shown, pieces)
    scores = {
        "language_prior": [np.repeat(each, len(steps), axis=0) for each in alone],
        "shuffled_video": [each[other] for each in own],
        "cross_modal": own,
    }
    if variant.text_first:  # else the paper's words are spelt letter by letter
        few = [each[evenly_spaced(len(each), BESIDE_PAPER)] for each in shown]
        scores["paper_template"] = label_scores(model, TEMPLATE, few, pieces)
    for name, asking in (("calibrated", Asking()), ("with_prior", Asking(prior="training"))):
        off = leanings(model, SHORT, pieces, asking)
        scores[name] = [each - lean for each, lean in zip(own, off, strict=True)]
        scores[f"{name}_shuffled"] = [each[other] for each in scores[name]]
    return by_kind(steps, scores)


def without_model(fold: Fold, codebooks: Mapping[str, dict[str, Clips]]) -> Hits:
    """Score verbs and nouns by what is common, by recipe and time, and by probes.

    Args:
        fold: Where.
        codebooks: By name: clips with their words, of which a probe learns.
    """
    learnt, asked = fold.steps(fold.learnt), fold.steps(fold.measured)
    any_words = next(iter(codebooks.values()))
    known, seen = (stretches(steps, any_words) for steps in (learnt, asked))
    inputs = {
        "recipe_and_time": (_recipes_and_times(fold, learnt), _recipes_and_times(fold, asked)),
        "probe_of_features": (_features(known), _features(seen)),
    }
    shares = {}
    for name, clips in codebooks.items():
        size = 1 + max(int(each.words.max()) for each in clips.values())
        both = [bags(stretches(steps, clips, EVERY), size) for steps in (learnt, asked)]
        shares[name] = (both[0], both[1])
    scores: dict[str, list[np.ndarray]] = defaultdict(list)
    for place, labels in enumerate((fold.kitchens.verbs, fold.kitchens.nouns)):
        truth = np.array([(step.verb, step.noun)[place] for step in learnt])
        rows = np.flatnonzero(truth != UNLABELLED)
        counts = np.bincount(truth[rows], minlength=len(labels))
        scores["frequency_prior"].append(np.tile(counts, (len(asked), 1)))
        for method, (before, now) in inputs.items():
            probe = LinearProbe.fit(before[rows], truth[rows], len(labels))
            scores[method].append(probe.scores(now))
        for name, (before, now) in shares.items():
            scores[name].append(_bag_scores(before[rows], truth[rows], now, len(labels)))
    return by_kind(asked, scores)


def _recipes_and_times(fold: Fold, steps: Sequence[Step]) -> np.ndarray:
    """Describe steps by their recipe and by when they come, as no picture is needed to."""
    recipes = sorted({each["recipe"] for each in fold.kitchens.recordings.values()})
    found = np.zeros((len(steps), len(recipes), BINS + 1))
    for row, step in enumerate(steps):
        near = np.exp(-(((np.arange(BINS) + 0.5) / BINS - step.place) ** 2) * 2 * BINS**2 / 4)
        found[row, recipes.index(step.recipe)] = [*near, 1.0]
    return found.reshape(len(steps), -1)


def _features(rows: Sequence[Stretch]) -> np.ndarray:
    return np.stack([row.feature for row in rows if row.feature is not None])


def _bag_scores(before: np.ndarray, truth: np.ndarray, now: np.ndarray, labels: int) -> np.ndarray:
    """Score labels from shares of words, [steps, labels].

    The roots of shares are compared, and nothing is standardised: rare words would drown the rest.
    """
    from sklearn.linear_model import LogisticRegression

    probe = LogisticRegression(C=PENALTY, max_iter=500).fit(np.sqrt(before), truth)
    found = np.zeros((len(now), labels))
    found[:, probe.classes_] = probe.predict_proba(np.sqrt(now))
    return found


def bags(rows: Sequence[Stretch], size: int) -> np.ndarray:
    """Give the share of each word in each stretch, [stretches, words]."""
    return np.stack([np.bincount(row.words, minlength=size) / len(row.words) for row in rows])


def commonest_sentences(steps: Sequence[Step]) -> Counter[str]:
    """Count the sentences of steps, whatever their case."""
    return Counter(step.text.strip().casefold() for step in steps)
