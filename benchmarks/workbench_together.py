"""Tasks learnt together, with more than labels, and with few; see benchmarks.workbench.

    python -m benchmarks.workbench together --out DIR         the tables
    python -m benchmarks.workbench together --out DIR --tiny  minutes, to see that it runs

The model is that of ``pretraining``'s plain way and seed 0. It is taught by the 400 training videos
and measured on both held-out splits. A figure that is there is not found again.

- together: tag, classify and find, each alone with all weights, each alone with adapters, and all
  three in one network. A step counts as wholly right where classify names its verb, and tag gives
  each of its clips that verb. Seconds are of this process, to learn and to answer about both
  splits; none where a run was killed and gone on with. MB are of what lies in MODEL/tasks, which
  is read beside MODEL's own.
- forgetting: see benchmarks.workbench_forgetting.
- few labels, told twice: see benchmarks.workbench_few.
- unseen: three verbs are in no row that is learnt from, and are asked for among all: by yes or no
  for each, or by a mask in the place of the verb. Each seed hides three others. All weights learn,
  or LoRA, or norms, or the head alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.kitchen_tables.corpus import EVERYTHING, HELD_OUT, VALIDATION, Kitchen
from benchmarks.workbench_labels import SENTENCES, VERBS, annotations, write_tables
from benchmarks.workbench_tasks import LEARNING
from demos.kitchen.truth import Truth
from videobert.cli.console import print_line, print_table
from videobert.data.annotations import ANNOTATIONS, Annotation, table_path
from videobert.evaluation.intervals import Estimate, estimate
from videobert.finetune.asking import answers
from videobert.finetune.data import read_footage
from videobert.finetune.options import CLASSIFY, FIND, TAG, FinetuneOptions
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import Tuned, load_tuned, task_folder
from videobert.learning.checkpoints import TrainingFolder
from videobert.loading import load_model
from workfolder.files import read_json, write_json, write_table
from workfolder.progress import Progress

BOTH, SEEN = "both", "seen_verbs"
"""Tables: of each step a row with its caption and one with its verb; and VERBS without UNSEEN."""
UNSEEN = 3
TRAINED = ("all", "lora:8", "norms", "head")
"""What learns so that labels are asked for that were not taught."""
NEW, OLD = "these", "the others"
TASKS = (CLASSIFY, FIND, TAG)
FIGURES = {CLASSIFY: "accuracy", FIND: "mean IoU", TAG: "accuracy"}
WHOLE = "wholly right"
LEARNING_TIME, ASKING_TIME, BYTES = "learning, s", "answering, s", "MB"


@dataclass(frozen=True)
class TogetherBench:
    """What is measured.

    Attributes:
        kitchen: the corpus.
        model: what is taught; its tasks lie in it.
        seeds: of networks that learn together or alone.
        draws: how many times few labels are drawn.
        epochs: passes at most.
        steps: updates of the models of two languages.
        progress: hears of the work.
    """

    kitchen: Kitchen
    model: Path
    seeds: int
    draws: int
    epochs: int
    steps: int
    progress: Progress

    @property
    def work(self) -> Path:
        """The folder with every video."""
        return self.kitchen.work(EVERYTHING)

    @property
    def figures(self) -> Path:
        """The folder of what is found."""
        return self.model / "figures" / "together"

    def taught(
        self, options: FinetuneOptions, model: Path | None = None, work: Path | None = None
    ) -> None:
        """Teach, unless it is there."""
        given = replace(options, epochs=min(options.epochs, self.epochs))
        finetune_tasks(model or self.model, work or self.work, given, self.progress)

    def timed(self, options: FinetuneOptions) -> float | None:
        """Teach, and return the seconds that it took; none if it was not taught at a stretch."""
        note = self.figures / "seconds" / f"{options.folder}.json"
        if not note.exists():
            home = task_folder(self.model, options.folder)
            there = home.exists() or TrainingFolder.beside(home).folder.exists()
            began = time.process_time()
            self.taught(options)
            write_json({"seconds": None if there else time.process_time() - began}, note)
        seconds: float | None = read_json(note)["seconds"]
        return seconds

    def once(self, name: str, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Read figures, or find and keep them."""
        path = self.figures / f"{name}.json"
        if not path.exists():
            write_json(find(), path)
        found: dict[str, Any] = read_json(path)
        return found

    def tuned(self, name: str, rows: Sequence[Annotation]) -> Tuned:
        """Read what was taught, with the clips that rows are about."""
        codebook = load_model(self.model).processor.codebook
        footage = read_footage(self.work, {row.video for row in rows}, codebook)
        return load_tuned(self.model, name, footage)


def rows_of(truth: Truth) -> list[Annotation]:
    """Return two rows of each step: its caption, and its verb, which classify must see."""
    steps = annotations(truth, BOTH)
    texts = [step.caption for video in truth.videos for step in video.steps]
    told = [replace(row, text=text, label=None) for row, text in zip(steps, texts, strict=True)]
    return [*told, *steps]


def write_rows(work: Path, name: str, rows: Sequence[Annotation]) -> None:
    """Write a table of annotations, unless it is there."""
    if not table_path(work, name).exists():
        named = [{"video_id": row.video, **vars(row), "tags": None} for row in rows]
        write_table(pa.Table.from_pylist(named, schema=ANNOTATIONS), table_path(work, name))


def together(bench: TogetherBench) -> dict[str, list[dict[str, Any]]]:
    """Teach three tasks alone and together; the figures of each way, a dict a seed."""
    kitchen = bench.kitchen
    learnt = [replace(row, subset="training") for row in rows_of(kitchen.truth(kitchen.main))]
    kept = [replace(row, subset="validation") for row in rows_of(kitchen.truth(VALIDATION))]
    write_rows(bench.work, BOTH, [*learnt, *kept])
    plain = replace(LEARNING, annotations=BOTH)
    found: dict[str, list[dict[str, Any]]] = {}
    for way, names, train in (
        ("three alone", [(task,) for task in TASKS], "all"),
        ("three with adapters", [(task,) for task in TASKS], "adapter:16"),
        ("one together", [TASKS], "all"),
    ):
        for seed in range(bench.seeds):
            runs = [
                replace(plain, task=tasks, train=train, seed=seed, name=_slug(way, tasks, seed))
                for tasks in names
            ]
            found.setdefault(way, []).append(
                bench.once(_slug(way, ("figures",), seed), lambda runs=runs: _asked(bench, runs))
            )
    return found


def _slug(way: str, tasks: Sequence[str], seed: int) -> str:
    return f"{way.replace(' ', '-')}-{'+'.join(tasks)}-{seed}"


def _asked(bench: TogetherBench, runs: Sequence[FinetuneOptions]) -> dict[str, Any]:
    times = [bench.timed(run) for run in runs]
    asking, found = 0.0, dict[str, Any]()
    for split in HELD_OUT:
        rows = rows_of(bench.kitchen.truth(split))
        right: dict[str, Any] = {}
        for run in runs:
            tuned = bench.tuned(str(run.name), rows)
            for name, task in tuned.tasks.items():
                examples = task.with_false_ones(task.examples(rows), 0)
                began = time.process_time()
                said = answers(tuned.network, name, task, examples)
                asking += time.process_time() - began
                marks = [task.marks(*each) for each in zip(said, examples, strict=True)]
                found[f"{name}, {split}"] = task.figures(np.concatenate(marks))[FIGURES[name]]
                right[name] = task, examples, said
        found[f"{WHOLE}, {split}"] = wholly_right(right)
    learning = sum(each for each in times if each is not None)
    homes = [task_folder(bench.model, run.folder) for run in runs]
    return found | {
        LEARNING_TIME: None if None in times else learning,
        ASKING_TIME: asking,
        BYTES: sum(weights_size(home) for home in homes),
    }


def weights_size(folder: Path) -> int:
    """Return the bytes of the weights in a folder."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def wholly_right(found: Mapping[str, Any]) -> float:
    """Return the share of steps whose verb classify names, and tag gives to each of their clips."""
    classify, steps, verbs = found[CLASSIFY]
    tag, videos, tags = found[TAG]
    by_video = {
        video.video: (video, [each[2:] for each in tag.tags(answer)])
        for video, answer in zip(videos, tags, strict=True)
    }
    right = []
    for step, verb in zip(steps, verbs, strict=True):
        video, labels = by_video[step.video]
        label = classify.labels[int(step.truth)]
        first = int(np.searchsorted(video.times[:, 0], step.times[0, 0]))
        clips = labels[first : first + len(step.times)]
        right.append(verb.argmax() == step.truth and all(each == label for each in clips))
    return float(np.mean(right))


def unseen(bench: TogetherBench) -> dict[str, list[dict[str, Any]]]:
    """Ask for three verbs that were never learnt, among all; rows by split."""
    kitchen = bench.kitchen
    labels = sorted(kitchen.plan.verbs)
    step = len(labels) // UNSEEN
    found: dict[str, list[dict[str, Any]]] = {split: [] for split in HELD_OUT}
    for seed in range(bench.seeds):
        hidden = labels[seed % step :: step][:UNSEEN]
        rows = [
            replace(row, subset=subset)
            for subset, name in (("training", kitchen.main), ("validation", VALIDATION))
            for row in annotations(kitchen.truth(name), VERBS)
            if row.label not in hidden
        ]
        table = f"{SEEN}_{seed}"
        write_rows(bench.work, table, rows)
        for (how, sentence), train in product(SENTENCES.items(), TRAINED):
            own = {"task": (CLASSIFY,), "annotations": table, "sentence": sentence, "seed": seed}
            name = f"unseen-{how}-{train.replace(':', '')}-{seed}"
            options = replace(LEARNING, **own, train=train, name=name)
            every = bench.once(name, lambda o=options, h=hidden: _unseen(bench, o, labels, h))
            for split in HELD_OUT:
                way = {"way": f"{how}, {train}", "verbs": hidden}
                found[split].append({**way, **every[split]})
    return found


def _unseen(
    bench: TogetherBench, options: FinetuneOptions, labels: list[str], hidden: Sequence[str]
) -> dict[str, Any]:
    bench.taught(options)
    found: dict[str, Any] = {}
    for split in HELD_OUT:
        rows = annotations(bench.kitchen.truth(split), VERBS)
        tuned = bench.tuned(str(options.name), rows).asking_for(labels)
        task = tuned.tasks[CLASSIFY]
        examples = task.examples(rows)
        said = answers(tuned.network, CLASSIFY, task, examples)
        right = np.array([a.argmax() == e.truth for a, e in zip(said, examples, strict=True)])
        new = np.array([labels[int(each.truth)] in hidden for each in examples])
        videos = np.array([each.video for each in examples])
        found[split] = {
            NEW: vars(estimate(right[new], videos[new])) if new.any() else None,
            OLD: vars(estimate(right[~new], videos[~new])) if (~new).any() else None,
        }
    return found


def spread(values: Sequence[float], scale: float = 100) -> str:
    """Write the mean, the deviation and the worst of several seeds."""
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{scale * mean(values):.1f} +- {scale * deviation:.1f}, {scale * min(values):.1f}"


def lines(bench: TogetherBench) -> Iterator[None]:
    """Find and print each table of this file, one after the other."""
    found = together(bench)
    cells = [
        [row, *(_cell(row, [each[row] for each in seeds]) for seeds in found.values())]
        for row in next(iter(found.values()))[0]
    ]
    own = weights_size(bench.model) / 1e6
    title = f"together: mean +- deviation, worst, per cent; MODEL itself has {own:.2f} MB"
    print_table(title, ["", *found], cells)
    yield
    for split, seeds in unseen(bench).items():
        cells = []
        for each in seeds:
            row = [Estimate(**its) if its else "none" for its in (each[NEW], each[OLD])]
            cells.append([each["way"], ", ".join(each["verbs"]), *map(str, row)])
        count = len(bench.kitchen.plan.verbs)
        title = f"asked for among {count} verbs, {split}; chance is {100 / count:.1f}"
        print_table(title, ["how, and what learns", "never learnt", NEW, OLD], sorted(cells))
    yield


def _cell(row: str, values: Sequence[float | None]) -> str:
    if row not in (LEARNING_TIME, ASKING_TIME, BYTES):
        return spread([value for value in values if value is not None])
    if None in values:
        return ""
    return f"{mean(values) / (1e6 if row == BYTES else 1):.2f}"


def measure(bench: TogetherBench) -> None:
    """Find every figure that is not there yet, and print all."""
    from benchmarks.workbench_few import few_labels, told_twice
    from benchmarks.workbench_forgetting import forgetting

    write_tables(bench.kitchen)
    for _ in lines(bench):
        pass
    forgetting(bench)
    told_twice(bench)
    few_labels(bench)
    print_line(f"the same figures: {bench.figures}")
