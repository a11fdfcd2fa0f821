"""The cook's tools: each function draws one, large and unlike the others, its end at (0, 0)."""

from __future__ import annotations

import numpy as np

from demos.kitchen.nouns import HEAP, Noun, paint_texture
from demos.kitchen.sprites import Easel, Sprite, outline

STEEL, PALE_STEEL, DARK_STEEL = (176, 186, 198), (228, 234, 242), (112, 122, 136)
SKIN, SKIN_EDGE = (226, 168, 130), (186, 122, 88)


def knife(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A chef's knife, blade straight down, the edge to the left."""
    easel = Easel(70, 250)
    easel.polygon([(16, -20), (16, 112), (2, 100), (-14, 40), (-18, -20)], PALE_STEEL)
    easel.polygon([(16, -20), (16, 112), (8, 60), (6, -20)], STEEL)
    easel.box(4, -66, 28, 96, (24, 24, 28), 10)
    for y in (-95, -68, -40):
        easel.ellipse(4, y, 4, 4, (215, 175, 70))
    return easel.sprite(7)


def spoon(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A wooden spoon, its bowl in the middle, the handle to the upper right."""
    easel = Easel(230, 230)
    easel.line([(0, 0), (98, -98)], (160, 96, 40), 17)
    easel.line([(2, -4), (96, -98)], (206, 140, 72), 9)
    easel.ellipse(0, 0, 34, 25, (160, 96, 40), -45)
    easel.ellipse(-1, -1, 29, 20, (206, 140, 72), -45)
    easel.ellipse(-2, 2, 21, 13, (176, 110, 50), -45)
    return easel.sprite(6)


def whisk(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A balloon whisk, its wires in the middle, a yellow handle upwards to the right."""
    easel = Easel(250, 250)
    easel.line([(34, -34), (104, -104)], (250, 205, 20), 20)
    easel.line([(40, -44), (100, -104)], (255, 235, 120), 6)
    for spread in (33, 25, 15, 5):
        easel.ring(-8, 8, 58, spread, (215, 222, 232), 3.4, -45)
    return easel.sprite(5)


def jug(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A white jug with a wide body, its lip on the left, filled with the noun."""
    easel = Easel(170, 150)
    easel.ring(58, 6, 22, 34, (250, 120, 170), 11)
    easel.polygon([(-74, -52), (48, -52), (58, 58), (-40, 58), (-50, -30)], (250, 120, 170))
    easel.polygon([(-66, -45), (42, -45), (44, -28), (-48, -28)], noun.ground)
    easel.polygon([(-36, -10), (40, -10), (46, 10), (-36, 10)], (255, 235, 245))
    return easel.sprite(6)


def turner(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A slotted turner with a red handle to the right."""
    easel = Easel(250, 90)
    easel.line([(30, 0), (118, 0)], (225, 25, 30), 18)
    easel.line([(34, -4), (114, -4)], (255, 110, 100), 4)
    easel.box(-36, 0, 126, 66, DARK_STEEL, 12)
    easel.box(-36, -1, 118, 60, PALE_STEEL, 10)
    for y in (-18, -6, 6, 18):
        easel.line([(-76, y), (-4, y)], (40, 42, 48), 5)
    return easel.sprite(5)


def hand(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A left hand from above, fingers upwards, a blue sleeve below."""
    easel = Easel(110, 190)
    easel.box(4, 74, 62, 40, (60, 120, 215), 8)
    easel.box(4, 54, 62, 10, (235, 240, 250), 4)
    for colour, grow in ((SKIN_EDGE, 2.5), (SKIN, 0.0)):
        easel.box(4, 22, 54 + grow, 62 + grow, colour, 20)
        for x, top in ((-19, -46), (-4, -58), (11, -54), (26, -40)):
            easel.line([(x, 12), (x * 1.1, top)], colour, 13 + 2 * grow)
        easel.line([(-18, 32), (-40, 2)], colour, 14 + 2 * grow)
    return easel.sprite(5)


def peeler(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A peeler with a fork of steel and a fat magenta handle upwards."""
    easel = Easel(100, 190)
    easel.line([(-30, 4), (-30, -22), (0, -36), (30, -22), (30, 4)], STEEL, 9)
    easel.box(0, 2, 64, 12, PALE_STEEL, 3)
    easel.line([(-28, 2), (28, 2)], DARK_STEEL, 3)
    easel.line([(0, -42), (0, -84)], (190, 0, 130), 26)
    easel.line([(-5, -44), (-5, -82)], (255, 90, 200), 6)
    return easel.sprite(6)


def grater(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A tall box grater with a black handle on top, full of holes."""
    easel = Easel(190, 220)
    easel.ring(0, -88, 34, 16, (24, 24, 28), 11)
    easel.polygon([(-54, -84), (54, -84), (84, 100), (-84, 100)], DARK_STEEL)
    easel.polygon([(-50, -80), (50, -80), (77, 95), (-77, 95)], PALE_STEEL)
    for row, y in enumerate(np.arange(-66, 90, 17)):
        half = 40 + (y + 66) * 0.17
        for x in np.arange(-half + 8 * (row % 2), half + 1, 17):
            easel.ellipse(x, y, 5.5, 4.5, (52, 56, 64))
            easel.ellipse(x, y + 3, 4.5, 2, (250, 252, 255))
    return easel.sprite(6)


def shaker(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A fat brass shaker with holes in its lid, the lid below, a window that shows the noun."""
    easel = Easel(120, 140)
    easel.box(0, -14, 82, 84, (200, 150, 20), 12)
    easel.box(-4, -16, 60, 70, (245, 205, 70), 10)
    easel.ellipse(0, -12, 22, 22, noun.ground)
    easel.box(0, 38, 92, 26, (140, 95, 0), 8)
    for x in (-30, -10, 10, 30):
        easel.ellipse(x, 42, 4, 4, (40, 25, 0))
    return easel.sprite(6)


def palette_knife(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A broad palette knife across, its blade in the middle, a turquoise handle downwards."""
    easel = Easel(80, 250)
    easel.line([(0, 60), (0, 112)], (0, 150, 140), 22)
    easel.line([(-4, 62), (-4, 110)], (110, 230, 215), 5)
    easel.box(0, -10, 44, 150, DARK_STEEL, 20)
    easel.box(-2, -10, 37, 143, PALE_STEEL, 18)
    return easel.sprite(6)


def copper_pan(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A copper pan full of golden oil, its handle to the right."""
    easel = Easel(300, 216)
    easel.box(118, 0, 60, 26, (120, 52, 20), 8)
    easel.ellipse(-12, 0, 108, 98, (235, 130, 70))
    easel.ellipse(-12, 0, 99, 89, (150, 66, 26))
    easel.ellipse(-12, 2, 92, 82, (244, 178, 40))
    return easel.sprite(5)


def baking_tray(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A dark tray with a sheet of paper and a checked mitt at its lower edge."""
    easel = Easel(250, 190)
    easel.box(0, -6, 228, 146, (74, 70, 76), 12)
    easel.box(0, -6, 208, 126, (248, 228, 190), 4)
    return easel.sprite(4)


def mitt(noun: Noun, rng: np.random.Generator) -> Sprite:
    """An oven mitt, red and white checks, thumb on the left."""
    easel = Easel(110, 130)
    easel.line([(-20, 14), (-38, -12)], (220, 30, 40), 26)
    easel.box(6, 0, 62, 106, (220, 30, 40), 26)
    for x in (-14, 6, 26):
        for y in (-34, -14, 6, 26):
            easel.box(x, y, 10, 10, (255, 240, 235))
    easel.box(6, 50, 66, 16, (255, 245, 240), 5)
    return easel.sprite(5)


def smear(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A broad stroke of the noun, as spread on bread."""
    easel = Easel(HEAP + 56, HEAP + 6)
    wobble = rng.uniform(0, 6, 2)
    edge = outline(
        lambda t: 0.9 + 0.05 * np.cos(6 * t + wobble[0]) + 0.04 * np.cos(11 * t + wobble[1]),
        HEAP * 0.66,
        HEAP * 0.48,
    )
    easel.polygon(edge, noun.ground)
    paint_texture(easel, noun, rng, HEAP * 1.2)
    return easel.sprite(3)


def strip(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A curl of peel."""
    easel = Easel(90, 36)
    curl = [(x, 7 * np.sin(x / 13)) for x in np.arange(-36, 37, 4)]
    easel.line(curl, noun.accent, 12)
    easel.line([(x, y - 2) for x, y in curl], noun.ground, 8)
    return easel.sprite(2)


def bubble(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A ring of foam on hot oil."""
    easel = Easel(24, 24)
    easel.ellipse(0, 0, 9, 9, (255, 214, 110))
    easel.ellipse(-1, -1, 6.5, 6.5, (255, 244, 200))
    return easel.sprite(1)
