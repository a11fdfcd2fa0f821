"""What a fair question is worth: the same models, asked as the paper asks and otherwise.

    python -m benchmarks.asking --truth kitchen/truth.json --training work --held-out held_out \
        model0 model1 model2

Nothing is trained. The held-out folder has features, tokens and examples of the held-out videos.
Each row is one way to ask; each column is a model. Where a question lost by being made fair, its
row is printed all the same: see docs/recipe.md for what the product does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from demos.kitchen.evaluation import spoken_labels, steps_of
from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, read_truth
from videobert.answers.forecasting import words_ahead
from videobert.answers.options import AS_THE_PAPER, TEMPLATE, Asking
from videobert.answers.visual_words import masked_words
from videobert.answers.zero_shot import label_probabilities, question
from videobert.data.stretches import Stretch, different_sentences, sample, spoken
from videobert.data.work import read_stretches, read_videos
from videobert.evaluation.localisation import evaluate_localisation
from videobert.evaluation.metrics.ranking import top_k_hits
from videobert.evaluation.retrieval import evaluate_retrieval
from videobert.loading import TrainedModel, load_model
from videobert.softmax import first_places
from workfolder.errors import InputError
from workfolder.stage import Stage

LOCATED, FORECAST = 60, 1000
"""Sentences and words that are asked about."""
BANKED = 64
"""Sentences, or clips, of the bank that visual words are asked for, too."""
SMALL = 1e-9
LESS = "less what any gets"
Row = tuple[str, str]
"""What was asked, and what came out."""


def actions(model: TrainedModel, truth: Path, training: Path, held_out: Path) -> Iterator[Row]:
    """Yield how often verb and noun of a step are named first."""
    known, labels = read_truth(truth), spoken_labels(read_truth(truth), training)
    ways = {
        "as the paper asks": ([TEMPLATE], AS_THE_PAPER),
        "in training's frames": (question(model), AS_THE_PAPER),
        LESS: ([TEMPLATE], Asking()),
        "both: the default": (question(model), Asking()),
        "both, and how often said": (question(model), Asking(prior="training")),
    }
    for split in (HELD_OUT_VIDEOS, HELD_OUT_COMBINATIONS):
        steps = steps_of(known, split, Stage(held_out / "features"), model.processor.codebook)
        truths = np.array([step.labels for step in steps]).T
        for way, (templates, asking) in ways.items():
            found = label_probabilities(
                model, templates, [step.words for step in steps], labels.words, asking
            )
            right = [
                top_k_hits(kind.mean(axis=0), true, 1).mean()
                for kind, true in zip(found, truths, strict=True)
            ]
            yield f"{split.replace('_', ' ')}, {way}", f"{right[0]:.1%} / {right[1]:.1%}"


def search(
    model: TrainedModel, asked: Sequence[Stretch], learnt: Sequence[Stretch]
) -> Iterator[Row]:
    """Yield how often a sentence finds its clip among the first five."""
    table = evaluate_retrieval(model, asked, learnt).text_to_clip
    for way in ("bm25", "alignment", "likelihood", "interpolated"):
        yield f"search, R@5, {way}", f"{table[way]['recall'][5].value:.1%}"


def locations(model: TrainedModel, asked: Sequence[Stretch], held_out: Path) -> Iterator[Row]:
    """Yield how well the best window covers when a sentence is said."""
    videos = read_videos(held_out, model.processor.codebook)
    table = evaluate_localisation(model, asked, videos, most=LOCATED).rows
    for way in ("alignment", "likelihood", "both"):
        yield f"place, mean IoU, {way}", f"{table[way]['iou'].value:.1%}"


def imagined(model: TrainedModel, asked: Sequence[Stretch]) -> Iterator[Row]:
    """Yield how many of a sentence's visual words are among the three that are imagined."""
    sentences, number = different_sentences(asked)
    assert model.bank
    decode = model.processor.tokenizer.decode
    banked = [str(decode(ids.tolist())) for ids in model.bank.sentences[:BANKED]]
    own, any_sentence = (_seen_with(model, texts) for texts in (sentences, banked))
    lean = np.log(any_sentence + SMALL).mean(axis=0)
    for way, scores in (("as the paper asks", own), (LESS, np.log(own + SMALL) - lean)):
        best = first_places(scores, 3)[number]
        recall = [
            np.isin(np.unique(each.words), first).mean()
            for each, first in zip(asked, best, strict=True)
        ]
        yield f"imagine, recall@3, {way}", f"{np.mean(recall):.1%}"


def _seen_with(model: TrainedModel, texts: Sequence[str]) -> np.ndarray:
    found = np.empty((len(texts), model.processor.codebook.words))
    for places, each in masked_words(model, texts, [[]] * len(texts), masks=4, read=4):
        found[places] = each.mean(axis=1)
    return found


def forecasts(model: TrainedModel, held_out: Path) -> Iterator[Row]:
    """Yield how often the next visual word is forecast first."""
    assert model.bank
    videos = [clips.words for clips in read_videos(held_out, model.processor.codebook).values()]
    every = [(words[:known], words[known]) for words in videos for known in range(1, len(words))]
    drawn = sample(every, FORECAST)
    own, any_clip = (
        _ahead(model, clips) for clips in ([clip for clip, _ in drawn], model.bank.visual[:BANKED])
    )
    lean, truth = np.log(any_clip + SMALL).mean(axis=0), np.array([word for _, word in drawn])
    for way, scores in (("as the paper asks", own), (LESS, np.log(own + SMALL) - lean)):
        right = top_k_hits(scores, truth, 1).mean()
        yield f"forecast, top-1, {way}", f"{right:.1%}"


def _ahead(model: TrainedModel, clips: Sequence[np.ndarray]) -> np.ndarray:
    found = np.empty((len(clips), model.processor.codebook.words))
    for places, probabilities in words_ahead(model, clips, step=1, context=4):
        found[places] = probabilities
    return found


def measure(model: TrainedModel, truth: Path, training: Path, held_out: Path) -> list[Row]:
    """Ask a model in every way.

    Raises:
        InputError: if the model has no bank, or a folder lacks a stage.
    """
    if model.bank is None:
        raise InputError("the model has no bank: train it again with videobert pretrain")
    codebook = model.processor.codebook
    asked, learnt = spoken(read_stretches(held_out, codebook)), read_stretches(training, codebook)
    return [
        *actions(model, truth, training, held_out),
        *search(model, asked, learnt),
        *locations(model, asked, held_out),
        *imagined(model, asked),
        *forecasts(model, held_out),
    ]


def main() -> None:
    """Ask every model and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("truth", "training", "held-out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("models", type=Path, nargs="+")
    given = parser.parse_args()
    print(machine("torch"))
    try:
        columns = [
            measure(load_model(folder), given.truth, given.training, given.held_out)
            for folder in given.models
        ]
    except InputError as error:
        sys.exit(f"python -m benchmarks.asking: {error}")
    for rows in zip(*columns, strict=True):
        print(f"{rows[0][0]:58s}", "   ".join(figure for _, figure in rows))


if __name__ == "__main__":
    main()
