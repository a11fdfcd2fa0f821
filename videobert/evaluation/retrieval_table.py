"""How well sentences and clips find each other, both ways: recall at 1, 5 and 10, and the median rank.

What is right: a sentence is asked once, however often it is said, and every passage where it is said is right, whatever its
case; its rank is that of the best of them. A passage is right with its own sentence, and different sentences are ranked.
What has equal scores shares the mean of its places, so nothing is gained by saying the same to everything.

The rows:
    chance        a random order, computed exactly
    bm25          BM25 on the visual words' profiles
    alignment     the alignment head over all pairs
    re-ranked     BM25's candidates in the head's order, the others behind them
    interpolated  the same, in the order of both scores together; see retrieval
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from videobert.answers.alignment import alignment_scores
from videobert.answers.search import (
    CANDIDATES,
    WEIGHT,
    by_profiles,
    candidates_of,
    different,
    interpolated,
)
from videobert.data.passages import Passages
from videobert.evaluation.accuracy import Accuracy, accuracy
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

METHODS = ("chance", "bm25", "alignment", "re_ranked", "interpolated")
KS = (1, 5, 10)
MOST_PAIRS = 1_000_000
"""So many pairs the head of a tiny model reads in some minutes on two cores; of more, candidates only are read."""
CHUNK = 64


@dataclass(frozen=True)
class Ranking:
    """Where the right answer stands.

    Attributes:
        recall: by k of KS, the share of questions whose right answer is among the first k.
        median: the median rank, 1 at best.
    """

    recall: Mapping[int, Accuracy]
    median: float


@dataclass(frozen=True)
class RetrievalTable:
    """What came out.

    Attributes:
        text_to_clip, clip_to_text: by METHODS; ``alignment`` is missing where there are more than MOST_PAIRS pairs.
    """

    sentences: int
    passages: int
    text_to_clip: Mapping[str, Ranking]
    clip_to_text: Mapping[str, Ranking]

    def cells(self) -> list[list[str]]:
        """For people: a line a direction and method, then recall at each of KS and the median rank."""
        ways = (("text to clip", self.text_to_clip), ("clip to text", self.clip_to_text))
        return [
            [f"{way}, {method.replace('_', '-')}", *_cells(rows.get(method))]
            for way, rows in ways
            for method in METHODS
        ]


def _cells(row: Ranking | None) -> list[str]:
    return (
        [*(str(row.recall[k]) for k in KS), f"{row.median:g}"]
        if row
        else ["left out"] * (len(KS) + 1)
    )


@dataclass(frozen=True)
class _Way:
    """One of the two directions.

    Attributes:
        first: BM25's scores of all answers for the questions at some places, [places, answers].
        head: the head's scores of pairs of places of questions and answers, [pairs].
        asked, answers: the number of the sentence that each belongs to.
        groups: [questions], the video of each, which the bootstrap draws; of a sentence the one that says it first.
    """

    first: Callable[[np.ndarray], np.ndarray]
    head: Callable[[np.ndarray, np.ndarray], np.ndarray]
    asked: np.ndarray
    answers: np.ndarray
    groups: np.ndarray


def retrieval_table(
    model: TrainedModel,
    passages: Passages,
    training: Passages,
    weight: float = WEIGHT,
    candidates: int = CANDIDATES,
    progress: Progress = silent,
) -> RetrievalTable:
    """Let the passages that have a sentence find it, and their sentences them.

    Args:
        training: examples that the profiles are learnt from.
        weight, candidates: see retrieval.

    InputError if there are fewer than two different sentences, or nobody speaks in ``training``.
    """
    pool = passages.spoken()
    sentences, owner = pool.sentences()
    if len(sentences) < 2:
        raise InputError(
            "fewer than two different sentences have visual words: give a folder in which more is said"
        )
    stage = by_profiles(pool, training, model.processor.codebook.words)
    head = _Head.of(model, sentences, pool, progress)
    questions, places = stage.index.questions(sentences), np.arange(len(sentences))
    videos = np.array(pool.video)
    said_first = videos[np.unique(owner, return_index=True)[1]]
    to_clip = _Way(
        lambda at: stage.for_texts(questions[at]), head.scores, places, owner, said_first
    )
    to_text = _Way(
        lambda at: stage.for_passages(at, questions),
        lambda n, s: head.scores(s, n),
        owner,
        places,
        videos,
    )
    ways = {"text to clip": to_clip, "clip to text": to_text}
    rows = [
        _rows(way, weight, candidates, head.everything is not None, partial(progress, name))
        for name, way in ways.items()
    ]
    return RetrievalTable(len(sentences), len(pool), *rows)


@dataclass(frozen=True)
class _Head:
    """The alignment head, asked once about each different pair.

    Attributes:
        number: for each passage that of its ``visual``.
        everything: [sentences, visual], unless they are too many.
    """

    model: TrainedModel
    sentences: list[str]
    visual: list[np.ndarray]
    number: np.ndarray
    everything: np.ndarray | None

    @classmethod
    def of(
        cls, model: TrainedModel, sentences: list[str], pool: Passages, progress: Progress
    ) -> _Head:
        visual, number = different(pool.visual)
        shape = len(sentences), len(visual)
        if shape[0] * shape[1] > MOST_PAIRS:
            return cls(model, sentences, visual, number, None)
        pairs = np.indices(shape).reshape(2, -1).T
        return cls(
            model,
            sentences,
            visual,
            number,
            alignment_scores(model, sentences, visual, pairs, progress).reshape(shape),
        )

    def scores(self, sentence: np.ndarray, passage: np.ndarray) -> np.ndarray:
        """Of pairs of the places of a sentence and of a passage."""
        if self.everything is not None:
            return self.everything[sentence, self.number[passage]]
        pairs, back = np.unique(
            np.stack([sentence, self.number[passage]], axis=1), axis=0, return_inverse=True
        )
        asked, pairs[:, 0] = np.unique(
            pairs[:, 0], return_inverse=True
        )  # a text that is in no pair need not be spelt
        return alignment_scores(
            self.model, [self.sentences[place] for place in asked], self.visual, pairs
        )[back]


def _rows(
    way: _Way,
    weight: float,
    candidates: int,
    everything: bool,
    progress: Callable[[int, int], None],
) -> dict[str, Ranking]:
    ranks: dict[str, list[np.ndarray]] = {}
    for begin in range(0, len(way.asked), CHUNK):
        places = np.arange(begin, min(begin + CHUNK, len(way.asked)))
        right = way.asked[places, None] == way.answers
        for method, scores in _scores(way, places, weight, candidates, everything).items():
            ranks.setdefault(method, []).append(mean_ranks(scores, right))
        progress(begin + len(places), len(way.asked))
    counts = np.bincount(way.answers)[way.asked]
    return {"chance": chance(len(way.answers), counts)} | {
        method: ranking(np.concatenate(found), way.groups) for method, found in ranks.items()
    }


def _scores(
    way: _Way, places: np.ndarray, weight: float, candidates: int, everything: bool
) -> dict[str, np.ndarray]:
    """Every method's scores, [places, answers]."""
    first = way.first(places)
    best = candidates_of(first, candidates)
    head = way.head(np.repeat(places, best.shape[1]), best.ravel()).reshape(best.shape)
    mixed = interpolated(np.take_along_axis(first, best, axis=1), head, weight)
    found = {
        "bm25": first,
        "re_ranked": promoted(first, best, head),
        "interpolated": promoted(first, best, mixed),
    }
    if everything:
        answers = np.arange(first.shape[1])
        found["alignment"] = way.head(
            np.repeat(places, len(answers)), np.tile(answers, len(places))
        ).reshape(first.shape)
    return found


def promoted(first: np.ndarray, best: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """``first`` [questions, answers] with new ``scores`` for the candidates at ``best``, and all others below them."""
    behind = first - first.max(axis=1, keepdims=True) + scores.min(axis=1, keepdims=True) - 1
    np.put_along_axis(behind, best, scores.astype(behind.dtype), axis=1)
    return behind


def mean_ranks(scores: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The rank of the best right answer in each row, 1 at best, where equal scores stand in random order; float64 [rows].

    With t wrong and r right answers of the same score, that is on average behind t / (r + 1) of the wrong ones. What is
    compared with NaN is against the right answer.

    Args:
        scores: [rows, answers].
        right: bool [rows, answers], one at least in each row.
    """
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    tied = scores == best
    return (
        1
        + (~(scores <= best)).sum(axis=1)
        + (tied & ~right).sum(axis=1) / ((tied & right).sum(axis=1) + 1)
    )


def ranking(ranks: np.ndarray, groups: np.ndarray) -> Ranking:
    """The measures of ranks, [questions]."""
    return Ranking({k: accuracy(ranks <= k, groups) for k in KS}, float(np.median(ranks)))


def chance(answers: int, counts: np.ndarray) -> Ranking:
    """What a random order gives on average where ``counts`` [questions] of the answers are right.

    The best of r right answers of n is behind the first k with probability prod_{j<k} (n - r - j) / (n - j).
    """
    missed = np.zeros(answers)
    for count, questions in zip(*np.unique(counts, return_counts=True), strict=True):
        j = np.arange(answers)
        missed += questions * np.cumprod(np.maximum(answers - count - j, 0) / (answers - j))
    found = 1 - missed / len(counts)
    recall = {k: Accuracy(*[float(found[min(k, answers) - 1])] * 3) for k in KS}
    return Ranking(recall, float(np.searchsorted(found, 0.5 - 1e-12) + 1))
