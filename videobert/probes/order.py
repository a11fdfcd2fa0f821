"""How far answers move when clips are shuffled or a sentence is negated.

An answer is the distribution at a hidden place; it moves by total variation, 0 to 1. A change is
made to one modality and the other is asked, so nothing can be copied from beside the hidden place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from videobert.inference import in_batches
from videobert.loading import TrainedModel
from videobert.softmax import softmax

NEGATION = "do not"
SIGNS = 4
"""[CLS], [>], [SEP] and the [MASK] for a clip."""
Ids = list[int]


@dataclass(frozen=True)
class Change:
    """How far answers move by one change, the mean over rows.

    Attributes:
        name: what is changed.
        asked: which hidden place is asked about, in the other modality.
        moved: total variation of its distribution, 0 to 1.
        alignment: absolute difference of the probability that the two belong together, 0 to 1.
    """

    name: str
    asked: str
    moved: float
    alignment: float


@dataclass(frozen=True)
class Movement:
    """All changes, each beside what it must be compared with.

    Attributes:
        changes: shuffled clips and clips of another row; a negated sentence, other pieces in the
            place of the negation, shuffled words, another row's sentence.
        rows: how many rows were asked about.
    """

    changes: list[Change]
    rows: int

    def __str__(self) -> str:
        moved = {change.name: change.moved for change in self.changes}
        return (
            f"Shuffled clips move a hidden word by {moved['clips shuffled']:.3f}, other clips by "
            f"{moved['clips of another row']:.3f}; '{NEGATION}' moves a hidden clip by "
            f"{moved['negated']:.3f}, two drawn pieces in its place by "
            f"{moved['drawn pieces in front']:.3f}."
        )


@dataclass(frozen=True)
class Asked:
    """Rows that a model is asked about.

    Attributes:
        texts: ids of each text, one at least.
        visual: visual words of each row, with two different ones at least.
    """

    texts: Sequence[Ids]
    visual: Sequence[Ids]

    def __len__(self) -> int:
        return len(self.texts)


def usable_rows(model: TrainedModel, texts: Sequence[Ids], visual: Sequence[Ids]) -> Asked:
    """Select the rows that can be shuffled, and that fit with a negation."""
    room = model.network.config.max_position_embeddings - SIGNS
    room -= len(model.processor.text_ids([NEGATION])[0])
    fit = [
        (list(text), list(words))
        for text, words in zip(texts, visual, strict=True)
        if text and len(set(words)) > 1 and len(text) + len(words) <= room
    ]
    return Asked([text for text, _ in fit], [words for _, words in fit])


def measure_movement(model: TrainedModel, rows: Asked, seed: int = 0) -> Movement:
    """Change rows and compare the answers.

    Args:
        model: of any family.
        rows: two at least.
        seed: draws what is hidden and how rows are shuffled.
    """
    rng = np.random.default_rng(seed)
    texts, visual = rows.texts, rows.visual
    others = np.roll(range(len(rows)), 1 + int(rng.integers(len(rows) - 1))).tolist()
    clips = {
        "clips shuffled": [_shuffled(words, rng) for words in visual],
        "clips of another row": [visual[other] for other in others],
    }
    negation = model.processor.text_ids([NEGATION])[0]
    pieces = [piece for text in texts for piece in text]
    drawn = [rng.choice(pieces, len(negation)).tolist() for _ in texts]
    sentences = {
        "negated": [negation + text for text in texts],
        "drawn pieces in front": [own + text for own, text in zip(drawn, texts, strict=True)],
        "words shuffled": [_shuffled(text, rng) for text in texts],
        "sentence of another row": [texts[other] for other in others],
    }
    hidden = [_hide(text, model.processor.tokenizer.mask_token_id, rng) for text in texts]
    earlier = [words[:-1] for words in visual]
    word, clip = _word_answers(model, hidden, visual), _clip_answers(model, texts, earlier)
    together = _alignment(model, texts, visual)
    changes = [
        Change(
            name,
            "a word",
            _apart(word, _word_answers(model, hidden, changed)),
            _moved(together, _alignment(model, texts, changed)),
        )
        for name, changed in clips.items()
    ] + [
        Change(
            name,
            "the last clip",
            _apart(clip, _clip_answers(model, changed, earlier)),
            _moved(together, _alignment(model, changed, visual)),
        )
        for name, changed in sentences.items()
    ]
    return Movement(changes, len(rows))


def _shuffled(ids: Ids, rng: np.random.Generator) -> Ids:
    """Put ids into another order than theirs, where there is one."""
    if len(set(ids)) < 2:
        return ids
    while (found := rng.permutation(ids).tolist()) == ids:
        pass
    return list(found)


def _hide(text: Ids, mask: int, rng: np.random.Generator) -> Ids:
    place = int(rng.integers(len(text)))
    return [*text[:place], mask, *text[place + 1 :]]


def _word_answers(model: TrainedModel, texts: Sequence[Ids], visual: Sequence[Ids]) -> np.ndarray:
    """Return the distribution over pieces at the [MASK] of each text, [rows, pieces]."""
    size = model.processor.vocabulary.text_size
    found = np.empty((len(texts), size))
    for batch in in_batches(model, texts, visual):
        found[batch.places] = softmax(batch.logits(batch.masked)[:, 0, :size].astype(np.float64))
    return found


def _clip_answers(model: TrainedModel, texts: Sequence[Ids], visual: Sequence[Ids]) -> np.ndarray:
    """Return the distribution over the visual words of a hidden last clip, [rows, words]."""
    first, words = model.processor.vocabulary.first_visual, model.processor.vocabulary.visual_size
    found = np.empty((len(texts), words))
    for batch in in_batches(model, texts, visual, masks=1):
        found[batch.places] = softmax(batch.logits(batch.last(1))[:, 0, first:].astype(np.float64))
    return found


def _alignment(model: TrainedModel, texts: Sequence[Ids], visual: Sequence[Ids]) -> np.ndarray:
    found = np.empty(len(texts))
    for batch in in_batches(model, texts, visual):
        found[batch.places] = 0.5 * (1 + np.tanh(batch.alignment() / 2))
    return found


def _apart(before: np.ndarray, after: np.ndarray) -> float:
    return float(np.abs(before - after).sum(axis=1).mean() / 2)


def _moved(before: np.ndarray, after: np.ndarray) -> float:
    return float(np.abs(before - after).mean())
