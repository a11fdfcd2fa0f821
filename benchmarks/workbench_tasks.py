"""What labels teach a model of the kitchen, beside what it must beat; see benchmarks.workbench.

    python -m benchmarks.workbench tasks --out DIR         the tables
    python -m benchmarks.workbench tasks --out DIR --tiny  minutes, to see that it runs

The model is that of ``pretraining``'s plain way and seed 0. Each task is taught by the 400 training
videos and measured on both held-out splits. classify is taught the verb of a step by 1, 5, 20 and
all labels a class, with five seeds each. A figure that is there is not found again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from benchmarks.kitchen_tables.corpus import EVERYTHING, HELD_OUT, VALIDATION, Kitchen
from demos.kitchen.truth import Truth
from videobert.answers.localisation import locate
from videobert.answers.options import SearchOptions
from videobert.answers.search import by_profiles
from videobert.answers.whole_videos import search_videos
from videobert.cli.console import print_line, print_table
from videobert.data.annotations import Annotation, import_annotations, table_path
from videobert.data.stretches import Stretch, different_sentences, with_clips
from videobert.data.work import read_clips, read_stretches
from videobert.evaluation.intervals import Estimate, estimate, estimate_figures
from videobert.evaluation.tasks import ROWS, TaskTable, task_table
from videobert.finetune.data import read_data, read_footage
from videobert.finetune.options import (
    ALIGN,
    CHOOSE,
    CLASSIFY,
    FIND,
    MOMENTS,
    TAG,
    FinetuneOptions,
)
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import Tuned, load_tuned
from videobert.loading import load_model
from workfolder.errors import InputError
from workfolder.files import read_json, write_json
from workfolder.progress import Progress

STEPS, VERBS = "steps", "verbs"
"""The tables: steps with their captions; and their verbs alone, which classify must see."""
FEW: tuple[int | None, ...] = (1, 5, 20, None)
SEEDS = 5
LEARNING = FinetuneOptions(epochs=12, batch_size=16, learning_rate=1e-3)
"""As in demos.kitchen.steps. find has two questions a step to learn, and takes more passes."""
PASSES = {FIND: 20, ALIGN: 20, CHOOSE: 20}
BEST = (1, 3, 1000)
"""Stretches that count in the search for whole videos: the maximum, ours, and nearly the mean."""


@dataclass(frozen=True)
class TaskBench:
    """What is measured.

    Attributes:
        kitchen: the corpus.
        model: what is taught; its tasks lie in it.
        seeds: how many times few labels are drawn.
        epochs: passes at most.
        progress: hears of the work.
    """

    kitchen: Kitchen
    model: Path
    seeds: int
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
            yield replace(LEARNING, task=(task,), annotations=STEPS, epochs=epochs, name=task)
        for few in FEW:
            for seed in range(self.seeds if few else 1):
                name = f"{CLASSIFY}-{few or 'all'}-{seed}"
                own = {"task": (CLASSIFY,), "annotations": VERBS, "few": few, "seed": seed}
                yield replace(LEARNING, **own, name=name, epochs=self._passes(few))

    def _passes(self, few: int | None) -> int:
        """Few labels are seen as often as some hundred."""
        return min({1: 60, 5: 40, 20: 20}.get(few or 0, LEARNING.epochs), self.epochs)

    def figures(self, options: FinetuneOptions) -> dict[str, Any]:
        """Read the tables of a run, or teach and measure."""
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
        if task == FIND:
            table.rows["windows"] = windows(ours, rows)
        return as_json(table)

    def search(self) -> dict[str, Any]:
        """Find the videos of the captions of both splits: the share that comes first."""
        path = self.model / "figures" / "search.json"
        if path.exists():
            there: dict[str, Any] = read_json(path)
            return there
        model, found = load_model(self.model), {}
        codebook = model.processor.codebook
        training = read_stretches(self.kitchen.work(self.kitchen.main), codebook)
        for split in HELD_OUT:
            rows = annotations(self.kitchen.truth(split), STEPS)
            wanted = [Stretch(r.video, r.start or 0, r.end or 0, r.text) for r in rows]
            shown = with_clips(wanted, lambda video: read_clips(self.work, video, codebook))
            first = by_profiles(shown, training, codebook.words)
            sentences, number = different_sentences(shown)
            for best in BEST:
                how, hits = SearchOptions(best=best, top=1), []
                for sentence, text in enumerate(sentences):
                    (hit,) = search_videos(model, shown, text, first, how, self.progress)
                    right = {shown[n].video for n in np.flatnonzero(number == sentence)}
                    hits.append(hit.video_id in right)
                share = estimate(np.array(hits), np.arange(len(hits)))
                found[f"{split}, best {best}"] = vars(share)
        write_json(found, path)
        return found


def annotations(truth: Truth, table: str) -> list[Annotation]:
    """Return the steps of some videos as rows of a table."""
    return [
        Annotation(
            Path(video.video).name,
            step.start,
            step.end,
            step.caption if table == STEPS else "",
            step.verb,
            (),
            None,
        )
        for video in truth.videos
        for step in video.steps
    ]


def write_tables(kitchen: Kitchen) -> None:
    """Write both tables of the training and the validation videos, unless they are there."""
    work = kitchen.work(EVERYTHING)
    for table in (STEPS, VERBS):
        if table_path(work, table).exists():
            continue
        rows = [
            {**vars(row), "subset": subset, "tags": None}
            for subset, name in (("training", kitchen.main), ("validation", VALIDATION))
            for row in annotations(kitchen.truth(name), table)
        ]
        path = work / f"{table}.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
        import_annotations(path, work, "table", table)


def windows(tuned: Tuned, rows: Sequence[Annotation]) -> dict[str, Estimate]:
    """Ask the same of ``videobert locate`` without a head: its best window."""
    task = tuned.tasks[FIND]
    examples = task.with_false_ones(task.examples(rows), tuned.options.seed)
    marks = []
    for example in examples:
        clips = task.reader.footage[example.video]
        (best,) = locate(tuned.model, example.text, clips, top=1)
        first = int(np.searchsorted(example.times[:, 0], best.start))
        last = int(np.searchsorted(example.times[:, 1], best.end))
        marks.append(task.marks(np.array([first, last, best.score]), example))
    groups = np.array([example.video for example in examples])
    return estimate_figures(task.figures, np.concatenate(marks), groups)


def as_json(table: TaskTable) -> dict[str, Any]:
    """Make what JSON can hold of a table."""
    rows = {
        name: {figure: vars(value) for figure, value in row.items()}
        for name, row in table.rows.items()
    }
    return {**vars(table), "rows": rows}


def show(options: FinetuneOptions, found: dict[str, Any]) -> None:
    """Print the tables of a run."""
    for split, table in found.items():
        names = [*ROWS, *(["windows"] if "windows" in table["rows"] else [])]
        rows = {name: table["rows"][name] for name in names if name in table["rows"]}
        cells = [
            [name.replace("_", " "), *(str(Estimate(**value)) for value in row.values())]
            for name, row in rows.items()
        ]
        columns = next(iter(rows.values()))
        print_table(f"{options.name}, {split}", ["", *columns], cells)


def show_few(found: dict[tuple[int | None, int], dict[str, Any]]) -> None:
    """Print how far a few labels a class bring, over the seeds."""
    for split in HELD_OUT:
        cells = []
        for few in FEW:
            tables = [each[split]["rows"] for (own, _), each in found.items() if own == few]
            cells.append([str(few or "all"), *(_spread(tables, name) for name in ROWS)])
        header = ["labels a class", *(name.replace("_", " ") for name in ROWS)]
        print_table(f"verb of a step, {split}, accuracy: mean +- deviation, worst", header, cells)


def _spread(tables: Sequence[dict[str, Any]], name: str) -> str:
    values = [100 * rows[name]["accuracy"]["value"] for rows in tables if name in rows]
    if not values:
        return "left out"
    spread = f" +- {stdev(values):.1f}, {min(values):.1f}" if len(values) > 1 else ""
    return f"{mean(values):.1f}{spread}"


def measure(bench: TaskBench) -> None:
    """Find every figure that is not there yet, and print all."""
    write_tables(bench.kitchen)
    few: dict[tuple[int | None, int], dict[str, Any]] = {}
    for options in bench.runs():
        try:
            found = bench.figures(options)
        except InputError as error:  # a tiny kitchen may have one step a video
            print_line(f"{options.name} is left out: {error}")
            continue
        if options.task == (CLASSIFY,):
            few[options.few, options.seed] = found
        else:
            show(options, found)
    show_few(few)
    rows = [[name, str(Estimate(**value))] for name, value in bench.search().items()]
    print_table("whole videos found by the caption of a step", ["", "R@1"], rows)
    print_line(f"the same figures: {bench.model / 'figures'}")
