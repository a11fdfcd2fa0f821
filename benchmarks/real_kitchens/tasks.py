"""What labels teach the models of benchmarks.real_kitchens: tag, classify, find and align.

    python -m benchmarks.real_kitchens.tasks FOLDER --grid GRID --out DIR
    python -m benchmarks.real_kitchens.tasks ... --quick    one fold, one seed, one pass

GRID is the --out of benchmarks.real_kitchens; its models are copied, and nothing is written there.
Each fold over recordings is taught by the recordings that its models learnt from, and measured on
the others, so each recording is held out once. A tenth of the former is for validation. It goes on
after a kill: figures are files below DIR, and a task's table is printed when all its folds are
done. What zero-shot finds stands in docs/real-kitchens.md.

- tag: the verb of each clip, one a second, or none.
- classify: the verb of a step, as it is seen.
- find: when a step's sentence is shown in its recording, or that it is not.
- align: whether a sentence belongs to a step.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from benchmarks.kitchen_tables.corpus import copy
from benchmarks.machine import machine
from benchmarks.real_kitchens.corpus import FOLDS, RECORDINGS, UNLABELLED, Fold, Kitchens
from benchmarks.real_kitchens.study import MAIN, SEEDS
from benchmarks.workbench_labels import STEPS, VERBS
from benchmarks.workbench_tasks import RATES, as_json
from tokenization.tokens import tokenize
from videobert.cli.console import print_line, print_table, progress_bars
from videobert.data.annotations import import_annotations, table_path
from videobert.evaluation.intervals import estimate
from videobert.evaluation.tasks import OURS, ROWS, task_table
from videobert.finetune.data import read_data
from videobert.finetune.options import ALIGN, CLASSIFY, FIND, TAG, FinetuneOptions
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import load_tuned
from videobert.loading import load_model
from workfolder.errors import InputError
from workfolder.files import read_json, write_folder, write_json
from workfolder.progress import Progress
from workfolder.stage import Stage

LEARNING = FinetuneOptions(batch_size=16, learning_rate=1e-3)
RUNS = {
    TAG: replace(LEARNING, task=(TAG,), annotations=VERBS, epochs=60),
    CLASSIFY: replace(LEARNING, task=(CLASSIFY,), annotations=VERBS, epochs=12),
    ALIGN: replace(
        LEARNING, task=(ALIGN,), annotations=STEPS, epochs=8, learning_rate=RATES[ALIGN]
    ),
    FIND: replace(LEARNING, task=(FIND,), annotations=STEPS, epochs=4),
}
"""As benchmarks.workbench_tasks. tag reads a window of 30 seconds of each recording in a pass."""


@dataclass(frozen=True)
class Tasks:
    """What is taught and measured.

    Attributes:
        kitchens: the recordings; ``out`` is where everything that is made lies.
        grid: has the models.
        updates: that they learnt for.
        passes: at most.
        progress: hears of the work.
    """

    kitchens: Kitchens
    grid: Path
    updates: int
    passes: int
    progress: Progress

    def figures(self, fold: Fold, seed: int, task: str) -> dict[str, Any]:
        """Read the rows of a task, or teach and measure."""
        path = self.kitchens.out / "figures" / f"labels-{task}-{fold.name}-{seed}.json"
        if not path.exists():
            work, model = self.work(fold), self.model(fold, seed)
            epochs = min(RUNS[task].epochs, self.passes)
            options = replace(RUNS[task], seed=seed, epochs=epochs, name=f"{task}-{seed}")
            for scratch in (False, True):
                finetune_tasks(model, work, options, self.progress, scratch=scratch)
            data = read_data(work, load_model(model), options)
            ours, random = (
                load_tuned(model, f"{options.name}{which}", data.footage)
                for which in ("", ".random")
            )
            rows = data.rows["training"], data.rows["testing"]
            write_json(as_json(task_table(task, ours, random, *rows, fold.name)), path)
        found: dict[str, Any] = read_json(path)["rows"]
        return found

    def _made(self, fold: Fold) -> Path:
        """Say where the grid has the codebook and the models of a fold."""
        return self.grid / fold.name / MAIN.codebook

    def model(self, fold: Fold, seed: int) -> Path:
        """Copy a model of the grid, unless it was.

        Raises:
            InputError: if the grid has none.
        """
        its = self._made(fold) / "models" / f"{MAIN.name}-{seed}-{self.updates}"
        if not its.exists():
            raise InputError(f"{its} is not there: run benchmarks.real_kitchens first")
        folder = self.kitchens.out / fold.name / its.name
        if not folder.exists():
            with write_folder(folder) as part:
                shutil.copytree(its, part, dirs_exist_ok=True)
        return folder

    def work(self, fold: Fold) -> Path:
        """Make a folder with the words of all recordings, and the tables of labels."""
        work = self.kitchens.out / fold.name / "work"
        copy(self._made(fold) / "codebook", work / "codebook")
        for stage in ("features", "transcripts"):
            whole, part = Stage(self.kitchens.work / stage), Stage(work / stage)
            part.claim(whole.options())
            for video in whole.done():
                if not part.path(video).exists():
                    os.link(whole.path(video), part.path(video))
        tokenize(work)
        for table in (STEPS, VERBS):
            if not table_path(work, table).exists():
                path = work / f"{table}.jsonl"
                rows = self.rows(fold, table)
                path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
                import_annotations(path, work, "table", table)
        return work

    def rows(self, fold: Fold, table: str) -> list[dict[str, Any]]:
        """List the steps of all recordings: with their sentences, or with their verbs."""
        apart, verbs = set(fold.measured), self.kitchens.verbs
        return [
            {
                "video": step.video,
                "start": step.start,
                "end": step.end,
                "text": step.text if table == STEPS else "",
                "label": verbs[step.verb] if table == VERBS else None,
                "subset": "testing" if step.video in apart else None,
            }
            for step in fold.steps(list(self.kitchens.recordings))
            if table == STEPS or step.verb != UNLABELLED
        ]


def show(task: str, found: Sequence[Sequence[dict[str, Any]]]) -> None:
    """Print a task: each figure's mean over folds and seeds, and its worst seed.

    Args:
        task: its name.
        found: rows of methods, by seed and fold.
    """
    first = found[0][0]
    cells = [
        [method.replace("_", " "), *(_cell(found, method, figure) for figure in first[OURS])]
        for method in ROWS
        if method in first
    ]
    how = "mean over folds (95 % over folds) +- deviation of the seeds, the worst seed"
    print_table(f"{task}: {how}", ["", *first[OURS]], cells)


def _cell(found: Sequence[Sequence[dict[str, Any]]], method: str, figure: str) -> str:
    values = np.array([[fold[method][figure]["value"] for fold in seed] for seed in found])
    folds = np.tile(np.arange(values.shape[1]), len(values))
    seeds = [100 * mean(each) for each in values.tolist()]
    spread = f" +- {stdev(seeds):.1f}, {min(seeds):.1f}" if len(set(seeds)) > 1 else ""
    return f"{estimate(values.ravel(), folds)}{spread}"


def main() -> None:
    """Make what is not there yet, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--grid", type=Path, default=Path("build/real_kitchens"))
    parser.add_argument("--out", type=Path, default=Path("build/real_kitchens_tasks"))
    parser.add_argument("--updates", type=int, default=1500, help="of the grid's models")
    parser.add_argument("--only", nargs="*", choices=RUNS, default=list(RUNS))
    parser.add_argument("--quick", action="store_true", help="to see that it runs")
    given = parser.parse_args()
    seeds, folds, passes = (SEEDS[:1], 1, 1) if given.quick else (SEEDS, FOLDS, 10**6)
    kitchens = Kitchens(given.folder, given.out)
    with progress_bars() as progress:
        bench = Tasks(kitchens, given.grid, given.updates, passes, progress)
        every = [Fold(kitchens, RECORDINGS, number) for number in range(folds)]
        for task in given.only:
            found = {
                (seed, fold.number): bench.figures(fold, seed, task)
                for seed, fold in product(seeds, every)
            }
            show(task, [[found[seed, fold.number] for fold in every] for seed in seeds])
    where = machine("torch", "transformers", "scikit-learn")
    print_line(f"{where['cpu']}, {where['cores']} cores")


if __name__ == "__main__":
    main()
