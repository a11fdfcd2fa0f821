"""How near captions are to what people wrote: BLEU, ROUGE-L and CIDEr-D.

They are computed as by the reference program, the COCO caption evaluation (pycocoevalcap 1.2),
whose figures papers print. Where it departs from a paper, so do these functions, and they say so.
METEOR is in meteor.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from videobert.evaluation.metrics.meteor import MeteorError, meteor
from videobert.evaluation.metrics.ptb_tokens import ptb_tokens
from workfolder.errors import InputError

Words = Sequence[str]
Ngrams = Counter[tuple[str, ...]]

ORDERS = 4  # n-grams of 1 to 4 words
ROUGE_BETA = 1.2  # recall weighs beta squared times as much as precision
CIDER_SIGMA = 6.0  # words of difference in length


@dataclass(frozen=True)
class Metric:
    """A metric's score, in [0, 1], of CIDEr-D in [0, 10].

    Attributes:
        corpus: Over all captions together.
        items: Of each caption, float64 [captions].
    """

    corpus: float
    items: np.ndarray


@dataclass(frozen=True)
class CaptionMetrics:
    """The scores of a set of captions.

    Attributes:
        bleu: BLEU-1 to BLEU-4.
        rouge_l: ROUGE-L.
        cider_d: CIDEr-D.
        meteor: METEOR; None if it was not asked for or could not be had.
        why_no_meteor: The reason, for people; empty if METEOR is there.
    """

    bleu: tuple[Metric, ...]
    rouge_l: Metric
    cider_d: Metric
    meteor: Metric | None
    why_no_meteor: str

    @property
    def corpus(self) -> dict[str, float | None]:
        """The scores over all captions by name, in the order in which papers print them."""
        return {
            **{f"BLEU-{order}": score.corpus for order, score in enumerate(self.bleu, start=1)},
            "METEOR": self.meteor.corpus if self.meteor else None,
            "ROUGE-L": self.rouge_l.corpus,
            "CIDEr-D": self.cider_d.corpus,
        }


def score_captions(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    tokenised: bool = False,
    with_meteor: bool = False,
) -> CaptionMetrics:
    """Score one caption of each clip against its reference captions by every metric.

    Args:
        candidates: The captions; an empty one scores 0.
        references: One or more references for each caption, in the same order.
        tokenised: Whether captions are cut at white space alone, and not by ``ptb_tokens``.
        with_meteor: Whether METEOR is wanted.

    Raises:
        InputError: if there are no captions, a caption has no reference, or the two do not match.
    """
    _check(candidates, references)
    cut = str.split if tokenised else ptb_tokens
    ours, theirs = (
        [cut(caption) for caption in candidates],
        [[cut(caption) for caption in known] for known in references],
    )
    of_meteor, why = None, "METEOR was not asked for"
    if with_meteor:
        try:
            of_meteor, why = Metric(*meteor(ours, theirs)), ""
        except MeteorError as error:
            why = str(error)
    return CaptionMetrics(
        bleu(ours, theirs), rouge_l(ours, theirs), cider_d(ours, theirs), of_meteor, why
    )


def _check(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if not candidates:
        raise InputError("there are no captions to score: give at least one")
    if len(candidates) != len(references):
        raise InputError(
            f"{len(candidates)} captions and references for {len(references)} do not match: give "
            "as many of each"
        )
    for number, captions in enumerate(references):
        if isinstance(captions, str) or not captions:
            raise InputError(
                f"the references of caption {number} are not a list with a caption in it: give at "
                "least one"
            )


def bleu(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> tuple[Metric, ...]:
    """Compute BLEU-1 to BLEU-4 (Papineni et al. 2002).

    It is the geometric mean of clipped n-gram precisions, with a brevity penalty. The reference
    length is that of the closest reference, the shorter of two that are as close.
    """
    right = np.zeros((len(candidates), ORDERS))
    made = np.zeros((len(candidates), ORDERS))
    lengths = np.zeros((2, len(candidates)))  # of the caption, of its closest reference
    for item, (candidate, known) in enumerate(zip(candidates, references, strict=True)):
        counts, most = ngrams(candidate), Ngrams()
        for reference in map(ngrams, known):
            most |= reference
        right[item], made[item] = by_order(counts & most), by_order(counts)
        length = made[item, 0]
        lengths[:, item] = (
            length,
            min((by_order(ngrams(r))[0] for r in known), key=lambda n: (abs(n - length), n)),
        )
    items = bleu_of_counts(right, made, *lengths)
    corpus = bleu_of_counts(right.sum(axis=0), made.sum(axis=0), *lengths.sum(axis=1))
    return tuple(Metric(float(total), each) for total, each in zip(corpus, items.T, strict=True))


def bleu_of_counts(
    right: np.ndarray, made: np.ndarray, length: np.ndarray, closest: np.ndarray
) -> np.ndarray:
    """Compute BLEU-1 to 4 from counts.

    The reference program adds 1e-15 above and 1e-9 below each fraction, so a caption without a
    right n-gram keeps a little.

    Args:
        right: How many n-grams are right, [..., 4].
        made: How many n-grams there are, [..., 4].
        length: Words of the captions, [...].
        closest: Words of their closest references, [...].

    Returns:
        [..., 4].
    """
    tiny, small = 1e-15, 1e-9
    precision = np.cumprod((right + tiny) / (made + small), axis=-1) ** (
        1 / np.arange(1, ORDERS + 1)
    )
    ratio = (length + tiny) / (closest + small)
    return precision * np.exp(np.minimum(1 - 1 / ratio, 0))[..., None]


def rouge_l(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> Metric:
    """Compute ROUGE-L (Lin 2004): the F-measure of the longest common subsequence, beta 1.2.

    The corpus score is the mean. The reference program takes the best precision and the best
    recall, even of different references. To it an empty caption is one empty word, so two empty
    captions are alike.
    """
    scores = []
    for candidate, known in zip(candidates, references, strict=True):
        ours, theirs = candidate or [""], [reference or [""] for reference in known]
        common = [common_subsequence(ours, reference) for reference in theirs]
        precision = max(common) / len(ours)
        recall = max(
            length / len(reference) for length, reference in zip(common, theirs, strict=True)
        )
        below = recall + ROUGE_BETA**2 * precision
        scores.append((1 + ROUGE_BETA**2) * precision * recall / below if below else 0.0)
    return mean_score(scores)


def common_subsequence(first: Words, second: Words) -> int:
    """Count the words of the longest common subsequence."""
    above = [0] * (len(second) + 1)
    for word in first:
        row = [0]
        for place, other in enumerate(second):
            row.append(above[place] + 1 if word == other else max(row[place], above[place + 1]))
        above = row
    return above[-1]


def cider_d(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> Metric:
    """Compute CIDEr-D (Vedantam et al. 2015).

    It is the clipped cosine of n-gram weights, the mean over 1- to 4-grams and references, times
    10. Weights are counts times log(clips / clips that have the n-gram in a reference), over the
    references given, so a set of one clip scores 0. As in the reference program, the Gaussian of
    sigma 6 is of the difference in 2-grams, not in words.
    """
    grams = [[ngrams(reference) for reference in known] for known in references]
    clips_with = Counter(gram for known in grams for gram in set().union(*known))
    scores = []
    for candidate, known in zip(candidates, grams, strict=True):
        ours = weighted(ngrams(candidate), clips_with, len(grams))
        scores.append(
            10
            * float(np.mean([similarity(ours, weighted(r, clips_with, len(grams))) for r in known]))
        )
    return mean_score(scores)


@dataclass(frozen=True)
class Weighted:
    """A caption's n-grams with their weights.

    Attributes:
        weights: By n-gram.
        norms: Length of the vector of each order, [4].
        pairs: How many 2-grams there are.
    """

    weights: dict[tuple[str, ...], float]
    norms: np.ndarray
    pairs: int


def weighted(grams: Ngrams, clips_with: Mapping[tuple[str, ...], int], clips: int) -> Weighted:
    """Weigh the n-grams of a caption by how rare they are; one in no reference counts as in one."""
    weights = {
        gram: count * float(np.log(clips / max(1, clips_with.get(gram, 0))))
        for gram, count in grams.items()
    }
    norms = np.sqrt(by_order({gram: weight**2 for gram, weight in weights.items()}))
    return Weighted(weights, norms, int(by_order(grams)[1]))


def similarity(ours: Weighted, theirs: Weighted) -> float:
    """Average the clipped cosine over the orders, in [0, 1]; less if lengths differ."""
    shared = ours.weights.keys() & theirs.weights.keys()
    products = by_order(
        {
            gram: min(ours.weights[gram], theirs.weights[gram]) * theirs.weights[gram]
            for gram in shared
        }
    )
    norms = ours.norms * theirs.norms
    cosines = np.divide(products, norms, out=np.zeros(ORDERS), where=norms > 0)
    return float(
        cosines.mean() * np.exp(-((ours.pairs - theirs.pairs) ** 2) / (2 * CIDER_SIGMA**2))
    )


def ngrams(words: Words) -> Ngrams:
    """Count how often a caption has each run of 1 to 4 words.

    The reference program splits again at all white space here, so ``1 1/2``, which is a word to
    ROUGE-L, is two.
    """
    split = " ".join(words).split()
    return Counter(
        tuple(split[first : first + order])
        for order in range(1, ORDERS + 1)
        for first in range(len(split) - order + 1)
    )


def by_order(grams: Mapping[tuple[str, ...], float]) -> np.ndarray:
    """Add up the values of 1-grams, 2-grams, 3-grams and 4-grams, [4]."""
    sums = np.zeros(ORDERS)
    for gram, value in grams.items():
        sums[len(gram) - 1] += value
    return sums


def mean_score(scores: Iterable[float]) -> Metric:
    """Make a score whose figure for all captions is the mean of theirs."""
    items = np.fromiter(scores, dtype=np.float64)
    return Metric(float(items.mean()), items)
