"""Ways to teach one task, each beside the plain one; see benchmarks.workbench.

    python -m benchmarks.workbench ways --out DIR         the tables
    python -m benchmarks.workbench ways --out DIR --tiny  minutes, to see that it runs

The model is that of ``pretraining``'s plain way and seed 0. A row differs from the plain one in
what its name says. Each is taught with three seeds and measured on both held-out splits.

- tag: the step of each clip, of all labels.
- classify: the verb of a step, of 5 labels a verb, which each seed draws anew.
- align: whether a caption belongs to a step, and how often the step that is searched for by its
  caption comes first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.kitchen_tables.corpus import HELD_OUT
from benchmarks.workbench_labels import STEPS, VERBS, annotations, write_tables
from benchmarks.workbench_search import searched
from benchmarks.workbench_tasks import LEARNING, PASSES, RATES
from benchmarks.workbench_together import TogetherBench, spread
from videobert.cli.console import print_line, print_table
from videobert.finetune.asking import answers
from videobert.finetune.options import ALIGN, CANDIDATES, CLASSIFY, HEAD, TAG, FinetuneOptions

READ: dict[str, dict[str, Any]] = {
    "plain": {},
    "--layers weighted --layer-dropout 0.1": {"layers": "weighted", "layer_dropout": 0.1},
    "--layers sum": {"layers": "sum"},
    "--layers first": {"layers": "first"},
    "--train head": {"train": HEAD},
    "--train head --layers weighted": {"train": HEAD, "layers": "weighted"},
    "--train head --layers sum": {"train": HEAD, "layers": "sum"},
}
TRAINED = {
    f"--train {what}": {"train": what} for what in ("top:1", "norms", "lora:8", "adapter:16")
}
WAYS: dict[str, dict[str, dict[str, Any]]] = {
    TAG: {**READ, **TRAINED},
    CLASSIFY: {**READ, **TRAINED},
    ALIGN: {
        "plain": {},
        "--negatives candidates": {"negatives": CANDIDATES},
        "--both-orders": {"both_orders": True},
    },
}
PLAIN = {
    TAG: replace(LEARNING, task=(TAG,), annotations=STEPS),
    CLASSIFY: replace(LEARNING, task=(CLASSIFY,), annotations=VERBS, few=5, epochs=40),
    ALIGN: replace(
        LEARNING,
        task=(ALIGN,),
        annotations=STEPS,
        epochs=PASSES[ALIGN],
        learning_rate=RATES[ALIGN],
    ),
}
"""As in benchmarks.workbench_tasks."""
FIRST = "R@1"


def measure(bench: TogetherBench) -> None:
    """Find every figure that is not there yet, and print a table for each task and split."""
    write_tables(bench.kitchen)
    for task, ways in WAYS.items():
        found: dict[str, list[dict[str, dict[str, float]]]] = {}
        for way, changes in ways.items():
            for seed in range(bench.seeds):
                name = f"ways-{task}-{re.sub('[^a-z0-9.]+', '-', way)}-{seed}"
                options = replace(PLAIN[task], **changes, seed=seed, name=name)
                its = bench.once(name, lambda o=options: _figures(bench, o))
                found.setdefault(way, []).append(its)
        for split in HELD_OUT:
            _show(f"{task}, {split}", {way: [s[split] for s in its] for way, its in found.items()})
    print_line(f"the same figures: {bench.figures}")


def _figures(bench: TogetherBench, options: FinetuneOptions) -> dict[str, dict[str, float]]:
    """Teach, and measure on each split."""
    bench.taught(options)
    (name,), found = options.task, {}
    for split in HELD_OUT:
        rows = annotations(bench.kitchen.truth(split), options.annotations)
        tuned = bench.tuned(options.folder, rows)
        task = tuned.tasks[name]
        examples = task.with_false_ones(task.examples(rows), 0)
        said = answers(tuned.network, name, task, examples)
        marks = [task.marks(*each) for each in zip(said, examples, strict=True)]
        found[split] = task.figures(np.concatenate(marks))
    if name == ALIGN:
        hits = searched(bench.kitchen, bench.model, options.folder)
        for split in HELD_OUT:
            found[split][FIRST] = hits[f"{split}, steps"]["value"]
    return found


def _show(title: str, found: dict[str, list[dict[str, float]]]) -> None:
    figures = list(next(iter(found.values()))[0])
    cells = [[way, *(_cell(seeds, figure) for figure in figures)] for way, seeds in found.items()]
    print_table(f"{title}: mean +- deviation, worst, per cent", ["", *figures], cells)


def _cell(seeds: Sequence[dict[str, float]], figure: str) -> str:
    return spread([each[figure] for each in seeds])
