"""What a linear probe reads from the state of a clip in each layer, beside a control.

The control is that of Hewitt and Liang (2019), "Designing and Interpreting Probes with Control
Tasks": each visual word gets one label by chance. Selectivity is what the real labels have more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit

from videobert.data.annotations import Annotation
from videobert.data.clips import Clips
from videobert.data.stretches import sample
from videobert.loading import TrainedModel
from videobert.probes.states import read_states
from workfolder.errors import InputError

STRETCHES, SPLITS = 400, 3
TEST = 1 / 3
"""Share of the videos that a probe is measured on."""


@dataclass(frozen=True)
class LabelProbe:
    """By layer, shares of clips right on videos that the probe did not learn from.

    Attributes:
        right: the mean of SPLITS splits of the videos.
        worst: the lowest of them.
        control: the mean with labels by chance.
        commonest: the share of the commonest label.
        clips: how many clips there are.
        labels: how many labels.
    """

    right: list[float]
    worst: list[float]
    control: list[float]
    commonest: float
    clips: int
    labels: int

    @property
    def selectivity(self) -> list[float]:
        """What the real labels have more than those by chance."""
        return [own - other for own, other in zip(self.right, self.control, strict=True)]

    def __str__(self) -> str:
        best = int(np.argmax(self.right))
        return (
            f"Layer {best} tells {self.right[best]:.1%} of {self.clips:,} clips their label "
            f"(the commonest: {self.commonest:.1%}), labels by chance {self.control[best]:.1%}."
        )


@dataclass(frozen=True)
class Labelled:
    """Clips with the label of their stretch.

    Attributes:
        words: the visual words of each stretch.
        videos: of each stretch.
        labels: of each stretch.
    """

    words: Sequence[np.ndarray]
    videos: Sequence[str]
    labels: Sequence[str]


def labelled_clips(annotations: Sequence[Annotation], footage: Mapping[str, Clips]) -> Labelled:
    """Look up the clips of labelled stretches, STRETCHES at most.

    Raises:
        InputError: if fewer than two labels, or fewer than two videos, have a clip.
    """
    found = []
    for row in annotations:
        clips = footage.get(row.video)
        if row.label is None or clips is None:
            continue
        inside = clips if row.start is None else clips.within(row.start, row.end or row.start)
        if len(inside):
            found.append((inside.words, row.video, row.label))
    chosen = sample(found, STRETCHES)
    if len({label for _, _, label in chosen}) < 2 or len({video for _, video, _ in chosen}) < 3:
        raise InputError(
            f"{len(chosen):,} annotations have a label and a clip, and a probe needs two labels "
            "and three videos: give a table with more of them"
        )
    words, videos, labels = zip(*chosen, strict=True)
    return Labelled(words, videos, labels)


def accuracies(
    states: np.ndarray, labels: np.ndarray, words: np.ndarray, videos: np.ndarray, seed: int = 0
) -> tuple[float, float]:
    """Fit logistic regression on some videos and measure it on the others.

    Args:
        states: [clips, width].
        labels: [clips].
        words: the visual word of each clip, [clips].
        videos: of each clip, [clips].
        seed: splits the videos, and draws the control's labels.

    Returns:
        The share right of real labels, and of the control's.
    """
    split = GroupShuffleSplit(1, test_size=TEST, random_state=seed)
    train, test = next(split.split(states, labels, videos))
    kinds, of_word = np.unique(words, return_inverse=True)
    # Drawn as often as the real ones occur, so that both are equally hard by chance.
    by_chance = np.random.default_rng(seed).choice(labels, len(kinds))[of_word]
    shares = []
    for truth in (labels, by_chance):
        if len(np.unique(truth[train])) < 2:
            shares.append(float(np.mean(truth[test] == truth[train][0])))
            continue
        probe = LogisticRegression(max_iter=500).fit(states[train], truth[train])
        shares.append(float(probe.score(states[test], truth[test])))
    return shares[0], shares[1]


def probe_labels(model: TrainedModel, labelled: Labelled) -> LabelProbe:
    """Probe every layer, with SPLITS splits of the videos."""
    states = read_states(model, [()] * len(labelled.words), labelled.words)
    labels, videos = np.array(labelled.labels)[states.rows], np.array(labelled.videos)[states.rows]
    found = np.array(
        [
            [accuracies(layer, labels, states.ids, videos, seed) for seed in range(SPLITS)]
            for layer in states.layers
        ]
    )
    right, control = np.moveaxis(found, 2, 0)
    kinds, counts = np.unique(labels, return_counts=True)
    return LabelProbe(
        right.mean(axis=1).tolist(),
        right.min(axis=1).tolist(),
        control.mean(axis=1).tolist(),
        float(counts.max() / len(labels)),
        len(labels),
        len(kinds),
    )
