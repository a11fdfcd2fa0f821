"""From a table of annotations and a model to MODEL/tasks/NAME."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from accelerate.utils import set_seed

from videobert.data.annotation_files import TRAINING, VALIDATION
from videobert.data.annotations import Annotation, table_path
from videobert.data.work import DATA_DIGEST, data_digest
from videobert.finetune.asking import answers
from videobert.finetune.captions.captioner import model_digest
from videobert.finetune.data import Data, only_table, read_data
from videobert.finetune.examples import Example, Questions
from videobert.finetune.frozen import frozen_states
from videobert.finetune.harder import made_hard
from videobert.finetune.layers import LayerMix
from videobert.finetune.learner import FinetuneLearner
from videobert.finetune.network import make_network
from videobert.finetune.options import CLASSIFY, FIND, HEAD, FinetuneOptions
from videobert.finetune.ranks import note_ranks
from videobert.finetune.tasks import TASKS
from videobert.finetune.tasks.find import THRESHOLD, best_threshold
from videobert.finetune.tasks.task import Task
from videobert.finetune.teacher import note_of
from videobert.finetune.tuned import (
    HISTORY_FILE,
    TABLE_FILE,
    make_reader,
    random_weights,
    reads_as_alignment,
    save_tuned,
    task_folder,
)
from videobert.finetune.two_stage import begin, home_of
from videobert.learning.learner import Recipe
from videobert.learning.run import train_once
from videobert.learning.trainer import Trainer
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.files import file_digest, read_json, write_json, write_table
from workfolder.progress import Progress, silent
from workfolder.stage import Stage

WARMUP = 0.1
"""Share of the steps in which the rate rises, as Devlin et al. (2019) have it."""


@dataclass(frozen=True)
class FinetuneReport:
    """What was taught.

    Attributes:
        folder: MODEL/tasks/NAME.
        now: whether this run made it.
        tasks: by task: examples learnt from, examples of the validation rows, their figures, and
            what of the network learnt.
    """

    folder: str
    now: bool
    tasks: Mapping[str, Mapping[str, Any]]

    def __str__(self) -> str:
        if not self.now:
            return f"{self.folder}: done already, nothing to do"
        return "\n".join(
            f"{self.folder}: {name} learnt from {about['learnt']:,} examples; "
            f"of {about['validated']:,} kept apart: "
            + (", ".join(f"{key} {value}" for key, value in about["told"].items()) or "none")
            for name, about in self.tasks.items()
        )


def finetune_tasks(
    model: Path,
    work: Path,
    options: FinetuneOptions,
    progress: Progress = silent,
    scratch: bool = False,
) -> FinetuneReport:
    """Teach a model tasks, and write what was learnt to MODEL/tasks/NAME.

    MODEL itself stays as it is. Nothing is done if the same options have made it already. A run
    that was stopped goes on from its last checkpoint. Of several ``seeds`` each has its own folder.

    Args:
        model: MODEL; or MODEL/tasks/X, which is where the network begins; see two_stage.
        work: the folder with the annotations.
        options: how it learns.
        progress: told how far it is.
        scratch: whether the encoder begins with random weights, to compare with; NAME.random.

    Raises:
        InputError: if there is nothing to learn, or it was made otherwise.
    """
    if not options.task:
        raise InputError("give --task once at least: classify, align, choose, find, tag, moments")
    options = replace(options, annotations=options.annotations or only_table(work))
    model, first = home_of(model)
    home = task_folder(model, options.folder + (".random" if scratch else ""))
    if home.name == first:
        raise InputError(f"what begins with {home} cannot lie there as well: give another --name")
    reports = []
    for turn in range(options.seeds):
        own = replace(options, seed=options.seed + turn)
        folder = home if not turn else home.with_name(f"{home.name}.seed{own.seed}")
        reports.append(_finetune(model, work, own, folder, progress, scratch, first))
    return _joined(reports)


def _joined(reports: Sequence[FinetuneReport]) -> FinetuneReport:
    """Tell the mean of each figure over seeds, and its deviation where there are several."""
    first = reports[0]
    tasks = {}
    for name, about in first.tasks.items():
        told = {}
        for key in about["figures"]:
            values = np.array([report.tasks[name]["figures"][key] for report in reports])
            spread = f" +- {100 * values.std(ddof=1):.1f}" if len(values) > 1 else ""
            told[key] = f"{100 * values.mean():.1f}{spread}"
        tasks[name] = {**about, "told": told}
    return FinetuneReport(first.folder, any(report.now for report in reports), tasks)


def _finetune(
    model: Path,
    work: Path,
    options: FinetuneOptions,
    home: Path,
    progress: Progress,
    scratch: bool,
    first: str | None,
) -> FinetuneReport:
    beginning = begin(model, first)
    data = read_data(work, beginning.model, options)
    made_with = {
        **options.noted(),
        "model": model_digest(model),
        "random weights": scratch,
        DATA_DIGEST: data_digest(Stage(work / "tokens"), of=data.footage.keys()),
        "table": file_digest(table_path(work, options.annotations)),
        **beginning.noted,
        **note_of(options.teacher),
    }
    if data.said:
        made_with["said"] = data_digest(Stage(work / "transcripts"), of=data.said.keys())
    # Made though the folder may be there: it tells how many updates there are.
    learner = start_run(beginning.model, data, options, scratch)
    beginning.give_heads(learner.model, learner.tasks)
    if options.train == HEAD and options.teacher is None:  # a teacher compares all states
        began = [made_with["model"], *beginning.noted.values()]
        began += [f"random weights {options.seed}"] * scratch
        learner.model.frozen = frozen_states(" ".join(map(str, began)), options.layers)

    def write(part: Path, learner: FinetuneLearner, trainer: Trainer[Questions]) -> None:
        trainer.finished_model()
        set_thresholds(learner)
        if not scratch and reads_as_alignment(options):
            note_ranks(learner, model)
        save_tuned(part, learner.model, learner.tasks, options)
        beginning.save(part, learner.model)
        write_json(_table(learner), part / TABLE_FILE)
        write_table(trainer.history.table(), part / HISTORY_FILE)

    advice = f"delete {home}, or give another --name"
    now = train_once(
        home, made_with, lambda: learner, recipe(learner, options), write, advice, progress
    )
    return FinetuneReport(str(home), now, read_json(home / TABLE_FILE))


def recipe(learner: FinetuneLearner, options: FinetuneOptions) -> Recipe:
    """Return how it learns: a validation and a checkpoint an epoch.

    Weights do not decay: rows of words that the annotations never show would drift.
    """
    return Recipe(
        [options.epochs * learner.epoch],
        options.batch_size,
        options.learning_rate,
        warmup=WARMUP,
        accumulate=options.accumulate,
        validate_every=learner.epoch,
        checkpoint_every=learner.epoch,
        seed=options.seed,
    )


def start_run(
    model: TrainedModel, data: Data, options: FinetuneOptions, scratch: bool = False
) -> FinetuneLearner:
    """Make everything ready for the first step; the model is used up.

    Raises:
        InputError: if a task finds nothing to learn from.
    """
    set_seed(options.seed)
    network = random_weights(model.network, options.seed) if scratch else model.network
    reader = make_reader(model.processor, network.config, data.footage, options, data.said)
    tasks = {}
    for name in options.tasks:
        about = TASKS[name].learn_about(data.rows[TRAINING], reader)
        tasks[name] = TASKS[name](reader, about)
    learnt = {name: _examples(task, data.rows[TRAINING], name) for name, task in tasks.items()}
    kept = {name: task.examples(data.rows[VALIDATION]) for name, task in tasks.items()}
    if options.few:
        learnt = {n: few(its, options.few, options.seed, n) for n, its in learnt.items()}
    made = make_network(network, tasks, options)
    learner = FinetuneLearner(
        made, tasks, learnt, kept, reader.layout, options.batch_size, options.seed
    )
    return made_hard(learner, model.processor, options)


def _examples(task: Task, rows: Sequence[Annotation], name: str) -> list[Example]:
    found = task.examples(rows)
    if not found:
        raise InputError(
            f"{name} finds nothing to learn from in the table: its videos have no visual words, or "
            "its rows lack what the task needs; see videobert finetune --help"
        )
    return found


def few(examples: Sequence[Example], most: int, seed: int, name: str) -> list[Example]:
    """Draw ``most`` examples; for classify so many of each class, or all that it has."""
    order = np.random.default_rng([seed, most]).permutation(len(examples))
    chosen, counts = list[int](), dict[int, int]()
    for place in order.tolist():
        label = int(examples[place].truth) if name == CLASSIFY else 0
        if counts.get(label, 0) < most:
            counts[label] = counts.get(label, 0) + 1
            chosen.append(place)
    return [examples[place] for place in sorted(chosen)]


def set_thresholds(learner: FinetuneLearner) -> None:
    """Choose find's threshold for no answer on the validation examples."""
    kept = learner.kept_apart.get(FIND)
    if kept:
        task = learner.tasks[FIND]
        marks = judged(learner, FIND, task.with_false_ones(kept, learner.seed))
        task.about = {**task.about, THRESHOLD: best_threshold(marks)}


def judged(learner: FinetuneLearner, name: str, examples: Sequence[Example]) -> np.ndarray:
    """Answer examples, and judge the answers; see Task.marks."""
    task = learner.tasks[name]
    found = answers(learner.model, name, task, examples)
    return np.concatenate(
        [task.marks(answer, example) for answer, example in zip(found, examples, strict=True)]
    )


def _table(learner: FinetuneLearner) -> dict[str, Any]:
    weights = dict(learner.model.named_parameters())
    every = sum(weight.numel() for weight in weights.values())
    learns = sum(weight.numel() for weight in learner.model.learnt().values())
    table: dict[str, Any] = {}
    for name, task in learner.tasks.items():
        kept = task.with_false_ones(learner.kept_apart[name], learner.seed)
        figures = task.figures(judged(learner, name, kept)) if kept else {}
        table[name] = {
            "learnt": len(learner.learnt[name]),
            "validated": len(kept),
            "figures": figures,
            "share that learns": learns / every,
        }
        mix = learner.model.mixes[name]
        if isinstance(mix, LayerMix) and mix.weights is not None:
            table[name]["layers"] = mix.eval().shares().tolist()
    return table
