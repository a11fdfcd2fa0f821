"""The twenty ingredients as data, a shape, a colour and a texture each, and how to paint them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from demos.kitchen.sprites import Colour, Easel, Pixels, Point, Sprite, outline
from demos.kitchen.textures import TEXTURES


@dataclass(frozen=True)
class Noun:
    """How an ingredient looks: ground colour, pattern, the pattern's colour, and outline."""

    name: str
    ground: Colour
    accent: Colour
    texture: str  # a key of textures.TEXTURES
    shape: str  # a key of SHAPES


NOUNS = {
    noun.name: noun
    for noun in (
        Noun("carrot", (245, 120, 20), (205, 80, 5), "lines", "taper"),
        Noun("tomato", (215, 25, 20), (250, 120, 80), "segments", "round"),
        Noun("dough", (238, 214, 168), (224, 194, 142), "smooth", "blob"),
        Noun("egg", (250, 248, 240), (255, 185, 0), "yolk", "blob"),
        Noun("potato", (165, 115, 65), (110, 70, 35), "specks", "oval"),
        Noun("onion", (235, 205, 235), (150, 30, 120), "rings", "round"),
        Noun("cheese", (255, 205, 50), (205, 140, 10), "holes", "wedge"),
        Noun("lemon", (250, 240, 40), (255, 255, 190), "segments", "lemon"),
        Noun("rice", (250, 250, 250), (170, 170, 165), "grains", "blob"),
        Noun("chocolate", (85, 42, 20), (50, 20, 8), "squares", "slab"),
        Noun("fish", (110, 160, 205), (45, 85, 140), "scales", "fish"),
        Noun("bacon", (175, 40, 45), (255, 215, 195), "waves", "slab"),
        Noun("corn", (255, 200, 20), (215, 130, 0), "kernels", "taper"),
        Noun("mushroom", (205, 190, 170), (125, 105, 90), "gills", "cap"),
        Noun("cabbage", (175, 225, 120), (230, 250, 190), "veins", "leaf"),
        Noun("peas", (70, 190, 45), (20, 105, 15), "balls", "blob"),
        Noun("bread", (215, 160, 95), (140, 85, 35), "crumb", "loaf"),
        Noun("salmon", (255, 125, 100), (255, 220, 200), "chevrons", "fillet"),
        Noun("plum", (85, 25, 130), (150, 95, 200), "specks", "round"),
        Noun("olive", (60, 75, 20), (140, 150, 50), "eyes", "oval"),
    )
}

WHOLE = (184.0, 138.0)  # width and height of a whole ingredient, scene units
PIECE = 56.0  # across a piece of it
HEAP = 150.0  # across a heap of pieces


def _shape(name: str, rng: np.random.Generator) -> list[Point]:
    """The outline of a shape, inside a box from -0.5 to 0.5 on both axes."""
    a, b = rng.uniform(0, 2 * np.pi, 2)
    curves = {
        "round": lambda t: 0.80 + 0.012 * np.cos(5 * t + a),
        "oval": lambda t: 0.90 + 0.04 * np.cos(2 * t + a) + 0.03 * np.cos(3 * t + b),
        "blob": lambda t: 0.90 + 0.05 * np.cos(3 * t + a) + 0.04 * np.cos(5 * t + b),
        "taper": lambda t: (0.62 + 0.38 * np.abs(np.cos(t)) ** 3) * (1 - 0.10 * np.cos(t)),
        "lemon": lambda t: 0.78 + 0.20 * np.abs(np.cos(t)) ** 8,
        "wedge": lambda t: (
            0.95 / np.maximum(np.cos((t + np.pi) % (2 * np.pi / 3) - np.pi / 3), 0.62) * 0.62
        ),
        "slab": lambda t: 0.88 / np.maximum(np.abs(np.cos(t)), np.abs(np.sin(t))) ** 0.8,
        "fish": lambda t: (
            0.60
            + 0.36 * np.abs(np.cos(t))
            + 0.10 * np.cos(2 * t)
            - 0.2 * np.exp(-((t - np.pi) ** 2) * 9)
        ),
        "cap": lambda t: np.where(np.sin(t) > 0.35, 0.68, 0.97),
        "leaf": lambda t: 0.88 + 0.07 * np.cos(9 * t + a) + 0.03 * np.cos(4 * t + b),
        "loaf": lambda t: 0.86 / np.maximum(np.abs(np.cos(t)), np.abs(np.sin(t))) ** 0.45,
        "fillet": lambda t: 0.90 - 0.12 * np.cos(t) + 0.08 * np.cos(2 * t),
    }
    points = outline(curves[name], 0.5, 0.5)
    return [(min(max(x, -0.5), 0.5), min(max(y, -0.5), 0.5)) for x, y in points]


def _shade(easel: Easel) -> None:
    """Round the drawing off: darker towards its lower edge, a gleam at the upper left."""
    alpha = easel.pixels[..., 3]
    small = cv2.resize(alpha, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    depth = cv2.GaussianBlur(small, (0, 0), small.shape[0] * 0.07).astype(np.float32) / 255
    down, right = np.gradient(depth)
    light = np.clip(1 + 5.0 * (down + right) - 0.5 * np.clip(0.8 - depth, 0, 1), 0.55, 1.25)
    light = cv2.resize(light, (alpha.shape[1], alpha.shape[0]), interpolation=cv2.INTER_LINEAR)
    colours = easel.pixels[..., :3].astype(np.float32) * light[..., None]
    easel.pixels[..., :3] = np.clip(colours, 0, 255)


def _cut(
    noun: Noun, rng: np.random.Generator, width: float, height: float, shadow: float
) -> Sprite:
    """One cut of an ingredient, at most `width` x `height` units."""
    easel = Easel(width + 16, height + 16)
    easel.polygon([(x * width, y * height) for x, y in _shape(noun.shape, rng)], noun.ground)
    paint_texture(easel, noun, rng, max(width, height))
    _shade(easel)
    return easel.sprite(shadow)


def paint_texture(easel: Easel, noun: Noun, rng: np.random.Generator, across: float) -> None:
    """Replace the drawing so far by the ingredient's pattern, for `across` units of width."""
    mask: Pixels = easel.pixels[..., 3].copy()
    sheet = Easel(1, 1)
    sheet.size, sheet.pixels = easel.size, np.zeros_like(easel.pixels)
    sheet.pixels[:] = (*noun.ground, 255)
    TEXTURES[noun.texture](sheet, noun.accent, noun.ground, across, rng)
    easel.fill_masked(mask, sheet.pixels)


def whole(noun: Noun, rng: np.random.Generator) -> Sprite:
    """The ingredient in one large piece."""
    return _cut(noun, rng, *WHOLE, shadow=4.0)


def piece(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A small piece of it."""
    return _cut(noun, rng, PIECE, PIECE * 0.84, shadow=2.5)


def crumb(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A morsel that can fall or fly."""
    size = rng.uniform(11, 15)
    easel = Easel(size + 8, size + 8)
    easel.ellipse(0, 0, size / 2, size * 0.36, noun.accent, float(rng.uniform(0, 180)))
    easel.ellipse(-1, -1, size / 2 - 2, size * 0.36 - 1.5, noun.ground)
    return easel.sprite(2.0)


def heap(noun: Noun, rng: np.random.Generator) -> Sprite:
    """A round heap of pieces on a bed of the ingredient's own pattern."""
    easel = Easel(HEAP + 16, HEAP + 16)
    wobble = rng.uniform(0, 2 * np.pi)
    bed = outline(lambda t: 0.94 + 0.03 * np.cos(7 * t + wobble), HEAP / 2, HEAP / 2)
    easel.polygon(bed, noun.ground)
    paint_texture(easel, noun, rng, HEAP)
    _shade(easel)
    sprite = easel.sprite(3.0)
    for turn in rng.permutation(6):
        _drop_on(sprite, piece(noun, rng), 60.0 * turn, HEAP * 0.27, rng)
    return sprite


def _drop_on(
    ground: Sprite, part: Sprite, turn: float, reach: float, rng: np.random.Generator
) -> None:
    """Lay a piece on a sprite, in place, `reach` units from its centre in the direction `turn`."""
    height, width = ground.pixels.shape[:2]
    angle = np.deg2rad(turn + rng.uniform(-15, 15))
    tilt = cv2.getRotationMatrix2D(
        (part.pixels.shape[1] / 2, part.pixels.shape[0] / 2), rng.uniform(0, 360), 1
    )
    tilt[0, 2] += width / 2 + np.cos(angle) * reach * ground.scale - part.pixels.shape[1] / 2
    tilt[1, 2] += height / 2 + np.sin(angle) * reach * ground.scale - part.pixels.shape[0] / 2
    over = cv2.warpAffine(part.pixels, tilt, (width, height)).astype(np.float32)
    under = ground.pixels.astype(np.float32)
    ground.pixels[:] = np.clip(over + under * (1 - over[..., 3:] / 255), 0, 255)
