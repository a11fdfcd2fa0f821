"""The next visual word 1, 5 and 30 seconds ahead, beside n-grams that may copy.

Training keeps every first to fifth word. So what comes in 5 and in 30 s is asked of every fifth
word: one and six words ahead.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.real_kitchens.corpus import Fold
from videobert.answers.forecasting import words_ahead
from videobert.data.clips import Clips
from videobert.data.stretches import sample
from videobert.evaluation.metrics.ranking import top_k_hits
from videobert.evaluation.ngrams import NGrams
from videobert.loading import TrainedModel

SECONDS = {1: (1, 1), 5: (5, 1), 30: (5, 6)}
"""By seconds ahead: of how many words one is kept, and how many of the kept are gone ahead."""
CONTEXT = 4
ASKED = 1000
"""Words of a fold that are forecast at each distance."""
KS = (1, 5)


def forecast(model: TrainedModel, fold: Fold, clips: dict[str, Clips]) -> dict[str, Any]:
    """Forecast words of the recordings that are measured on.

    Returns:
        By seconds: the ``videos`` of the words, and by method and k what was hit.
    """
    found = {}
    for seconds, (kept, ahead) in SECONDS.items():
        places = [
            (video, now)
            for video in fold.measured
            for now in range(CONTEXT * kept, len(clips[video]) - seconds)
        ]
        asked = sample(places, ASKED)
        before = [
            clips[video].words[now - (CONTEXT - 1) * kept : now + 1 : kept] for video, now in asked
        ]
        truth = np.array([clips[video].words[now + seconds] for video, now in asked])
        last = np.array([words[-1] for words in before])
        size = model.processor.codebook.words
        ngrams = NGrams.fit([clips[video].words for video in fold.learnt], seconds, size)
        guessed = np.empty((len(asked), size))
        for rows, probabilities in words_ahead(model, before, ahead, CONTEXT):
            guessed[rows] = probabilities
        common = ngrams.unigram(len(asked))
        scores = {
            "unigram": common,
            "copy": np.eye(size)[last] + 0.5 * common,
            "bigram": ngrams.bigram(last),
            "forecast": guessed,
        }
        found[str(seconds)] = {
            "videos": [video for video, _ in asked],
            "hits": {
                method: {str(k): top_k_hits(each, truth, k).tolist() for k in KS}
                for method, each in scores.items()
            },
        }
    return found
