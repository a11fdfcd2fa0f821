"""Which network looks at the kitchen: random ones beside one with real weights, as a table.

    python -m benchmarks.kitchen_eyes --out build/kitchen_eyes       25 minutes on two cores

Every network sees the same videos, gets a codebook and models of its own, and is asked about the
same held-out steps. The options of pre-training are the demo's, which were found with random S3D on
another kitchen: no network was tuned for. What is there is not made again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import transformers

from benchmarks.kitchen_tables.corpus import HELD_OUT, Kitchen, make_corpus, training_set
from benchmarks.kitchen_tables.sizes import PRETRAINING, Sizes
from benchmarks.machine import machine
from demos.kitchen.evaluation import spoken_labels, steps_of
from demos.kitchen.truth import TRAINING
from videobert.cli.console import print_line, progress_bars
from videobert.evaluation.actions import evaluate_actions
from videobert.loading import load_model
from videobert.pretraining.loop import pretrain
from videobert.pretraining.options import PretrainOptions
from workfolder.errors import InputError
from workfolder.files import read_json, write_json
from workfolder.progress import Progress
from workfolder.stage import Stage

NETWORKS = {
    "S3D, random": "random:0",
    "EfficientNet-Lite0, random": "timm:tf_efficientnet_lite0:random:0",
    "EfficientNet-Lite0, ImageNet": "efficientnet_lite0",
}
SIZES = Sizes(training=(20, 60), main=60, validation=0, held_out=20)
STEPS = 2000
SEED = 1
ROWS = ("cross_modal", "calibrated", "linear_probe")
COLUMNS = ("verb_top1", "noun_top1")
PACKAGES = ("torch", "timm", "openvino")


def slug(network: str) -> str:
    """Return a name of a folder."""
    return "_".join(network.lower().replace(",", "").split())


def kitchen_of(out: Path, network: str) -> Kitchen:
    """Return the kitchen as one network sees it; all of them share the videos."""
    folder = out / slug(network)
    folder.mkdir(parents=True, exist_ok=True)
    (out / "videos").mkdir(exist_ok=True)
    if not (folder / "videos").exists():
        (folder / "videos").symlink_to(Path("..", "videos"))
    return Kitchen(folder, SIZES, SEED)


def measure(out: Path, network: str, videos: int, progress: Progress) -> dict[str, Any]:
    """Return the action tables of a network's model, by held-out split, as JSON has them."""
    kitchen = kitchen_of(out, network)
    kept = kitchen.out / f"figures_{videos}.json"
    if kept.exists():
        return dict(read_json(kept))
    work, folder = kitchen.work(training_set(videos)), kitchen.out / f"model_{videos}"
    pretrain(work, folder, PretrainOptions(**PRETRAINING, steps=STEPS), progress)
    model = load_model(folder)
    codebook, truth = model.processor.codebook, kitchen.truth(training_set(videos))
    known = steps_of(truth, TRAINING, Stage(work / "features"), codebook)
    labels = spoken_labels(truth, work)
    figures = {}
    for split in HELD_OUT:
        features = Stage(kitchen.work(split) / "features")
        steps = steps_of(kitchen.truth(split), split, features, codebook)
        figures[split] = asdict(evaluate_actions(model, steps, known, labels))
    write_json(figures, kept)
    return figures


def table(out: Path, progress: Progress) -> Iterator[str]:
    """Yield the lines of the table, in Markdown."""
    yield (
        "| held out | training videos | network | "
        + " | ".join(
            f"{row.replace('_', ' ')}, {column.replace('_', ' ')}"
            for row in ROWS
            for column in COLUMNS
        )
        + " |"
    )
    yield "| --- " * (3 + len(ROWS) * len(COLUMNS)) + "|"
    for split in HELD_OUT:
        for videos in SIZES.training:
            for network in NETWORKS:
                rows = measure(out, network, videos, progress)[split]["rows"]
                cells = [_cell(rows[row][column]) for row in ROWS for column in COLUMNS]
                name = split.replace("_", " ")
                yield f"| {name} | {videos} | {network} | " + " | ".join(cells) + " |"


def _cell(found: dict[str, float]) -> str:
    """Return a share and its interval in per cent."""
    share, low, high = (100 * found[name] for name in ("value", "low", "high"))
    return f"{share:.1f} ({low:.0f}-{high:.0f})"


def main() -> None:
    """Make what is not there, then print the table."""
    transformers.utils.logging.disable_progress_bar()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("build/kitchen_eyes"))
    options = parser.parse_args()
    try:
        with progress_bars() as progress:
            for network, weights in NETWORKS.items():
                make_corpus(kitchen_of(options.out, network), progress, weights)
            lines = list(table(options.out, progress))
    except InputError as error:
        sys.exit(f"benchmarks.kitchen_eyes: {error}")
    print_line(", ".join(f"{name} {value}" for name, value in machine(*PACKAGES).items()))
    for line in lines:
        print_line(line)


if __name__ == "__main__":
    main()
