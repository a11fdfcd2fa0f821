"""Batches of three regimes: text alone, video alone, and both; half of the last are mismatched.

A batch is a function of the corpus, the options and the step. So a run goes on exactly where it
stopped, and each of several processes makes the same batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from videobert.data.corpus import NOBODY, Corpus
from videobert.data.near_words import NearWords
from videobert.learning.draws import Epochs
from videobert.learning.packing import POSITION_IDS
from videobert.orders import REPLACED
from videobert.pretraining.masking.copies import Copier
from videobert.pretraining.masking.masker import IGNORED, Masker
from videobert.pretraining.negatives import Negatives
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.parallel import SHARE, own_positions
from videobert.pretraining.turns import TURNS, Turns
from videobert.sequences import ALIGNED, MISALIGNED, Part, Row, SequenceLayout
from workfolder.errors import InputError

TEXT, VIDEO, JOINT, ORDER, ORDER_TEXT = range(5)
REGIMES = ("text", "video", "joint")
"""Those in which words are asked for. In the others a turn is; see turns."""
ORIGINAL, SAMPLED, TOLD = "original", "sampled", "told"
"""What ``Batch.order`` has for --objective replaced: the ids before any was hidden, where one is
drawn, and where the discriminator is asked."""


@dataclass(frozen=True)
class Batch:
    """Sequences of the three regimes, each array int64.

    Attributes:
        input_ids: [batch, length].
        token_type_ids: [batch, length].
        attention_mask: [batch, length], 0 on padding.
        labels: [batch, length], the hidden ids, IGNORED elsewhere.
        regime: [batch], TEXT, VIDEO, JOINT, ORDER or ORDER_TEXT.
        alignment: [batch], ALIGNED or MISALIGNED for JOINT, one of TURNS for ORDER and ORDER_TEXT,
            IGNORED elsewhere and where nobody asks.
        order: what else the objective needs of each id, each [batch, length]: position, rank and
            reach where words are asked by copies, see copies.Copied; or ORIGINAL, SAMPLED, TOLD.
    """

    input_ids: np.ndarray
    token_type_ids: np.ndarray
    attention_mask: np.ndarray
    labels: np.ndarray
    regime: np.ndarray
    alignment: np.ndarray
    order: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """How many ids are not padding."""
        return int(self.attention_mask.sum())

    def __len__(self) -> int:
        return len(self.regime)

    def joined(self, other: Batch) -> Batch:
        """Return a batch with the sequences of another after its own."""
        return Batch(
            _both(self.input_ids, other.input_ids),
            _both(self.token_type_ids, other.token_type_ids),
            _both(self.attention_mask, other.attention_mask),
            _both(self.labels, other.labels, IGNORED),
            np.concatenate([self.regime, other.regime]),
            np.concatenate([self.alignment, other.alignment]),
            {name: _both(array, other.order[name]) for name, array in self.order.items()},
        )


def with_originals(batch: Batch, ids: np.ndarray, hidden: np.ndarray, unasked: np.ndarray) -> Batch:
    """Note in a batch what stood in its rows.

    Args:
        batch: with masks.
        ids: int64 [batch, length], before any was hidden.
        hidden: bool [batch, length], where one was, asked or not.
        unasked: bool [batch], rows of which nothing is asked.
    """
    there = (batch.attention_mask == 1) & ~unasked[:, None]
    sampled = hidden & (batch.regime < ORDER)[:, None]
    order = {ORIGINAL: ids, SAMPLED: sampled.astype(np.int64), TOLD: there.astype(np.int64)}
    return replace(batch, order={**batch.order, **order})


def _both(one: np.ndarray, other: np.ndarray, padding: int = 0) -> np.ndarray:
    """Put the rows of two arrays into one as wide as the wider of them."""
    width = max(one.shape[1], other.shape[1])
    return np.concatenate(
        [
            np.pad(each, ((0, 0), (0, width - each.shape[1])), constant_values=padding)
            for each in (one, other)
        ]
    )


@dataclass(frozen=True)
class Batches:
    """The batches of a phase of training, or of validation.

    Attributes:
        corpus: all examples.
        members: bool [examples], the examples to draw from.
        layout: puts an example into a sequence.
        masker: hides ids, or adds copies that ask for them.
        options: weights of the regimes, joining, thinning, seed.
        batch_size: sequences in a batch.
        stream: tells apart the draws of phases and of validation.
        near_words: draws visual words that are near those of the corpus; None leaves them.
        replayed: batches of earlier videos that follow these; None without any.
        partners: for each example the same in another language, or NOBODY; None without any.
    """

    corpus: Corpus
    members: np.ndarray
    layout: SequenceLayout
    masker: Masker | Copier
    options: PretrainOptions
    batch_size: int
    stream: int
    near_words: NearWords | None = None
    replayed: Batches | None = None
    partners: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check that every regime can be drawn from.

        Raises:
            InputError: if a regime with a share of the batch has no example, or if no pair can be
                mismatched.
        """
        for name, pool, count in zip((*REGIMES, "order"), self.pools, self.counts, strict=True):
            if count and not len(pool):
                raise InputError(
                    f"no example has what the {name} regime learns from: give --{name}-weight 0, "
                    "or other videos"
                )
        if self.counts[JOINT] and self.options.alignment_weight:
            self.negatives.check()
        if self.counts[ORDER]:
            self.turns.check()

    @cached_property
    def pools(self) -> tuple[np.ndarray, ...]:
        """Indices of the examples that each regime draws from."""
        spoken, seen = self.corpus.spoken & self.members, self.corpus.seen & self.members
        text, video, joint = (np.flatnonzero(chosen) for chosen in (spoken, seen, spoken & seen))
        return text, video, joint, self.turns.pool

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Sequences of each regime in every batch, by the largest remainder."""
        options = self.options
        words = [options.text_weight, options.video_weight, options.joint_weight]
        weights = np.array([*words, options.order_weight])
        exact = weights / weights.sum() * self.batch_size
        counts = np.floor(exact).astype(int)
        counts[np.argsort(counts - exact, kind="stable")[: self.batch_size - counts.sum()]] += 1
        return tuple(counts.tolist())

    @cached_property
    def _epochs(self) -> tuple[Epochs, ...]:
        """The order of each regime's examples."""
        return tuple(
            Epochs(len(pool), count, (self.options.seed, self.stream, regime))
            for regime, (pool, count) in enumerate(zip(self.pools, self.counts, strict=True))
        )

    @property
    def epoch_steps(self) -> int:
        """The number of batches after which each example was drawn at least once."""
        return max(epochs.steps for epochs in self._epochs if epochs.batch_size)

    @cached_property
    def negatives(self) -> Negatives:
        """The examples that a sentence may be mismatched with."""
        return Negatives(self.corpus, self.pools[JOINT], self.options.negative_margin)

    @cached_property
    def turns(self) -> Turns:
        """The pairs of stretches whose order is asked."""
        return Turns(self.corpus, self.members)

    def batch(self, step: int) -> Batch:
        """Make the batch of a step, 0, 1, 2, ..."""
        own = self._own_batch(step)
        return own.joined(self.replayed.batch(step)) if self.replayed else own

    def _own_batch(self, step: int) -> Batch:
        rng = np.random.default_rng([self.options.seed, self.stream, step])
        text, video, joint, order = (
            pool[epochs.batch(step)] for pool, epochs in zip(self.pools, self._epochs, strict=True)
        )
        spoken = [self._stream(i) if self.options.stream else self._joined(i, rng) for i in text]
        pairs = [([self._text(examples)], np.empty(0, int)) for examples in spoken]
        pairs += [([], self._visual([i], rng)) for i in video]
        # Every second pair is mismatched, so that the halves are equal in each batch and overall.
        judging = self.options.alignment_weight > 0
        alignment = [
            MISALIGNED if judging and (step * len(joint) + place) % 2 else ALIGNED
            for place in range(len(joint))
        ]
        pairs += [self._pair(i, label, rng) for i, label in zip(joint, alignment, strict=True)]
        rows = [
            self.layout.arrange(*map(Part, texts), Part(clips, seen=True)) for texts, clips in pairs
        ]
        number = step * len(order) + np.arange(len(order))  # of each pair, so that all are as many
        turns, blind = number % len(TURNS), number // len(TURNS) % 2 == 1
        rows += [
            self._ordered(*each, rng) for each in zip(order, turns.tolist(), blind, strict=True)
        ]
        ids, types, mask = self.layout.pad_together(rows)
        regime = np.repeat([TEXT, VIDEO, JOINT, ORDER], self.counts)
        regime[len(pairs) :][blind] = ORDER_TEXT
        unjudged = np.full(len(text) + len(video), IGNORED)
        asked = np.array(alignment if judging else [IGNORED] * len(joint), dtype=np.int64)
        judged = np.concatenate([unjudged, asked, turns])
        mismatched = (regime == JOINT) & (judged == MISALIGNED)
        unasked = mismatched | ((regime == JOINT) & (not self.options.joint_masking))
        unasked |= regime >= ORDER
        if isinstance(self.masker, Copier):
            found = self.masker(ids, mask, ~unasked, rng)
            types = np.take_along_axis(types, found.source, axis=1) * found.attention_mask
            order = {"position_ids": found.source, "rank": found.rank, "reach": found.reach}
            asked_for = found.input_ids, types, found.attention_mask, found.labels
            return Batch(*asked_for, regime, judged, order)
        inputs, labels = self.masker(ids, rng)
        hidden = labels != IGNORED
        # Mismatched pairs are masked like the others, or the masks would tell them apart. But
        # nothing is asked there.
        labels[unasked] = IGNORED
        inputs[regime >= ORDER] = ids[regime >= ORDER]
        order = {POSITION_IDS: own_positions(rows, ids.shape[1])} if self.options.parallel else {}
        batch = Batch(inputs, types, mask, labels, regime, judged, order)
        if self.options.objective == REPLACED:
            return with_originals(batch, ids, hidden, unasked)
        return batch

    def _pair(
        self, example: int, label: int, rng: np.random.Generator
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the text of an example, and its own visual words or those of a negative.

        At times the same in another language follows the text.
        """
        partner = NOBODY if self.partners is None else int(self.partners[example])
        if partner != NOBODY and rng.random() < SHARE:
            shown = [example if label == ALIGNED else self.negatives.draw(example, rng)]
            return [self._text([example]), self._text([partner])], self._visual(shown, rng)
        joined = self._joined(example, rng)
        shown = joined if label == ALIGNED else self._joined(self.negatives.draw(example, rng), rng)
        return [self._text(joined)], self._visual(shown, rng)

    def _ordered(self, example: int, turn: int, blind: bool, rng: np.random.Generator) -> Row:
        """Put an example and another into one sequence, without pictures where it is blind."""
        parts = []
        for each in self.turns.draw(example, turn, rng):
            parts.append(Part(self.corpus.texts[each]))
            if not blind:
                parts.append(Part(self._visual([each], rng), seen=True))
        return self.layout.arrange(*parts)

    def _joined(self, example: int, rng: np.random.Generator) -> list[int]:
        """Return the example, at times with its neighbour, as speech and picture drift apart."""
        wanted = rng.random() < self.options.join_probability
        return self.corpus.with_following(example) if wanted else [example]

    def _stream(self, example: int) -> list[int]:
        """Return the example and those after it that fit, the last of which may be cut."""
        found, pieces = [example], len(self.corpus.texts[example])
        while pieces < self.layout.max_length - 2:
            following = int(self.corpus.following[found[-1]])
            if following == NOBODY:
                break
            found.append(following)
            pieces += len(self.corpus.texts[following])
        return found

    def _text(self, examples: Sequence[int]) -> np.ndarray:
        return np.concatenate([self.corpus.texts[i] for i in examples])

    def _visual(self, examples: Sequence[int], rng: np.random.Generator) -> np.ndarray:
        """Return every n-th visual word, n drawn, as actions are of any speed.

        Two are left where there were two.
        """
        near = self.near_words
        words = np.concatenate(
            [near.draw(i, rng) if near else self.corpus.visual[i] for i in examples]
        )
        step = min(int(rng.integers(1, self.options.longest_step + 1)), max(1, len(words) // 2))
        return words[rng.integers(step) :: step]
