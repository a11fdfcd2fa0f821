"""What a model says along a whole video: a picture, or a film with captions and a time line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feature_extraction.media import even_frames, frame_at
from tokenization.pieces import MASK
from videobert.answers.templates import filled
from videobert.answers.zero_shot import Guess
from videobert.cli.pictures import GREY, save_figure, without_formulas
from videobert.data.clip_encoder import EncodedClip
from workfolder.errors import InputError
from workfolder.files import write_whole
from workfolder.guard import Guards

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = 10
"""Words that have a colour of their own, the commonest answers; the others are grey."""
FRAMES, WIDTH, LANE = 9, 12.0, 0.62
"""Frames above the time line; inches of the picture's width and of a lane's height."""
FRAME_HEIGHT, FILM_HEIGHT, FILM_WIDTH, RATE = 120, 360, 720, 10
"""Pixels of a frame in the picture; pixels and frames a second of the film."""
DOTS = 100
"""An inch, in the film."""
LETTER = 0.0105
"""About the share of the picture's width that a letter takes."""


@dataclass(frozen=True)
class Moment:
    """What is said of a window.

    Attributes:
        start, end: seconds.
        masks: for each mask the words, the likeliest first.
    """

    start: float
    end: float
    masks: Sequence[Sequence[Guess]]


def draw_over_time(clip: EncodedClip, moments: Sequence[Moment], template: str, path: Path) -> None:
    """Draw the answers along a video: a film where ``path`` ends in .mp4, else a PNG.

    Raises:
        InputError: if the video cannot be read, or the file cannot be written.
    """
    if path.suffix.lower() == ".mp4":
        _film(clip, moments, template, path)
    else:
        _picture(clip, moments, template, path)


def _picture(clip: EncodedClip, moments: Sequence[Moment], template: str, path: Path) -> None:
    from matplotlib.figure import Figure

    begin, end = moments[0].start, moments[-1].end
    edges = np.linspace(begin, end, FRAMES + 1)
    frames = []
    if clip.has_frames:
        with closing(Guards()) as guards:
            middles = ((edges[1:] + edges[:-1]) / 2).tolist()
            frames = [guards.call(frame_at, clip.path, at, FRAME_HEIGHT) for at in middles]
    masks = template.count(MASK)
    row = WIDTH / FRAMES * frames[0].shape[0] / frames[0].shape[1] if frames else 0.1
    ratios = [row, LANE * masks + 0.35]
    figure = Figure(figsize=(WIDTH, sum(ratios) + 1.0), layout="constrained", facecolor="white")
    strip, lanes = figure.subplots(2, 1, height_ratios=ratios, sharex=True)
    for frame, left, right in zip(frames, edges, edges[1:], strict=False):
        strip.imshow(frame, extent=(left, right, 0, 1), aspect="auto")
    strip.set_axis_off()
    strip.set_ylim(0, 1)
    _lanes(lanes, moments, masks)
    lanes.set_xlabel("seconds", fontsize=9, color=GREY)
    title = f"{clip.path.name}: {template}"
    figure.suptitle(without_formulas(title), fontsize=11, wrap=True)
    save_figure(figure, path)


def _lanes(axes: Axes, moments: Sequence[Moment], masks: int) -> None:
    """Draw a lane a mask: equal answers that follow one another are one block.

    A block is the fainter, the less sure its answers are.
    """
    colours = _colours(moments)
    begin, end = moments[0].start, moments[-1].end
    for lane in range(masks):
        for word, group in groupby(moments, key=lambda moment: moment.masks[lane][0].word):
            run = list(group)
            left, right = run[0].start, run[-1].end
            sure = float(np.mean([moment.masks[lane][0].probability for moment in run]))
            colour = colours.get((lane, word), GREY)
            axes.barh(
                -lane, right - left, 0.86, left, color=colour, alpha=0.25 + 0.75 * sure, linewidth=0
            )
            if len(word) * LETTER < (right - left) / (end - begin):
                middle = (left + right) / 2
                axes.text(
                    middle, -lane, without_formulas(word), ha="center", va="center", fontsize=9
                )
    names = [f"{MASK} {lane + 1}" for lane in range(masks)] if masks > 1 else [MASK]
    axes.set_yticks([-lane for lane in range(masks)], names, fontsize=9)
    axes.set_xlim(begin, end)
    axes.set_ylim(-masks + 0.5, 0.5)
    axes.tick_params(length=0, labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _colours(moments: Sequence[Moment]) -> dict[tuple[int, str], tuple[float, ...]]:
    """Give the commonest answers of each mask a colour each."""
    from matplotlib import colormaps

    palette = colormaps["tab10"].colors  # type: ignore[attr-defined]
    found: dict[tuple[int, str], tuple[float, ...]] = {}
    for lane in range(len(moments[0].masks)):
        counts = Counter(moment.masks[lane][0].word for moment in moments)
        common = [word for word, _ in counts.most_common(COLOURS)]
        found |= {(lane, word): palette[place] for place, word in enumerate(common)}
    return found


def _film(clip: EncodedClip, moments: Sequence[Moment], template: str, path: Path) -> None:
    if not clip.has_frames:
        raise InputError(f"{clip.path} is no video: a film cannot be made of it, give a .png")
    begin, end = moments[0].start, moments[-1].end
    with closing(Guards()) as guards:
        seen = guards.stream(even_frames, clip.path, FILM_HEIGHT, RATE, begin, end)
        _encode(_composed(seen, moments, template, begin, end), path)


def _composed(
    seen: Iterator[np.ndarray],
    moments: Sequence[Moment],
    template: str,
    begin: float,
    end: float,
) -> Iterator[np.ndarray]:
    """Put each frame above its sentence and the time line with a cursor, uint8 RGB."""
    strips: dict[int, np.ndarray] = {}
    line, axis = np.empty(0), (0, 0)
    for number, frame in enumerate(seen):
        width = max(FILM_WIDTH, frame.shape[1] + frame.shape[1] % 2)
        if not number:
            line, axis = _line_pixels(moments, template.count(MASK), width)
        now = begin + number / RATE
        place = next((n for n, moment in enumerate(moments) if now < moment.end), len(moments) - 1)
        if place not in strips:
            strips[place] = _sentence_pixels(moments[place], template, width)
        cursor = line.copy()
        left, right = axis
        at = round(left + (right - left) * min(1.0, (now - begin) / (end - begin)))
        cursor[:, max(0, at - 1) : at + 1] = (200, 30, 30)
        stage = np.zeros((FILM_HEIGHT, width, 3), np.uint8)
        margin = (width - frame.shape[1]) // 2
        stage[:, margin : margin + frame.shape[1]] = frame
        yield np.concatenate([stage, strips[place], cursor])


def _line_pixels(
    moments: Sequence[Moment], masks: int, width: int
) -> tuple[np.ndarray, tuple[int, int]]:
    """Draw the time line; return its pixels and the columns where it begins and ends."""
    from matplotlib.figure import Figure

    height = 2 * (round((LANE * 0.8 * masks + 0.4) * DOTS) // 2)
    figure = Figure(figsize=(width / DOTS, height / DOTS), dpi=DOTS, facecolor="white")
    axes = figure.add_axes((0.11, 0.26, 0.86, 0.7))
    _lanes(axes, moments, masks)
    return _pixels(figure), (round(0.11 * width), round(0.97 * width))


def _sentence_pixels(moment: Moment, template: str, width: int) -> np.ndarray:
    """Draw what is said of a window, with how sure the model is of each word."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / DOTS, 0.6), dpi=DOTS, facecolor="white")
    text = without_formulas(filled(template, moment.masks))
    size = min(15.0, 1.15 * width / max(1, len(text)))
    figure.text(0.5, 0.62, text, ha="center", va="center", fontsize=size, fontweight="bold")
    sure = "   ".join(f"{each[0].word} {each[0].probability:.0%}" for each in moment.masks)
    figure.text(0.5, 0.18, without_formulas(sure), ha="center", va="center", fontsize=8, color=GREY)
    return _pixels(figure)


def _pixels(figure: Figure) -> np.ndarray:
    """Return what a figure looks like, uint8 RGB [height, width, 3]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _encode(frames: Iterator[np.ndarray], path: Path) -> None:
    """Write frames as H.264, which every player shows, whole or not at all."""
    import av

    with write_whole(path) as part, av.open(str(part), "w", format="mp4") as film:
        stream = None
        for pixels in frames:
            if stream is None:
                stream = film.add_stream("libx264", rate=RATE, options={"crf": "23"})
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        if stream is not None:
            film.mux(stream.encode())
