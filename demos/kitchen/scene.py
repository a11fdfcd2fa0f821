"""The kitchen through a camera: table, light, jitter, and a video's frames, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from demos.kitchen.nouns import NOUNS, Noun, whole
from demos.kitchen.recipes import LOOK, stream
from demos.kitchen.sprites import (
    SPRITE_SCALE,
    Colour,
    Easel,
    Layer,
    Matrix,
    Pixels,
    Sprite,
    blend,
    compose,
)
from demos.kitchen.style import CALM, Style
from demos.kitchen.truth import Step, Video
from demos.kitchen.verbs import VERBS, Verb

WIDTH, HEIGHT = 320, 240  # units of the scene
TABLE = (480, 360)  # units: larger than the picture, so that a moving camera never sees its end
NEAR = (1.6, 1.8)  # how large the ingredient is when the camera goes near: it fills the picture
NEAR_SHARE = (0.44, 0.50)  # of a step: enough for a clip of 1.5 s to show little else, either way
LONG_STEP = 8.5  # seconds from which on the camera goes near twice
TABLE_TONES: tuple[Colour, ...] = (
    (196, 186, 172),
    (188, 184, 180),
    (200, 190, 170),
    (184, 180, 172),
)


@dataclass(frozen=True)
class Camera:
    """How one video is filmed; angles in degrees, lengths in units, frequencies in hertz."""

    style: Style
    zoom: float
    angle: float
    sway: float
    sway_hertz: tuple[float, float]
    gain: tuple[float, float, float]  # brightness of red, green, blue
    flicker: float

    def matrix(self, seconds: float) -> Matrix:
        """From scene units to frame pixels at a moment."""
        x, y = (self.sway * np.sin(2 * np.pi * hertz * seconds) for hertz in self.sway_hertz)
        angle = np.deg2rad(self.angle + 0.5 * x)
        turn = self.zoom * np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        )
        to_pixels = self.style.width / WIDTH
        return to_pixels * np.column_stack([turn, (WIDTH / 2 + x, HEIGHT / 2 + y)])

    def look_at(self, backdrop: Pixels, view: Matrix) -> Pixels:
        """What it sees of a picture of the whole table; `view` is its matrix at a moment."""
        size = backdrop.shape[1] / TABLE[0]
        to_units = np.array([[1 / size, 0, -TABLE[0] / 2], [0, 1 / size, -TABLE[1] / 2]])
        frame = self.style.width, self.style.height
        return cv2.warpAffine(backdrop, compose(view, to_units), frame)

    def light(self, frame: Pixels, seconds: float) -> Pixels:
        """The frame in the video's light, which wavers slowly."""
        now = 1 + self.flicker * np.sin(2 * np.pi * 0.31 * seconds)
        levels = np.arange(256)[:, None] * np.array(self.gain) * now
        return cv2.LUT(frame, np.clip(levels, 0, 255).astype(np.uint8)[:, None])


@dataclass(frozen=True)
class Action:
    """The take in which the cook is at work."""

    verb: Verb
    backdrop: Pixels
    props: dict[str, Sprite]
    tempo: float  # cycles a second
    first_beat: float
    place: Matrix  # where the action is on the table, and its size and angle

    def layers(self, seconds: float, progress: float) -> list[Layer]:
        """The layers at a moment: `seconds` into the step, `progress` from 0 to 1 over it."""
        return self.verb.motion(self.props, self.first_beat + self.tempo * seconds, progress)


@dataclass(frozen=True)
class Portrait:
    """The take in which the ingredient is shown from near, slowly turning on the table."""

    backdrop: Pixels
    food: Sprite
    angle: float
    turn: float  # degrees a second
    place: Matrix

    def layers(self, seconds: float, progress: float) -> list[Layer]:
        """The layers at a moment: `seconds` into the step, `progress` from 0 to 1 over it."""
        return [Layer(self.food, angle=self.angle + self.turn * seconds)]


Take = Action | Portrait


def frames(video: Video, seed: int, index: int, style: Style = CALM) -> Iterator[Pixels]:
    """Film a video: uint8 frames (height, width, 3) of a style, from `seed` and its index."""
    rng = stream(seed, index, LOOK)
    camera, table = _camera(rng, style), _table(rng)
    shown = 0
    for step in video.steps:
        first, last = style.frame(step.start), style.frame(step.end)
        yield from _film_rest(table, camera, range(shown, first))
        for take, numbers in _takes(step, table, style, rng):
            yield from _film(take, camera, numbers, range(first, last))
        shown = last
    yield from _film_rest(table, camera, range(shown, style.frame(video.duration)))


def _film_rest(table: Pixels, camera: Camera, numbers: range) -> Iterator[Pixels]:
    for number in numbers:
        seconds = number / camera.style.fps
        yield camera.light(camera.look_at(table, camera.matrix(seconds)), seconds)


def _film(take: Take, camera: Camera, numbers: range, step: range) -> Iterator[Pixels]:
    """The frames of a take; its motion continues that of the step's last take of its kind."""
    for number in numbers:
        seconds, since = number / camera.style.fps, number - step.start
        view = camera.matrix(seconds)
        frame = camera.look_at(take.backdrop, view)
        place = compose(view, take.place)
        for layer in take.layers(since / camera.style.fps, since / len(step)):
            blend(frame, layer, place)
        yield camera.light(frame, seconds)


def _camera(rng: np.random.Generator, style: Style) -> Camera:
    warmth = rng.uniform(-0.03, 0.03)
    gain = rng.uniform(0.92, 1.06)
    return Camera(
        style,
        zoom=rng.uniform(0.96, 1.06),
        angle=rng.uniform(-3, 3),
        sway=rng.uniform(0.5, 2.5),
        sway_hertz=(rng.uniform(0.15, 0.6), rng.uniform(0.15, 0.6)),
        gain=(gain * (1 + warmth), gain, gain * (1 - warmth)),
        flicker=rng.uniform(0.0, 0.03),
    )


def _table(rng: np.random.Generator) -> Pixels:
    """A plain table with a faint grain, and a few things that lie about near its corners."""
    tone = np.array(TABLE_TONES[rng.integers(len(TABLE_TONES))]) + rng.uniform(-8, 8)
    size = round(TABLE[1] * SPRITE_SCALE), round(TABLE[0] * SPRITE_SCALE)
    grain = cv2.GaussianBlur(
        rng.normal(0, 1, (size[0], size[1] // 12)).astype(np.float32), (0, 0), 1.2
    )
    grain = cv2.resize(grain, size[::-1], interpolation=cv2.INTER_LINEAR)
    table = np.clip(tone + 6.0 * grain[..., None], 0, 255).astype(np.uint8)
    for side_x, side_y in rng.permutation([(-1, -1), (-1, 1), (1, -1), (1, 1)])[
        : rng.integers(2, 5)
    ]:
        x, y = side_x * rng.uniform(138, 158), side_y * rng.uniform(102, 118)
        blend(table, Layer(_clutter(rng), x, y, rng.uniform(0, 360)), _on_table())
    return table


def _on_table() -> Matrix:
    """From units to the pixels of a picture of the whole table."""
    return np.array(
        [
            [SPRITE_SCALE, 0, TABLE[0] / 2 * SPRITE_SCALE],
            [0, SPRITE_SCALE, TABLE[1] / 2 * SPRITE_SCALE],
        ]
    )


def _clutter(rng: np.random.Generator) -> Sprite:
    """Something that has no part in the cooking: a leaf, a cup, a napkin or a teaspoon."""
    easel = Easel(60, 60)
    kind = rng.integers(4)
    if kind == 0:
        easel.ellipse(0, 0, 24, 10, (90, 140, 70))
        easel.line([(-24, 0), (24, 0)], (140, 180, 110), 2)
    elif kind == 1:
        easel.ellipse(0, 0, 20, 20, (225, 220, 215))
        easel.ellipse(0, 0, 15, 15, (120, 80, 55))
    elif kind == 2:
        easel.box(0, 0, 40, 40, (205, 120, 110), 3)
        easel.box(0, 0, 30, 30, (235, 215, 205), 2)
    else:
        easel.line([(0, 0), (25, 0)], (165, 170, 178), 5)
        easel.ellipse(-12, 0, 13, 9, (190, 195, 203))
    return easel.sprite(3)


def _takes(
    step: Step, table: Pixels, style: Style, rng: np.random.Generator
) -> list[tuple[Take, range]]:
    """A step's takes and their frames: the action and the ingredient in turn, either first."""
    verb, noun = VERBS[step.verb], NOUNS[step.noun]
    action, portrait = _action(verb, noun, table, rng), _portrait(noun, table, rng)
    seconds = step.end - step.start
    rounds = 1 if seconds < LONG_STEP else 2
    near = seconds / rounds * rng.uniform(*NEAR_SHARE)
    pair = [(action, seconds / rounds - near), (portrait, near)]
    takes = (pair if rng.random() < 0.5 else pair[::-1]) * rounds
    cuts = step.start + np.cumsum([0.0] + [length for _, length in takes])
    return [
        (take, range(style.frame(start), style.frame(end)))
        for (take, _), (start, end) in zip(takes, pairwise(cuts), strict=True)
    ]


def _action(verb: Verb, noun: Noun, table: Pixels, rng: np.random.Generator) -> Action:
    props = {name: paint(noun, rng) for name, paint in verb.props.items()}
    place = _place(rng.uniform(0.95, 1.05), rng.uniform(-4, 4), rng)
    backdrop = table.copy()
    blend(backdrop, Layer(verb.vessel(rng)), compose(_on_table(), place))
    return Action(
        verb, backdrop, props, verb.tempo * rng.uniform(0.8, 1.25), rng.uniform(0, 1), place
    )


def _portrait(noun: Noun, table: Pixels, rng: np.random.Generator) -> Portrait:
    turn = rng.choice([-1, 1]) * rng.uniform(2, 6)
    return Portrait(
        table, whole(noun, rng), rng.uniform(-20, 20), turn, _place(rng.uniform(*NEAR), 0, rng)
    )


def _place(size: float, angle: float, rng: np.random.Generator) -> Matrix:
    """Near the middle of the table, so large and so turned (degrees)."""
    turn = np.deg2rad(angle)
    linear = size * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.column_stack([linear, rng.uniform(-5, 5, 2)])
