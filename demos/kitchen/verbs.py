"""The twelve actions: a vessel, the sprites they need, and a motion each.

A motion is a function of `beat`, which counts its cycles, and `progress`, from 0 to 1 over the
step; it returns the layers of one moment from the lowest to the highest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from demos.kitchen import nouns, tools, vessels
from demos.kitchen.nouns import Noun
from demos.kitchen.sprites import Layer, Sprite

Props = Mapping[str, Sprite]
Painter = Callable[[Noun, np.random.Generator], Sprite]
Motion = Callable[[Props, float, float], list[Layer]]


@dataclass(frozen=True)
class Verb:
    """How an action looks: its vessel, what takes part, how it moves, and its cycles a second."""

    name: str
    vessel: Callable[[np.random.Generator], Sprite]
    props: Mapping[str, Painter]
    motion: Motion
    tempo: float


def _wave(beat: float, phase: float = 0.0) -> float:
    """A sine of the beat, -1 to 1; `phase` in cycles."""
    return float(np.sin(2 * np.pi * (beat + phase)))


def _falling(
    sprite: Sprite, beat: float, x: float, top: float, bottom: float, spread: float, count: int
) -> list[Layer]:
    """Morsels that fall from (x, top) to `bottom` and fan out to `spread` on both sides."""
    layers = []
    for index in range(count):
        drop = (beat + index / count) % 1.0
        side = np.cos(index * 2.4) * spread * (0.3 + 0.7 * drop)
        layers.append(
            Layer(sprite, x + side, top + (bottom - top) * drop**1.3, 97.0 * index + 180 * drop)
        )
    return layers


def chop(props: Props, beat: float, progress: float) -> list[Layer]:
    """The knife goes up and down and wanders to the left; slices gather below."""
    cut = 70 - 130 * progress
    lift = abs(_wave(beat / 2))
    slices = [
        Layer(props["piece"], x, 52 + 12 * (i % 2), 40 * i)
        for i, x in enumerate(np.arange(108, cut + 10, -34))
    ]
    return [
        Layer(props["whole"], -10, -14),
        *slices,
        Layer(props["knife"], cut, -22 - 62 * lift, 14 * lift - 4, (1.15, 1.0)),
    ]


def stir(props: Props, beat: float, progress: float) -> list[Layer]:
    """The spoon goes round and the heap turns with it."""
    x, y = 42 * _wave(beat), 34 * _wave(beat, 0.25)
    return [
        Layer(props["heap"], 0, 2, 360 * beat / 4, (1.18, 1.05)),
        Layer(props["spoon"], x, y, 10 * _wave(beat)),
    ]


def pour(props: Props, beat: float, progress: float) -> list[Layer]:
    """The tilted jug lets pieces fall; the heap grows."""
    grown = 0.55 + 0.5 * progress
    stream = _falling(props["piece"], beat * 1.6, -42, -42, 30, 9, 5)
    jug = Layer(
        props["jug"],
        42 + 5 * _wave(beat / 2),
        -50 + 4 * _wave(beat),
        -38 - 12 * _wave(beat / 2),
        (1.15, 1.15),
    )
    return [Layer(props["heap"], -28, 34, 14 * progress, (grown * 1.25, grown)), *stream, jug]


def flip(props: Props, beat: float, progress: float) -> list[Layer]:
    """The food leaps off the turner and turns over."""
    toss = beat % 1.0
    height = max(0.0, float(np.sin(np.pi * min(toss / 0.7, 1.0))))
    turned = float(np.cos(2 * np.pi * min(toss / 0.7, 1.0)))
    squash = np.copysign(max(abs(turned), 0.12), turned)
    turner = Layer(props["turner"], 48 - 36 * (1 - height), 58 - 26 * height, -8 - 18 * height)
    food = Layer(props["whole"], -8, 16 - 64 * height, 6 * height, (1 + 0.12 * height, squash))
    return [turner, food] if height < 0.3 else [food, turner]


def knead(props: Props, beat: float, progress: float) -> list[Layer]:
    """Both hands push the food flat and let it rise."""
    push = _wave(beat)
    food = Layer(props["whole"], 0, -18 - 8 * push, 0, (1.12 - 0.22 * push, 1.02 + 0.24 * push))
    left = Layer(props["hand"], -46, 42 - 34 * push, 14, (-1.1, 1.1))
    right = Layer(props["hand"], 46, 42 - 34 * push, -14, (1.1, 1.1))
    return [food, left, right]


def beat_with_whisk(props: Props, beat: float, progress: float) -> list[Layer]:
    """The whisk dashes to and fro."""
    x, y = 40 * _wave(beat) + 6 * _wave(beat / 5), 14 * _wave(beat, 0.25)
    heap = Layer(
        props["heap"],
        3 * _wave(beat),
        4,
        12 * _wave(beat / 2),
        (1.16 + 0.05 * _wave(beat * 2), 1.06),
    )
    return [heap, Layer(props["whisk"], x, y, 16 * _wave(beat, 0.1))]


def peel(props: Props, beat: float, progress: float) -> list[Layer]:
    """The peeler strokes from left to right and comes back lifted; curls of peel gather below."""
    stroke = beat % 1.0
    x = -74 + 148 * min(stroke / 0.75, 1.0) if stroke < 0.75 else 74 - 148 * (stroke - 0.75) / 0.25
    lift = 0 if stroke < 0.75 else 16
    curls = [
        Layer(props["strip"], -92 + 42 * i, 72 + 10 * (i % 2), 25 * i)
        for i in range(1 + int(5 * progress))
    ]
    flying = (
        [Layer(props["strip"], x - 24, 22 + 14 * stroke, -30 + 80 * stroke)]
        if stroke < 0.75
        else []
    )
    return [
        Layer(props["whole"], 0, 0),
        *curls,
        *flying,
        Layer(props["peeler"], x, -8 - lift, 12 * _wave(beat), (1.2, 1.2)),
    ]


def grate(props: Props, beat: float, progress: float) -> list[Layer]:
    """The food goes up and down the grater; shreds fall."""
    y = -4 + 42 * _wave(beat)
    shreds = _falling(props["crumb"], beat, 0, 50, 100, 76, 8)
    food = Layer(props["whole"], 18 + 5 * _wave(beat / 3), y, -62, (0.66, 0.8))
    return [Layer(props["grater"], 0, -2), *shreds, food]


def sprinkle(props: Props, beat: float, progress: float) -> list[Layer]:
    """The shaker wags and wanders; morsels fall on the plate."""
    x = 34 * _wave(beat / 4)
    shaker = Layer(props["shaker"], x, -58 + 13 * _wave(beat), 20 * _wave(beat, 0.1), (1.2, 1.1))
    falling = _falling(props["crumb"], beat / 2, x, -22, 66, 70, 14)
    return [
        Layer(props["heap"], 0, 32, 0, (0.95 + 0.25 * progress, 0.62 + 0.15 * progress)),
        *falling,
        shaker,
    ]


def spread(props: Props, beat: float, progress: float) -> list[Layer]:
    """The palette knife sweeps to and fro; the smear grows."""
    swipe = _wave(beat / 2)
    grown = 0.72 + 0.38 * progress
    return [
        Layer(props["smear"], 0, 0, 0, (grown, grown)),
        Layer(props["knife"], 66 * swipe, 30 - 8 * swipe, 24 * swipe),
    ]


def fry(props: Props, beat: float, progress: float) -> list[Layer]:
    """The pan is shaken over the flames; bubbles come and go."""
    x, y = 15 * _wave(beat), 5 * _wave(beat, 0.25)
    layers = [
        Layer(props["pan"], x, y),
        Layer(props["heap"], x * 1.8 - 12, y * 2, 20 * _wave(beat, 0.1), (0.98, 0.92)),
    ]
    for index in range(13):
        life = (beat * 1.3 + index * 0.37) % 1.0
        turn = index * 2.4 + int(beat * 1.3 + index * 0.37) * 1.7
        reach = 50 + 26 * abs(np.sin(turn * 3))
        size = 0.4 + 1.3 * life
        layers.append(
            Layer(
                props["bubble"],
                x - 12 + reach * np.cos(turn),
                y + reach * 0.9 * np.sin(turn),
                0,
                (size, size),
            )
        )
    return layers


def bake(props: Props, beat: float, progress: float) -> list[Layer]:
    """Two mitts push the tray in; the food rises slowly."""
    slide = max(0.0, 1 - progress * 5) * 60
    risen = 0.92 + 0.16 * progress + 0.03 * _wave(beat / 3)
    mitts = [
        Layer(
            props["mitt"],
            side * 96,
            62 + slide * 0.6 + 7 * _wave(beat / 2),
            -side * 8,
            (-side, 1.0),
        )
        for side in (-1, 1)
    ]
    tray = Layer(props["tray"], 0, slide, 0)
    return [tray, Layer(props["whole"], 0, -6 + slide, 0, (risen, risen)), *mitts]


def _verb(
    name: str,
    vessel: Callable[[np.random.Generator], Sprite],
    motion: Motion,
    tempo: float,
    **props: Painter,
) -> Verb:
    return Verb(name, vessel, props, motion, tempo)


_WHOLE, _HEAP, _PIECE, _CRUMB = nouns.whole, nouns.heap, nouns.piece, nouns.crumb

VERBS = {
    verb.name: verb
    for verb in (
        _verb(
            "chop", vessels.maple_board, chop, 3.2, whole=_WHOLE, piece=_PIECE, knife=tools.knife
        ),
        _verb("stir", vessels.red_pot, stir, 0.8, heap=_HEAP, spoon=tools.spoon),
        _verb("pour", vessels.glass_tray, pour, 0.9, heap=_HEAP, piece=_PIECE, jug=tools.jug),
        _verb("flip", vessels.black_pan, flip, 0.7, whole=_WHOLE, turner=tools.turner),
        _verb("knead", vessels.marble, knead, 1.0, whole=_WHOLE, hand=tools.hand),
        _verb("whisk", vessels.blue_bowl, beat_with_whisk, 3.0, heap=_HEAP, whisk=tools.whisk),
        _verb(
            "peel",
            vessels.green_board,
            peel,
            1.1,
            whole=_WHOLE,
            strip=tools.strip,
            peeler=tools.peeler,
        ),
        _verb(
            "grate", vessels.zinc_top, grate, 1.7, whole=_WHOLE, crumb=_CRUMB, grater=tools.grater
        ),
        _verb(
            "sprinkle",
            vessels.dotted_plate,
            sprinkle,
            2.4,
            heap=_HEAP,
            crumb=_CRUMB,
            shaker=tools.shaker,
        ),
        _verb("spread", vessels.toast, spread, 1.2, smear=tools.smear, knife=tools.palette_knife),
        _verb(
            "fry", vessels.stove, fry, 1.5, heap=_HEAP, pan=tools.copper_pan, bubble=tools.bubble
        ),
        _verb(
            "bake", vessels.oven, bake, 1.0, whole=_WHOLE, tray=tools.baking_tray, mitt=tools.mitt
        ),
    )
}
