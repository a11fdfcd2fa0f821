"""What a model forgets when it is taught a task; see benchmarks.workbench_together.

The loss of hidden words of validation videos, which are always the same, before and after tag was
taught in each way. Then what was put in, adapters or LoRA, is switched off in the network that
learnt, and the loss is found again. Of what learnt in the model itself nothing can be switched off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch

from benchmarks.kitchen_tables.corpus import VALIDATION
from benchmarks.workbench_tasks import LEARNING
from benchmarks.workbench_together import BOTH, TogetherBench
from videobert.cli.console import print_table
from videobert.data.corpus import make_corpus
from videobert.data.work import read_examples
from videobert.finetune.completion import HiddenRow, completion, make_hider
from videobert.finetune.options import TAG, FinetuneOptions
from videobert.finetune.trained import switched_off
from videobert.finetune.tuned import load_tuned
from videobert.loading import load_model
from videobert.sequences import Part

WAYS = ("all", "top:1", "norms", "lora:8", "adapter:16", "head")
PUT_IN = ("lora:8", "adapter:16")
ROWS = 300
"""That are asked, at most."""


def forgetting(bench: TogetherBench) -> None:
    """Teach tag in each way, and print by how much the loss of hidden words moves."""
    cells = []
    for way in WAYS:
        found = []
        for seed in range(bench.seeds):
            own = {"task": (TAG,), "annotations": BOTH, "train": way, "seed": seed}
            options = replace(LEARNING, **own, name=f"forgets-{way.replace(':', '')}-{seed}")
            found.append(bench.once(options.folder, lambda o=options: _forgot(bench, o)))
        moved = [[each["after"] - each["before"] for each in found], [_off(each) for each in found]]
        cells.append([way, f"{found[0]['before']:.3f}", *map(_told, moved)])
    header = ["what learns", "before", "after", "switched off"]
    title = "forgetting: loss of hidden words, nats, and how far it moves: mean +- deviation, worst"
    print_table(title, header, cells)


def _forgot(bench: TogetherBench, options: FinetuneOptions) -> dict[str, Any]:
    before = masked_loss(bench, load_model(bench.model).network)
    bench.taught(options)
    encoder = load_tuned(bench.model, options.folder).network.encoder
    found = {"before": before, "after": masked_loss(bench, encoder)}
    if options.train in PUT_IN:
        with switched_off(encoder):
            found["off"] = masked_loss(bench, encoder)
    return found


def _off(found: dict[str, Any]) -> float | None:
    return found["off"] - found["before"] if "off" in found else None


def _told(moved: Sequence[float | None]) -> str:
    there = [each for each in moved if each is not None]
    if not there:
        return "nothing was put in"
    if not any(there):
        return "exactly 0"
    deviation = stdev(there) if len(there) > 1 else 0.0
    return f"{mean(there):+.3f} +- {deviation:.3f}, {max(there):+.3f}"


@torch.no_grad()
def masked_loss(bench: TogetherBench, network: Any) -> float:
    """Return the mean loss of the same hidden words of validation videos, in nats."""
    model = load_model(bench.model)
    processor = model.processor
    corpus = make_corpus(read_examples(bench.kitchen.work(VALIDATION)), processor.text_ids)
    whole = np.flatnonzero(corpus.spoken & corpus.seen)[:ROWS]
    layout = processor.layout(model.network.config.max_position_embeddings)
    masker, rng = make_hider(processor, model.network), np.random.default_rng(0)
    rows = []
    for place in whole.tolist():
        seen = Part(corpus.visual[place], seen=True)
        row = layout.arrange(Part(corpus.texts[place]), seen)
        ids, labels = masker(row.ids[None], rng)
        rows.append(HiddenRow(replace(row, ids=ids[0]), labels[0]))
    score = completion(network.eval(), layout, rows, network.device)
    return float(score.loss) / sum(row.asked for row in rows)
