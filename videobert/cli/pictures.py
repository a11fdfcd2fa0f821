"""Answers as pictures: words of a template as bars, visual words as training frames."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feature_extraction.media import frame_at
from tokenization.pictures import picture
from tokenization.pieces import MASK
from videobert.answers.options import DRAWN
from videobert.answers.visual_words import VisualGuess
from videobert.answers.zero_shot import Guess
from videobert.data.clip_encoder import EncodedClip
from videobert.sequences import evenly_spaced
from workfolder.files import save_png
from workfolder.guard import Guards

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MOST_COLUMNS = 8
WIDTH, TALLEST, BARS = 12.0, 2.2, 2.5
"""Inches: the width of the picture, the most height of a frame, the height of the bars."""
FRAME_HEIGHT = 160
"""Pixels."""
SQUARE = (FRAME_HEIGHT, FRAME_HEIGHT)
"""What is kept free where there is no frame."""
CELL = 1.9, 1.7
"""Width and height of a visual word's picture with its label, in inches."""
BLUE, GREY, GREEN = "#2f6f9f", "#8a8f98", "#3a8a4d"


@dataclass(frozen=True)
class Beside:
    """What a prediction is shown beside, where it is known.

    Attributes:
        really: the right word for each mask.
        without_clip: what the model says for each mask without the clip, the best first.
    """

    really: Sequence[str]
    without_clip: Sequence[Sequence[Guess]]


def draw_prediction(
    clip: EncodedClip,
    pictures: pa.Table,
    template: str,
    guesses: Sequence[Sequence[Guess]],
    path: Path,
    beside: Beside | None = None,
) -> None:
    """Draw a clip's frames, the frame of each visual word, and bars for the likeliest words.

    Args:
        clip: at most MOST_COLUMNS of its visual words are drawn, evenly spaced.
        pictures: the codebook's, rows of tokenization.schema.PICTURES.
        template: the sentence with the masks.
        guesses: for each mask, the best first; the first DRAWN masks and guesses are drawn.
        path: the PNG file to write.
        beside: what the answers are shown beside.

    Raises:
        InputError: if the video cannot be read, or the file cannot be written.
    """
    clips = clip.clips
    shown = evenly_spaced(len(clips), MOST_COLUMNS)
    with closing(Guards()) as guards:
        guards.start(frame_at)  # it begins while matplotlib is imported
        from matplotlib.figure import Figure

        frames = _frames(clip, shown, guards)
    guesses = [words[:DRAWN] for words in guesses[:DRAWN]]
    height, width = (SQUARE if frames[0] is None else frames[0].shape)[:2]
    titles = 0.9  # of two rows of frames, and above them
    rows = 2 * min(WIDTH / len(shown) * height / width, TALLEST) + titles
    figure = Figure(figsize=(WIDTH, rows + BARS), layout="constrained", facecolor="white")
    ratios = [rows, BARS]
    seen, answers = figure.subfigures(2, 1, height_ratios=ratios)  # type: ignore[misc]
    for (above, below), place, frame in zip(
        seen.subplots(2, len(shown), squeeze=False).T, shown, frames, strict=True
    ):
        word = int(clips.words[place])
        _draw_image(above, frame, f"{clips.start[place]:.1f} s")
        _draw_image(below, picture(pictures, word), f"word {word}")
    seen.suptitle(
        without_formulas(
            f"{clip.path.name}: what is seen, and the training frame of each visual word"
        ),
        fontsize=11,
    )
    answers.suptitle(without_formulas(_numbered(template)), fontsize=12, fontweight="bold")
    _draw_answers(answers, guesses, beside)
    save_figure(figure, path)


def _frames(
    clip: EncodedClip, shown: Sequence[int] | np.ndarray, guards: Guards
) -> list[np.ndarray | None]:
    """Return the middle frame of some clips; None of each where the video is not there."""
    if not clip.has_frames:
        return [None] * len(shown)
    middles = ((clip.clips.start + clip.clips.end) / 2).tolist()
    return [guards.call(frame_at, clip.path, middles[place], FRAME_HEIGHT) for place in shown]


def _draw_answers(
    figure: SubFigure, guesses: Sequence[Sequence[Guess]], beside: Beside | None
) -> None:
    """Draw the bars of each mask and, if there is something beside them, that in grey."""
    kinds = 2 if beside else 1
    places = figure.subplots(1, kinds * len(guesses), squeeze=False)[0]
    for number, guess in enumerate(guesses):
        title = f"{MASK} {number + 1}" if len(guesses) > 1 else MASK
        if beside is None:
            _bars(places[number], guess, title)
            continue
        really, without = beside.really[number], beside.without_clip[number][:DRAWN]
        _bars(places[2 * number], guess, f"{title}, really: {really}", BLUE, really)
        _bars(places[2 * number + 1], without, "without the clip", GREY, really)


def _numbered(template: str) -> str:
    """Number the masks of a template that has several."""
    pieces = template.split(MASK)
    if len(pieces) == 2:
        return template
    return pieces[0] + "".join(
        f"{MASK} {number}{piece}" for number, piece in enumerate(pieces[1:], 1)
    )


def _draw_image(axes: Axes, image: np.ndarray | object | None, title: str) -> None:
    """Draw an image below a small title, or say that there is none."""
    axes.set_axis_off()
    axes.set_title(title, fontsize=8, color=GREY)
    if image is None:
        axes.text(0.5, 0.5, "no picture", ha="center", va="center", fontsize=8, color=GREY)
    else:
        axes.imshow(np.asarray(image))


def _bars(
    axes: Axes, guesses: Sequence[Guess], title: str, colour: str = BLUE, right: str | None = None
) -> None:
    """Draw guesses as bars; that of the right word is green."""
    places = range(len(guesses))
    values = [guess.probability for guess in guesses]
    colours = [GREEN if guess.word == right else colour for guess in guesses]
    bars = axes.barh(places, values, color=colours)
    axes.bar_label(bars, [f"{value:.0%}" for value in values], padding=4, fontsize=9)
    axes.set_yticks(places, [without_formulas(guess.word) for guess in guesses], fontsize=11)
    axes.set_xlim(0, max(1.0, *values) * 1.12)
    axes.set_xticks([])
    axes.invert_yaxis()
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_title(without_formulas(title), fontsize=10, loc="left")


def without_formulas(text: str) -> str:
    """Escape dollars, which begin a formula in matplotlib."""
    return text.replace("$", r"\$")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; a letter that the font lacks becomes a box, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        save_png(figure, path)


@dataclass(frozen=True)
class WordColumn:
    """Visual words below a title, each with the label of its picture."""

    title: str
    words: Sequence[int]
    labels: Sequence[str]


def column_of_guesses(title: str, guesses: Sequence[VisualGuess]) -> WordColumn:
    """Make a column of guesses, labelled with their probabilities."""
    return WordColumn(
        title, [g.word for g in guesses], [f"word {g.word}: {g.probability:.0%}" for g in guesses]
    )


def draw_words(pictures: pa.Table, columns: Sequence[WordColumn], title: str, path: Path) -> None:
    """Draw columns of pictures as PNG: at most DRAWN columns, and DRAWN pictures in each."""
    from matplotlib.figure import Figure

    columns = columns[:DRAWN]
    rows = min(max(len(column.words) for column in columns), DRAWN)
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
        # A column may be shorter than the grid.
        for axes, word, label in zip(places, column.words, column.labels, strict=False):
            _draw_image(axes, picture(pictures, word), label)
    figure.suptitle(without_formulas(title), fontsize=11, wrap=True)
    save_figure(figure, path)
