"""How well sentences and clips find each other, both ways: recall at 1, 5, 10, and median rank.

A sentence is asked once, however often it is said. Every stretch where it is said is right,
whatever its case, and its rank is that of the best of them. A stretch is right with its own
sentence, and different sentences are ranked. Equal scores share the mean of their places, so
nothing is gained by saying the same to everything.

The rows:
    chance        a random order, computed exactly
    bm25          BM25 on the visual words' profiles
    alignment     the alignment head over all pairs
    likelihood    how much likelier clips make sentences; see answers.likelihood
    re-ranked     BM25's candidates in the order of both together, the others behind them
    interpolated  the same, in the order of both and BM25 together; see answers.search

Shapes: [questions] of one direction, their [answers], and the [best] candidates among these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from videobert.answers.alignment import alignments
from videobert.answers.judging import interpolated, likelihood_share
from videobert.answers.likelihood import fair_likelihoods
from videobert.answers.options import SearchOptions
from videobert.answers.search import (
    FirstStage,
    best_places,
    by_profiles,
    distinct,
    search_mix,
)
from videobert.bank import SearchMix
from videobert.data.stretches import Stretch, different_sentences, spoken
from videobert.evaluation.chance import chance_of_ranks
from videobert.evaluation.intervals import estimate
from videobert.evaluation.metrics.ranking import mean_ranks
from videobert.evaluation.table import Row, Table
from videobert.loading import TrainedModel
from videobert.sequences import Ids
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

METHODS = ("chance", "bm25", "alignment", "likelihood", "re_ranked", "interpolated")
KS = (1, 5, 10)
MOST_PAIRS = 300_000
"""A tiny model reads so many in some minutes on two cores. Of more pairs, only the candidates are
read."""
CHUNK = 64
"""Questions whose scores are held at once."""


@dataclass(frozen=True)
class RetrievalResult:
    """Where right answers stand.

    Attributes:
        sentences: How many different ones there are.
        passages: How many stretches.
        text_to_clip: By METHODS: ``recall``, by KS the share of questions whose right answer is
            among the first k, and ``median``, the median rank, 1 at best. ``alignment`` and
            ``likelihood`` are left out if there are more than MOST_PAIRS pairs.
        clip_to_text: The same for the other direction.
        weight: The model's share in ``interpolated``.
    """

    sentences: int
    passages: int
    text_to_clip: Table
    clip_to_text: Table
    weight: float

    def cells(self) -> list[list[str]]:
        """Write both tables for people: a line for each direction and method."""
        return [
            *self.text_to_clip.cells("text to clip, ", between="-"),
            *self.clip_to_text.cells("clip to text, ", between="-"),
        ]


Judge = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Scores pairs of the places of a sentence and of a stretch, [pairs]."""


@dataclass(frozen=True)
class _Direction:
    """One of the two directions, from questions to answers.

    Attributes:
        first: BM25's scores of all answers for the questions at some places, [places, answers].
        judges: By method, the model's scores of pairs of places of questions and answers, [pairs].
        asked: Number of the sentence that each question belongs to, int [questions].
        answers: Number of the sentence that each answer belongs to, int [answers].
        groups: Video of each question, which the bootstrap draws; of a sentence, the video that
            says it first.
    """

    first: Callable[[np.ndarray], np.ndarray]
    judges: Mapping[str, Judge]
    asked: np.ndarray
    answers: np.ndarray
    groups: np.ndarray


def evaluate_retrieval(
    model: TrainedModel,
    stretches: Sequence[Stretch],
    training: Sequence[Stretch],
    weight: float | None = None,
    candidates: int = SearchOptions.candidates,
    progress: Progress = silent,
) -> RetrievalResult:
    """Let stretches find their sentences, and sentences their stretches.

    Args:
        model: Judges pairs.
        stretches: With visual words; those without a sentence are left out.
        training: Examples that the profiles are learnt from.
        weight: See answers.search; None for what training found.
        candidates: See answers.search.
        progress: Hears of the questions of each direction.

    Raises:
        InputError: if there are fewer than two different sentences, or nobody speaks in
            ``training``, or the model reads from left to right.
    """
    pool = spoken(stretches)
    sentences, owner = different_sentences(pool)
    if len(sentences) < 2:
        raise InputError(
            "fewer than two different sentences have visual words: give a folder in which more is "
            "said"
        )
    stage = by_profiles(pool, training, model.processor.codebook.words)
    pairs = _Pairs.of(sentences, pool)
    judges = {
        "alignment": pairs.judged(partial(alignments, model), progress),
        "likelihood": pairs.judged(partial(fair_likelihoods, model), progress),
    }
    directions = _directions(stage, sentences, owner, pool, judges)
    mix = search_mix(model, weight)
    mix = replace(mix, likelihood=likelihood_share(model, sentences, mix.likelihood))
    tables = [
        _table(direction, mix, candidates, pairs.few, partial(progress, name))
        for name, direction in directions.items()
    ]
    return RetrievalResult(len(sentences), len(pool), tables[0], tables[1], mix.model)


def _directions(
    stage: FirstStage,
    sentences: Sequence[str],
    owner: np.ndarray,
    pool: Sequence[Stretch],
    judges: Mapping[str, Judge],
) -> dict[str, _Direction]:
    """Let sentences ask for stretches, and stretches for the sentence that each is the owner of."""
    questions, places = stage.index.questions(sentences), np.arange(len(sentences))
    videos = np.array([stretch.video for stretch in pool])
    said_first = videos[np.unique(owner, return_index=True)[1]]
    turned = {name: partial(_turned, judge) for name, judge in judges.items()}
    return {
        "text to clip": _Direction(
            lambda at: stage.for_texts(questions[at]), judges, places, owner, said_first
        ),
        "clip to text": _Direction(
            lambda at: stage.for_stretches(at, questions), turned, owner, places, videos
        ),
    }


def _turned(judge: Judge, stretch: np.ndarray, sentence: np.ndarray) -> np.ndarray:
    return judge(sentence, stretch)


@dataclass(frozen=True)
class _Pairs:
    """Sentences and stretches that a model judges, each different pair once.

    Attributes:
        sentences: The different sentences.
        visual: The different sequences of visual words.
        number: Which of ``visual`` each stretch has, int [stretches].
    """

    sentences: list[str]
    visual: list[np.ndarray]
    number: np.ndarray

    @classmethod
    def of(cls, sentences: list[str], pool: Sequence[Stretch]) -> _Pairs:
        return cls(sentences, *distinct([stretch.words for stretch in pool]))

    @property
    def few(self) -> bool:
        """Whether all pairs are judged."""
        return len(self.sentences) * len(self.visual) <= MOST_PAIRS

    def judged(
        self,
        grid: Callable[[Sequence[str], Sequence[Ids], Progress], np.ndarray],
        progress: Progress,
    ) -> Judge:
        """Make a judge of what scores all pairs of texts and clips, [texts, visual]."""
        if self.few:
            scores = grid(self.sentences, self.visual, progress)
            return lambda sentence, stretch: scores[sentence, self.number[stretch]]

        def asked(sentence: np.ndarray, stretch: np.ndarray) -> np.ndarray:
            """Judge each sentence beside its own candidates alone."""
            found = np.empty(len(sentence), np.float32)
            for place in np.unique(sentence):
                here = np.flatnonzero(sentence == place)
                clips, back = np.unique(self.number[stretch[here]], return_inverse=True)
                shown = [self.visual[clip] for clip in clips]
                found[here] = grid([self.sentences[place]], shown, silent)[0][back]
            return found

        return asked


def _table(
    direction: _Direction,
    mix: SearchMix,
    candidates: int,
    everything: bool,
    progress: Callable[[int, int], None],
) -> Table:
    ranks: dict[str, list[np.ndarray]] = {}
    count = len(direction.asked)
    for begin in range(0, count, CHUNK):
        places = np.arange(begin, min(begin + CHUNK, count))
        right = direction.asked[places, None] == direction.answers
        for method, scores in _scores(direction, places, mix, candidates, everything).items():
            ranks.setdefault(method, []).append(mean_ranks(scores, right))
        progress(begin + len(places), count)
    right_answers = np.bincount(direction.answers)[direction.asked]
    recall, median = chance_of_ranks(len(direction.answers), right_answers, KS)
    rows: dict[str, Row] = {"chance": {"recall": recall, "median": median}}
    for method, found in ranks.items():
        rows[method] = _row(np.concatenate(found), direction.groups)
    return Table(rows, METHODS)


def _scores(
    direction: _Direction, places: np.ndarray, mix: SearchMix, candidates: int, everything: bool
) -> dict[str, np.ndarray]:
    """Score all answers for the questions at places by every method, [places, answers]."""
    first = direction.first(places)
    best = best_places(first, candidates)
    pairs = np.repeat(places, best.shape[1]), best.ravel()
    odds, likely = (
        direction.judges[name](*pairs).reshape(best.shape) for name in ("alignment", "likelihood")
    )
    own = interpolated(odds, likely, mix.likelihood)
    mixed = interpolated(np.take_along_axis(first, best, axis=1), own, mix.model)
    found = {
        "bm25": first,
        "re_ranked": re_ranked(first, best, own),
        "interpolated": re_ranked(first, best, mixed),
    }
    if everything:
        answers = np.arange(first.shape[1])
        pairs = np.repeat(places, len(answers)), np.tile(answers, len(places))
        for method, judge in direction.judges.items():
            found[method] = judge(*pairs).reshape(first.shape)
    return found


def re_ranked(first: np.ndarray, best: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Give the candidates new scores, and put all other answers below them.

    Args:
        first: Scores of all answers, [questions, answers].
        best: Places of the candidates, int [questions, best].
        scores: Their new scores, [questions, best].
    """
    behind = first - first.max(axis=1, keepdims=True) + scores.min(axis=1, keepdims=True) - 1
    np.put_along_axis(behind, best, scores.astype(behind.dtype), axis=1)
    return behind


def _row(ranks: np.ndarray, groups: np.ndarray) -> Row:
    """Measure ranks, [questions]."""
    recall = {k: estimate(ranks <= k, groups) for k in KS}
    return {"recall": recall, "median": float(np.median(ranks))}
