"""The command line of the kitchen: `python -m demos.kitchen --videos 40 --seed 0 --out DIR`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from pathlib import Path

from demos.kitchen.corpus import TRUTH_FILE, make_corpus
from demos.kitchen.recipes import MINIMUM_VIDEOS
from demos.kitchen.style import BRISK, CALM
from demos.kitchen.voice import can_speak
from videobert.cli.console import progress_bars
from workfolder.errors import InputError


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        """One line, where argparse would print its usage too."""
        self.exit(2, f"{self.prog}: {message}\n")


def _at_least(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"must be a whole number of at least {least}, not {text!r}"
            )
        return int(text)

    return parse


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m demos.kitchen", description="Make a small made-up cooking corpus."
    )
    parser.add_argument(
        "--videos",
        type=_at_least(MINIMUM_VIDEOS),
        default=40,
        help="how many, in all splits (%(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=_at_least(0),
        default=0,
        help="the same seed gives the same corpus (%(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to make or fill")
    parser.add_argument(
        "--workers", type=_at_least(1), default=None, help="processes (as many as there are cores)"
    )
    parser.add_argument(
        "--brisk", action="store_true", help="short steps and small pictures, to make more videos"
    )
    parser.add_argument("--speech", action="store_true", help="speak the captions, with espeak-ng")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Make a corpus; the exit status is 0 only if every file is there."""
    options = _parser().parse_args(arguments)
    if options.speech and not can_speak():
        print(
            "python -m demos.kitchen: --speech needs espeak-ng: apt-get install espeak-ng",
            file=sys.stderr,
        )
        return 2
    began, done = time.monotonic(), 0
    try:
        style = BRISK if options.brisk else CALM
        with progress_bars() as progress:
            for video in make_corpus(
                options.out, options.videos, options.seed, options.workers, style, options.speech
            ):
                done += 1
                progress("film", done, options.videos, f"{Path(video.video).name}.mp4")
    except InputError as error:
        print(f"python -m demos.kitchen: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"python -m demos.kitchen: cannot write to {options.out}: {error}", file=sys.stderr)
        return 1
    except BrokenExecutor:
        print(
            f"python -m demos.kitchen: a worker died after {done} videos (memory? try --workers 1)",
            file=sys.stderr,
        )
        return 1
    print(f"{done} videos and {options.out / TRUTH_FILE} in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
