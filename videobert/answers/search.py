"""Stretches of video that fit a sentence: a cheap first look at all, a careful one at the best.

As in passage re-ranking with BERT (Nogueira & Cho, 2019): BM25 picks the candidates, the alignment head reads each beside
the sentence, and both scores are put together,

    score = weight * z(log odds of the head) + (1 - weight) * z(BM25),

where z takes the candidates' mean away and divides by their standard deviation, as the two have no common unit.

BM25 needs texts. A passage's own sentence is one; but who works in silence has none. The other text of a passage is its
visual words' profile: a visual word's document is the average sentence that is said while it is shown in the training
examples, and a passage's score is the mean over its visual words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from videobert.answers.alignment import check_sentence, fits
from videobert.answers.bm25 import BM25, normalised
from videobert.answers.options import SearchOptions
from videobert.data.passages import Passages
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

if TYPE_CHECKING:
    from scipy.sparse import csr_array

CANDIDATES = SearchOptions.candidates
WEIGHT = SearchOptions.weight
TOP = SearchOptions.top


@dataclass(frozen=True)
class Hit:
    """A stretch of video that was found.

    Attributes:
        start, end: seconds.
        score: what the ranking is by; it has a meaning within one search only.
        aligned: the head's probability that the sentence belongs to what is seen.
        text: what is said there, possibly nothing.
        place: which of the passages it is.
    """

    video_id: str
    start: float
    end: float
    score: float
    aligned: float
    text: str
    place: int


@dataclass(frozen=True)
class FirstStage:
    """BM25 over passages.

    Attributes:
        index: over sentences, or over visual words.
        parts: [passages, documents of the index], the shares that a passage has of them; rows add up to 1.
    """

    index: BM25
    parts: csr_array

    def for_texts(self, questions: csr_array) -> np.ndarray:
        """Scores of all passages for some questions of ``index.questions``, [questions, passages]."""
        return ((questions @ self.index.weights.T) @ self.parts.T).toarray()

    def for_passages(self, places: np.ndarray, questions: csr_array) -> np.ndarray:
        """Scores of all questions for some passages, [places, questions]."""
        return ((self.parts[places] @ self.index.weights) @ questions.T).toarray()


def by_transcripts(passages: Passages) -> FirstStage:
    """Look into what is said; InputError if nothing is."""
    from scipy.sparse import eye_array

    return FirstStage(BM25.fit(passages.text), eye_array(len(passages), format="csr"))


def by_profiles(passages: Passages, training: Passages, words: int) -> FirstStage:
    """Look into the profiles that the ``words`` visual words have in the ``training`` examples; InputError if nobody speaks."""
    learnt = training.spoken()
    shares = normalised(_shown(learnt.visual, words).T.tocsr())
    return FirstStage(BM25.fit(learnt.text, shares), normalised(_shown(passages.visual, words)))


def _shown(visual: Sequence[np.ndarray], words: int) -> csr_array:
    """How often each passage shows each visual word, [passages, words]."""
    from scipy.sparse import csr_array

    starts = np.cumsum([0, *map(len, visual)])
    shown = csr_array(
        (np.ones(starts[-1]), np.concatenate([np.empty(0, int), *visual]), starts),
        shape=(len(visual), words),
    )
    shown.sum_duplicates()
    return shown


def search(
    model: TrainedModel,
    passages: Passages,
    sentence: str,
    first: FirstStage | None = None,
    weight: float = WEIGHT,
    candidates: int = CANDIDATES,
    top: int = TOP,
    progress: Progress = silent,
) -> list[Hit]:
    """The ``top`` passages that fit a sentence best, the best first.

    Args:
        first: picks ``candidates``, of all passages if None. Where it knows no word of the sentence, the head alone judges
            all passages.
        weight: the head's in the interpolation, in [0, 1].

    InputError if the sentence is empty or cannot be spelt.
    """
    check_sentence(model.processor, sentence)
    scores = (
        first.for_texts(first.index.questions([sentence]))[0] if first else np.zeros(len(passages))
    )
    places = (
        candidates_of(scores[None], candidates)[0] if scores.any() else np.arange(len(passages))
    )
    visual, number = different(passages.take(places).visual)
    odds = fits(model, sentence, visual, progress)[number]
    ranked = interpolated(scores[places], odds, weight) if scores.any() else odds
    best = np.argsort(-ranked, kind="stable")[:top]
    return [_hit(passages, int(places[n]), float(ranked[n]), float(odds[n])) for n in best]


def _hit(passages: Passages, place: int, score: float, odds: float) -> Hit:
    times = float(passages.start[place]), float(passages.end[place])
    return Hit(
        passages.video[place],
        *times,
        score,
        float(1 / (1 + np.exp(-odds))),
        passages.text[place],
        place,
    )


def different(visual: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """The different sequences of visual words, and for each one given its number: what is equal is read once, and ties."""
    numbers: dict[bytes, int] = {}
    number = np.array([numbers.setdefault(words.tobytes(), len(numbers)) for words in visual])
    _, first = np.unique(number, return_index=True)
    return [visual[place] for place in first.tolist()], number


def candidates_of(scores: np.ndarray, count: int) -> np.ndarray:
    """Places of the ``count`` highest scores of each row, the highest first; equal ones in their order."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]


def interpolated(first: np.ndarray, head: np.ndarray, weight: float) -> np.ndarray:
    """The formula above for candidates along the last axis."""
    if not 0 <= weight <= 1:
        raise InputError(f"a weight of {weight:g} will not do: give one from 0 to 1")
    return weight * _standardised(head) + (1 - weight) * _standardised(first)


def _standardised(scores: np.ndarray) -> np.ndarray:
    centred = scores - scores.mean(axis=-1, keepdims=True)
    spread = centred.std(axis=-1, keepdims=True)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-9)
