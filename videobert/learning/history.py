"""How a run went: rows of losses and accuracies, as a table, TensorBoard curves and a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workfolder.files import save_png

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

REPORT_EVERY = 20
"""Steps over which a row is averaged."""
VALIDATION = "validation_"
"""Begins the names of what was found on videos that are not trained on."""
Tally = Mapping[str, tuple[float, int, int]]
"""By objective: the sum of its losses in nats, how many answers were right, how many were asked."""


class History:
    """Rows of a run: step, <objective>_loss and _accuracy, the same on validation videos where they were asked, and more.

    Losses are means in nats, accuracies in [0, 1], both over what was asked since the row before. ``learning_rate`` is the
    top layer's, ``gradient`` the norm before clipping, ``tokens`` counts real ids from the start.

    Attributes:
        last: each figure as it was found last.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.last: dict[str, float] = {}  # kept up, as it is asked for at every step
        self._recent: dict[str, list[float]] = {}
        self._tokens = 0

    def add(
        self, step: int, tally: Tally, tokens: int, last: bool = False, **others: float
    ) -> None:
        """Note what the update after which there were ``step`` found; every REPORT_EVERY and the last make a row of it."""
        self._tokens += tokens
        for name, counts in tally.items():
            self._recent[name] = [
                old + new
                for old, new in zip(self._recent.get(name, (0, 0, 0)), counts, strict=True)
            ]
        if last or step % REPORT_EVERY == 0:
            self._note(step, {**means(self._recent), "tokens": self._tokens, **others})
            self._recent = {}

    def add_validation(self, step: int, tally: Tally) -> None:
        """Note what the validation after so many steps found, if anything."""
        if tally:
            self._note(step, {VALIDATION + name: value for name, value in means(tally).items()})

    def _note(self, step: int, figures: Mapping[str, float]) -> None:
        if not self.rows or self.rows[-1]["step"] != step:
            self.rows.append({"step": step})
        self.rows[-1].update(figures)
        self.last.update(self.rows[-1])

    def table(self) -> pa.Table:
        """All rows; null where a figure was not found at a step."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        return pa.table({name: [row.get(name) for row in self.rows] for name in names})

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"rows": self.rows, "recent": self._recent, "tokens": self._tokens}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self.rows, self._recent, self._tokens = state["rows"], state["recent"], state["tokens"]
        self.last = {name: value for row in self.rows for name, value in row.items()}


def means(tally: Mapping[str, Any]) -> dict[str, float]:
    """Mean loss and accuracy of each objective that was asked anything."""
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
    for axes, kind in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        names = sorted(
            {
                name
                for row in rows
                for name in row
                if name.endswith(kind) and not name.startswith(VALIDATION)
            }
        )
        for name in names:
            line = [(row["step"], row[name]) for row in rows if name in row]
            dots = [
                (row["step"], row[VALIDATION + name]) for row in rows if VALIDATION + name in row
            ]
            (drawn,) = axes.plot(
                *zip(*line, strict=True),
                label=name.removesuffix(f"_{kind}").replace("_", " "),
                linewidth=1.4,
            )
            if dots:
                axes.plot(*zip(*dots, strict=True), "o", color=drawn.get_color(), markersize=4)
        axes.set_xlabel("step")
        axes.set_title(
            {"loss": "loss, nats", "accuracy": "accuracy"}[kind], loc="left", fontsize=11
        )
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
        if names:
            axes.legend(frameon=False, fontsize=9)
    figure.suptitle("Lines: training. Dots: videos kept apart.", fontsize=10, color="#8a8f98")
    save_png(figure, path)
