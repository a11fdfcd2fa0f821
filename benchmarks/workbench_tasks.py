"""What labels teach a model of the kitchen, beside what it must beat; see benchmarks.workbench.

    python -m benchmarks.workbench tasks --out DIR         the tables
    python -m benchmarks.workbench tasks --out DIR --tiny  minutes, to see that it runs

The model is that of ``pretraining``'s plain way and seed 0. Each task is taught by the 400 training
videos, with three seeds, and measured on both held-out splits. classify is taught the verb of a
step by 1, 5 and 20 labels a class, with five seeds each, and by all; and once more by what stands
at a mask in a sentence ("classify-mask"). "tag-head" and "classify-head" leave the network as it
is: the states of each row are found once. "windows" is what locate says without a head. A figure
that is there is not found again; a table is printed as it is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from benchmarks.kitchen_tables.corpus import EVERYTHING, HELD_OUT, Kitchen
from benchmarks.workbench_labels import (
    MASKED,
    SENTENCES,
    STEPS,
    VERBS,
    annotations,
    write_tables,
)
from benchmarks.workbench_search import searched
from videobert.answers.localisation import locate
from videobert.cli.console import print_line, print_table
from videobert.data.annotations import Annotation
from videobert.evaluation.intervals import Estimate, estimate_figures
from videobert.evaluation.table import LEFT_OUT
from videobert.evaluation.tasks import OURS, ROWS, TaskTable, task_table
from videobert.finetune.data import read_data, read_footage
from videobert.finetune.options import (
    ALIGN,
    CHOOSE,
    CLASSIFY,
    FIND,
    HEAD,
    MOMENTS,
    TAG,
    FinetuneOptions,
)
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import Tuned, load_tuned
from videobert.loading import TrainedModel, load_model, load_to_ask
from workfolder.errors import InputError
from workfolder.files import read_json, write_json
from workfolder.progress import Progress

WINDOWS = "windows"
FEW: tuple[int | None, ...] = (1, 5, 20, None)
DRAWS = 5
LEARNING = FinetuneOptions(epochs=12, batch_size=16, learning_rate=1e-3)
"""As in demos.kitchen.steps. find has two questions a step to learn, and takes more passes."""
PASSES = {FIND: 20, ALIGN: 8, CHOOSE: 4}
RATES = {ALIGN: 3e-4}
"""With 1e-3, 8 passes bring align to 67 of 100 pairs of the validation videos, with this to 96."""
SPANS = ("mean IoU", "IoU 0.5", "begins inside")
"""What can be asked of windows, which always answer."""
HOW = "mean +- deviation of the seeds, and the worst with its 95 % over videos"


@dataclass(frozen=True)
class TaskBench:
    """What is measured.

    Attributes:
        kitchen: the corpus.
        model: what is taught; its tasks lie in it.
        seeds: of what learns.
        draws: how many times few labels are drawn.
        epochs: passes at most.
        progress: hears of the work.
    """

    kitchen: Kitchen
    model: Path
    seeds: int
    draws: int
    epochs: int
    progress: Progress

    @property
    def work(self) -> Path:
        """The folder with every video."""
        return self.kitchen.work(EVERYTHING)

    def runs(self) -> Iterator[FinetuneOptions]:
        """Yield what is taught, in the order of the tables."""
        for task in (TAG, FIND, CHOOSE, MOMENTS, ALIGN):
            epochs = min(PASSES.get(task, LEARNING.epochs), self.epochs)
            plain = replace(LEARNING, learning_rate=RATES.get(task, LEARNING.learning_rate))
            yield replace(plain, task=(task,), annotations=STEPS, epochs=epochs, name=task)
        for how, few in product(("", f"-{MASKED}"), FEW):
            own = {"task": (CLASSIFY,), "annotations": VERBS, "few": few}
            own |= {"sentence": SENTENCES[MASKED]} if how else {}
            name = f"{CLASSIFY}{how}-{few or 'all'}"
            yield replace(LEARNING, **own, name=name, epochs=self._passes(few))
        for task, table in ((TAG, STEPS), (CLASSIFY, VERBS)):
            own = {"task": (task,), "annotations": table, "train": HEAD, "name": f"{task}-{HEAD}"}
            yield replace(LEARNING, **own, epochs=min(LEARNING.epochs, self.epochs))

    def _passes(self, few: int | None) -> int:
        """Few labels are seen as often as some hundred."""
        return min({1: 60, 5: 40, 20: 20}.get(few or 0, LEARNING.epochs), self.epochs)

    def tables(self, options: FinetuneOptions) -> list[dict[str, Any]]:
        """Read the tables of each seed by split, or teach and measure."""
        seeds = range(self.draws if options.few else self.seeds)
        return [
            self._once(replace(options, seed=seed, name=f"{options.name}-{seed}")) for seed in seeds
        ]

    def _once(self, options: FinetuneOptions) -> dict[str, Any]:
        path = self.model / "figures" / f"{options.name}.json"
        if not path.exists():
            finetune_tasks(self.model, self.work, options, self.progress)
            finetune_tasks(self.model, self.work, options, self.progress, scratch=True)
            write_json({split: self._measured(options, split) for split in HELD_OUT}, path)
        found: dict[str, Any] = read_json(path)
        return found

    def _measured(self, options: FinetuneOptions, split: str) -> dict[str, Any]:
        model = load_model(self.model)
        learnt = read_data(self.work, model, options).rows["training"]
        rows = annotations(self.kitchen.truth(split), options.annotations)
        videos = {row.video for row in (*learnt, *rows)}
        footage = read_footage(self.work, videos, model.processor.codebook)
        assert options.name
        ours, random = (
            load_tuned(self.model, name, footage)
            for name in (options.name, f"{options.name}.random")
        )
        (task,) = options.task
        table = task_table(task, ours, random, learnt, rows, split)
        if task == FIND and not options.seed:
            table.rows[WINDOWS] = windows(load_to_ask(self.model), ours, rows)
        return as_json(table)

    def searches(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield how search finds: by the model, and by what align was taught, for each seed."""
        yield "model", searched(self.kitchen, self.model)
        for seed in range(self.seeds):
            yield f"{ALIGN}-{seed}", searched(self.kitchen, self.model, f"{ALIGN}-{seed}")


def windows(model: TrainedModel, tuned: Tuned, rows: Sequence[Annotation]) -> dict[str, Estimate]:
    """Ask ``videobert locate`` without a head for its best window, of texts that are shown."""
    task = tuned.tasks[FIND]
    examples, marks = task.examples(rows), []
    for example in examples:
        clips = task.reader.footage[example.video]
        (best,) = locate(model, example.text, clips, top=1)
        first = int(np.searchsorted(example.times[:, 0], best.start))
        last = int(np.searchsorted(example.times[:, 1], best.end))
        marks.append(task.marks(np.array([first, last, best.score]), example))
    groups = np.array([example.video for example in examples])
    found = estimate_figures(task.figures, np.concatenate(marks), groups)
    return {name: found[name] for name in SPANS}


def as_json(table: TaskTable) -> dict[str, Any]:
    """Make what JSON can hold of a table."""
    rows = {
        name: {figure: vars(value) for figure, value in row.items()}
        for name, row in table.rows.items()
    }
    return {**vars(table), "rows": rows}


def show(name: str, found: Sequence[dict[str, Any]]) -> None:
    """Print the tables of a task: a row for each method, a column for each figure."""
    for split in HELD_OUT:
        tables = [each[split]["rows"] for each in found]
        methods = [method for method in (*ROWS, WINDOWS) if method in tables[0]]
        figures = list(tables[0][OURS])
        cells = [
            [method.replace("_", " "), *(spread(tables, method, each) for each in figures)]
            for method in methods
        ]
        print_table(f"{name}, {split}: {HOW}", ["", *figures], cells)


def spread(tables: Sequence[dict[str, Any]], method: str, figure: str) -> str:
    """Write the mean and deviation of the seeds, and the worst of them with its interval."""
    there = [rows[method][figure] for rows in tables if figure in rows.get(method, {})]
    if not there:
        return LEFT_OUT
    values = [100 * each["value"] for each in there]
    worst = str(Estimate(**min(there, key=lambda each: float(each["value"]))))
    if max(values) == min(values):
        return worst
    return f"{mean(values):.1f} +- {stdev(values):.1f}, {worst}"


def measure(bench: TaskBench) -> None:
    """Find every figure that is not there yet, and print all."""
    write_tables(bench.kitchen)
    for options in bench.runs():
        assert options.name
        try:
            show(options.name, bench.tables(options))
        except InputError as error:  # a tiny kitchen may have one step a video
            print_line(f"{options.name} is left out: {error}")
    for name, found in bench.searches():
        rows = [[what, str(Estimate(**value))] for what, value in found.items()]
        print_table(f"found by the caption of a step, judged by {name}", ["", "R@1"], rows)
    print_line(f"the same figures: {bench.model / 'figures'}")
