"""The product's own tables of a set of the kitchen's videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.kitchen_tables.corpus import HELD_OUT, Kitchen
from demos.kitchen import evaluation
from tokenization.codebook import Codebook
from videobert.answers.forecasting import STEPS
from videobert.data.captioned import SeenStretches, look_up, spoken_stretches
from videobert.data.stretches import Stretch
from videobert.data.work import read_examples, read_stretches, read_videos
from videobert.evaluation.actions import KINDS, KS, ActionResult, evaluate_actions
from videobert.evaluation.forecasting import ForecastResult, evaluate_forecasts
from videobert.evaluation.imagining import ImaginingResult, evaluate_imagining
from videobert.evaluation.intervals import Estimate
from videobert.evaluation.linear_probe import LinearProbe
from videobert.evaluation.localisation import LocalisationResult, evaluate_localisation
from videobert.evaluation.retrieval import RetrievalResult, evaluate_retrieval
from videobert.evaluation.table import top_k
from videobert.loading import TrainedModel
from videobert.sequences import Ids
from workfolder.stage import Stage

CANDIDATES = 30
"""Stretches that BM25 hands on. The product's 100 are too many, as a held-out split has some 170
clips in all."""


def actions(
    kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str, probe: bool = True
) -> ActionResult:
    """Measure zero-shot actions on the steps of a set.

    Args:
        kitchen: The corpus.
        model: Is asked.
        asked: The set that is asked about.
        learnt: The set that priors and the probe learn from.
        probe: Whether the probe is wanted.
    """
    codebook = model.processor.codebook
    known = steps_of(kitchen, learnt, codebook) if probe else []
    labels = evaluation.spoken_labels(kitchen.plan, kitchen.work(learnt))
    return evaluate_actions(model, steps_of(kitchen, asked, codebook), known, labels)


def steps_of(kitchen: Kitchen, name: str, codebook: Codebook) -> list[Stretch]:
    """Find the steps of a set that have a clip."""
    truth, features = kitchen.truth(name), Stage(kitchen.work(name) / "features")
    return evaluation.steps_of(truth, truth.videos[0].split, features, codebook)


def words_probe(
    kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str
) -> dict[str, Estimate]:
    """Measure, by column, a supervised, linear classifier that counts visual words.

    It tells what the words still hold of the features.
    """
    codebook = model.processor.codebook
    known, steps = (steps_of(kitchen, name, codebook) for name in (learnt, asked))
    seen, shown = (_word_counts(part, codebook.words) for part in (known, steps))
    videos = np.array([step.video for step in steps])
    found = {}
    for place, (kind, labels) in enumerate(
        zip(KINDS, (kitchen.plan.verbs, kitchen.plan.nouns), strict=True)
    ):
        taught, truth = (np.array([step.labels[place] for step in part]) for part in (known, steps))
        scores = LinearProbe.fit(seen, taught, len(labels)).scores(shown)
        figures = top_k(scores, truth, videos, KS)
        found |= {f"{kind}_top{k}": figure for k, figure in figures.items()}
    return found


def _word_counts(steps: Sequence[Stretch], words: int) -> np.ndarray:
    """Count how often each step has each visual word, int [steps, words]."""
    return np.stack([np.bincount(step.words, minlength=words) for step in steps])


def told(kitchen: Kitchen, name: str, codebook: Codebook) -> list[Stretch]:
    """Find the sentences of a set that are about a step, with their clips."""
    stretches = read_stretches(kitchen.work(name), codebook)
    return [stretch for stretch in stretches if kitchen.tells(stretch.text)]


def told_stretches(kitchen: Kitchen, name: str, codebook: Codebook) -> SeenStretches:
    """Find the same to caption, with S3D's features."""
    work = kitchen.work(name)
    stretches = [stretch for stretch in spoken_stretches(work) if kitchen.tells(stretch.text)]
    return look_up(stretches, work, codebook, with_features=True)


def retrieval(
    kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str, weight: float
) -> RetrievalResult:
    """Let sentences and clips of a set find each other."""
    codebook = model.processor.codebook
    training = read_stretches(kitchen.work(learnt), codebook)
    return evaluate_retrieval(model, told(kitchen, asked, codebook), training, weight, CANDIDATES)


def forecasts(
    kitchen: Kitchen,
    model: TrainedModel,
    asked: str,
    learnt: Sequence[Ids],
    context: int,
    steps: Sequence[int] = STEPS,
) -> ForecastResult:
    """Forecast the visual words in the videos of a set, beside n-grams of the words ``learnt``."""
    read = read_videos(kitchen.work(asked), model.processor.codebook)
    videos = {video: clips.words for video, clips in read.items()}
    return evaluate_forecasts(model, videos, learnt, steps, context, kitchen.sizes.asked)


def whole_videos(kitchen: Kitchen, name: str, codebook: Codebook) -> list[Ids]:
    """Read the visual words of each video of a set."""
    return [clips.words for clips in read_videos(kitchen.work(name), codebook).values()]


def of_examples(kitchen: Kitchen, name: str) -> list[Ids]:
    """Read the visual words of each example of a set: all that pre-training sees of its videos."""
    visual = read_examples(kitchen.work(name)).column("visual").to_pylist()
    return [np.array(words, dtype=np.int64) for words in visual]


def imagined(kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str) -> ImaginingResult:
    """Imagine the visual words of the sentences of a set."""
    codebook = model.processor.codebook
    training = read_stretches(kitchen.work(learnt), codebook)
    return evaluate_imagining(model, told(kitchen, asked, codebook), training)


def located(
    kitchen: Kitchen, model: TrainedModel, asked: str, lengths: Sequence[int]
) -> LocalisationResult:
    """Look for the sentences of a set in their whole videos.

    Right is when a sentence's step is shown, not when the sentence is said.
    """
    codebook = model.processor.codebook
    shown = []
    for said in told(kitchen, asked, codebook):
        start, end = kitchen.shows(said.video, said.text, said.start, said.end)
        shown.append(replace(said, start=start, end=end))
    videos = read_videos(kitchen.work(asked), codebook)
    return evaluate_localisation(model, shown, videos, lengths)


def summary(
    kitchen: Kitchen, model: TrainedModel, learnt: str, weight: float, context: int
) -> dict[str, Estimate]:
    """Measure a few figures of each kind by name, to compare models with each other."""
    found: dict[str, Estimate] = {}
    for split, name in zip(HELD_OUT, ("videos", "combinations"), strict=True):
        row = actions(kitchen, model, split, learnt, probe=False).rows["cross_modal"]
        found |= {f"{kind}, {name}": row[f"{kind}_top1"] for kind in KINDS}
    table = retrieval(kitchen, model, HELD_OUT[0], learnt, weight).text_to_clip
    found["search, R@5"] = table["interpolated"]["recall"][5]
    ahead = forecasts(kitchen, model, HELD_OUT[0], of_examples(kitchen, learnt), context, (1,))
    return found | {"next word, top-5": ahead.rows[1]["forecast"][5]}
