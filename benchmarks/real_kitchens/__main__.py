"""What the method does with real features of real kitchens; it writes docs/real-kitchens.md.

    python -m benchmarks.real_kitchens ../shared/data/features/captaincook4d_pe
    python -m benchmarks.real_kitchens FOLDER --quick --page FILE    to see that it works

FOLDER has index.json with timed steps, and npy/ with one array a recording. The narrations that
text is learnt from first lie in ../../annotations beside it. Everything goes through the product's
own doors: import, cluster, tokenize, pretrain, and the questions.

It goes on after a kill: codebooks, models and figures are files below --out. The page is written
of all figures that are there; --only-page trains nothing. Several processes share the work: start
the same command again.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.real_kitchens.corpus import Kitchens
from benchmarks.real_kitchens.page import write_page
from benchmarks.real_kitchens.study import SEEDS, TRIED, Study

UPDATES, TEXT_UPDATES = 1500, 1000


def main() -> None:
    """Parse the options, run, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--annotations", type=Path, help="default: ../../annotations of FOLDER")
    parser.add_argument("--out", type=Path, default=Path("build/real_kitchens"))
    parser.add_argument("--page", type=Path, default=Path("docs/real-kitchens.md"))
    parser.add_argument("--updates", type=int, default=UPDATES, help="of each model (%(default)s)")
    parser.add_argument("--text-updates", type=int, default=TEXT_UPDATES)
    parser.add_argument("--quick", action="store_true", help="one fold, one seed, 20 updates")
    parser.add_argument("--only-page", action="store_true")
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    annotations = given.annotations or given.folder.parent.parent / "annotations"
    kitchens = Kitchens(given.folder, given.out)
    updates, text_updates = given.updates, given.text_updates
    study = Study(kitchens, annotations, updates, text_updates, SEEDS)
    if given.quick:
        study = Study(kitchens, annotations, 20, 5, SEEDS[:1], 1, TRIED[2:3])
    if not given.only_page:
        study.run()
    write_page(study, machine("torch", "transformers", "numpy", "scikit-learn"), given.page)


if __name__ == "__main__":
    main()
