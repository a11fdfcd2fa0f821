"""The ways to pre-train beside each other, in the kitchen: what each is worth, and what it costs.

    python -m benchmarks.workbench pretraining --out DIR         60 models of 3,000 updates
    python -m benchmarks.workbench pretraining --out DIR --tiny  minutes, to see that it runs
    python -m benchmarks.workbench tasks --out DIR         see benchmarks.workbench_tasks
    python -m benchmarks.workbench ways --out DIR          see benchmarks.workbench_ways
    python -m benchmarks.workbench replay --out DIR        see benchmarks.workbench_replay
    python -m benchmarks.workbench styles --out DIR        see benchmarks.workbench_styles
    python -m benchmarks.workbench together --out DIR      see benchmarks.workbench_together
    python -m benchmarks.workbench small --out DIR         see benchmarks.workbench_small

The kitchen is that of benchmarks.kitchen_tables with 400 videos, but filmed and looked at as in the
demo. It is made where it is not there: 15 minutes of one core. All models see as many examples, and
differ in one thing. "Equal shares" gives pictures alone a third of each batch; elsewhere they have
a twelfth. Batches of 480 have a tenth of the updates; the rate grows by the root of ten, and with
LAMB it is 0.01. "Phrases" hides each verb with its noun. "Replaced" is asked by its generator. It
goes on after a kill: what is there is not made again.
The figures are printed, and stand in DIR/workbench.json.

- verbs, nouns: the first guess for a step's verb and noun, zero-shot, with as little done to be
  fair as the paper does. A model that reads from left to right cannot be asked.
- ahead: the first guess for the visual word that comes next. How many words it reads is chosen on
  the validation slice. bigram: the same by counting in the whole training videos; bigram of
  examples: in what pre-training sees of them.
- loss: of hidden words of training's videos that are kept apart. It can be compared where the
  objective and what is hidden are the same.
- seconds: of this process, for training alone; none where a run was killed and gone on with.
- as good after: how many of them until the loss was what the plain way has in the end; none where
  it never was.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks import (
    workbench_replay,
    workbench_small,
    workbench_styles,
    workbench_tasks,
    workbench_together,
    workbench_ways,
)
from benchmarks.kitchen_tables import measures
from benchmarks.kitchen_tables.corpus import HELD_OUT, VALIDATION, Kitchen, make_corpus
from benchmarks.kitchen_tables.sizes import PRETRAINING, TINY, Sizes, small_look
from benchmarks.machine import machine
from benchmarks.workbench_small import SmallBench
from benchmarks.workbench_tasks import TaskBench
from benchmarks.workbench_together import TogetherBench
from tokenization.codebook import Codebook
from tokenization.near_words_stage import write_near_words
from tokenization.options import NEAR_WORDS
from videobert.cli.console import print_line, print_table, progress_bars
from videobert.evaluation.actions import KINDS
from videobert.learning.checkpoints import TrainingFolder
from videobert.learning.choices import LAMB
from videobert.loading import load_answering
from videobert.model_sizes import ELECTRA
from videobert.orders import REPLACED
from videobert.pretraining.loop import pretrain
from videobert.pretraining.options import PHRASES, PretrainOptions
from videobert.sequences import Ids
from workfolder.files import read_json, read_table, write_json
from workfolder.progress import Progress

SEED = 1
"""Of the kitchen, as in benchmarks.kitchen_tables."""
STEPS, TINY_STEPS = 3000, 12
SHARE_APART = 0.05
LOOKS = 20
"""Validations of a run."""
STRAY = 0.2
LARGER = 10
"""Times the plain batch."""
CONTEXTS = (1, 2, 4, 8)
"""Words that a forecast may read."""
LOSSES = [f"validation_masked_{regime}_loss" for regime in ("text", "video", "joint")]
PLAIN = "pieces"
NAMES = (
    PLAIN,
    "runs",
    "spans, boundary",
    "sampled words",
    "permutation",
    "causal",
    "equal shares",
    "causal, equal shares",
    "stacked 1-2",
    "order",
    "no pair task",
    "profiles",
    "[UNK] for [MASK]",
    "stream",
    "layer decay",
    "batches of 480",
    "batches of 480, LAMB",
    "phrases",
    ELECTRA,
    REPLACED,
)
COMPARABLE = (
    PLAIN,
    "sampled words",
    "stacked 1-2",
    "order",
    "no pair task",
    "profiles",
    "layer decay",
    ELECTRA,
)
"""Whose losses are of the same questions."""

TOGETHER: dict[str, Callable[[TogetherBench], None]] = {
    "together": workbench_together.measure,
    "ways": workbench_ways.measure,
    "replay": workbench_replay.measure,
    "styles": workbench_styles.measure,
}
"""What asks the plain model of seed 0, or trains its own."""


def changes(name: str, steps: int, phrases: Path) -> dict[str, Any]:
    """Return the options in which a way differs from the plain one.

    Args:
        name: one of NAMES.
        steps: updates of the plain one.
        phrases: the file of phrases.
    """
    length, batch = PRETRAINING["max_length"], PRETRAINING["batch_size"]
    half = f"{length}:{batch}:{steps // 2}:1,{length}:{batch}:{steps - steps // 2}:2"
    large: dict[str, Any] = {
        "batch_size": LARGER * batch,
        "steps": steps // LARGER,
        "learning_rate": PRETRAINING["learning_rate"] * LARGER**0.5,
    }
    ways: dict[str, dict[str, Any]] = {
        PLAIN: {},
        "runs": {"masking": "runs"},
        "spans, boundary": {"masking": "spans", "boundary": True},
        "sampled words": {"sample_words": STRAY},
        "permutation": {"objective": "permutation"},
        "causal": {"objective": "causal"},
        "equal shares": {"joint_weight": 1.0},
        "causal, equal shares": {"objective": "causal", "joint_weight": 1.0},
        "stacked 1-2": {"phases": half},
        "order": {"order_weight": 1.0},
        "no pair task": {"alignment_weight": 0.0},
        "profiles": {"visual_start": "profiles"},
        "[UNK] for [MASK]": {"mask_token": "[UNK]"},
        "stream": {"stream": True},
        "layer decay": {"layer_decay": 0.8},
        "batches of 480": large,
        "batches of 480, LAMB": {**large, "optimizer": LAMB, "learning_rate": 0.01},
        "phrases": {"masking": f"{PHRASES}:{phrases}"},
        ELECTRA: {"family": ELECTRA},
        REPLACED: {"family": ELECTRA, "objective": REPLACED},
    }
    return ways[name]


@dataclass(frozen=True)
class Bench:
    """A kitchen, and how long its models learn.

    Attributes:
        kitchen: the corpus.
        steps: updates of a model.
        progress: hears of each piece of work.
    """

    kitchen: Kitchen
    steps: int
    progress: Progress

    def figures(self, name: str, seed: int) -> dict[str, float | None]:
        """Read the figures of a model, or train it and find them."""
        folder = self.folder(name, seed)
        path = folder.with_name(f"{folder.name}.json")
        if not path.exists():
            clock = self._train(folder, name, seed)
            measured = self._measured(folder, name)
            if name in COMPARABLE:
                measured |= self.compared(folder, seed, clock)
            write_json(measured | {"seconds": max(clock.values(), default=None)}, path)
        found: dict[str, float | None] = read_json(path)
        return found

    def folder(self, name: str, seed: int) -> Path:
        """Name the folder of a model."""
        slug = f"{name.replace(', ', '_').replace(' ', '_')}-{self.steps}-{seed}"
        return self.kitchen.out / "workbench" / slug

    def _train(self, folder: Path, name: str, seed: int) -> dict[int, float]:
        """Train; the seconds of this process after each step, empty if it did not do them all."""
        fresh = not folder.exists() and not TrainingFolder.beside(folder).folder.exists()
        plain = {**PRETRAINING, "steps": self.steps, "seed": seed, "validation_share": SHARE_APART}
        options = {**plain, **changes(name, self.steps, self._phrases())}
        options["validate_every"] = max(1, options["steps"] // LOOKS)
        began, clock = time.process_time(), {}

        def told(stage: str, done: int, total: int, detail: str = "") -> None:
            clock[done] = time.process_time() - began
            self.progress(folder.name, done, total, detail)

        pretrain(self.kitchen.work(self.kitchen.main), folder, PretrainOptions(**options), told)
        return clock if fresh else {}

    def _phrases(self) -> Path:
        """Write each verb before each noun, a phrase a line."""
        path, plan = self.kitchen.out / "phrases.txt", self.kitchen.plan
        lines = [f"{verb} the {noun}\n" for verb in plan.verbs for noun in plan.nouns]
        path.write_text("".join(lines), encoding="utf-8")
        return path

    def _measured(self, folder: Path, name: str) -> dict[str, float | None]:
        kitchen, model = self.kitchen, load_answering(folder)
        whole = measures.whole_videos(kitchen, kitchen.main, model.processor.codebook)
        examples = measures.of_examples(kitchen, kitchen.main)

        def ahead(split: str, context: int, learnt: Sequence[Ids] = whole) -> dict[str, float]:
            row = measures.forecasts(kitchen, model, split, learnt, context, (1,)).rows[1]
            return {method: row[method][1].value for method in ("forecast", "bigram")}

        context = max(CONTEXTS, key=lambda context: ahead(VALIDATION, context)["forecast"])
        found: dict[str, float | None] = {"context": context}
        for split in HELD_OUT:
            if name != "causal":
                row = measures.actions(kitchen, model, split, kitchen.main, probe=False).rows
                for kind in KINDS:
                    found[f"{kind}s, {split}"] = row["cross_modal"][f"{kind}_top1"].value
            for method, value in ahead(split, context).items():
                found[f"{method.replace('forecast', 'ahead')}, {split}"] = value
            found[f"bigram of examples, {split}"] = ahead(split, context, examples)["bigram"]
        return found

    def compared(
        self, folder: Path, seed: int, clock: Mapping[int, float]
    ) -> dict[str, float | None]:
        """Return the last loss, and after how many seconds it was the plain way's."""
        own, plain = losses(folder), losses(self.folder(PLAIN, seed))
        goal = plain.get(self.steps, 0.0)
        reached = [clock[step] for step, loss in own.items() if loss <= goal and step in clock]
        return {"loss": own.get(self.steps), "as good after": min(reached, default=None)}


def losses(folder: Path) -> dict[int, float]:
    """Read a model's mean loss of hidden words by step; nothing where there is no model."""
    if not folder.exists():
        return {}
    rows = read_table(folder / "history.parquet").to_pylist()
    there = [row for row in rows if all(row.get(loss) is not None for loss in LOSSES)]
    return {row["step"]: mean(row[loss] for loss in LOSSES) for row in there}


def spread(values: Sequence[float | None], per_cent: bool) -> str:
    """Write the mean, the deviation and the worst of several seeds."""
    there = [value for value in values if value is not None]
    if not there:
        return ""
    scale = 100 if per_cent else 1
    deviation = stdev(there) if len(there) > 1 else 0.0
    worst = min(there) if per_cent else max(there)
    return f"{scale * mean(there):.2f} +- {scale * deviation:.2f}, {scale * worst:.2f}"


def show(found: Mapping[str, Sequence[Mapping[str, float | None]]]) -> None:
    """Print the table: mean, deviation and worst of the seeds."""
    columns = list(dict.fromkeys(column for rows in found.values() for column in rows[0]))
    for column in columns:
        per_cent = "," in column
        rows = [
            [name, spread([row.get(column) for row in each], per_cent)]
            for name, each in found.items()
        ]
        title = f"{column}, per cent" if per_cent else column
        print_table(title, ["", "mean, deviation, worst"], rows)


def measure_plain(options: argparse.Namespace, bench: Bench) -> None:
    """Measure what the plain models can be taught, or how small they can be."""
    tiny, kitchen, progress = options.tiny, bench.kitchen, bench.progress
    epochs, seeds = (1, 1) if tiny else (60, options.seeds)
    draws = min(options.seeds, 1) if tiny else workbench_tasks.DRAWS
    for seed in range(seeds if options.what == "small" else 1):
        bench.figures(PLAIN, seed)
    models = [bench.folder(PLAIN, seed) for seed in range(seeds)]
    if options.what == "tasks":
        workbench_tasks.measure(TaskBench(kitchen, models[0], seeds, draws, epochs, progress))
    elif options.what in TOGETHER:
        given = seeds, draws, epochs, bench.steps // 2
        TOGETHER[options.what](TogetherBench(kitchen, models[0], *given, progress))
    else:
        updates = bench.steps if tiny else workbench_small.UPDATES
        workbench_small.measure(SmallBench(kitchen, models, updates, epochs, progress))


def main() -> None:
    """Make what is not there yet, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["pretraining", "tasks", *TOGETHER, "small"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiny", action="store_true", help="to see that it runs")
    parser.add_argument("--steps", type=int, default=STEPS, help="updates of each model")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=NAMES, help="ways to pre-train", default=NAMES)
    options = parser.parse_args()
    sizes = TINY if options.tiny else Sizes(training=(400,))
    steps = TINY_STEPS if options.tiny else options.steps
    kitchen = Kitchen(options.out, sizes, SEED, small_look())
    with progress_bars() as progress:
        make_corpus(kitchen, progress)
        work = kitchen.work(kitchen.main)
        if options.what != "pretraining":
            measure_plain(options, Bench(kitchen, steps, progress))
            return
        write_near_words(work, Codebook.load(work / "codebook"), NEAR_WORDS, progress=progress)
        bench, found = Bench(kitchen, steps, progress), {}
        for name in options.only:  # a whole row before the next, so that what is there can be read
            found[name] = [bench.figures(name, seed) for seed in range(options.seeds)]
    show(found)
    where = machine("torch", "transformers")
    write_json({"steps": steps, "figures": found, "machine": where}, options.out / "workbench.json")
    print_line(f"{steps} updates; {where['cpu']}, {where['cores']} cores")


if __name__ == "__main__":
    main()
