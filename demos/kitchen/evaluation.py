"""How often a model names the verb and the noun of a step it never saw, beside what it must beat.

python -m demos.kitchen.evaluation --truth demo/kitchen/truth.json --training demo/work --held-out demo/held_out \
    --model demo/model --out demo/results.json
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, TRAINING, Truth, read_truth
from feature_extraction.schema import feature_matrix
from feature_extraction.storage import Stage, read_table, write_json
from tokenization.codebook import Codebook
from tokenization.examples import clips_within
from videobert.cli_evaluate import print_action_table
from videobert.console import print_line
from videobert.loading import TrainedModel, load_model
from videobert.pretraining.corpus import read_examples
from videobert.tasks.action_table import ActionTable, Labels, Segment, action_table
from videobert.tasks.zero_shot import TEMPLATE


def segments(truth: Truth, split: str, features: Stage, codebook: Codebook) -> list[Segment]:
    """The steps of a split that have a clip."""
    found = []
    for video in truth.videos:
        if video.split != split:
            continue
        table = read_table(features.path(Path(video.video).name))
        starts, ends = (table.column(name).to_numpy() for name in ("start", "end"))
        matrix = feature_matrix(table)
        words = codebook.predict(matrix, features.options())
        for step in video.steps:
            inside = clips_within(starts, ends, step.start, step.end)
            if inside.size:
                labels = truth.verbs.index(step.verb), truth.nouns.index(step.noun)
                mean = matrix[inside].astype(np.float32).mean(axis=0)
                found.append(Segment(video.video, *labels, words[inside], mean))
    return found


def evaluate(
    truth: Truth, training: Path, held_out: Path, model: TrainedModel, templates: Sequence[str] = (TEMPLATE,)
) -> dict[str, ActionTable]:
    """The table of methods for each of the two held-out splits; the frequency prior counts what training videos say."""
    codebook = model.processor.codebook
    known = segments(truth, TRAINING, Stage(training / "features"), codebook)
    counts = Counter(word for text in read_examples(training).column("text").to_pylist() for word in text.lower().split())
    verb_counts, noun_counts = ([counts[word] for word in words] for words in (truth.verbs, truth.nouns))
    labels = Labels(truth.verbs, truth.nouns, verb_counts, noun_counts)
    features = Stage(held_out / "features")
    return {
        split: action_table(model, segments(truth, split, features, codebook), known, labels, templates)
        for split in (HELD_OUT_VIDEOS, HELD_OUT_COMBINATIONS)
    }


def main() -> None:
    """Evaluate, print the tables and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("truth", "training", "held-out", "model", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    truth = read_truth(options.truth)
    tables = evaluate(truth, options.training, options.held_out, load_model(options.model))
    write_json({split: asdict(table) for split, table in tables.items()}, options.out)
    for split, table in tables.items():
        print_action_table(split.replace("_", " "), table)
    print_line(f"the same figures: {options.out}")


if __name__ == "__main__":
    main()
