"""Which network looks at the kitchen: random ones beside one with real weights, as a table.

    python -m demos.kitchen --brisk --videos 250 --seed 0 --out build/brisk
    python -m benchmarks.kitchen_eyes --kitchen build/brisk --out build/kitchen_eyes
    python -m benchmarks.kitchen_eyes --kitchen build/brisk --out build/kitchen_eyes --probe
                                      a linear probe of the features alone, without any model

Every network sees the same videos, gets a codebook and models of its own, and is asked about the
same held-out steps. The options of pre-training are the demo's, which were found with random S3D:
none was chosen for another network. What is there is not made again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import transformers

from benchmarks.kitchen_tables.corpus import DEALT, HELD_OUT, check, copy, link
from benchmarks.kitchen_tables.sizes import PRETRAINING
from benchmarks.machine import machine
from demos.kitchen.evaluation import spoken_labels, steps_of
from demos.kitchen.truth import TRAINING, Truth, Video, read_truth
from feature_extraction.features import FeatureOptions, extract
from feature_extraction.transcripts import TranscriptOptions, transcribe
from tokenization.codebook import ClusterOptions, Codebook, cluster
from tokenization.tokens import tokenize
from videobert.cli.console import print_line, progress_bars
from videobert.evaluation.actions import evaluate_actions
from videobert.evaluation.intervals import Estimate
from videobert.evaluation.linear_probe import LinearProbe
from videobert.evaluation.table import top_k
from videobert.loading import load_model
from videobert.pretraining.loop import pretrain
from videobert.pretraining.options import PretrainOptions
from workfolder.errors import InputError
from workfolder.files import read_json, write_json
from workfolder.progress import Progress
from workfolder.runner import JobOptions
from workfolder.sources import find_videos
from workfolder.stage import Stage

NETWORKS = {
    "S3D, random": "random:0:112",
    "EfficientNet-Lite0, ImageNet": "efficientnet_lite0",
    "EfficientNet-Lite0, random": "timm:tf_efficientnet_lite0:random:0",
}
FRAMES_PER_SECOND = 6
VIDEOS = (25, 100)
"""Numbers of training videos; the first 25 are among the first 100."""
STEPS = 800
ROWS = ("cross_modal", "calibrated", "linear_probe")
COLUMNS = ("verb_top1", "noun_top1")
PACKAGES = ("torch", "timm", "openvino")


def slug(network: str) -> str:
    """Return a name of a folder."""
    return "_".join(network.lower().replace(",", "").split())


def videos_of(truth: Truth, split: str) -> tuple[Video, ...]:
    """Select the videos of a split that are looked at."""
    dealt = tuple(video for video in truth.videos if video.split == split)
    return dealt[: max(VIDEOS)] if split == TRAINING else dealt


def prepare(kitchen: Path, folder: Path, weights: str, progress: Progress) -> None:
    """Take the videos through every stage, and deal them out to a work folder for each number.

    Args:
        kitchen: the folder that demos.kitchen filled.
        folder: for all that this network makes.
        weights: of the network.
        progress: hears of each piece of work.
    """
    truth, everything = read_truth(kitchen / "truth.json"), folder / "everything"
    training = videos_of(truth, TRAINING)
    looked_at = [*training, *(video for split in HELD_OUT for video in videos_of(truth, split))]
    sources = find_videos([kitchen / f"{video.video}.mp4" for video in looked_at])
    options = FeatureOptions(weights, frames_per_second=FRAMES_PER_SECOND)
    check(extract(sources, everything, options, JobOptions(), progress))
    check(transcribe(sources, everything, TranscriptOptions("captions"), JobOptions(), progress))
    main = folder / str(max(VIDEOS))
    link(Stage(everything / "features"), Stage(main / "features"), training)
    cluster(main, ClusterOptions(12, 2, "whiten", 48), progress)
    copy(main / "codebook", everything / "codebook")
    for report in tokenize(everything, JobOptions(), progress):
        check(report)
    for count in VIDEOS:
        copy(everything / "codebook", folder / str(count) / "codebook")
        for stage in DEALT:
            link(Stage(everything / stage), Stage(folder / str(count) / stage), training[:count])


def measure(kitchen: Path, folder: Path, count: int, progress: Progress) -> dict[str, Any]:
    """Return the tables of a network's model by held-out split, as JSON has them."""
    kept = folder / f"figures_{count}.json"
    if kept.exists():
        return dict(read_json(kept))
    truth, work, out = read_truth(kitchen / "truth.json"), folder / str(count), folder / f"m{count}"
    options = PretrainOptions(**PRETRAINING, steps=STEPS, checkpoint_every=200)
    pretrain(work, out, options, progress)
    model = load_model(out)
    codebook, features = model.processor.codebook, Stage(folder / "everything" / "features")
    trained_on = replace(truth, videos=videos_of(truth, TRAINING)[:count])
    known = steps_of(trained_on, TRAINING, features, codebook)
    labels = spoken_labels(truth, work)
    figures = {
        split: asdict(
            evaluate_actions(model, steps_of(truth, split, features, codebook), known, labels)
        )
        for split in HELD_OUT
    }
    write_json(figures, kept)
    return figures


def probe(kitchen: Path, folder: Path, count: int, split: str) -> list[Estimate]:
    """Return how often a linear probe of the features names verb and noun of held-out steps."""
    truth, features = read_truth(kitchen / "truth.json"), Stage(folder / "everything" / "features")
    codebook = Codebook.load(folder / "everything" / "codebook")
    trained_on = replace(truth, videos=videos_of(truth, TRAINING)[:count])
    known, asked = (
        steps_of(trained_on, TRAINING, features, codebook),
        steps_of(truth, split, features, codebook),
    )
    videos = np.array([step.video for step in asked])
    seen, shown = (np.stack([step.feature for step in steps]) for steps in (known, asked))
    found = []
    for kind, words in enumerate((truth.verbs, truth.nouns)):
        labels, right = (
            np.array([step.labels[kind] for step in steps]) for steps in (known, asked)
        )
        scores = LinearProbe.fit(seen, labels, len(words)).scores(shown)
        found.append(top_k(scores, right, videos, (1,))[1])
    return found


def probe_table(kitchen: Path, out: Path) -> Iterator[str]:
    """Yield the lines of the table of probes, in Markdown."""
    yield "| held out | training videos | network | verb top1 | noun top1 |"
    yield "| --- " * 5 + "|"
    for split in HELD_OUT:
        for count in VIDEOS:
            for network in NETWORKS:
                if (out / slug(network) / "everything" / "codebook").exists():
                    found = probe(kitchen, out / slug(network), count, split)
                    cells = [_cell(asdict(each)) for each in found]
                    name = split.replace("_", " ")
                    yield f"| {name} | {count} | {network} | {' | '.join(cells)} |"


def table(kitchen: Path, out: Path, progress: Progress) -> Iterator[str]:
    """Yield the lines of the table, in Markdown."""
    heads = [f"{row} {column}".replace("_", " ") for row in ROWS for column in COLUMNS]
    yield f"| held out | training videos | network | {' | '.join(heads)} |"
    yield "| --- " * (3 + len(heads)) + "|"
    found = {
        (network, count): measure(kitchen, out / slug(network), count, progress)
        for network in NETWORKS
        for count in VIDEOS
    }
    for split in HELD_OUT:
        for count in VIDEOS:
            for network in NETWORKS:
                rows = found[network, count][split]["rows"]
                cells = [_cell(rows[row][column]) for row in ROWS for column in COLUMNS]
                name = split.replace("_", " ")
                yield f"| {name} | {count} | {network} | {' | '.join(cells)} |"


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
    parser.add_argument("--kitchen", type=Path, required=True, help="what demos.kitchen filled")
    parser.add_argument("--out", type=Path, default=Path("build/kitchen_eyes"))
    parser.add_argument("--probe", action="store_true", help="of what is there, the probe alone")
    options = parser.parse_args()
    if options.probe:
        for line in probe_table(options.kitchen, options.out):
            print_line(line)
        return
    try:
        with progress_bars() as progress:
            for network, weights in NETWORKS.items():
                folder = options.out / slug(network)
                prepare(options.kitchen, folder, weights, progress)
                for count in VIDEOS:
                    measure(options.kitchen, folder, count, progress)
            lines = list(table(options.kitchen, options.out, progress))
    except InputError as error:
        sys.exit(f"benchmarks.kitchen_eyes: {error}")
    print_line(", ".join(f"{name} {value}" for name, value in machine(*PACKAGES).items()))
    for line in lines:
        print_line(line)


if __name__ == "__main__":
    main()
