"""Tasks learnt together, with more than labels, and with few; see benchmarks.workbench.

    python -m benchmarks.workbench together --out DIR         the tables
    python -m benchmarks.workbench together --out DIR --tiny  minutes, to see that it runs

The model is that of ``pretraining``'s plain way and seed 0. It is taught by the 400 training videos
and measured on both held-out splits. A figure that is there is not found again.

- together: tag, classify and find, each alone with all weights, each alone with adapters, and all
  three in one network. A step counts as wholly right where classify names its verb, and tag gives
  each of its clips that verb. Seconds are of this process, bytes of what lies in MODEL/tasks.
- few labels: see benchmarks.workbench_few.
- forgetting: the loss of hidden words of validation videos, after tag was taught in each way.
- told twice: a second language, see benchmarks.workbench_few.
- unseen: three verbs are in no row that is learnt from, and are asked for among all by a template.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from benchmarks.kitchen_tables.corpus import EVERYTHING, HELD_OUT, VALIDATION, Kitchen
from benchmarks.workbench_tasks import LEARNING, VERBS, annotations, write_tables
from demos.kitchen.truth import Truth
from videobert.cli.console import print_line, print_table
from videobert.data.annotations import ANNOTATIONS, Annotation, table_path
from videobert.data.corpus import make_corpus
from videobert.data.work import read_examples
from videobert.evaluation.intervals import Estimate, estimate
from videobert.finetune.asking import answers
from videobert.finetune.completion import HiddenRow, completion, make_hider
from videobert.finetune.data import read_footage
from videobert.finetune.options import CLASSIFY, FIND, TAG, FinetuneOptions
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import Tuned, load_tuned, task_folder
from videobert.loading import load_model
from videobert.sequences import Part
from workfolder.files import read_json, write_json, write_table
from workfolder.progress import Progress

BOTH, SEEN = "both", "seen_verbs"
"""Tables: of each step a row with its caption and one with its verb; and VERBS without UNSEEN."""
UNSEEN = 3
SENTENCE = "the verb is {label}"
WAYS: dict[str, dict[str, Any]] = {
    "all": {"train": "all"},
    "top:1": {"train": "top:1"},
    "norms": {"train": "norms"},
    "lora:8": {"train": "lora:8"},
    "adapter:16": {"train": "adapter:16"},
    "head": {"train": "head"},
}
TASKS = (CLASSIFY, FIND, TAG)
FIGURES = {CLASSIFY: "accuracy", FIND: "mean IoU", TAG: "accuracy"}
WHOLE = "wholly right"
MASKED_ROWS = 300


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

    def taught(
        self, options: FinetuneOptions, model: Path | None = None, work: Path | None = None
    ) -> float:
        """Teach, unless it is there; return the seconds that it took."""
        began = time.process_time()
        given = replace(options, epochs=min(options.epochs, self.epochs))
        finetune_tasks(model or self.model, work or self.work, given, self.progress)
        return time.process_time() - began

    def once(self, name: str, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Read figures, or find and keep them."""
        path = self.model / "figures" / "together" / f"{name}.json"
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
    plain = replace(LEARNING, annotations=BOTH, epochs=20)
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
    found: dict[str, Any] = {"seconds": sum(bench.taught(run) for run in runs)}
    homes = [task_folder(bench.model, str(run.name)) for run in runs]
    found["bytes"] = sum(
        path.stat().st_size for home in homes for path in home.glob("*.safetensors")
    )
    for split in HELD_OUT:
        rows = rows_of(bench.kitchen.truth(split))
        right: dict[str, Any] = {}
        for run in runs:
            tuned = bench.tuned(str(run.name), rows)
            for name, task in tuned.tasks.items():
                examples = task.with_false_ones(task.examples(rows), 0)
                said = answers(tuned.network, name, task, examples)
                marks = [task.marks(*each) for each in zip(said, examples, strict=True)]
                found[f"{name}, {split}"] = task.figures(np.concatenate(marks))[FIGURES[name]]
                right[name] = task, examples, said
        found[f"{WHOLE}, {split}"] = wholly_right(right)
    return found


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


def forgetting(bench: TogetherBench) -> dict[str, dict[str, Any]]:
    """Measure the loss of hidden words before and after tag is taught in each way."""
    found = {}
    for way, changes in WAYS.items():
        own = {**changes, "task": (TAG,), "annotations": BOTH}
        options = replace(LEARNING, **own, name=f"forgetting-{way.replace(':', '')}")
        found[way] = bench.once(str(options.name), lambda o=options: _forgot(bench, o))
    return found


def _forgot(bench: TogetherBench, options: FinetuneOptions) -> dict[str, Any]:
    before = masked_loss(bench, load_model(bench.model).network)
    bench.taught(options)
    tuned = load_tuned(bench.model, str(options.name))
    on = masked_loss(bench, tuned.network.encoder)
    # MODEL is as it was, so without what was put in it says what it said.
    off = masked_loss(bench, load_model(bench.model).network)
    return {"before": before, "with": on, "without": off}


@torch.no_grad()
def masked_loss(bench: TogetherBench, network: Any) -> float:
    """Return the mean loss of the same hidden words of validation videos, in nats."""
    model = load_model(bench.model)
    processor = model.processor
    corpus = make_corpus(read_examples(bench.kitchen.work(VALIDATION)), processor.text_ids)
    whole = np.flatnonzero(corpus.spoken & corpus.seen)[:MASKED_ROWS]
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


def unseen(bench: TogetherBench) -> dict[str, list[dict[str, Any]]]:
    """Ask for three verbs that were never learnt, among all, by a template."""
    kitchen = bench.kitchen
    labels = sorted(kitchen.plan.verbs)
    hidden = set(labels[:: len(labels) // UNSEEN][:UNSEEN])
    rows = [
        replace(row, subset=subset)
        for subset, name in (("training", kitchen.main), ("validation", VALIDATION))
        for row in annotations(kitchen.truth(name), VERBS)
        if row.label not in hidden
    ]
    write_rows(bench.work, SEEN, rows)
    found: dict[str, list[dict[str, Any]]] = {split: [] for split in HELD_OUT}
    for seed in range(bench.seeds):
        own = {"task": (CLASSIFY,), "annotations": SEEN, "sentence": SENTENCE, "seed": seed}
        options = replace(LEARNING, **own, name=f"unseen-{seed}", epochs=20)
        every = bench.once(
            f"unseen-{seed}", lambda o=options: _unseen(bench, o, labels, sorted(hidden))
        )
        for split in HELD_OUT:
            found[split].append(every[split])
    return found


def _unseen(
    bench: TogetherBench, options: FinetuneOptions, labels: list[str], hidden: Sequence[str]
) -> dict[str, Any]:
    bench.taught(options)
    found: dict[str, Any] = {"verbs": hidden}
    for split in HELD_OUT:
        rows = annotations(bench.kitchen.truth(split), VERBS)
        tuned = bench.tuned(str(options.name), rows)
        task = tuned.tasks[CLASSIFY]
        task.about = {**task.about, "labels": labels}
        examples = task.examples(rows)
        said = answers(tuned.network, CLASSIFY, task, examples)
        right = np.array([a.argmax() == e.truth for a, e in zip(said, examples, strict=True)])
        new = np.array([labels[int(each.truth)] in hidden for each in examples])
        videos = np.array([each.video for each in examples])
        found[split] = {
            "never learnt": vars(estimate(right[new], videos[new])) if new.any() else None,
            "learnt": vars(estimate(right[~new], videos[~new])) if (~new).any() else None,
        }
    return found


def spread(values: Sequence[float], scale: float = 100) -> str:
    """Write the mean, the deviation and the worst of several seeds."""
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{scale * mean(values):.1f} +- {scale * deviation:.1f}, {scale * min(values):.1f}"


def lines(bench: TogetherBench) -> Iterator[None]:
    """Find and print each table of this file, one after the other."""
    found = together(bench)
    columns = [key for key in next(iter(found.values()))[0] if key not in ("seconds", "bytes")]
    cells = [
        [
            way,
            *(spread([each[column] for each in seeds]) for column in columns),
            f"{mean(each['seconds'] for each in seeds):.0f}",
            f"{mean(each['bytes'] for each in seeds) / 1e6:.2f}",
        ]
        for way, seeds in found.items()
    ]
    header = ["", *columns, "seconds", "MB"]
    print_table("together: mean +- deviation, worst, per cent", header, cells)
    yield
    forgot = forgetting(bench)
    cells = [
        [way, f"{its['before']:.3f}", f"{its['with'] - its['before']:+.3f}", _off(its)]
        for way, its in forgot.items()
    ]
    print_table(
        "forgetting: loss of hidden words, nats", ["", "before", "after", "MODEL itself"], cells
    )
    yield
    for split, seeds in unseen(bench).items():
        cells = [
            [f"seed {seed}", *(str(Estimate(**its)) if its else "none" for its in each.values())]
            for seed, each in enumerate(seeds)
        ]
        header = ["", "verbs never learnt", "verbs learnt"]
        title = f"verbs asked by a template among {len(bench.kitchen.plan.verbs)}, {split}"
        print_table(title, header, cells)
    yield


def _off(its: Mapping[str, float]) -> str:
    return "exactly 0" if its["without"] == its["before"] else f"{its['without'] - its['before']:+}"


def measure(bench: TogetherBench) -> None:
    """Find every figure that is not there yet, and print all."""
    from benchmarks.workbench_few import few_labels, told_twice

    write_tables(bench.kitchen)
    for _ in lines(bench):
        pass
    few_labels(bench)
    told_twice(bench)
    print_line(f"the same figures: {bench.model / 'figures' / 'together'}")
