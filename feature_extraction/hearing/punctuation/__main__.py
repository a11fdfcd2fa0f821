"""The command behind python -m feature_extraction.hearing.punctuation, train and evaluate."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from feature_extraction.hearing.punctuation.evaluation import evaluate
from feature_extraction.hearing.punctuation.restorer import PunctuationRestorer
from feature_extraction.hearing.punctuation.training import TrainingOptions, train
from workfolder.errors import InputError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m feature_extraction.hearing.punctuation",
        description="Punctuation for words that have none.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    learn = verbs.add_parser("train", help="learn from punctuated transcripts")
    learn.add_argument(
        "texts",
        metavar="TEXT",
        type=Path,
        nargs="+",
        help="transcripts: .txt files, or folders of them",
    )
    learn.add_argument("--out", type=Path, required=True, help="folder to make")
    learn.add_argument(
        "--steps",
        type=int,
        default=TrainingOptions.steps,
        help="batches to learn from (%(default)s)",
    )
    learn.add_argument(
        "--seed", type=int, default=0, help="the same seed gives the same model (%(default)s)"
    )
    judge = verbs.add_parser(
        "evaluate", help="compare a model with the splitter by pauses and length"
    )
    judge.add_argument(
        "texts",
        metavar="TEXT",
        type=Path,
        nargs="+",
        help="transcripts, or punctuated caption files",
    )
    judge.add_argument(
        "--model", type=Path, default=None, help="folder of the model (the one of the package)"
    )
    return parser


def _show(stage: str, done: int, total: int, detail: str = "") -> None:
    sys.stderr.write(f"{stage}: {done} of {total} {detail}\n")


def main(arguments: list[str] | None = None) -> int:
    """Train or evaluate; the exit status is 2 where the user can mend what went wrong."""
    given = _parser().parse_args(arguments)
    try:
        if given.verb == "train":
            train(
                given.texts, given.out, TrainingOptions(steps=given.steps, seed=given.seed), _show
            )
            sys.stdout.write(f"a model in {given.out}\n")
        else:
            sys.stdout.write(f"{evaluate(given.texts, PunctuationRestorer.load(given.model))}\n")
    except InputError as error:
        sys.stderr.write(f"python -m feature_extraction.hearing.punctuation: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
