"""Stretches of video that fit a sentence: a cheap first look at all, a careful one at the best.

As in passage re-ranking with BERT (Nogueira & Cho, 2019), BM25 picks candidates and the model reads
each beside the sentence; see judging. The two have no common unit, so

    fit = F(weight * z(model) + (1 - weight) * z(BM25)),

where z takes the candidates' mean away and divides by their standard deviation, and F is the
distribution function of the normal distribution. So a fit goes from 0 to 1, and 0.9 is better than
about nine tenths of the candidates. The weight is what training found best on videos kept apart.

The score is the fit, and 1 more where the sentence is said word for word. So what is said comes
first, in the order of what is seen.

BM25 needs texts. A stretch's own sentence is one, but who works in silence has none. The other text
of a stretch is the profile of its visual words. A visual word's document is the average sentence
that is said while it is shown in the training examples; a stretch's BM25 is the mean over its
visual words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from videobert.answers.alignment import alignments
from videobert.answers.bm25 import BM25, normalised
from videobert.answers.judging import interpolated, judged, likelihood_share
from videobert.answers.likelihood import likelihoods
from videobert.answers.options import SearchOptions
from videobert.answers.spelling import check_sentence
from videobert.bank import SearchMix
from videobert.data.stretches import Stretch, different_sentences, spoken
from videobert.evaluation.metrics.ranking import mean_ranks
from videobert.loading import TrainedModel
from videobert.orders import CAUSAL
from workfolder.progress import Progress, silent

if TYPE_CHECKING:
    from scipy.sparse import csr_array

CANDIDATES = SearchOptions.candidates
TOP = SearchOptions.top
Judge = Callable[[TrainedModel, str, Sequence[np.ndarray], Progress], np.ndarray]
"""Scores a sentence beside each of some sequences of visual words."""
_WORD = re.compile(r"\w+")
WEIGHTS, SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0), (0.5, 1.0, 0.0)
"""What training tries for SearchMix, the least trust in the model first."""
LEAST_ASKED = 10
"""Sentences that can choose; from fewer, the defaults stay."""


@dataclass(frozen=True)
class Hit:
    """A stretch of video that was found.

    Attributes:
        video_id: Id of the video.
        start: Start in seconds.
        end: End in seconds.
        score: What the ranking is by, 0 to 2: how well it fits among the candidates, 0 to 1, and 1
            more if the sentence is said word for word.
        said: Whether it is.
        text: What is said there, possibly nothing.
        place: Which of the stretches it is.
    """

    video_id: str
    start: float
    end: float
    score: float
    said: bool
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
    how: SearchOptions = SearchOptions(),
    progress: Progress = silent,
    judge: Judge = judged,
) -> list[Hit]:
    """Find the stretches that fit a sentence best, the best first.

    Args:
        model: Judges the candidates.
        stretches: What is searched, each with visual words.
        sentence: What is looked for.
        first: Picks the candidates. Without it, or if it knows no word of the sentence, the model
            alone judges all stretches.
        how: How many candidates, which weight, how many answers.
        progress: Hears of the candidates that were read.
        judge: What reads a sentence beside stretches; a head that was taught may do so.

    Raises:
        InputError: if the sentence is empty or cannot be spelt, or the model reads from left to
            right.
    """
    check_sentence(model.processor, sentence)
    scores = np.zeros(len(stretches))
    if first:
        scores = first.for_texts(first.index.questions([sentence]))[0]
    said = np.array([_is_said(sentence, stretch.text) for stretch in stretches])
    places = np.arange(len(stretches))
    if known := scores.any():
        best = best_places(scores[None], how.candidates)[0]
        places = np.union1d(best, best_places(said[None] + 0.0, min(said.sum(), how.candidates))[0])
    weight = search_mix(model, how.weight).model if known else 1.0
    own = np.zeros(len(places), dtype=np.float32)
    if weight:
        visual, number = distinct([stretches[place].words for place in places.tolist()])
        own = judge(model, sentence, visual, progress)[number]
    fit = normal(interpolated(scores[places], own, weight))
    ranked = fit + said[places]
    best = np.argsort(-ranked, kind="stable")[: how.top]
    return [_hit(stretches, int(places[n]), float(ranked[n]), bool(said[places[n]])) for n in best]


def _hit(stretches: Sequence[Stretch], place: int, score: float, said: bool) -> Hit:
    found = stretches[place]
    return Hit(found.video, found.start, found.end, score, said, found.text, place)


def _is_said(sentence: str, text: str) -> bool:
    """Whether the words of a sentence stand in a text one after the other, whatever their case."""
    wanted, there = (f" {' '.join(_WORD.findall(t.casefold()))} " for t in (sentence, text))
    return wanted in there


def normal(values: np.ndarray) -> np.ndarray:
    """The distribution function of the standard normal distribution."""
    from scipy.special import ndtr

    return np.asarray(ndtr(values))


def search_mix(model: TrainedModel, weight: float | None = None) -> SearchMix:
    """Say how search mixes what it knows: as the user says, else as training found."""
    found = model.bank.search if model.bank else SearchMix()
    return found if weight is None else replace(found, model=weight)


def choose_search_mix(
    model: TrainedModel, asked: Sequence[Sequence[Stretch]], training: Sequence[Stretch]
) -> SearchMix:
    """Find which mix ranks the right stretches highest, by the mean reciprocal rank.

    Few sentences tell little. So the model gets the least weight whose mean falls short of the best
    one's by no more than one standard error of the difference (the one-standard-error rule of
    Breiman et al. 1984, "Classification and Regression Trees").

    Args:
        model: With a bank.
        asked: Spoken stretches of videos that the model did not learn from, once for each way to
            put a question; each way counts alike. A way with few sentences is left out.
        training: Spoken stretches that it learnt from.
    """
    ways = [way for way in asked if _says_enough(way)]
    if not ways or model.network.config.objective == CAUSAL:
        return SearchMix()
    mixes = [SearchMix(weight, share) for weight in WEIGHTS for share in SHARES]
    worth = [_worth(model, way, training, mixes) for way in ways]
    best = np.mean([each.mean(axis=1) for each in worth], axis=0).argmax()
    short = [each[best] - each for each in worth]
    errors = [each.std(axis=1) / np.sqrt(each.shape[1]) for each in short]
    error = np.linalg.norm(errors, axis=0) / len(worth)
    enough = np.mean([each.mean(axis=1) for each in short], axis=0) <= error
    return replace(mixes[int(enough.argmax())], asked=sum(each.shape[1] for each in worth))


def _says_enough(stretches: Sequence[Stretch]) -> bool:
    return len(different_sentences(stretches)[0]) >= LEAST_ASKED if stretches else False


def _worth(
    model: TrainedModel,
    asked: Sequence[Stretch],
    training: Sequence[Stretch],
    mixes: Sequence[SearchMix],
) -> np.ndarray:
    """Compute the reciprocal rank of each different sentence by each mix, [mixes, sentences]."""
    sentences, owner = different_sentences(asked)
    stage = by_profiles(asked, training, model.processor.codebook.words)
    first = stage.for_texts(stage.index.questions(sentences))
    visual = [stretch.words for stretch in asked]
    likely, odds = likelihoods(model, sentences, visual), alignments(model, sentences, visual)
    right = np.arange(len(sentences))[:, None] == owner
    shares = [likelihood_share(model, sentences, mix.likelihood) for mix in mixes]
    scores = [
        interpolated(first, interpolated(odds, likely, share), mix.model)
        for mix, share in zip(mixes, shares, strict=True)
    ]
    return np.array([1 / mean_ranks(each, right) for each in scores])


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
