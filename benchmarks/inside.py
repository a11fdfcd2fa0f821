"""Models from inside, three seeds of each: every finding of ``videobert inspect model``.

    python -m benchmarks.inside kitchen --out DIR
    python -m benchmarks.inside real_kitchens --out DIR --folder FOLDER

``kitchen``: DIR is that of benchmarks.workbench, and the models are its plain ones.
``real_kitchens``: DIR and FOLDER are those of benchmarks.real_kitchens, and the models those of its
first fold of cooks. Probes are asked for the verb of a step. Tuning is ``tag`` of those verbs with
all weights. Pages and figures lie in DIR/inside.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.kitchen_tables.corpus import EVERYTHING, Kitchen
from benchmarks.kitchen_tables.sizes import Sizes, small_look
from benchmarks.machine import machine
from benchmarks.real_kitchens.corpus import COOKS, UNLABELLED, Fold, Kitchens
from benchmarks.workbench import PLAIN, SEED, STEPS, Bench
from benchmarks.workbench_labels import VERBS, write_tables
from benchmarks.workbench_tasks import LEARNING
from benchmarks.workbench_together import write_rows
from videobert.cli.console import print_line, progress_bars
from videobert.data.annotations import Annotation
from videobert.finetune.options import TAG
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import task_folder
from videobert.probes.page import TITLES, write_model_page
from videobert.probes.report import ModelReport, inspect_model
from workfolder.files import write_json
from workfolder.progress import Progress

SEEDS = 3
NAME = f"inside-{TAG}"


def of_kitchen(out: Path, progress: Progress) -> tuple[Path, list[Path]]:
    """Return the work folder and the models of the workbench."""
    kitchen = Kitchen(out, Sizes(training=(400,)), SEED, small_look())
    write_tables(kitchen)
    bench = Bench(kitchen, STEPS, progress)
    return kitchen.work(EVERYTHING), [bench.folder(PLAIN, seed) for seed in range(SEEDS)]


def of_real_kitchens(out: Path, folder: Path) -> tuple[Path, list[Path]]:
    """Return the work folder of the first fold of cooks, and its models."""
    kitchens = Kitchens(folder, out)
    fold = Fold(kitchens, COOKS, 0)
    (work,) = (out / fold.name).glob("tree-144-videos")
    rows = [
        Annotation(step.video, step.start, step.end, "", kitchens.verbs[step.verb], (), None)
        for step in fold.steps(fold.learnt)
        if step.verb != UNLABELLED
    ]
    write_rows(work, VERBS, rows)
    return work, sorted((work / "models").glob("main-*"))[:SEEDS]


def looked_at(
    work: Path, models: Sequence[Path], pages: Path, progress: Progress
) -> list[ModelReport]:
    """Tune each model, look at it, and write its page and its figures."""
    reports = []
    for model in models:
        own = {"task": (TAG,), "annotations": VERBS, "name": NAME}
        finetune_tasks(model, work, replace(LEARNING, **own), progress)
        report = inspect_model(model, work, VERBS, task_folder(model, NAME), progress)
        pages.mkdir(parents=True, exist_ok=True)
        write_model_page(report, pages / f"{model.name}.html")
        write_json(asdict(report), pages / f"{model.name}.json")
        reports.append(report)
    return reports


def main() -> None:
    """Look, and print a sentence a finding and seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["kitchen", "real_kitchens"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folder", type=Path, help="of the real kitchens")
    given = parser.parse_args()
    if given.what == "real_kitchens" and given.folder is None:
        parser.error("real_kitchens needs --folder")
    with progress_bars() as progress:
        work, models = (
            of_kitchen(given.out, progress)
            if given.what == "kitchen"
            else of_real_kitchens(given.out, given.folder)
        )
        reports = looked_at(work, models, given.out / "inside", progress)
    for name, title in TITLES.items():
        print_line(f"{title}:")
        for seed, report in enumerate(reports):
            print_line(f"  seed {seed}: {report.sentences[name]}")
    where = machine("torch", "transformers")
    print_line(f"pages: {given.out / 'inside'}; {where['cpu']}, {where['cores']} cores")


if __name__ == "__main__":
    main()
