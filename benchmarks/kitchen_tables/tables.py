"""The figures of the five tables, each kept as a file once it is found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from benchmarks.kitchen_tables import measures
from benchmarks.kitchen_tables.captions import caption_figures
from benchmarks.kitchen_tables.choices import Choices, within
from benchmarks.kitchen_tables.corpus import HELD_OUT, training_set
from benchmarks.kitchen_tables.study import ABLATIONS, Study
from videobert.answers.forecasting import STEPS
from videobert.finetune.captions.options import FEATURES
from videobert.loading import TrainedModel

FULL = "everything"
"""The row of the models from which nothing is left out."""


def make_tables(study: Study, choices: Choices) -> dict[str, Any]:
    """Find the figures of every table, as JSON has them.

    The zero-shot figures are those of ``more_data`` at the main size.
    """
    kept, sizes = study.figures, study.kitchen.sizes
    return {
        "more_data": {
            str(videos): kept(
                f"zero_shot_{videos}", partial(zero_shot, study, videos, choices.epochs)
            )
            for videos in sizes.training
        },
        "more_epochs": {
            str(videos): kept(
                f"zero_shot_{videos}_longer",
                partial(zero_shot, study, videos, longer(study, choices, videos)),
            )
            for videos in sizes.training
            if videos < sizes.main
        },
        "updates": {
            str(videos): [
                study.updates(videos, epochs)
                for epochs in (choices.epochs, longer(study, choices, videos))
            ]
            for videos in sizes.training
        },
        "words_probe": kept("words_probe", partial(words_probe, study, choices)),
        "captions": {
            variant: kept(
                f"captions_{variant.replace('+', '_')}", partial(captions, study, choices, variant)
            )
            for variant in FEATURES
        },
        "left_out": {
            name: [
                kept(
                    "_".join(["left_out", *name.split(), str(seed)]),
                    partial(left_out, study, choices, name, seed),
                )
                for seed in sizes.seeds
            ]
            for name in (FULL, *ABLATIONS)
        },
        **kept("answers", partial(answers, study, choices)),
        "examples": kept("examples", partial(examples, study, choices)),
    }


def main_model(study: Study, choices: Choices) -> TrainedModel:
    """Load the model that answers everything."""
    return study.model(study.kitchen.sizes.main, choices.epochs)


def longer(study: Study, choices: Choices, videos: int) -> int:
    """Count the epochs in which so many videos get about as many updates as the main size."""
    return choices.epochs * study.kitchen.sizes.main // videos


def zero_shot(study: Study, videos: int, epochs: int) -> dict[str, Any]:
    """Measure zero-shot actions on both held-out splits."""
    model, learnt = study.model(videos, epochs), training_set(videos)
    return {
        split: asdict(measures.actions(study.kitchen, model, split, learnt)) for split in HELD_OUT
    }


def words_probe(study: Study, choices: Choices) -> dict[str, Any]:
    """Measure a classifier of the visual words themselves on both held-out splits."""
    model, kitchen = main_model(study, choices), study.kitchen
    found = {split: measures.words_probe(kitchen, model, split, kitchen.main) for split in HELD_OUT}
    return {
        split: {column: vars(cell) for column, cell in row.items()} for split, row in found.items()
    }


def captions(study: Study, choices: Choices, variant: str) -> dict[str, Any]:
    """Score a variant's captions of both held-out splits."""
    return caption_figures(study, main_model(study, choices), variant)


def left_out(study: Study, choices: Choices, name: str, seed: int) -> dict[str, Any]:
    """Summarise a model that learnt without the choice of that name."""
    videos = study.kitchen.sizes.ablated
    model = study.model(videos, choices.epochs, seed, None if name == FULL else name)
    found = measures.summary(
        study.kitchen, model, training_set(videos), choices.weight, choices.context
    )
    return {measure: vars(accuracy) for measure, accuracy in found.items()}


def answers(study: Study, choices: Choices) -> dict[str, Any]:
    """Measure the main model's other answers, by table, then by held-out split."""
    kitchen, learnt = study.kitchen, study.kitchen.main
    model, steps = main_model(study, choices), within(study, STEPS)
    whole = measures.whole_videos(kitchen, learnt, model.processor.codebook)
    made: dict[str, Callable[[str], Any]] = {
        "retrieval": lambda split: measures.retrieval(
            kitchen, model, split, learnt, choices.weight
        ),
        "forecast": lambda split: measures.forecasts(
            kitchen, model, split, whole, choices.context, steps
        ),
        "imagine": lambda split: measures.imagined(kitchen, model, split, learnt),
        "localisation": lambda split: measures.located(kitchen, model, split, choices.lengths),
    }
    return {name: by_split(make, HELD_OUT) for name, make in made.items()}


def examples(study: Study, choices: Choices) -> dict[str, Any]:
    """Find what examples tell of the words to come.

    It is the share of examples that have a word so far ahead, and a bigram of examples alone.
    """
    kitchen, model, steps = study.kitchen, main_model(study, choices), within(study, STEPS)
    seen = measures.of_examples(kitchen, kitchen.main)
    shares = {str(step): float(np.mean([len(words) > step for words in seen])) for step in steps}
    tables = by_split(
        lambda split: measures.forecasts(kitchen, model, split, seen, choices.context, steps),
        HELD_OUT,
    )
    rows = {
        split: {step: by["bigram"] for step, by in table["rows"].items()}
        for split, table in tables.items()
    }
    return {"ahead": shares, "bigram": rows}


def by_split(make: Callable[[str], Any], splits: Iterable[str]) -> dict[str, Any]:
    """Make the figures of each split."""
    return {split: asdict(make(split)) for split in splits}
