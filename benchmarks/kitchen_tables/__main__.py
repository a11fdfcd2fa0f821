"""What the method does with the kitchen, as tables: docs/results.md, results.json and pictures.

    python -m benchmarks.kitchen_tables                2 1/2 hours on two cores
    python -m benchmarks.kitchen_tables --largest      1,000 training videos more: 1 1/2 hours more
    python -m benchmarks.kitchen_tables --tiny --out /tmp/tiny --docs /tmp/tiny/docs
                                                       two minutes, to see that it runs

It goes on after a kill. Videos, features, models and the figures of each table are files that are
written whole, and what is there is not made again. A model in the making goes on from its last
checkpoint. A run with another seed or size needs another --out; --largest adds to the same one.
METEOR is measured if the extra of that name is installed.

The time on two cores of an AMD EPYC that did nothing else: 4.8 clips a second (docs/extraction.md),
2.2 s to film 54 s, and 2 minutes for 3,000 updates of the tiny model by 48 sequences:
    530 videos of 34 s to film (400 training, 30 validation, 2 x 50 held out)    12 min
    their 11,900 clips to extract                                                41 min
    clusters, words, examples                                                     2 min
    an epoch of 100 videos is 22 updates; 40, 80 and 160 epochs are tried         4 min
    25 and 400 videos for as many epochs, 25 and 100 for as many updates         28 min
    six choices left out and none, three seeds of 100 videos each: 20 models     46 min
    four captioners of at most 3,000 updates, about 0.06 s each                  12 min
    the questions of all tables to their models                                  15 min
which is 160 minutes.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import transformers

from benchmarks.kitchen_tables.choices import choose
from benchmarks.kitchen_tables.clock import Clock
from benchmarks.kitchen_tables.corpus import Kitchen, make_corpus
from benchmarks.kitchen_tables.orders import Order, find_orders
from benchmarks.kitchen_tables.page import page
from benchmarks.kitchen_tables.pictures import draw_pictures
from benchmarks.kitchen_tables.sizes import PRETRAINING, TINY, WEIGHTS, Sizes
from benchmarks.kitchen_tables.study import Study
from benchmarks.kitchen_tables.tables import make_tables
from benchmarks.machine import machine
from videobert.cli.console import print_line, progress_bars
from workfolder.errors import InputError
from workfolder.files import write_json, write_whole
from workfolder.stage import Stage

PACKAGES = ("torch", "transformers", "numpy", "scikit-learn")
SEED = 1
"""The demo's is 0; its options were found while looking at what that kitchen holds out."""


def run(
    out: Path, docs: Path, sizes: Sizes, seed: int, largest: bool = False, command: str = ""
) -> None:
    """Make what is not there yet, then write the page, its figures and its pictures.

    Args:
        out: For all that is made.
        docs: For the page.
        sizes: How much of everything.
        seed: Of the kitchen.
        largest: Whether LARGEST training videos are compared, too.
        command: The command line, for the page.

    Raises:
        InputError: if ``out`` was made with another seed or other sizes, or a stage refuses.
    """
    Stage(out).claim(
        {"seed": seed, **asdict(sizes), "weights": WEIGHTS, "pretraining": PRETRAINING}
    )
    kitchen = Kitchen(out, sizes.with_largest() if largest else sizes, seed)
    clock = Clock(out / "clock.json")
    with progress_bars() as progress:
        study = Study(kitchen, progress, print_line, clock)
        make_corpus(kitchen, progress)
        clock.lap()
        choices = choose(study)
        tables = make_tables(study, choices)
    made = {
        "command": command,
        "seed": seed,
        "minutes": clock.seconds / 60,
        "packages": PACKAGES,
        **machine(*PACKAGES),
    }
    results = {"made": made, "sizes": asdict(kitchen.sizes), "choices": asdict(choices), **tables}
    write_results(results, find_orders(tables, sizes.main), docs)


def write_results(results: Mapping[str, Any], orders: list[Order], docs: Path) -> None:
    """Write docs/results.json, docs/results/*.png and docs/results.md, in that order."""
    found = [
        {"claim": order.claim, "where": order.where, "verdict": order.verdict} for order in orders
    ]
    write_json({**results, "orders": found}, docs / "results.json")
    draw_pictures(results, results["sizes"]["main"], docs / "results")
    with write_whole(docs / "results.md") as part:
        part.write_text(page(results, orders), encoding="utf-8")
    for order in orders:
        print_line(f"{order.claim}: {order.where}: {order.rising}: {order.verdict}")
    print_line(f"written: {docs / 'results.md'}")


def main() -> None:
    """Parse the options and run."""
    transformers.utils.logging.disable_progress_bar()  # its bars would stand between ours
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build/kitchen_tables"),
        help="for all that is made (%(default)s)",
    )
    parser.add_argument(
        "--docs", type=Path, default=Path("docs"), help="for the page (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="of the kitchen (%(default)s)")
    parser.add_argument("--largest", action="store_true", help="1,000 training videos besides")
    parser.add_argument(
        "--tiny",
        action="store_true",
        help="a few short videos and steps: shows that it runs, not how well",
    )
    given = parser.parse_args()
    command = shlex.join(["python", "-m", "benchmarks.kitchen_tables", *sys.argv[1:]])
    found = machine(*PACKAGES)
    print_line(
        f"{command}\nseed {given.seed}; "
        + ", ".join(f"{name} {value}" for name, value in found.items())
    )
    try:
        run(
            given.out,
            given.docs,
            TINY if given.tiny else Sizes(),
            given.seed,
            given.largest,
            command,
        )
    except (
        InputError,
        OSError,
        BrokenExecutor,
    ) as error:  # a full disk, a process that died while it filmed
        sys.exit(f"benchmarks.kitchen_tables: {error}")


if __name__ == "__main__":
    main()
