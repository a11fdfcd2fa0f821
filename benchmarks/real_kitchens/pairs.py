"""Sentences and clips that look for each other, in a recording and over all; and where they are.

Every rank is kept, so that the page can draw recordings for its intervals. Equal sentences are one
answer, whatever their case. Equal scores share the mean of their places, but those of chance and of
the frequency prior, which are nearly all equal: they are ranked by one random draw.

Shapes: [sentences] that differ, [steps] that are measured on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.real_kitchens.corpus import Fold, stretches
from benchmarks.real_kitchens.learning import Variant
from benchmarks.real_kitchens.questions import commonest_sentences
from videobert.answers.alignment import alignment_scores, sentence_scores
from videobert.answers.judging import interpolated
from videobert.answers.likelihood import fair_likelihoods, likelihoods
from videobert.answers.localisation import iou, windows_of
from videobert.answers.search import by_profiles
from videobert.bank import SearchMix
from videobert.data.clips import Clips
from videobert.data.stretches import Stretch, different_sentences, sample
from videobert.evaluation.metrics.ranking import mean_ranks
from videobert.loading import TrainedModel
from videobert.sequences import evenly_spaced

SHOWN = 12
"""Words of a clip that are shown beside a sentence, evenly chosen."""
LENGTHS = (15, 30, 60)
"""Seconds of the windows; half of the steps last from 15 to 60."""
MOVES = 3
"""A window moves on by this part of its length."""
LOOKED_FOR = 60
"""Sentences of a fold that are looked for in their recording."""
WITHIN, OVER_ALL = "within", "over_all"


def retrieve(
    model: TrainedModel, fold: Fold, clips: dict[str, Clips], variant: Variant
) -> dict[str, Any]:
    """Rank the steps that are measured on for their sentences, and the sentences for the steps.

    Returns:
        ``videos`` of the steps, and by scope, way and method the rank of each step's right answer.
        Where a sentence asks, its rank stands at each step that it is of.
    """
    learnt, asked = fold.steps(fold.learnt), fold.steps(fold.measured)
    pool = [shown(each, variant) for each in stretches(asked, clips)]
    sentences, owner = different_sentences(pool)
    words = [each.words for each in pool]
    pairs = np.indices((len(sentences), len(pool))).reshape(2, -1).T
    odds = alignment_scores(model, sentences, words, pairs).reshape(len(sentences), -1)
    likely = fair_likelihoods(model, sentences, words)
    stage = by_profiles(pool, stretches(learnt, clips), model.processor.codebook.words)
    bm25 = stage.for_texts(stage.index.questions(sentences))
    often = commonest_sentences(learnt)
    said = np.array([often[sentence.strip().casefold()] for sentence in sentences])
    drawn = np.random.default_rng(fold.number).random(odds.shape)  # less than one count
    scores = {
        "chance": drawn,
        "frequency_prior": said[:, None] + drawn,
        "bm25": bm25,
        "alignment": odds,
        "likelihood": likely,
        "shuffled_video": np.roll(likely, len(pool) // 2, axis=1),
    }
    videos = np.array([each.video for each in pool])
    found: dict[str, Any] = {"videos": videos.tolist()}
    mix = SearchMix()  # that of a model for which no videos were kept apart
    scores["search"] = interpolated(bm25, interpolated(odds, likely, mix.likelihood), mix.model)
    for scope, same in ((OVER_ALL, np.ones((len(pool),) * 2, bool)), (WITHIN, _same(videos))):
        found[scope] = {
            "text_to_clip": {m: find_clips(s, owner, same) for m, s in scores.items()},
            "clip_to_text": {m: find_texts(s, owner, same) for m, s in scores.items()},
        }
    return found


def shown(stretch: Stretch, variant: Variant) -> Stretch:
    """Return a stretch with the words that are shown beside a sentence."""
    words = variant.shown(stretch.words)
    few = words[evenly_spaced(len(words), SHOWN)]
    return Stretch(stretch.video, stretch.start, stretch.end, stretch.text, few)


def _same(videos: np.ndarray) -> np.ndarray:
    return videos[:, None] == videos


def find_clips(scores: np.ndarray, owner: np.ndarray, same: np.ndarray) -> list[float]:
    """Rank clips for the sentence of each step, among the steps that are the ``same``."""
    ranks = []
    for step, number in enumerate(owner):
        among = np.flatnonzero(same[step])
        right = owner[among] == number
        ranks.append(float(mean_ranks(scores[number][None, among], right[None])[0]))
    return ranks


def find_texts(scores: np.ndarray, owner: np.ndarray, same: np.ndarray) -> list[float]:
    """Rank the sentences of the ``same`` steps for each step."""
    ranks = []
    for step, number in enumerate(owner):
        among = np.unique(owner[same[step]])
        right = among == number
        ranks.append(float(mean_ranks(scores[among, step][None], right[None])[0]))
    return ranks


def locate(
    model: TrainedModel, fold: Fold, clips: dict[str, Clips], variant: Variant
) -> dict[str, Any]:
    """Find the window of its recording that fits a sentence best.

    Returns:
        ``videos`` and by method the IoU of each sentence. ``chance`` is the mean over all windows
        of the length that was found. ``time_alone`` sees no picture: it takes the mean place and
        the mean length of the sentence in what was learnt from, or of all its sentences if it is
        new.
    """
    learnt = fold.steps(fold.learnt)
    asked = sample(fold.steps(fold.measured), LOOKED_FOR)
    found: dict[str, Any] = {"videos": [step.video for step in asked]}
    found |= {"chance": [], "time_alone": [], "alignment": [], "likelihood": []}
    for step in asked:
        video, span = clips[step.video], np.array([step.start, step.end])
        bounds = moved_on(windows_of(video, LENGTHS))
        words = [variant.shown(video.words[first:after]) for first, after in bounds]
        few = [each[evenly_spaced(len(each), SHOWN)] for each in words]
        aligned = int(sentence_scores(model, step.text, few).argmax())
        best = int(likelihoods(model, [step.text], few)[0].argmax())
        times = np.stack([video.start[bounds[:, 0]], video.end[bounds[:, 1] - 1]], axis=1)
        shared = iou(times, span)
        sizes = bounds[:, 1] - bounds[:, 0]
        alike = [each for each in learnt if each.text.casefold() == step.text.casefold()]
        place = np.mean([each.place for each in alike or learnt]) * len(video)
        half = np.mean([each.end - each.start for each in alike or learnt]) / 2
        found["alignment"].append(float(shared[aligned]))
        found["likelihood"].append(float(shared[best]))
        found["chance"].append(float(shared[sizes == sizes[best]].mean()))
        found["time_alone"].append(float(iou(np.array([place - half, place + half]), span)))
    return found


def moved_on(bounds: np.ndarray) -> np.ndarray:
    """Keep the windows that begin at a multiple of a part of their length."""
    return bounds[bounds[:, 0] % ((bounds[:, 1] - bounds[:, 0]) // MOVES) == 0]
