"""Stretches of video that fit a sentence: a cheap first look at all, a careful one at the best.

As in passage re-ranking with BERT (Nogueira & Cho, 2019), BM25 picks candidates and the alignment
head reads each beside the sentence. The two scores have no common unit, so

    score = weight * z(log odds of the head) + (1 - weight) * z(BM25),

where z takes the candidates' mean away and divides by their standard deviation.

BM25 needs texts. A stretch's own sentence is one, but who works in silence has none. The other text
of a stretch is the profile of its visual words. A visual word's document is the average sentence
that is said while it is shown in the training examples; a stretch's score is the mean over its
visual words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from videobert.answers.alignment import sentence_scores
from videobert.answers.bm25 import BM25, normalised
from videobert.answers.options import SearchOptions
from videobert.answers.spelling import check_sentence
from videobert.data.stretches import Stretch, spoken
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
        video_id: Id of the video.
        start: Start in seconds.
        end: End in seconds.
        score: What the ranking is by; it has a meaning within one search only.
        aligned: Probability that the sentence belongs to what is seen, by the head.
        text: What is said there, possibly nothing.
        place: Which of the stretches it is.
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
    """BM25 over stretches.

    Attributes:
        index: Over sentences, or over visual words.
        parts: Share of each of the index' documents in each stretch, [stretches, documents]; rows
            add up to 1.
    """

    index: BM25
    parts: csr_array

    def for_texts(self, questions: csr_array) -> np.ndarray:
        """Score all stretches for some of ``index.questions``, [questions, stretches]."""
        return ((questions @ self.index.weights.T) @ self.parts.T).toarray()

    def for_stretches(self, places: np.ndarray, questions: csr_array) -> np.ndarray:
        """Score all of ``index.questions`` for the stretches at places, [places, questions]."""
        return ((self.parts[places] @ self.index.weights) @ questions.T).toarray()


def by_transcripts(stretches: Sequence[Stretch]) -> FirstStage:
    """Look into what is said.

    Raises:
        InputError: if nobody speaks.
    """
    from scipy.sparse import eye_array

    index = BM25.fit([stretch.text for stretch in stretches])
    return FirstStage(index, eye_array(len(stretches), format="csr"))


def by_profiles(
    stretches: Sequence[Stretch], training: Sequence[Stretch], words: int
) -> FirstStage:
    """Look into the profiles that visual words have in training examples.

    Args:
        stretches: What is searched.
        training: The examples.
        words: How many visual words there are.

    Raises:
        InputError: if nobody speaks in the examples.
    """
    learnt = spoken(training)
    shares = normalised(_word_counts(learnt, words).T.tocsr())
    index = BM25.fit([stretch.text for stretch in learnt], shares)
    return FirstStage(index, normalised(_word_counts(stretches, words)))


def _word_counts(stretches: Sequence[Stretch], words: int) -> csr_array:
    """Count how often each stretch shows each visual word, [stretches, words]."""
    from scipy.sparse import csr_array

    visual = [stretch.words for stretch in stretches]
    starts = np.cumsum([0, *map(len, visual)])
    shown = np.concatenate([np.empty(0, int), *visual])
    counts = csr_array((np.ones(starts[-1]), shown, starts), shape=(len(visual), words))
    counts.sum_duplicates()
    return counts


def search(
    model: TrainedModel,
    stretches: Sequence[Stretch],
    sentence: str,
    first: FirstStage | None = None,
    weight: float = WEIGHT,
    candidates: int = CANDIDATES,
    top: int = TOP,
    progress: Progress = silent,
) -> list[Hit]:
    """Find the stretches that fit a sentence best, the best first.

    Args:
        model: Its alignment head judges the candidates.
        stretches: What is searched, each with visual words.
        sentence: What is looked for.
        first: Picks the candidates. Without it, or if it knows no word of the sentence, the head
            alone judges all stretches.
        weight: The head's in the interpolation, in [0, 1].
        candidates: How many the head reads.
        top: How many are returned.
        progress: Hears of the candidates that were read.

    Raises:
        InputError: if the sentence is empty or cannot be spelt.
    """
    check_sentence(model.processor, sentence)
    scores = np.zeros(len(stretches))
    if first:
        scores = first.for_texts(first.index.questions([sentence]))[0]
    known = scores.any()
    places = best_places(scores[None], candidates)[0] if known else np.arange(len(stretches))
    visual, number = distinct([stretches[place].words for place in places.tolist()])
    odds = sentence_scores(model, sentence, visual, progress)[number]
    ranked = interpolated(scores[places], odds, weight) if known else odds
    best = np.argsort(-ranked, kind="stable")[:top]
    return [_hit(stretches, int(places[n]), float(ranked[n]), float(odds[n])) for n in best]


def _hit(stretches: Sequence[Stretch], place: int, score: float, odds: float) -> Hit:
    found, aligned = stretches[place], float(1 / (1 + np.exp(-odds)))
    return Hit(found.video, found.start, found.end, score, aligned, found.text, place)


def distinct(visual: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Collect the different sequences of visual words, so that equal ones are read once and tie.

    Returns:
        The sequences, and for each one given the number of its own, int [visual].
    """
    numbers: dict[bytes, int] = {}
    number = np.array([numbers.setdefault(words.tobytes(), len(numbers)) for words in visual])
    _, first = np.unique(number, return_index=True)
    return [visual[place] for place in first.tolist()], number


def best_places(scores: np.ndarray, count: int) -> np.ndarray:
    """Find the ``count`` highest scores of each row, the highest first; equal ones in order."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]


def interpolated(first: np.ndarray, head: np.ndarray, weight: float) -> np.ndarray:
    """Mix BM25's and the head's scores of candidates, along the last axis, by the formula above.

    Raises:
        InputError: if the weight is not in [0, 1].
    """
    if not 0 <= weight <= 1:
        raise InputError(f"a weight of {weight:g} will not do: give one from 0 to 1")
    return weight * _standardised(head) + (1 - weight) * _standardised(first)


def _standardised(scores: np.ndarray) -> np.ndarray:
    centred = scores - scores.mean(axis=-1, keepdims=True)
    spread = centred.std(axis=-1, keepdims=True)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-9)
