"""The choices by which a task is learnt. No torch here: ``--help`` does not wait for it."""

from __future__ import annotations

import re
import string
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from videobert.learning.schedule import SHORTEST
from workfolder.errors import InputError
from workfolder.options import Options, option

TASKS = CLASSIFY, ALIGN, CHOOSE, FIND, TAG, MOMENTS = (
    "classify",
    "align",
    "choose",
    "find",
    "tag",
    "moments",
)
FOLDER, OPTIONS_FILE = "tasks", "options.json"
"""MODEL/tasks/NAME is made by these options."""
TASK, READING, LEARNING, LOSSES = "Task", "Reading", "Learning", "Losses"
NONE, RANDOM, CANDIDATES = "none", "random", "candidates"
HEAD = "head"
"""The value of --train that leaves the network as it is."""
TRAINED = re.compile(r"all|head|norms|(?:top|adapter|lora):[1-9]\d*")
"""Values of --train, see trained.set_trained."""
LAYERS = re.compile(r"last|first|max4|concat4|mean4|sum|weighted|\d+")
"""Values of --layers, see layers.LayerMix."""
FIELDS = {"aspect", "label"}
"""What may stand in the braces of --sentence."""
MASK = "[MASK]"
"""That of tokenization.pieces, which takes long to import."""


def is_taught(model: Path, name: str) -> bool:
    """Tell whether a model's folder has a task, without importing what learns."""
    return (model / FOLDER / name / OPTIONS_FILE).is_file()


@dataclass(frozen=True)
class FinetuneOptions(Options):
    """How tasks are learnt. Dropout is that of the model's pre-training."""

    task: tuple[str, ...] = option(
        (), "What is learnt; again for several at once.", choices=TASKS, panel=TASK, shown="none"
    )
    annotations: str = option(
        "", "Table that import annotations wrote.", panel=TASK, shown="the only one"
    )
    name: str | None = option(
        None, "Name below MODEL/tasks.", panel=TASK, shown="those of the tasks"
    )
    sentence: str | None = option(
        None,
        "Sentence that classify reads, such as 'the {aspect} is {label}'. {aspect} is the table's "
        "name. With {label}, or with a [MASK] in its place, labels can be asked for that were "
        "never taught.",
        panel=TASK,
        shown="none",
    )
    negatives: str = option(
        RANDOM,
        "Where align finds texts that do not fit: anywhere, or among BM25's candidates.",
        choices=(RANDOM, CANDIDATES),
        panel=TASK,
    )
    choices: int = option(4, "Texts that choose has to choose from.", least=2, panel=TASK)
    few: int | None = option(
        None,
        "Labels a class to learn from (classify), or examples (others).",
        least=1,
        panel=TASK,
        shown="all",
    )
    seeds: int = option(
        1, "Runs that differ in what they draw; the first is kept.", least=1, most=99, panel=TASK
    )

    max_length: int | None = option(
        None, "Ids in a row at most.", least=SHORTEST, panel=READING, shown="the model's"
    )
    truncation: str = option(
        "head",
        "What is kept of a text that is too long.",
        choices=("head", "tail", "head+tail"),
        panel=READING,
    )
    stride: int = option(0, "Ids from window to window; 0: half a window.", least=0, panel=READING)
    pool: str = option(
        NONE,
        "How classify joins windows of what is too long; none: it is cut.",
        choices=(NONE, "mean", "max", "attention"),
        panel=READING,
    )
    layers: str = option(
        "last",
        "Layers that are read: last, first, max4, concat4, mean4, sum, weighted, or a number.",
        offered=("last", "first", "max4", "concat4", "mean4", "sum", "weighted"),
        panel=READING,
    )
    layer_dropout: float = option(
        0.0, "Share of the layers that weighted drops.", least=0, most=0.9, panel=READING
    )
    between: int = option(
        0, "Transformer layers of moments over its units.", least=0, most=12, panel=READING
    )
    both_orders: bool = option(False, "Read text and video in both orders (align).", panel=READING)

    train: str = option(
        "all",
        "What learns: all, top:N layers, head, norms, adapter:N wide, or lora:N of that rank.",
        offered=("all", "head", "norms", "top:2", "adapter:64", "lora:8"),
        panel=LEARNING,
    )
    epochs: int = option(3, "Times that each example is seen.", least=1, panel=LEARNING)
    batch_size: int = option(32, "Examples in an update.", least=1, panel=LEARNING)
    accumulate: int = option(1, "Parts of a batch, one after the other.", least=1, panel=LEARNING)
    learning_rate: float = option(
        5e-5, "Peak; it rises for a tenth of the run, then falls to 0.", least=0, panel=LEARNING
    )
    seed: int = option(0, "Seed of all random choices.", least=0, most=2**32 - 1, panel=LEARNING)
    completion_weight: float = option(
        0.0, "Weight of finding hidden words of the same rows.", least=0, panel=LOSSES
    )
    adversarial: int = option(
        0,
        "Times that each row is read, disturbed so that it is harder each time; 3 in FreeLB.",
        least=0,
        panel=LOSSES,
    )
    teacher: Path | None = option(
        None, "MODEL/tasks/NAME that was taught the same tasks.", panel=LOSSES, shown="none"
    )
    patient: float = option(
        0.0,
        "Weight of what a teacher's layers make of [CLS]; 10 to 1000.",
        least=0,
        panel=LOSSES,
    )

    def __post_init__(self) -> None:
        """Raise InputError for a value that no run can have."""
        super().__post_init__()
        if len(set(self.task)) < len(self.task):
            raise InputError("--task: give each task once")
        if not TRAINED.fullmatch(self.train):
            raise InputError(
                f"--train {self.train!r} will not do: give all, top:N, head, norms, adapter:N or "
                "lora:N"
            )
        if not LAYERS.fullmatch(self.layers):
            raise InputError(
                f"--layers {self.layers!r} will not do: give last, first, max4, concat4, mean4, "
                "sum, weighted, or the number of a layer"
            )
        if self.sentence is not None:
            self._check_sentence(self.sentence)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks in one order, whatever order they were given in."""
        return tuple(sorted(self.task))

    def noted(self) -> dict[str, Any]:
        """Return what a task's folder remembers of them: what changes what is learnt.

        A teacher is told by its digest, not by where it lies. Losses that nobody asked for are left
        out, as in folders of before.
        """
        noted = asdict(replace(self, task=self.tasks))
        losses = {"completion_weight": 0.0, "adversarial": 0, "patient": 0.0}
        none = {name for name, its in losses.items() if noted[name] == its}
        return {k: v for k, v in noted.items() if k not in {"name", "seeds", "teacher", *none}}

    @property
    def folder(self) -> str:
        """The name below MODEL/tasks."""
        return self.name or "+".join(self.tasks)

    def _check_sentence(self, sentence: str) -> None:
        try:
            fields = {
                name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None
            }
        except ValueError as error:
            raise InputError(f"--sentence {sentence!r}: {error}: close every brace") from error
        if unknown := sorted(fields - FIELDS):
            raise InputError(
                f"--sentence {sentence!r}: there is no {{{unknown[0]}}}: give {{aspect}}, {{label}}"
            )
        masks = sentence.count(MASK)
        if masks > 1 or (masks and "label" in fields):
            raise InputError(
                f"--sentence {sentence!r}: name the label once, by {{label}} or by {MASK}"
            )
        if masks and (self.layers != "last" or self.pool != NONE):
            raise InputError(
                f"--sentence with {MASK} reads the last layer of one row: leave out --layers and "
                "--pool"
            )
