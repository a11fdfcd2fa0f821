"""How often a model names the verb and the noun of a step it never saw, beside what it must beat.

python -m demos.kitchen.evaluation --truth demo/kitchen/truth.json --training demo/work \
    --held-out demo/held_out --model demo/model --out demo/results.json
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, TRAINING, Truth, read_truth
from tokenization.codebook import Codebook
from videobert.cli.console import print_line, print_table, progress_bars
from videobert.cli.score_tables import print_action_table
from videobert.data.stretches import Stretch, with_clips
from videobert.data.work import encode_clips, read_examples, read_stretches
from videobert.evaluation.actions import ActionLabels, ActionResult, evaluate_actions
from videobert.evaluation.retrieval import KS, RetrievalResult, evaluate_retrieval
from videobert.loading import TrainedModel, load_to_ask
from workfolder.errors import InputError
from workfolder.files import write_json
from workfolder.progress import Progress, silent
from workfolder.stage import Stage

SEARCHES = {"chance": "chance", "bm25": "BM25 of visual words", "interpolated": "videobert search"}
"""Rows of the evaluation of retrieval that the demo shows."""


def steps_of(truth: Truth, split: str, features: Stage, codebook: Codebook) -> list[Stretch]:
    """Find the steps of a split that have a clip, labelled with the numbers of verb and noun."""
    steps = []
    for video in truth.videos:
        for step in video.steps if video.split == split else ():
            labels = truth.verbs.index(step.verb), truth.nouns.index(step.noun)
            steps.append(Stretch(video.video, step.start, step.end, labels=labels))
    return with_clips(steps, lambda video: encode_clips(features, Path(video).name, codebook))


def spoken_labels(truth: Truth, training: Path) -> ActionLabels:
    """Count how often each verb and noun is said in DIR/examples of the training videos."""
    texts = read_examples(training).column("text").to_pylist()
    said = Counter(word for text in texts for word in text.lower().split())
    counts = ([said[word] for word in words] for words in (truth.verbs, truth.nouns))
    return ActionLabels(truth.verbs, truth.nouns, *counts)


def evaluate(
    truth: Truth,
    training: Path,
    held_out: Path,
    model: TrainedModel,
    templates: Sequence[str] | None = None,
    progress: Progress = silent,
) -> dict[str, ActionResult]:
    """Measure every method on each of the two held-out splits.

    Args:
        truth: What happens in the videos.
        training: Work folder of the training videos; the frequency prior counts what they say.
        held_out: Work folder of the held-out videos.
        model: Is asked.
        templates: By which it is asked; see evaluate_actions.
        progress: Hears of the steps that were asked about.
    """
    codebook = model.processor.codebook
    known = steps_of(truth, TRAINING, Stage(training / "features"), codebook)
    labels, features = spoken_labels(truth, training), Stage(held_out / "features")
    results = {}
    for split in (HELD_OUT_VIDEOS, HELD_OUT_COMBINATIONS):
        steps = steps_of(truth, split, features, codebook)
        results[split] = evaluate_actions(model, steps, known, labels, templates, progress=progress)
    return results


def search(
    truth: Truth, training: Path, held_out: Path, model: TrainedModel, progress: Progress = silent
) -> RetrievalResult:
    """Measure how well the captions of the steps of new videos find these steps."""
    features, codebook = Stage(held_out / "features"), model.processor.codebook
    captions = {
        (video.video, step.start): step.caption for video in truth.videos for step in video.steps
    }
    steps = [
        replace(step, text=captions[step.video, step.start])
        for step in steps_of(truth, HELD_OUT_VIDEOS, features, codebook)
    ]
    return evaluate_retrieval(model, steps, read_stretches(training, codebook), progress=progress)


def main() -> None:
    """Evaluate, print the tables and write them as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("truth", "training", "held-out", "model", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    try:
        truth, model = read_truth(options.truth), load_to_ask(options.model)
        asked = truth, options.training, options.held_out, model
        with progress_bars() as progress:
            results = evaluate(*asked, progress=progress)
            found = search(*asked, progress)
        told = {split: asdict(result) for split, result in results.items()}
        write_json(told | {"search": asdict(found)}, options.out)
    except InputError as error:
        sys.exit(f"python -m demos.kitchen.evaluation: {error}")
    for split, result in results.items():
        print_action_table(split.replace("_", " "), result)
    rows = found.text_to_clip
    print_table(
        f"search: {found.sentences} sentences about new videos, such as 'stir the tomato', find "
        f"their clip among {found.passages}",
        ["", *(f"R@{k}" for k in KS)],
        [[SEARCHES[name], *(str(rows[name]["recall"][k]) for k in KS)] for name in SEARCHES],
    )
    print_line(f"the same figures: {options.out}")


if __name__ == "__main__":
    main()
