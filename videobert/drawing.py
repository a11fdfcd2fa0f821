"""Answers as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feature_extraction.guard import Guards
from feature_extraction.storage import write_whole
from feature_extraction.video import frame_at
from tokenization.pictures import picture
from videobert.clip_encoder import EncodedClip
from videobert.sequences import thin
from videobert.tasks.zero_shot import MASK, Guess

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes

LEAST_COLUMNS, MOST_COLUMNS = 5, 8
FRAME_HEIGHT = 160
BLUE, GREY = "#2f6f9f", "#8a8f98"


def draw_prediction(
    clip: EncodedClip, pictures: pa.Table, template: str, guesses: Sequence[Sequence[Guess]], path: Path
) -> None:
    """Draw the clip's frames, the frame that stands for each visual word, and bars for the likeliest words, as PNG.

    Of a long clip, eight visual words spread over it are shown.
    """
    from matplotlib.figure import Figure

    guards = Guards()
    shown = thin(range(len(clip.words)), MOST_COLUMNS)
    figure = Figure(figsize=(12, 6.2), layout="constrained", facecolor="white")
    seen, answers = figure.subfigures(2, 1, height_ratios=[1.45, 1])  # type: ignore[misc]  # an array of two
    grid = seen.subplots(2, max(len(shown), LEAST_COLUMNS), squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for column, place in enumerate(shown):
        middle = float(clip.start[place] + clip.end[place]) / 2
        show(grid[0, column], guards.call(frame_at, clip.path, middle, FRAME_HEIGHT), f"{clip.start[place]:.1f} s")
        word = int(clip.words[place])
        show(grid[1, column], picture(pictures, word), f"word {word}")
    guards.close()
    seen.suptitle(f"{clip.path.name}: what is seen, and the training frame that stands for each visual word", fontsize=11)
    answers.suptitle(_numbered(template), fontsize=12, fontweight="bold")
    for number, (axes, guess) in enumerate(zip(answers.subplots(1, len(guesses), squeeze=False)[0], guesses, strict=True), 1):
        _bars(axes, guess, f"{MASK} {number}" if len(guesses) > 1 else MASK)
    with write_whole(path) as part:
        figure.savefig(part, format="png", dpi=110)


def _numbered(template: str) -> str:
    pieces = template.split(MASK)
    if len(pieces) == 2:
        return template
    return pieces[0] + "".join(f"{MASK} {number}{piece}" for number, piece in enumerate(pieces[1:], 1))


def show(axes: Axes, image: np.ndarray | object | None, title: str) -> None:
    """Put a picture, or the word that there is none, below a small title."""
    axes.set_title(title, fontsize=8, color=GREY)
    if image is None:
        axes.text(0.5, 0.5, "no picture", ha="center", va="center", fontsize=8, color=GREY)
    else:
        axes.imshow(np.asarray(image))


def _bars(axes: Axes, guesses: Sequence[Guess], title: str) -> None:
    places = range(len(guesses))
    values = [guess.probability for guess in guesses]
    bars = axes.barh(places, values, color=BLUE)
    axes.bar_label(bars, [f"{value:.0%}" for value in values], padding=4, fontsize=9)
    axes.set_yticks(places, [guess.word for guess in guesses], fontsize=11)
    axes.set_xlim(0, max(1.0, *values) * 1.12)
    axes.set_xticks([])
    axes.invert_yaxis()
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_title(title, fontsize=10, loc="left")
