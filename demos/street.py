"""The whole street on a small world of its own: make demo, or python -m demos.street.

Makes a kitchen corpus, runs every stage on it with the commands that a user would type, and asks
the model about videos that it never saw. Stages that are done are skipped, so a stopped demo goes
on where it was.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, TRAINING, read_truth
from videobert.model_sizes import SIZES
from workfolder.errors import InputError
from workfolder.options import Options, described, option

WEIGHTS = "random:0"
PRETRAINING = (
    "--batch-size 48 --learning-rate 1e-3 --max-length 64 --dropout 0 --masked-share 0.3 "
    "--joint-weight 10 --join-probability 0.1"
)
QUIET = {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


@dataclass(frozen=True)
class Size(Options):
    """How much of everything; the default is what two cores do in some ten minutes."""

    videos: int = option(72, "videos to film", least=1)
    branching: int = option(12, "children of a node of the visual vocabulary's tree", least=2)
    depth: int = option(2, "levels of the tree", least=1)
    model: str = option("tiny", "size of the model", choices=SIZES)
    steps: int = option(3000, "updates of its weights", least=1)
    asr: str = option(
        "captions",
        "captions, or who listens (see videobert transcribe --asr): then the cook speaks",
    )


def street(out: Path, size: Size) -> None:
    """Run every stage below ``out``; SystemExit with the stage's status if one fails.

    InputError if there is a kitchen of another size.
    """
    kitchen, work, held_out, model = (
        out / name for name in ("kitchen", "work", "held_out", "model")
    )
    training, truth = kitchen / TRAINING, kitchen / "truth.json"
    if truth.exists():
        _refuse_another_kitchen(truth, size)
    else:
        _step(
            "a kitchen: made-up recipes as ordinary .mp4 files with captions",
            *f"python -m demos.kitchen --videos {size.videos} --seed 0 --out".split(),
            *(kitchen, *["--speech"] * (size.asr != "captions")),
        )
    _step(
        "features: S3D (with random weights here) turns each 1.5 s of picture into 1024 numbers",
        *("videobert", "extract", training, "--work", work, "--weights", WEIGHTS),
    )
    _step(
        "transcripts: words become timed sentences",
        *("videobert", "transcribe", training, "--work", work, "--asr", size.asr),
    )
    _step(
        "codebook: hierarchical k-means makes the visual vocabulary",
        *("videobert", "cluster", "--work", work),
        *f"--branching {size.branching} --depth {size.depth}".split(),
        *"--preparation whiten --components 48".split(),
    )
    _step(
        "tokens: a visual word for each clip, then the examples",
        *("videobert", "tokenize", "--work", work),
    )
    _step(
        "pre-training: a BERT learns text and visual words as one language",
        *("videobert", "pretrain", "--work", work, "--out", model, "--init", "none"),
        *f"--size {size.model} --steps {size.steps} {PRETRAINING}".split(),
    )
    _step(
        "features of the videos that the model never saw",
        *("videobert", "extract", kitchen / HELD_OUT_VIDEOS, kitchen / HELD_OUT_COMBINATIONS),
        *("--work", held_out, "--weights", WEIGHTS),
    )
    title = "one clip of a held-out video: what is happening?"
    _step(title, *_predict_command(kitchen, model, out))
    _step(
        "the table: how often the first guess, and one of five, is right",
        *("python", "-m", "demos.kitchen.evaluation", "--truth", truth, "--training", work),
        *("--held-out", held_out, "--model", model, "--out", out / "results.json"),
    )
    _say(f"drawn: {out / 'prediction.png'}")


def _refuse_another_kitchen(truth: Path, size: Size) -> None:
    there = len(read_truth(truth).videos)
    if there != size.videos:
        raise InputError(
            f"{truth} has {there} videos, not {size.videos}: "
            f"give --videos {there}, or another --out"
        )


def _predict_command(kitchen: Path, model: Path, out: Path) -> Sequence[object]:
    video = next(
        video
        for video in read_truth(kitchen / "truth.json").videos
        if video.split == HELD_OUT_VIDEOS
    )
    step = video.steps[len(video.steps) // 2]
    part = "--start", f"{step.start:g}", "--end", f"{step.end:g}"
    return (
        "videobert",
        "predict",
        f"{kitchen / video.video}.mp4",
        *part,
        "--model",
        model,
        "--picture",
        out / "prediction.png",
    )


def _step(title: str, *command: object) -> None:
    """Say what comes and how a user would type it, then do it with this Python."""
    program, *arguments = map(str, command)
    _say(f"\n== {title}\n$ {shlex.join([program, *arguments])}")
    here = [sys.executable, "-m", "videobert"] if program == "videobert" else [sys.executable]
    began = time.monotonic()
    status = subprocess.run([*here, *arguments], check=False, env=os.environ | QUIET).returncode
    if status:
        _say(f"the demo stops here: the command above ended with exit status {status}")
        sys.exit(status)
    _say(f"({time.monotonic() - began:.0f} s)")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Parse the options and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), help="the folder for everything (default: demo)"
    )
    for each in described(Size):
        says = f"{each.metadata['about'].help} (default: {each.default})"
        parser.add_argument(
            f"--{each.name}", type=type(each.default), default=each.default, help=says
        )
    options = vars(parser.parse_args())
    try:
        street(options.pop("out"), Size(**options))
    except InputError as error:
        sys.exit(f"python -m demos.street: {error}")


if __name__ == "__main__":
    main()
