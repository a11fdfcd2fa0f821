"""Batches of the three regimes: text alone, video alone, and both, half of these misaligned.

A batch is a function of the corpus, the options and the step, so a run goes on exactly where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from feature_extraction.errors import InputError
from videobert.modeling_videobert import ALIGNED, MISALIGNED
from videobert.pretraining.corpus import NOBODY, Corpus
from videobert.pretraining.masking import IGNORED, Masker
from videobert.pretraining.options import PretrainOptions
from videobert.sequences import SequenceLayout

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


@dataclass(frozen=True)
class Batches:
    """The batches of a run.

    InputError when the first is asked for, if a regime that has a share of the batch has no example, or if no
    misaligned pair can be made.
    """

    corpus: Corpus
    layout: SequenceLayout
    masker: Masker
    options: PretrainOptions

    @cached_property
    def pools(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices of the examples that each regime draws from."""
        spoken, seen = self.corpus.spoken, self.corpus.seen
        pools = (spoken, seen, np.intersect1d(spoken, seen))
        for name, pool, count in zip(REGIMES, pools, self.counts, strict=True):
            if count and not len(pool):
                raise InputError(
                    f"no example has what the {name} regime learns from: give it --{name}-weight 0, or other videos"
                )
        return pools

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Sequences of each regime in every batch, by the largest remainder."""
        weights = np.array([self.options.text_weight, self.options.video_weight, self.options.joint_weight])
        if not weights.any():
            raise InputError("every regime has a weight of 0: give --text-weight, --video-weight or --joint-weight")
        exact = weights / weights.sum() * self.options.batch_size
        counts = np.floor(exact).astype(int)
        counts[np.argsort(counts - exact, kind="stable")[: self.options.batch_size - counts.sum()]] += 1
        return tuple(counts.tolist())

    def batch(self, step: int) -> Batch:
        """The batch of that step, 0, 1, 2, ..."""
        rng = np.random.default_rng([self.options.seed, step])
        text, video, joint = (self._drawn(regime, step) for regime in (TEXT, VIDEO, JOINT))
        pairs = [(self._text(self._joined(i, rng)), np.empty(0, int)) for i in text]
        pairs += [(np.empty(0, int), self._visual([i], rng)) for i in video]
        # Every second joint example is misaligned, so that the halves are equal in each batch and in the whole.
        alignment = [MISALIGNED if (step * len(joint) + place) % 2 else ALIGNED for place in range(len(joint))]
        pairs += [self._pair(i, label, rng) for i, label in zip(joint, alignment, strict=True)]
        ids, types, mask = self.layout.pad_together([self.layout.arrange(*pair) for pair in pairs])
        regime = np.repeat([TEXT, VIDEO, JOINT], self.counts)
        judged = np.concatenate([np.full(len(text) + len(video), IGNORED), np.array(alignment, dtype=np.int64)])
        inputs, labels = self.masker(ids, rng)
        # Misaligned pairs are masked like the others, or the masks would tell them apart; but nothing is asked there.
        unasked = (judged == MISALIGNED) | ((regime == JOINT) & (not self.options.joint_masking))
        labels[unasked] = IGNORED
        return Batch(inputs, types, mask, labels, regime, judged)

    def _drawn(self, regime: int, step: int) -> np.ndarray:
        """The step's examples of a regime: each example once an epoch, in an order drawn anew for each epoch."""
        pool, count = self.pools[regime], self.counts[regime]
        places = step * count + np.arange(count)
        drawn = [
            np.random.default_rng([self.options.seed, regime, epoch]).permutation(pool)[
                places[places // len(pool) == epoch] % len(pool)
            ]
            for epoch in np.unique(places // max(len(pool), 1))
        ]
        return np.concatenate([np.empty(0, dtype=np.int64), *drawn])

    def _pair(self, example: int, label: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        joined = self._joined(example, rng)
        shown = joined if label == ALIGNED else self._joined(self.negative(example, rng), rng)
        return self._text(joined), self._visual(shown, rng)

    def negative(self, example: int, rng: np.random.Generator) -> int:
        """An example whose pictures do not belong to the sentence of ``example``.

        It has another sentence, and is of another video or at least ``negative_margin`` seconds away.
        """
        corpus, pool = self.corpus, self.pools[JOINT]
        for candidate in rng.choice(pool, size=16):
            if self._apart(example, candidate):
                return int(candidate)
        others = [candidate for candidate in pool if self._apart(example, candidate)]
        if not others:
            where = f"the sentence at {corpus.start[example]:.1f} s of a video has no example to be misaligned with"
            raise InputError(f"{where}: give more videos, or --joint-weight 0")
        return int(rng.choice(others))

    def _apart(self, example: int, other: int) -> bool:
        """Whether ``other``, with the neighbour it may be joined to, shares neither sentence nor time with ``example``."""
        corpus = self.corpus
        mine = {example, int(corpus.following[example])} - {NOBODY}
        theirs = {int(other), int(corpus.following[other])} - {NOBODY}
        if {corpus.sentence[i] for i in mine} & {corpus.sentence[j] for j in theirs}:
            return False
        if corpus.video[example] != corpus.video[other]:
            return True
        gap = max(
            min(corpus.start[i] for i in theirs) - max(corpus.end[i] for i in mine),
            min(corpus.start[i] for i in mine) - max(corpus.end[i] for i in theirs),
        )
        return bool(gap >= self.options.negative_margin)

    def _joined(self, example: int, rng: np.random.Generator) -> list[int]:
        """The example, sometimes with its neighbour, as speech and picture are only loosely in time."""
        following = int(self.corpus.following[example])
        wanted = rng.random() < self.options.join_probability
        return [example, following] if wanted and following != NOBODY else [example]

    def _text(self, examples: Sequence[int]) -> np.ndarray:
        return np.concatenate([self.corpus.texts[i] for i in examples])

    def _visual(self, examples: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """The visual words, every second, third, ... only, as actions are of any speed; two are left where two were."""
        words = np.concatenate([self.corpus.visual[i] for i in examples])
        step = min(int(rng.integers(1, self.options.longest_step + 1)), max(1, len(words) // 2))
        return words[rng.integers(step) :: step]
