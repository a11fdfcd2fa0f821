"""Visual words as the training frames that stand for them, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokenization.pictures import picture
from videobert.answers.visual_words import VisualGuess
from videobert.cli.drawing import MOST_ANSWERS, plain, save, show

if TYPE_CHECKING:
    import pyarrow as pa

CELL = 1.9, 1.7
"""Width and height of a picture with its label, in inches."""


@dataclass(frozen=True)
class WordColumn:
    """Visual words below a title, each with what is written at its picture."""

    title: str
    words: Sequence[int]
    labels: Sequence[str]


def guessed(title: str, guesses: Sequence[VisualGuess]) -> WordColumn:
    """A column of guesses with their probabilities."""
    return WordColumn(
        title, [g.word for g in guesses], [f"word {g.word}: {g.probability:.0%}" for g in guesses]
    )


def draw_words(pictures: pa.Table, columns: Sequence[WordColumn], title: str, path: Path) -> None:
    """Draw each column's pictures, the first at the top, as PNG; MOST_ANSWERS columns of as many pictures at most."""
    from matplotlib.figure import Figure

    columns = columns[:MOST_ANSWERS]
    rows = min(max(len(column.words) for column in columns), MOST_ANSWERS)
    size = max(CELL[0] * len(columns), 6.0), CELL[1] * rows + 0.9
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    grid = figure.subplots(rows, len(columns), squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for column, places in zip(columns, grid.T, strict=True):
        places[0].text(
            0.5,
            1.22,
            column.title,
            transform=places[0].transAxes,
            ha="center",
            fontsize=10,
            fontweight="bold",
        )
        for axes, word, label in zip(
            places, column.words, column.labels, strict=False
        ):  # a column may be shorter
            show(axes, picture(pictures, word), label)
    figure.suptitle(plain(title), fontsize=11, wrap=True)
    save(figure, path)
