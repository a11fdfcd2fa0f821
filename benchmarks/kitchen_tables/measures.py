"""The product's own tables, asked about a set of the kitchen's videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.kitchen_tables.corpus import HELD_OUT, Kitchen
from demos.kitchen.evaluation import segments, spoken_labels
from tokenization.codebook import Codebook
from videobert.answers.forecasting import STEPS
from videobert.data.corpus import read_examples
from videobert.data.passages import Passages, read_passages, read_tracks
from videobert.data.segments import SeenSegments, see, spoken_segments
from videobert.evaluation.accuracy import Accuracy, accuracy, top_k_hits
from videobert.evaluation.action_table import KS, ActionTable, Segment, action_table
from videobert.evaluation.forecast_table import ForecastTable, forecast_table
from videobert.evaluation.imagining_table import ImaginingTable, imagining_table
from videobert.evaluation.linear_probe import LinearProbe
from videobert.evaluation.localisation_table import LocalisationTable, localisation_table
from videobert.evaluation.retrieval_table import RetrievalTable, retrieval_table
from videobert.loading import TrainedModel
from videobert.sequences import Ids
from workfolder.stage import Stage

CANDIDATES = 30
"""That BM25 hands on: fewer than the product's 100, as a held-out split has some 170 clips in all."""


def actions(
    kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str, probe: bool = True
) -> ActionTable:
    """The zero-shot table of the steps of a set; ``learnt`` has the videos of priors and, if it is wanted, of the probe."""
    codebook = model.processor.codebook
    known = steps_of(kitchen, learnt, codebook) if probe else []
    labels = spoken_labels(kitchen.plan, kitchen.work(learnt))
    return action_table(model, steps_of(kitchen, asked, codebook), known, labels)


def steps_of(kitchen: Kitchen, name: str, codebook: Codebook) -> list[Segment]:
    """The steps of a set that have a clip."""
    truth = kitchen.truth(name)
    return segments(truth, truth.videos[0].split, Stage(kitchen.work(name) / "features"), codebook)


def words_probe(
    kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str
) -> dict[str, Accuracy]:
    """A supervised, linear classifier that counts visual words, by column: what the words still hold of the features."""
    codebook = model.processor.codebook
    known, steps = (steps_of(kitchen, name, codebook) for name in (learnt, asked))
    videos = np.array([step.video for step in steps])
    found = {}
    for kind, labels in (("verb", kitchen.plan.verbs), ("noun", kitchen.plan.nouns)):
        (seen, taught), (shown, truth) = (
            counted(part, kind, codebook.words) for part in (known, steps)
        )
        scores = LinearProbe.fit(seen, taught, len(labels)).scores(shown)
        found |= {f"{kind}_top{k}": accuracy(top_k_hits(scores, truth, k), videos) for k in KS}
    return found


def counted(steps: Sequence[Segment], kind: str, words: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each step has each visual word, [steps, words], and the number of its verb or noun, [steps]."""
    counts = np.stack([np.bincount(step.words, minlength=words) for step in steps])
    return counts, np.array([getattr(step, kind) for step in steps])


def told(kitchen: Kitchen, name: str, codebook: Codebook) -> Passages:
    """The sentences of a set that are about a step, with their clips."""
    passages = read_passages(kitchen.work(name), codebook)
    return passages.take(np.flatnonzero([kitchen.tells(text) for text in passages.text]))


def told_segments(kitchen: Kitchen, name: str, codebook: Codebook) -> SeenSegments:
    """The same as segments to caption, with S3D's features."""
    spoken = [
        segment
        for segment in spoken_segments(kitchen.work(name))
        if kitchen.tells(segment.sentence)
    ]
    return see(spoken, kitchen.work(name), codebook, with_s3d=True)


def retrieval(
    kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str, weight: float
) -> RetrievalTable:
    """Sentences and clips of a set that find each other."""
    codebook = model.processor.codebook
    training = read_passages(kitchen.work(learnt), codebook)
    return retrieval_table(model, told(kitchen, asked, codebook), training, weight, CANDIDATES)


def forecasts(
    kitchen: Kitchen,
    model: TrainedModel,
    asked: str,
    learnt: Sequence[Ids],
    context: int,
    steps: Sequence[int] = STEPS,
) -> ForecastTable:
    """The visual words to come in the videos of a set, beside what is counted in the words ``learnt``."""
    videos = {
        video: track.words
        for video, track in read_tracks(kitchen.work(asked), model.processor.codebook).items()
    }
    return forecast_table(model, videos, learnt, steps, context, kitchen.sizes.asked)


def whole_videos(kitchen: Kitchen, name: str, codebook: Codebook) -> list[Ids]:
    """The visual words of each video of a set."""
    return [track.words for track in read_tracks(kitchen.work(name), codebook).values()]


def of_examples(kitchen: Kitchen, name: str) -> list[Ids]:
    """The visual words of each example of a set: all that pre-training is shown of its videos."""
    return [
        np.array(words, dtype=np.int64)
        for words in read_examples(kitchen.work(name)).column("visual").to_pylist()
    ]


def imagined(kitchen: Kitchen, model: TrainedModel, asked: str, learnt: str) -> ImaginingTable:
    """The visual words of the sentences of a set."""
    codebook = model.processor.codebook
    return imagining_table(
        model, told(kitchen, asked, codebook), read_passages(kitchen.work(learnt), codebook)
    )


def located(
    kitchen: Kitchen, model: TrainedModel, asked: str, lengths: Sequence[int]
) -> LocalisationTable:
    """The sentences of a set, looked for in their whole videos; right is when their step is shown, not when they are said."""
    codebook = model.processor.codebook
    said = told(kitchen, asked, codebook)
    spans = np.array(
        [
            kitchen.shows(*row)
            for row in zip(said.video, said.text, said.start, said.end, strict=True)
        ]
    )
    shown = replace(said, start=spans[:, 0], end=spans[:, 1])
    return localisation_table(model, shown, read_tracks(kitchen.work(asked), codebook), lengths)


def summary(
    kitchen: Kitchen, model: TrainedModel, learnt: str, weight: float, context: int
) -> dict[str, Accuracy]:
    """A few figures of each kind by name, for models that are compared with each other."""
    found: dict[str, Accuracy] = {}
    for split, name in zip(HELD_OUT, ("videos", "combinations"), strict=True):
        row = actions(kitchen, model, split, learnt, probe=False).rows["cross_modal"]
        found |= {f"{kind}, {name}": row[f"{kind}_top1"] for kind in ("verb", "noun")}
    found["search, R@5"] = (
        retrieval(kitchen, model, HELD_OUT[0], learnt, weight)
        .text_to_clip["interpolated"]
        .recall[5]
    )
    ahead = forecasts(kitchen, model, HELD_OUT[0], of_examples(kitchen, learnt), context, (1,))
    return found | {"next word, top-5": ahead.rows[1]["forecast"][5]}
