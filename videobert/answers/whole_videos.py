"""Which whole videos fit a sentence, by the best of their stretches.

As long documents are ranked with BERT (Yilmaz et al., 2019, "Cross-Domain Modeling of Sentence-
Level Evidence for Document Retrieval"):

    fit = F((1 - weight) * z(BM25) + weight * sum_{i<=n} w_i z_i / sum_{i<=n} w_i)

where BM25 is the mean over the stretches of a video, and z_i what the model finds of its i-th best
stretch, standardised over all that it read. They found the w_i by cross-validation; here w_i is
1 / i. F is the distribution function of the normal distribution, as in ``search``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from videobert.answers.judging import judged, standardised
from videobert.answers.options import SearchOptions
from videobert.answers.search import (
    FirstStage,
    Judge,
    distinct,
    normal,
    search_mix,
)
from videobert.answers.spelling import check_sentence
from videobert.data.stretches import Stretch
from videobert.loading import TrainedModel
from workfolder.progress import Progress, silent


@dataclass(frozen=True)
class VideoHit:
    """A video that was found.

    Attributes:
        video_id: its id.
        score: how well it fits among the candidates, 0 to 1.
        stretches: start and end in seconds of its best stretches, the best first.
    """

    video_id: str
    score: float
    stretches: Sequence[tuple[float, float]]


def search_videos(
    model: TrainedModel,
    stretches: Sequence[Stretch],
    sentence: str,
    first: FirstStage | None = None,
    how: SearchOptions = SearchOptions(),
    progress: Progress = silent,
    judge: Judge = judged,
) -> list[VideoHit]:
    """Find the videos that fit a sentence best, the best first.

    Args:
        model: Judges the stretches of the candidates.
        stretches: What is searched, each with visual words.
        sentence: What is looked for.
        first: BM25, which picks ``how.candidates`` videos. Without it all are judged.
        how: How many candidates, which weight, how many stretches a video (``best``).
        progress: Hears of the stretches that were read.
        judge: What reads a sentence beside stretches; see ``search``.

    Raises:
        InputError: if the sentence is empty or cannot be spelt.
    """
    check_sentence(model.processor, sentence)
    videos, number = np.unique([stretch.video for stretch in stretches], return_inverse=True)
    told = np.zeros(len(stretches))
    if first:
        told = first.for_texts(first.index.questions([sentence]))[0]
    bm25 = np.bincount(number, weights=told) / np.bincount(number)
    weight = search_mix(model, how.weight).model if bm25.any() else 1.0
    chosen = np.argsort(-bm25, kind="stable")[: how.candidates] if bm25.any() else videos.argsort()
    places = np.flatnonzero(np.isin(number, chosen))
    visual, which = distinct([stretches[place].words for place in places.tolist()])
    z = standardised(judge(model, sentence, visual, progress)[which])
    best, own = {}, number[places]
    for video in chosen.tolist():
        its = np.flatnonzero(own == video)
        best[video] = its[np.argsort(-z[its], kind="stable")][: how.best]
    found = np.array([weighted_best(z[best[video]]) for video in chosen.tolist()])
    fit = normal(weight * found + (1 - weight) * standardised(bm25[chosen]))
    return [
        VideoHit(
            str(videos[chosen[n]]),
            float(fit[n]),
            [(stretches[p].start, stretches[p].end) for p in places[best[int(chosen[n])]].tolist()],
        )
        for n in np.argsort(-fit, kind="stable")[: how.top].tolist()
    ]


def weighted_best(scores: np.ndarray) -> float:
    """Return the mean of scores, the best first, of which the i-th has the weight 1 / i."""
    weights = 1 / np.arange(1, len(scores) + 1)
    return float(scores @ weights / weights.sum())
