"""What a model forgets when it learns on from other videos, and what old ones again help.

    python -m benchmarks.workbench replay --out DIR

A model learns from the sentences that name one half of the verbs, with their clips, and from those
that name none. Then it learns on from the sentences of the other half, as long again: from these
alone, or with a fifth of each batch from the earlier ones (``pretrain --replay``). Beside them
stands the plain model, which learnt from all at once. The figures are the first guess for the verb,
among all verbs, of the steps of either half.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from benchmarks.kitchen_tables.corpus import HELD_OUT, Kitchen, copy
from benchmarks.kitchen_tables.measures import steps_of
from benchmarks.kitchen_tables.sizes import PRETRAINING
from benchmarks.workbench_together import TogetherBench, spread
from demos.kitchen import evaluation
from videobert.cli.console import print_table
from videobert.data.work import examples_stage
from videobert.evaluation.actions import evaluate_actions
from videobert.loading import load_model
from videobert.pretraining.loop import pretrain
from videobert.pretraining.options import PretrainOptions
from workfolder.files import read_table, write_table
from workfolder.stage import Stage

EARLIER, LATER = HALVES = ("earlier verbs", "later verbs")
FIRST = "after the earlier verbs"
WAYS = {"then the later verbs": False, "then these, with a fifth of the earlier": True}
ALL = "all at once"


def measure(bench: TogetherBench) -> None:
    """Train what is not there yet, and print a table for each split."""
    kitchen, found = bench.kitchen, dict[str, list[dict[str, float]]]()
    for seed in range(bench.seeds):
        first = _trained(bench, "replay-first", EARLIER, "none", "", seed)
        models = {FIRST: first}
        for way, again in WAYS.items():
            replay = str(_work(kitchen, EARLIER)) if again else ""
            name = f"replay-{'with' if again else 'without'}"
            models[way] = _trained(bench, name, LATER, str(first), replay, seed)
        models[ALL] = bench.model.with_name(f"{bench.model.name.rpartition('-')[0]}-{seed}")
        for way, model in models.items():
            its = bench.once(f"replay-{way}-{seed}", lambda m=model: _verbs(kitchen, m))
            found.setdefault(way, []).append(its)
    for split in HELD_OUT:
        cells = [
            [way, *(spread([each[f"{half}, {split}"] for each in seeds]) for half in HALVES)]
            for way, seeds in found.items()
        ]
        title = f"verb of a step, {split}: mean +- deviation, worst, per cent"
        print_table(title, ["learnt", *HALVES], cells)


def halves(verbs: Sequence[str]) -> dict[str, frozenset[str]]:
    """Split the verbs: every second one is learnt later."""
    return {EARLIER: frozenset(verbs[::2]), LATER: frozenset(verbs[1::2])}


def half_of(text: str, verbs: Sequence[str]) -> str:
    """Tell when a sentence is learnt; one that names no verb is learnt earlier."""
    return LATER if halves(verbs)[LATER] & set(text.lower().split()) else EARLIER


def _work(kitchen: Kitchen, half: str) -> Path:
    return kitchen.out / "work" / half.replace(" ", "_")


def _trained(bench: TogetherBench, name: str, half: str, init: str, replay: str, seed: int) -> Path:
    work, model = _work(bench.kitchen, half), bench.kitchen.out / "workbench" / f"{name}-{seed}"
    _write_examples(bench.kitchen, half)
    given = {**PRETRAINING, "init": init, "replay": replay, "steps": bench.steps, "seed": seed}
    pretrain(work, model, PretrainOptions(**given), bench.progress)
    return model


def _write_examples(kitchen: Kitchen, half: str) -> None:
    """Write the examples of one half of the verbs, unless they are there."""
    every, out = kitchen.work(kitchen.main), _work(kitchen, half)
    source, target = examples_stage(every), Stage(out / "examples")
    copy(every / "codebook", out / "codebook")
    target.claim(source.options())
    for video in source.done():
        if not target.path(video).exists():
            table = read_table(source.path(video))
            here = [half_of(text, kitchen.plan.verbs) == half for text in table["text"].to_pylist()]
            write_table(table.filter(pa.array(here)), target.path(video))


def _verbs(kitchen: Kitchen, folder: Path) -> dict[str, float]:
    model, verbs, found = load_model(folder), kitchen.plan.verbs, dict[str, float]()
    labels = evaluation.spoken_labels(kitchen.plan, kitchen.work(kitchen.main))
    for split in HELD_OUT:
        steps = steps_of(kitchen, split, model.processor.codebook)
        for half, its in halves(verbs).items():
            asked = [step for step in steps if verbs[step.labels[0]] in its]
            rows = evaluate_actions(model, asked, [], labels).rows
            found[f"{half}, {split}"] = rows["cross_modal"]["verb_top1"].value
    return found
