"""How a run went: rows of figures, as a table, as curves for TensorBoard, as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workfolder.files import save_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch.utils.tensorboard import SummaryWriter

REPORT_EVERY = 20
"""Steps over which a row is averaged."""
VALIDATION = "validation_"
"""Begins the names of figures of the videos that are kept apart."""
Tally = Mapping[str, tuple[float, int, int]]
"""By objective: the sum of its losses in nats, the number of right answers, the number of
questions."""


class History:
    """The rows of a run.

    A row has the step, <objective>_loss and <objective>_accuracy, the same of the validation videos
    where they were asked, and more. Losses are means in nats and accuracies are in [0, 1], both
    over the questions since the row before. ``learning_rate`` is that of the top layer.
    ``gradient`` is the norm before clipping. ``tokens`` counts the ids without padding since the
    start.

    Attributes:
        rows: in the order of steps.
        last: the latest value of each figure.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.last: dict[str, float] = {}  # kept up to date, as every step asks for it
        self._recent: dict[str, list[float]] = {}
        self._tokens = 0

    def add(
        self, step: int, tally: Tally, tokens: int, last: bool = False, **others: float
    ) -> None:
        """Note what an update found; every REPORT_EVERY-th step and the last one make a row.

        Args:
            step: how many updates there were, this one included.
            tally: of the update.
            tokens: ids of its batch without padding.
            last: whether the run ends here.
            others: further figures of this step.
        """
        self._tokens += tokens
        for name, counts in tally.items():
            before = self._recent.get(name, (0, 0, 0))
            self._recent[name] = [old + new for old, new in zip(before, counts, strict=True)]
        if last or step % REPORT_EVERY == 0:
            self._note(step, {**means(self._recent), "tokens": self._tokens, **others})
            self._recent = {}

    def add_validation(self, step: int, tally: Tally) -> None:
        """Note what the validation after ``step`` updates found, if it asked anything."""
        if tally:
            self._note(step, {VALIDATION + name: value for name, value in means(tally).items()})

    def _note(self, step: int, figures: Mapping[str, float]) -> None:
        if not self.rows or self.rows[-1]["step"] != step:
            self.rows.append({"step": step})
        self.rows[-1].update(figures)
        self.last.update(self.rows[-1])

    def table(self) -> pa.Table:
        """Return all rows; null where a step has no such figure."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        return pa.table({name: [row.get(name) for row in self.rows] for name in names})

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"rows": self.rows, "recent": self._recent, "tokens": self._tokens}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state`` returned."""
        self.rows, self._recent, self._tokens = state["rows"], state["recent"], state["tokens"]
        self.last = {name: value for row in self.rows for name, value in row.items()}


def means(tally: Mapping[str, Any]) -> dict[str, float]:
    """Return the mean loss and the accuracy of each objective that was asked anything."""
    found = {}
    for name, (loss, correct, asked) in tally.items():
        if asked:
            found[f"{name}_loss"], found[f"{name}_accuracy"] = loss / asked, correct / asked
    return found


def write_curves(row: Mapping[str, float], board: SummaryWriter) -> None:
    """Send a row to TensorBoard, training and validation of a figure under one name."""
    for name, value in row.items():
        if name != "step":
            split = "validation" if name.startswith(VALIDATION) else "training"
            board.add_scalar(f"{name.removeprefix(VALIDATION)}/{split}", value, int(row["step"]))


def draw_losses(rows: list[dict[str, float]], path: Path) -> None:
    """Draw loss and accuracy of each objective over the steps as PNG; dots are validation."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained", facecolor="white")
    titles = {"loss": "loss, nats", "accuracy": "accuracy"}
    for axes, (kind, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        _draw_figures(rows, kind, axes)
        axes.set_xlabel("step")
        axes.set_title(title, loc="left", fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.suptitle("Lines: training. Dots: videos kept apart.", fontsize=10, color="#8a8f98")
    save_png(figure, path)


def _draw_figures(rows: list[dict[str, float]], kind: str, axes: Axes) -> None:
    """Draw a line, and dots where there was a validation, for each figure of a kind."""
    every = {name for row in rows for name in row if name.endswith(kind)}
    names = sorted(name for name in every if not name.startswith(VALIDATION))
    for name in names:
        points, dots = (
            [(row["step"], row[figure]) for row in rows if figure in row]
            for figure in (name, VALIDATION + name)
        )
        label = name.removesuffix(f"_{kind}").replace("_", " ")
        (drawn,) = axes.plot(*zip(*points, strict=True), label=label, linewidth=1.4)
        if dots:
            axes.plot(*zip(*dots, strict=True), "o", color=drawn.get_color(), markersize=4)
    if names:
        axes.legend(frameon=False, fontsize=9)
