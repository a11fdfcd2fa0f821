"""How well a model does what it was taught, beside what it must beat: seven rows a task.

- chance: answers drawn at random.
- prior: what is commonest in the rows that were learnt from.
- text alone: the same model, which sees nothing; left out where there is no text.
- shuffled video: the same model, which sees another video.
- linear probe: logistic regression on words, and on visual words, in no order.
- random weights: the same network, which was taught the same without pre-training.
- ours.

The rows to measure on are those of the subset testing; where there are none, of validation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from videobert.data.annotation_files import TESTING, TRAINING, VALIDATION
from videobert.data.annotations import Annotation
from videobert.evaluation.intervals import Estimate, estimate_figures
from videobert.evaluation.linear_probe import LinearProbe
from videobert.evaluation.table import Table
from videobert.finetune.asking import answers
from videobert.finetune.data import read_data
from videobert.finetune.examples import Example
from videobert.finetune.options import FIND, FinetuneOptions
from videobert.finetune.tasks.task import Task
from videobert.finetune.teacher import TAUGHT
from videobert.finetune.training import few, finetune_tasks
from videobert.finetune.tuned import Tuned, load_tuned, task_folder
from videobert.finetune.two_stage import BEGAN
from videobert.loading import load_model
from workfolder.errors import InputError
from workfolder.files import read_json
from workfolder.progress import Progress, silent
from workfolder.stage import OPTIONS_FILE

ROWS = CHANCE, PRIOR, TEXT, SHUFFLED, PROBE, RANDOM, OURS = (
    "chance",
    "prior",
    "text_alone",
    "shuffled_video",
    "linear_probe",
    "random_weights",
    "ours",
)
FOR_OURS = ("random weights", BEGAN, TAUGHT, "patient")
"""What is noted of ours, and cannot be the same for random weights."""
MOST_TERMS = 5000
"""Words that a linear probe reads at most, the commonest."""


@dataclass(frozen=True)
class TaskTable:
    """What was found of one task.

    Attributes:
        task: its name.
        subset: the rows that it was measured on.
        examples: how many.
        videos: of how many videos.
        unknown: labels of these rows that were not learnt, and are not measured.
        rows: figures by method.
        left_out: why a method has no row.
    """

    task: str
    subset: str
    examples: int
    videos: int
    unknown: Sequence[str]
    rows: Table
    left_out: dict[str, str]


def evaluate_task(
    model: Path, work: Path, name: str, progress: Progress = silent
) -> list[TaskTable]:
    """Measure what MODEL/tasks/NAME was taught.

    The network of random weights is trained first, unless it is there: MODEL/tasks/NAME.random.

    Args:
        model: MODEL.
        work: the folder with the annotations.
        name: NAME.
        progress: told of the training.

    Raises:
        InputError: if there is no such task, or no row to measure on.
    """
    taught = load_tuned(model, name)  # refuses what cannot be read before anything is read
    data = read_data(work, load_model(model), taught.options)
    subset = next((each for each in (TESTING, VALIDATION) if data.rows[each]), None)
    if subset is None:
        raise InputError(f"{work}: no row is kept apart to measure on: give a table with more")
    taught = load_tuned(model, name, data.footage, data.said)
    own = replace(taught.options, name=name, seeds=1, patient=0.0)  # its teacher may be gone
    if not (task_folder(model, f"{name}.random") / OPTIONS_FILE).exists():
        finetune_tasks(model, work, own, progress, scratch=True)
    _refuse_others(model, name, own)
    scratch = load_tuned(model, f"{name}.random", data.footage, data.said)
    rows = data.rows[TRAINING], data.rows[subset]
    return [task_table(each, taught, scratch, *rows, subset) for each in taught.tasks]


def _refuse_others(model: Path, name: str, options: FinetuneOptions) -> None:
    """Refuse a network of random weights that was taught otherwise than the one beside it."""
    folders = [task_folder(model, each) for each in (name, f"{name}.random")]
    ours, others = (
        {k: v for k, v in read_json(f / OPTIONS_FILE).items() if k not in FOR_OURS} for f in folders
    )
    if ours != others:
        raise InputError(f"{folders[1]} was taught otherwise than {folders[0]}: delete it")


def task_table(
    name: str,
    taught: Tuned,
    scratch: Tuned,
    training: Sequence[Annotation],
    rows: Sequence[Annotation],
    subset: str,
) -> TaskTable:
    """Measure one task.

    Args:
        name: of the task.
        taught: ours.
        scratch: the same from random weights.
        training: the rows that both learnt from.
        rows: to measure on.
        subset: what these rows are called.

    Raises:
        InputError: if the rows have nothing to ask about.
    """
    task = taught.tasks[name]
    examples = task.with_false_ones(task.examples(rows), taught.options.seed)
    if not examples:
        raise InputError(f"{name}: the rows of the subset {subset} have nothing to ask about")
    learnt = _learnt(name, taught, training)
    groups = np.array([example.video for example in examples])
    reasons: dict[str, str] = {}

    def ask(some: Sequence[Example], whom: Tuned = taught) -> list[np.ndarray]:
        return answers(whom.network, name, whom.tasks[name], some)

    rng = np.random.default_rng(0)
    table = Table(methods=ROWS)
    for method, find in {
        CHANCE: lambda: task.guesses(learnt, examples, rng),
        PRIOR: lambda: task.guesses(learnt, examples, None),
        TEXT: lambda: _asked_unseen(name, examples, ask),
        SHUFFLED: lambda: _asked_shuffled(examples, ask),
        PROBE: lambda: probed(task, learnt, examples),
        RANDOM: lambda: ask(examples, scratch),
        OURS: lambda: ask(examples),
    }.items():
        found: list[np.ndarray] | str = find()
        if isinstance(found, str):
            reasons[method] = found
        else:
            table[method] = _figures(task, found, examples, groups)
    counts = len(examples), len(set(groups))
    return TaskTable(name, subset, *counts, _unknown(task, rows), table, reasons)


def _learnt(name: str, taught: Tuned, rows: Sequence[Annotation]) -> list[Example]:
    """Make the examples that a task learnt from, which may be few of those that there are."""
    found, most = taught.tasks[name].examples(rows), taught.options.few
    return few(found, most, taught.options.seed, name) if most else found


def _unknown(task: Task, rows: Sequence[Annotation]) -> list[str]:
    """List labels that a task which has labels did not learn."""
    labels = set(task.about.get("labels", ()))
    there = {row.label for row in rows if row.label is not None}
    return sorted(there - labels) if labels else []


def _figures(
    task: Task, found: Sequence[np.ndarray], examples: Sequence[Example], groups: np.ndarray
) -> dict[str, Estimate]:
    marks = [task.marks(answer, example) for answer, example in zip(found, examples, strict=True)]
    of = np.repeat(groups, [len(each) for each in marks])
    return estimate_figures(task.figures, np.concatenate(marks), of)


Ask = Callable[[Sequence[Example]], list[np.ndarray]]


def _asked_unseen(name: str, examples: Sequence[Example], ask: Ask) -> list[np.ndarray] | str:
    """Ask the texts without what is seen; of a whole video, all clips have one word."""
    if not any(example.text for example in examples):
        return "there is no text"
    if not any(len(example.words) for example in examples):
        return "there is nothing but text"
    if name == FIND:
        common = int(np.bincount(np.concatenate([each.words for each in examples])).argmax())
        return ask([replace(each, words=np.full_like(each.words, common)) for each in examples])
    return ask([replace(each, words=each.words[:0]) for each in examples])


def _asked_shuffled(examples: Sequence[Example], ask: Ask) -> list[np.ndarray] | str:
    """Ask with what is seen in another video, repeated or cut to the same length."""
    rng, shown = np.random.default_rng(0), []
    there = [example for example in examples if len(example.words)]
    if not there:
        return "there is nothing but text"
    if len({example.video for example in there}) < 2:
        return "no other video is there"
    for example in examples:
        others = [each.words for each in there if each.video != example.video]
        words = others[int(rng.integers(len(others)))]
        shown.append(replace(example, words=np.resize(words, len(example.words))))
    return ask(shown)


def probed(
    task: Task, learnt: Sequence[Example], examples: Sequence[Example]
) -> list[np.ndarray] | str:
    """Answer by logistic regression on counts of terms."""
    from sklearn.feature_extraction.text import CountVectorizer

    pairs = [task.probe(example) for example in learnt]
    if None in pairs:
        return "a bag of words cannot compare a text with a video"
    terms = [term for pair in pairs if pair for term in pair[0]]
    truth = np.concatenate([pair[1] for pair in pairs if pair])
    if len(np.unique(truth)) < 2:
        return "there is one class"
    counter = CountVectorizer(token_pattern=r"\w+", max_features=MOST_TERMS)
    features = counter.fit_transform(terms).toarray().astype(np.float32)
    probe = LinearProbe.fit(features, truth, int(truth.max()) + 1)
    found = []
    for example in examples:
        asked = task.probe(example)
        assert asked is not None
        scores = probe.scores(counter.transform(asked[0]).toarray())
        found.append(task.probed(scores))
    return found
