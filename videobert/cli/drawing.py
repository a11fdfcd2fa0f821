"""Answers as pictures."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feature_extraction.seeing.video import frame_at
from tokenization.pictures import picture
from videobert.answers.templates import MASK
from videobert.answers.zero_shot import Guess
from videobert.data.clip_encoder import EncodedClip
from videobert.sequences import evenly_spaced
from workfolder.files import save_png
from workfolder.guard import Guards

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLUMNS = 8
MOST_ANSWERS = 10
"""Answers, masks and steps: matplotlib needs a tenth of a second for each picture, and cannot draw some 350 in a column."""
WIDTH, TALLEST, BARS = 12.0, 2.2, 2.5
"""Inches of the whole width, and of a frame's and of the bars' height; frames are as large as both allow."""
FRAME_HEIGHT = 160
BLUE, GREY = "#2f6f9f", "#8a8f98"


def draw_prediction(
    clip: EncodedClip,
    pictures: pa.Table,
    template: str,
    guesses: Sequence[Sequence[Guess]],
    path: Path,
) -> None:
    """Draw the clip's frames, the frame that stands for each visual word, and bars for the likeliest words, as PNG.

    Of a long clip, eight visual words spread over it are shown; of masks and of words for each, the first MOST_ANSWERS.
    """
    from matplotlib.figure import Figure

    guesses = [words[:MOST_ANSWERS] for words in guesses[:MOST_ANSWERS]]
    clips = clip.clips
    shown = evenly_spaced(len(clips), MOST_COLUMNS)
    with closing(Guards()) as guards:
        middles = ((clips.start + clips.end) / 2).tolist()
        frames = [guards.call(frame_at, clip.path, middles[place], FRAME_HEIGHT) for place in shown]
    height, width, _ = frames[0].shape
    rows = (
        2 * min(WIDTH / len(shown) * height / width, TALLEST) + 0.9
    )  # two rows, their titles and that above them
    figure = Figure(figsize=(WIDTH, rows + BARS), layout="constrained", facecolor="white")
    seen, answers = figure.subfigures(2, 1, height_ratios=[rows, BARS])  # type: ignore[misc]  # an array of two
    for (above, below), place, frame in zip(
        seen.subplots(2, len(shown), squeeze=False).T, shown, frames, strict=True
    ):
        word = int(clips.words[place])
        show(above, frame, f"{clips.start[place]:.1f} s")
        show(below, picture(pictures, word), f"word {word}")
    seen.suptitle(
        plain(
            f"{clip.path.name}: what is seen, and the training frame that stands for each visual word"
        ),
        fontsize=11,
    )
    answers.suptitle(plain(_numbered(template)), fontsize=12, fontweight="bold")
    for number, (axes, guess) in enumerate(
        zip(answers.subplots(1, len(guesses), squeeze=False)[0], guesses, strict=True), 1
    ):
        _bars(axes, guess, f"{MASK} {number}" if len(guesses) > 1 else MASK)
    save(figure, path)


def _numbered(template: str) -> str:
    pieces = template.split(MASK)
    if len(pieces) == 2:
        return template
    return pieces[0] + "".join(
        f"{MASK} {number}{piece}" for number, piece in enumerate(pieces[1:], 1)
    )


def show(axes: Axes, image: np.ndarray | object | None, title: str) -> None:
    """Put a picture, or the word that there is none, below a small title, without axes."""
    axes.set_axis_off()
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
    axes.set_yticks(places, [plain(guess.word) for guess in guesses], fontsize=11)
    axes.set_xlim(0, max(1.0, *values) * 1.12)
    axes.set_xticks([])
    axes.invert_yaxis()
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_title(title, fontsize=10, loc="left")


def plain(text: str) -> str:
    """A text as it was typed: to matplotlib a dollar begins a formula."""
    return text.replace("$", r"\$")


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; a letter that the font lacks is a box in it, and no warning on the screen."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        save_png(figure, path)
