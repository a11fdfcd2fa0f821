"""How often a model names the verb and the noun of a step it never saw, beside what it must beat.

python -m demos.kitchen.evaluation --truth demo/kitchen/truth.json --training demo/work --held-out demo/held_out \
    --model demo/model --out demo/results.json
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, TRAINING, Truth, read_truth
from tokenization.codebook import Codebook
from videobert.answers.zero_shot import TEMPLATE
from videobert.cli.console import print_line
from videobert.cli.evaluate import print_action_table
from videobert.data.corpus import read_examples
from videobert.data.passages import encode_track
from videobert.evaluation.action_table import ActionTable, Labels, Segment, action_table
from videobert.loading import TrainedModel, load_model
from workfolder.errors import InputError
from workfolder.files import write_json
from workfolder.stage import Stage


def segments(truth: Truth, split: str, features: Stage, codebook: Codebook) -> list[Segment]:
    """The steps of a split that have a clip."""
    found = []
    for video in truth.videos:
        if video.split != split:
            continue
        track = encode_track(features, Path(video.video).name, codebook)
        for step in video.steps:
            shown = track.within(step.start, step.end)
            if len(shown.words):
                labels = truth.verbs.index(step.verb), truth.nouns.index(step.noun)
                found.append(Segment(video.video, *labels, shown.words, shown.mean))
    return found


def spoken_labels(truth: Truth, training: Path) -> Labels:
    """The verbs and nouns, with how often they are said in DIR/examples of the training videos."""
    counts = Counter(
        word
        for text in read_examples(training).column("text").to_pylist()
        for word in text.lower().split()
    )
    return Labels(
        truth.verbs,
        truth.nouns,
        *([counts[word] for word in words] for words in (truth.verbs, truth.nouns)),
    )


def evaluate(
    truth: Truth,
    training: Path,
    held_out: Path,
    model: TrainedModel,
    templates: Sequence[str] = (TEMPLATE,),
) -> dict[str, ActionTable]:
    """The table of methods for each of the two held-out splits; the frequency prior counts what training videos say."""
    codebook = model.processor.codebook
    known = segments(truth, TRAINING, Stage(training / "features"), codebook)
    labels = spoken_labels(truth, training)
    features = Stage(held_out / "features")
    return {
        split: action_table(
            model, segments(truth, split, features, codebook), known, labels, templates
        )
        for split in (HELD_OUT_VIDEOS, HELD_OUT_COMBINATIONS)
    }


def main() -> None:
    """Evaluate, print the tables and write them as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("truth", "training", "held-out", "model", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    try:
        tables = evaluate(
            read_truth(options.truth), options.training, options.held_out, load_model(options.model)
        )
        write_json({split: asdict(table) for split, table in tables.items()}, options.out)
    except InputError as error:
        sys.exit(f"python -m demos.kitchen.evaluation: {error}")
    for split, table in tables.items():
        print_action_table(split.replace("_", " "), table)
    print_line(f"the same figures: {options.out}")


if __name__ == "__main__":
    main()
