"""The product's own tables, asked about a set of the kitchen's videos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.kitchen_tables.corpus import HELD_OUT, Kitchen
from demos.kitchen.evaluation import segments, spoken_labels
from feature_extraction.storage import Stage
from tokenization.codebook import Codebook
from videobert.loading import TrainedModel
from videobert.tasks.accuracy import Accuracy
from videobert.tasks.action_table import ActionTable, Segment, action_table
from videobert.tasks.caption_segments import SeenSegments, see, spoken_segments
from videobert.tasks.forecasting import STEPS, ForecastTable, forecast_table
from videobert.tasks.imagining import ImaginingTable, imagining_table
from videobert.tasks.localisation import LocalisationTable, localisation_table
from videobert.tasks.passages import Passages, read_passages, read_tracks
from videobert.tasks.retrieval_table import RetrievalTable, retrieval_table

CANDIDATES = 30
"""That BM25 hands on: fewer than the product's 100, as a held-out split has some 170 clips in all."""


def actions(kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str, probe: bool = True) -> ActionTable:
    """The zero-shot table of the steps of a set; ``learnt`` has the videos of priors and, if it is wanted, of the probe."""
    codebook = model.processor.codebook
    known = steps_of(kitchen, learnt, codebook) if probe else []
    labels = spoken_labels(kitchen.plan, kitchen.work(learnt))
    return action_table(model, steps_of(kitchen, asked, codebook), known, labels)


def steps_of(kitchen: Kitchen, name: str, codebook: Codebook) -> list[Segment]:
    """The steps of a set that have a clip."""
    truth = kitchen.truth(name)
    return segments(truth, truth.videos[0].split, Stage(kitchen.work(name) / "features"), codebook)


def told(kitchen: Kitchen, name: str, codebook: Codebook) -> Passages:
    """The sentences of a set that are about a step, with their clips."""
    passages = read_passages(kitchen.work(name), codebook)
    return passages.take(np.flatnonzero([kitchen.tells(text) for text in passages.text]))


def told_segments(kitchen: Kitchen, name: str, codebook: Codebook) -> SeenSegments:
    """The same as segments to caption, with S3D's features."""
    spoken = [segment for segment in spoken_segments(kitchen.work(name)) if kitchen.tells(segment.sentence)]
    return see(spoken, kitchen.work(name), codebook, with_s3d=True)


def retrieval(kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str, weight: float) -> RetrievalTable:
    """Sentences and clips of a set that find each other."""
    codebook = model.processor.codebook
    training = read_passages(kitchen.work(learnt), codebook)
    return retrieval_table(model, told(kitchen, asked, codebook), training, weight, CANDIDATES)


def forecasts(
    kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str, context: int, steps: Sequence[int] = STEPS
) -> ForecastTable:
    """The visual words to come in the videos of a set."""
    codebook = model.processor.codebook
    videos = {video: track.words for video, track in read_tracks(kitchen.work(asked), codebook).items()}
    training = [track.words for track in read_tracks(kitchen.work(learnt), codebook).values()]
    return forecast_table(model, videos, training, steps, context, kitchen.sizes.asked)


def imagined(kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str) -> ImaginingTable:
    """The visual words of the sentences of a set."""
    codebook = model.processor.codebook
    return imagining_table(model, told(kitchen, asked, codebook), read_passages(kitchen.work(learnt), codebook))


def located(kitchen: Kitchen, model: TrainedModel, asked: str, lengths: Sequence[int]) -> LocalisationTable:
    """The sentences of a set, looked for in their whole videos."""
    codebook = model.processor.codebook
    tracks = read_tracks(kitchen.work(asked), codebook)
    return localisation_table(model, told(kitchen, asked, codebook), tracks, lengths)


def summary(kitchen: Kitchen, model: TrainedModel, learnt: str, weight: float, context: int) -> dict[str, Accuracy]:
    """A few figures of each kind by name, for models that are compared with each other."""
    found: dict[str, Accuracy] = {}
    for split, name in zip(HELD_OUT, ("videos", "combinations"), strict=True):
        row = actions(kitchen, model, split, learnt, probe=False).rows["cross_modal"]
        found |= {f"{kind}, {name}": row[f"{kind}_top1"] for kind in ("verb", "noun")}
    found["search, R@5"] = retrieval(kitchen, model, HELD_OUT[0], learnt, weight).text_to_clip["interpolated"].recall[5]
    ahead = forecasts(kitchen, model, HELD_OUT[0], learnt, context, (1,))
    return found | {"next word, top-5": ahead.rows[1]["forecast"][5]}
