"""What the food lies in or on: large and still, one for each verb, each drawn around (0, 0).

A vessel covers most of the picture, within 280 x 210 units, so that it outweighs the table.
"""

from __future__ import annotations

import numpy as np

from demos.kitchen.sprites import Easel, Sprite

WIDTH, HEIGHT = 300.0, 232.0


def _dish(
    rim: tuple[int, int, int],
    wall: tuple[int, int, int],
    floor: tuple[int, int, int],
    radius: float,
) -> Easel:
    """A round vessel seen from above."""
    easel = Easel(WIDTH, HEIGHT)
    easel.ellipse(0, 0, radius, radius * 0.86, rim)
    easel.ellipse(0, 0, radius - 7, radius * 0.86 - 7, wall)
    easel.ellipse(0, 3, radius - 22, radius * 0.86 - 21, floor)
    return easel


def maple_board(rng: np.random.Generator) -> Sprite:
    """A light wooden board with a grain and a hole to hang it by."""
    easel = Easel(WIDTH, HEIGHT)
    easel.box(0, 0, 276, 206, (176, 118, 62), 16)
    easel.box(0, -2, 270, 200, (222, 170, 104), 14)
    for y in np.arange(-92, 96, 13):
        bend = rng.uniform(-4, 4, 5)
        easel.line(
            [(x, y + b) for x, b in zip((-128, -64, 0, 64, 128), bend, strict=True)],
            (205, 150, 84),
            2.2,
        )
    easel.ellipse(118, -80, 8, 8, (120, 78, 40))
    return easel.sprite(5)


def green_board(rng: np.random.Generator) -> Sprite:
    """A green board with rows of dots."""
    easel = Easel(WIDTH, HEIGHT)
    easel.box(0, 0, 276, 206, (10, 90, 66), 26)
    easel.box(0, -2, 268, 198, (22, 150, 108), 24)
    for x in np.arange(-120, 121, 20):
        for y in np.arange(-86, 87, 20):
            easel.ellipse(x, y, 2.4, 2.4, (60, 190, 145))
    return easel.sprite(5)


def red_pot(rng: np.random.Generator) -> Sprite:
    """A red enamel pot with two handles."""
    easel = _dish((225, 45, 40), (165, 20, 22), (120, 12, 16), 116)
    for side in (-1, 1):
        easel.box(side * 124, 0, 26, 62, (205, 35, 32), 10)
    return easel.sprite(5)


def blue_bowl(rng: np.random.Generator) -> Sprite:
    """A blue bowl, white dots along its rim."""
    easel = _dish((235, 240, 250), (35, 80, 200), (60, 110, 235), 120)
    for turn in np.arange(0, 2 * np.pi, np.pi / 14):
        easel.ellipse(np.cos(turn) * 107, np.sin(turn) * 92, 4.5, 4.5, (240, 245, 255))
    return easel.sprite(5)


def glass_tray(rng: np.random.Generator) -> Sprite:
    """A deep turquoise tray."""
    easel = Easel(WIDTH, HEIGHT)
    easel.box(0, 0, 278, 208, (60, 205, 205), 34)
    easel.box(0, 0, 264, 194, (150, 240, 238), 30)
    easel.box(0, 4, 240, 168, (110, 222, 222), 24)
    return easel.sprite(5)


def black_pan(rng: np.random.Generator) -> Sprite:
    """A black pan, its handle at the lower left."""
    easel = Easel(WIDTH, HEIGHT)
    easel.box(-122, 62, 74, 30, (25, 25, 28), 10)
    easel.ellipse(0, 0, 122, 105, (70, 72, 78))
    easel.ellipse(0, 0, 116, 99, (30, 31, 35))
    for radius in (94, 76, 58):
        easel.ring(0, 2, radius, radius * 0.85, (44, 45, 50), 2)
    return easel.sprite(5)


def stove(rng: np.random.Generator) -> Sprite:
    """Black iron bars over a ring of blue flames."""
    easel = Easel(WIDTH, HEIGHT)
    easel.box(0, 0, 284, 214, (52, 54, 62), 12)
    for turn in np.arange(0, 2 * np.pi, np.pi / 18):
        x, y = np.cos(turn), np.sin(turn)
        easel.line([(x * 88, y * 76), (x * 126, y * 98)], (40, 110, 255), 8)
        easel.line([(x * 90, y * 78), (x * 110, y * 92)], (150, 210, 255), 4)
    for x in (-92, 0, 92):
        easel.line([(x, -102), (x, 102)], (20, 20, 22), 7)
    return easel.sprite(4)


def marble(rng: np.random.Generator) -> Sprite:
    """A pink marble slab, dusted with flour."""
    easel = Easel(WIDTH, HEIGHT)
    easel.box(0, 0, 282, 212, (190, 140, 150), 6)
    easel.box(0, -2, 278, 208, (240, 200, 208), 6)
    for _ in range(7):
        x, y = rng.uniform(-120, 60), rng.uniform(-90, 70)
        easel.line(
            [(x, y), (x + 35, y + 12), (x + 60, y + rng.uniform(5, 35))], (222, 172, 184), 2.5
        )
    for _ in range(40):
        x, y = rng.normal(0, 60), rng.normal(0, 45)
        easel.ellipse(x, y, rng.uniform(2, 7), rng.uniform(1.5, 5), (252, 246, 246))
    return easel.sprite(5)


def zinc_top(rng: np.random.Generator) -> Sprite:
    """A steel bench with a fine brushed grain."""
    easel = Easel(WIDTH, HEIGHT)
    easel.box(0, 0, 282, 212, (90, 98, 106), 8)
    easel.box(0, -2, 276, 206, (150, 160, 170), 8)
    for y in np.arange(-100, 100, 5):
        easel.line(
            [(-134, y), (134, y)], (138, 148, 159) if rng.random() < 0.6 else (164, 173, 182), 2
        )
    return easel.sprite(5)


def dotted_plate(rng: np.random.Generator) -> Sprite:
    """A white plate on a navy cloth with dots."""
    easel = Easel(WIDTH, HEIGHT)
    easel.box(0, 0, 284, 214, (22, 26, 84), 4)
    for x in np.arange(-130, 131, 20):
        for y in np.arange(-95, 96, 19):
            easel.ellipse(x, y, 3.2, 3.2, (215, 220, 255))
    easel.ellipse(0, 4, 104, 90, (198, 200, 208))
    easel.ellipse(0, 2, 103, 88, (250, 250, 250))
    easel.ring(0, 2, 78, 66, (222, 224, 232), 3)
    return easel.sprite(3)


def toast(rng: np.random.Generator) -> Sprite:
    """One huge slice of toast on yellow gingham paper."""
    easel = Easel(WIDTH, HEIGHT)
    easel.box(0, 0, 284, 214, (250, 245, 225), 2)
    for x in np.arange(-130, 131, 26):
        easel.line([(x, -104), (x, 104)], (245, 190, 60), 9)
    for y in np.arange(-96, 97, 26):
        easel.line([(-138, y), (138, y)], (240, 175, 40), 9)
    easel.box(0, 2, 238, 180, (140, 78, 26), 42)
    easel.box(0, 2, 222, 164, (214, 150, 78), 36)
    for _ in range(70):
        easel.ellipse(
            rng.uniform(-98, 98),
            rng.uniform(-66, 70),
            rng.uniform(1.5, 4),
            rng.uniform(1, 3),
            (186, 120, 54),
        )
    return easel.sprite(4)


def oven(rng: np.random.Generator) -> Sprite:
    """Into the oven: dark walls, glowing rods, a rack."""
    easel = Easel(WIDTH, HEIGHT)
    easel.box(0, 0, 286, 216, (20, 14, 12), 14)
    easel.box(0, 0, 268, 198, (62, 22, 8), 10)
    for y in (-84, 84):
        for width, colour in ((17, (150, 40, 0)), (9, (255, 110, 0)), (4, (255, 215, 90))):
            easel.line([(-120, y), (120, y)], colour, width)
    for x in np.arange(-120, 121, 20):
        easel.line([(x, -66), (x, 66)], (120, 84, 62), 2.5)
    return easel.sprite(4)
