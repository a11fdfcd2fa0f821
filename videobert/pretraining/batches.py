"""Batches of the three regimes: text alone, video alone, and both, half of these misaligned.

A batch is a function of the corpus, the options and the step, so a run goes on exactly where it stopped, and every process
of many makes the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from videobert.data.corpus import Corpus
from videobert.modeling_videobert import ALIGNED, MISALIGNED
from videobert.pretraining.masking import IGNORED, Masker
from videobert.pretraining.negatives import Negatives
from videobert.pretraining.options import PretrainOptions
from videobert.sequences import SequenceLayout
from workfolder.errors import InputError

TEXT, VIDEO, JOINT = 0, 1, 2
REGIMES = ("text", "video", "joint")


@dataclass(frozen=True)
class Batch:
    """Sequences of the three regimes, each array int64.

    Attributes:
        input_ids, token_type_ids, attention_mask: [batch, length].
        labels: [batch, length], the hidden ids, IGNORED elsewhere.
        regime: [batch], TEXT, VIDEO or JOINT.
        alignment: [batch], ALIGNED or MISALIGNED for JOINT, IGNORED elsewhere.
    """

    input_ids: np.ndarray
    token_type_ids: np.ndarray
    attention_mask: np.ndarray
    labels: np.ndarray
    regime: np.ndarray
    alignment: np.ndarray

    @property
    def tokens(self) -> int:
        """Ids that are no padding."""
        return int(self.attention_mask.sum())


@dataclass(frozen=True)
class Batches:
    """The batches of a phase of training, or those to validate on.

    InputError when it is made, if a regime that has a share of the batch has no example, or if no misaligned pair can be
    made.

    Attributes:
        members: the examples that are drawn from, bool [examples].
        batch_size: sequences in a batch.
        stream: batches of another stream are other ones.
    """

    corpus: Corpus
    members: np.ndarray
    layout: SequenceLayout
    masker: Masker
    options: PretrainOptions
    batch_size: int
    stream: int
    _orders: dict[tuple[int, int], np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        for name, pool, count in zip(REGIMES, self.pools, self.counts, strict=True):
            if count and not len(pool):
                raise InputError(
                    f"no example has what the {name} regime learns from: give it --{name}-weight 0, or other videos"
                )
        if self.counts[JOINT]:
            self.negatives.check()

    @cached_property
    def pools(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices of the examples that each regime draws from."""
        spoken, seen = self.corpus.spoken & self.members, self.corpus.seen & self.members
        text, video, joint = (np.flatnonzero(chosen) for chosen in (spoken, seen, spoken & seen))
        return text, video, joint

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Sequences of each regime in every batch, by the largest remainder."""
        weights = np.array(
            [self.options.text_weight, self.options.video_weight, self.options.joint_weight]
        )
        exact = weights / weights.sum() * self.batch_size
        counts = np.floor(exact).astype(int)
        counts[np.argsort(counts - exact, kind="stable")[: self.batch_size - counts.sum()]] += 1
        return tuple(counts.tolist())

    @property
    def epoch_steps(self) -> int:
        """Batches after which each example was drawn at least once."""
        return max(
            -(-len(pool) // count)
            for pool, count in zip(self.pools, self.counts, strict=True)
            if count
        )

    @cached_property
    def negatives(self) -> Negatives:
        """What a pair may be misaligned with."""
        return Negatives(self.corpus, self.pools[JOINT], self.options.negative_margin)

    def batch(self, step: int) -> Batch:
        """The batch of that step, 0, 1, 2, ..."""
        rng = np.random.default_rng([self.options.seed, self.stream, step])
        text, video, joint = (self._drawn(regime, step) for regime in (TEXT, VIDEO, JOINT))
        pairs = [(self._text(self._joined(i, rng)), np.empty(0, int)) for i in text]
        pairs += [(np.empty(0, int), self._visual([i], rng)) for i in video]
        # Every second joint example is misaligned, so that the halves are equal in each batch and in the whole.
        alignment = [
            MISALIGNED if (step * len(joint) + place) % 2 else ALIGNED
            for place in range(len(joint))
        ]
        pairs += [self._pair(i, label, rng) for i, label in zip(joint, alignment, strict=True)]
        ids, types, mask = self.layout.pad_together([self.layout.arrange(*pair) for pair in pairs])
        regime = np.repeat([TEXT, VIDEO, JOINT], self.counts)
        judged = np.concatenate(
            [np.full(len(text) + len(video), IGNORED), np.array(alignment, dtype=np.int64)]
        )
        inputs, labels = self.masker(ids, rng)
        # Misaligned pairs are masked like the others, or the masks would tell them apart; but nothing is asked there.
        unasked = (judged == MISALIGNED) | ((regime == JOINT) & (not self.options.joint_masking))
        labels[unasked] = IGNORED
        return Batch(inputs, types, mask, labels, regime, judged)

    def _drawn(self, regime: int, step: int) -> np.ndarray:
        """The step's examples of a regime: each example once an epoch, in an order drawn anew for each epoch."""
        size, count = len(self.pools[regime]), self.counts[regime]
        places = step * count + np.arange(count)
        epochs = np.unique(places // max(size, 1)).tolist()
        drawn = [
            self._order(regime, epoch)[places[places // size == epoch] % size] for epoch in epochs
        ]
        return np.concatenate([np.empty(0, dtype=np.int64), *drawn])

    def _order(self, regime: int, epoch: int) -> np.ndarray:
        if (regime, epoch) not in self._orders:
            rng = np.random.default_rng([self.options.seed, self.stream, regime, epoch])
            self._orders.pop((regime, epoch - 2), None)  # a batch needs the last epoch and this one
            self._orders[regime, epoch] = rng.permutation(self.pools[regime])
        return self._orders[regime, epoch]

    def _pair(
        self, example: int, label: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        joined = self._joined(example, rng)
        shown = joined if label == ALIGNED else self._joined(self.negatives.draw(example, rng), rng)
        return self._text(joined), self._visual(shown, rng)

    def _joined(self, example: int, rng: np.random.Generator) -> list[int]:
        """The example, sometimes with its neighbour, as speech and picture are only loosely in time."""
        wanted = rng.random() < self.options.join_probability
        return self.corpus.with_following(example) if wanted else [example]

    def _text(self, examples: Sequence[int]) -> np.ndarray:
        return np.concatenate([self.corpus.texts[i] for i in examples])

    def _visual(self, examples: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """The visual words, every second, third, ... only, as actions are of any speed; two are left where two were."""
        words = np.concatenate([self.corpus.visual[i] for i in examples])
        step = min(int(rng.integers(1, self.options.longest_step + 1)), max(1, len(words) // 2))
        return words[rng.integers(step) :: step]
