"""What each way to make a model smaller costs, and what it saves; see benchmarks.workbench.

    python -m benchmarks.workbench small --out DIR         the tables
    python -m benchmarks.workbench small --out DIR --tiny  minutes, to see that it runs

The models are those of ``pretraining``'s plain way, one a seed. Each is made smaller in each way of
``videobert compress``, in fp32 and then in whole numbers. What is there is not made again.

- cut: the student as it begins. Nothing learns, which is what learning must beat.
- chance: the heads that go are drawn, where ``--heads`` chooses those that count least.
- MB: of the weights' files. ms: a row of text and clips, in a batch of 64; all ways of seed 0 in
  turn, round after round, the median.
- verbs, nouns: the first guess for a step, zero-shot, of both held-out splits.
- tag: F1 of a step's label at an overlap of .5, taught with all weights, and with the head alone.
  Whole numbers do not learn, so they have the second alone.
- BERT-base: see benchmarks.whole_numbers.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.kitchen_tables import measures
from benchmarks.kitchen_tables.corpus import EVERYTHING, HELD_OUT, VALIDATION, Kitchen
from benchmarks.kitchen_tables.sizes import PRETRAINING
from benchmarks.whole_numbers import in_turn, show_base_size
from benchmarks.workbench_labels import STEPS, annotations, write_tables
from benchmarks.workbench_tasks import LEARNING
from videobert.cli.console import print_line, print_table
from videobert.compression.compress import Size, compress
from videobert.compression.options import REPLACING, CompressOptions
from videobert.compression.shapes import with_narrow_rows
from videobert.compression.student import make_student
from videobert.data.stretches import spoken
from videobert.data.work import read_stretches
from videobert.evaluation.actions import KINDS
from videobert.finetune.asking import answers
from videobert.finetune.data import read_footage
from videobert.finetune.options import FOLDER, HEAD, TAG
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import load_tuned
from videobert.inference import in_batches
from videobert.joint_network import JointNetwork
from videobert.loading import WEIGHTS_FILES, TrainedModel, load_model
from videobert.whole_numbers import to_int8
from workfolder.digests import DIGESTS_FILE, write_digests
from workfolder.files import read_json, write_folder, write_json
from workfolder.progress import Progress

UPDATES = 600
"""Of a student; its model had five times as many."""
NARROW, SHARE = 32, 0.5
F1 = "F1 at 0.5"
ROWS = 64
ALL = "all"


@dataclass(frozen=True)
class Way:
    """How a model is made smaller.

    Attributes:
        name: in the tables.
        changes: options of ``compress``; none for the model itself.
        learns: whether the student learns.
        chance: whether its heads are drawn.
    """

    name: str
    changes: dict[str, Any] = field(default_factory=dict)
    learns: bool = True
    chance: bool = False


def _cut_and_learnt(name: str, changes: dict[str, Any], chance: bool = False) -> list[Way]:
    return [
        Way(f"{name}, cut", changes, learns=False, chance=chance),
        Way(f"{name}, distilling", changes, chance=chance),
    ]


WAYS = (
    Way("as it was", learns=False),
    *_cut_and_learnt("1 layer", {"layers": 1}),
    Way("1 layer, replacing", {"layers": 1, "by": REPLACING}),
    *_cut_and_learnt("share", {"share": True}),
    *_cut_and_learnt(f"embedding {NARROW}", {"embedding": NARROW}),
    *_cut_and_learnt(f"heads {SHARE}", {"heads": SHARE}),
    *_cut_and_learnt(f"chance heads {SHARE}", {"heads": SHARE}, chance=True),
    Way("all, 1 layer", {"layers": 1, "heads": SHARE, "embedding": NARROW}),
    Way("all, share", {"share": True, "heads": SHARE, "embedding": NARROW}),
)
"""A model of two layers cannot have one layer and share it, so all is there twice."""


@dataclass(frozen=True)
class SmallBench:
    """What is measured.

    Attributes:
        kitchen: the corpus.
        models: what is made smaller, one a seed.
        updates: of a student.
        epochs: passes of tag at most.
        progress: hears of the work.
    """

    kitchen: Kitchen
    models: Sequence[Path]
    updates: int
    epochs: int
    progress: Progress

    def figures(self, way: Way, seed: int) -> dict[str, float]:
        """Read the figures of a way, or make the smaller model and find them."""
        folder = self.folder(way, seed)
        path = folder.with_name(f"{folder.name}.json")
        if not path.exists():
            self._make(way, seed)
            whole = folder.with_name(f"{folder.name}.int8")
            compress(folder, None, whole, CompressOptions(int8=True), self.progress)
            write_json({**self._found(folder), **self._found(whole, " int8")}, path)
        figures: dict[str, float] = read_json(path)
        return figures

    def folder(self, way: Way, seed: int) -> Path:
        """Name the folder of a smaller model."""
        slug = way.name.replace(",", "").replace(" ", "-")
        return self.kitchen.out / "small" / f"{slug}-{self.updates}-{seed}"

    def _make(self, way: Way, seed: int) -> None:
        model, out = self.models[seed], self.folder(way, seed)
        options = CompressOptions(
            **way.changes or {"int8": True},
            steps=self.updates,
            batch_size=PRETRAINING["batch_size"],
            learning_rate=PRETRAINING["learning_rate"],
            checkpoint_every=max(1, self.updates // 4),
        )
        work = self.kitchen.work(self.kitchen.main)
        with drawn_heads(seed) if way.chance else nullcontext():
            if way.learns:
                compress(model, work, out, options, self.progress)
            elif not out.exists():
                its = load_model(model)
                student = make_student(its.network, its.processor, work, options)
                write_student(model, student, out)

    def _found(self, folder: Path, suffix: str = "") -> dict[str, float]:
        model, size = load_model(folder), Size.of(folder)
        found: dict[str, float] = {"parameters": size.parameters, f"MB{suffix}": size.megabytes}
        for split in HELD_OUT:
            kitchen = self.kitchen
            row = measures.actions(kitchen, model, split, kitchen.main, probe=False).rows
            for kind in KINDS:
                found[f"{kind}s{suffix}, {split}"] = row["cross_modal"][f"{kind}_top1"].value
        for train in (HEAD,) if suffix else (ALL, HEAD):
            for split, value in self._tag(folder, train).items():
                found[f"tag, {train}{suffix}, {split}"] = value
        return found

    def _tag(self, folder: Path, train: str) -> dict[str, float]:
        work, epochs = self.kitchen.work(EVERYTHING), min(LEARNING.epochs, self.epochs)
        own = {"task": (TAG,), "annotations": STEPS, "train": train, "name": f"{TAG}-{train}"}
        options = replace(LEARNING, **own, epochs=epochs)
        finetune_tasks(folder, work, options, self.progress)
        codebook, found = load_model(folder).processor.codebook, {}
        for split in HELD_OUT:
            rows = annotations(self.kitchen.truth(split), STEPS)
            footage = read_footage(work, {row.video for row in rows}, codebook)
            tuned = load_tuned(folder, options.folder, footage)
            task = tuned.tasks[TAG]
            examples = task.examples(rows)
            said = answers(tuned.network, TAG, task, examples)
            marks = [task.marks(*each) for each in zip(said, examples, strict=True)]
            found[split] = task.figures(np.concatenate(marks))[F1]
        return found

    def times(self) -> dict[str, list[float]]:
        """Return the milliseconds of a row by way, in fp32 and in whole numbers, of seed 0."""
        runs: list[Callable[[], Any]] = []
        for way in WAYS:
            model = load_model(self.folder(way, 0))
            whole = replace(model, network=deepcopy(model.network))
            to_int8(whole.network)
            shown = read_stretches(self.kitchen.work(VALIDATION), model.processor.codebook)
            shown = spoken(shown)[:ROWS]
            texts = model.processor.text_ids([each.text for each in shown])
            words = [each.words.tolist() for each in shown]
            for each in (model, whole):
                batch = next(iter(in_batches(each, texts, words)))
                runs.append(lambda b=batch: b.logits(b.last(1)))
        seconds = iter(in_turn(runs))
        scale = 1000 / len(shown)
        return {way.name: [scale * next(seconds), scale * next(seconds)] for way in WAYS}


def drawn_heads(seed: int) -> Any:
    """Let compress choose the heads that go by chance."""

    def importance(model: TrainedModel, work: Path) -> np.ndarray:
        config = model.network.config
        shape = config.num_hidden_layers, config.num_attention_heads
        return np.random.default_rng(seed).random(shape)

    return patch("videobert.compression.student.head_importance", importance)


def write_student(model: Path, student: JointNetwork, out: Path) -> None:
    """Write a student that did not learn, with all that its model's folder has."""
    left = shutil.ignore_patterns(FOLDER, "figures", DIGESTS_FILE, WEIGHTS_FILES)
    with write_folder(out) as part:
        shutil.copytree(model, part, ignore=left, dirs_exist_ok=True)
        student.save_pretrained(part)
        write_digests(part)


@torch.no_grad()
def tail(model: Path, width: int) -> tuple[float, float]:
    """Return how far narrow embeddings are from a model's, and the tail of the singular values."""
    network = load_model(model).network
    rows = network.get_input_embeddings().weight
    narrow = with_narrow_rows(network, width).bert.embeddings.word_embeddings
    error = torch.linalg.norm(rows.double() - narrow(torch.arange(len(rows))).double())
    values = torch.linalg.svdvals(rows.double())
    return float(error), float(torch.linalg.norm(values[width:]))


def measure(bench: SmallBench) -> None:
    """Find every figure that is not there yet, and print all."""
    write_tables(bench.kitchen)
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(len(bench.models)):  # all ways before the next seed
        for way in WAYS:
            found.setdefault(way.name, []).append(bench.figures(way, seed))
    times = bench.times()
    cells = [
        [
            name,
            f"{seeds[0]['parameters']:,.0f}",
            *(f"{mean(each[size] for each in seeds):.2f}" for size in ("MB", "MB int8")),
            *(f"{its:.3f}" for its in times[name]),
        ]
        for name, seeds in found.items()
    ]
    header = ["", "parameters", "MB", "MB int8", "ms", "ms int8"]
    print_table("size, and time of a row of text and clips", header, cells)
    for what in ("verbs", "nouns", f"tag, {ALL}", f"tag, {HEAD}"):
        for split in HELD_OUT:
            names = [f"{what}{suffix}, {split}" for suffix in ("", " int8")]
            cells = [
                [way, *(_spread([each[name] for each in seeds if name in each]) for name in names)]
                for way, seeds in found.items()
            ]
            title = f"{what}, {split}: mean +- deviation, worst, per cent"
            print_table(title, ["", "fp32", "int8"], cells)
    for seed, model in enumerate(bench.models):
        error, rest = tail(model, NARROW)
        print_line(
            f"embedding {NARROW}, seed {seed}: error {error:.6f}, tail of the singular values "
            f"{rest:.6f}, apart {abs(error - rest):.1e}"
        )
    show_base_size()


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "does not learn"
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{100 * mean(values):.1f} +- {100 * deviation:.1f}, {100 * min(values):.1f}"
