"""Patterns of ingredients: each adds marks in the accent colour to a sheet in the ground colour.

`across` is the size in units that a pattern covers, so that marks keep their proportions on small
pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from demos.kitchen.sprites import Colour, Easel

Texture = Callable[[Easel, Colour, Colour, float, np.random.Generator], None]


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    r, g, b = (round(a + (c - a) * share) for a, c in zip(one, other, strict=True))
    return r, g, b


def _grid(
    across: float, step: float, rng: np.random.Generator, wobble: float = 0.0
) -> Iterator[tuple[float, float]]:
    """Points `step` apart that cover the pattern, every second row shifted by half a step."""
    count = int(across / step) + 2
    for row in range(-count, count + 1):
        for column in range(-count, count + 1):
            dx, dy = rng.uniform(-wobble, wobble, 2) if wobble else (0.0, 0.0)
            yield (column + 0.5 * (row % 2)) * step + dx, row * step * 0.87 + dy


def lines(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Slanted grooves."""
    for x in np.arange(-across, across, 13):
        start = x + rng.uniform(-3, 3)
        sheet.line([(start, -across), (start + 3, across)], accent, 2.6)


def segments(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Six pale segments around the middle, as in a slice."""
    reach, first = across * 0.33, rng.uniform(0, 60)
    for angle in np.deg2rad(first + np.arange(0, 360, 60)):
        x, y = np.cos(angle) * reach * 0.58, np.sin(angle) * reach * 0.46
        sheet.ellipse(x, y, reach * 0.40, reach * 0.17, accent, float(np.rad2deg(angle)))


def smooth(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """A few faint folds."""
    for _ in range(3):
        x, y = rng.uniform(-0.25, 0.25, 2) * across
        sheet.ring(x, y, across * 0.22, across * 0.12, accent, 3.0)


def yolk(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """A large yolk with a gleam."""
    x, y = rng.uniform(-0.06, 0.06, 2) * across
    sheet.ellipse(x, y, across * 0.22, across * 0.20, accent)
    sheet.ellipse(
        x - across * 0.07, y - across * 0.07, across * 0.05, across * 0.035, (255, 235, 150)
    )


def specks(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Small dots."""
    for x, y in _grid(across * 0.6, 15, rng, wobble=5):
        sheet.ellipse(x, y, 2.6, 1.9, accent)


def rings(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Rings within rings."""
    for radius in np.arange(5, across * 0.75, 11):
        sheet.ring(0, 0, radius, radius * 0.78, accent, 4.2)


def holes(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Round holes of several sizes, darker at the top."""
    for x, y in _grid(across * 0.6, 34, rng, wobble=6):
        radius = rng.uniform(6, 11)
        sheet.ellipse(x, y, radius, radius * 0.85, accent)
        sheet.ellipse(x + 1.5, y + 2, radius * 0.8, radius * 0.62, _mix(accent, ground, 0.35))


def grains(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Fine grains in every direction."""
    sheet.pixels[:] = (*accent, 255)
    for x, y in _grid(across * 0.6, 8.5, rng, wobble=1.5):
        sheet.ellipse(x, y, 5.0, 2.4, ground, float(rng.uniform(0, 180)))


def squares(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Squares with a lit edge."""
    light = _mix(ground, (200, 140, 100), 0.35)
    for x in np.arange(-across, across, 27):
        for y in np.arange(-across, across, 27):
            sheet.line([(x - 10, y + 9), (x - 10, y - 10), (x + 9, y - 10)], light, 2.4)
            sheet.line([(x - 13.5, y - 13.5), (x + 13.5, y - 13.5)], accent, 3.5)
            sheet.line([(x - 13.5, y - 13.5), (x - 13.5, y + 13.5)], accent, 3.5)


def scales(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Rows of scales."""
    pale = _mix(ground, (255, 255, 255), 0.45)
    for x, y in _grid(across * 0.6, 15, rng):
        sheet.ellipse(x, y, 8.5, 8.5, accent)
        sheet.ellipse(x + 2.5, y, 7.5, 7.0, ground)
        sheet.ellipse(x + 4, y - 1, 3.5, 3.0, pale)


def waves(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Wavy bands, thick and thin."""
    xs = np.arange(-across, across, 4)
    first = rng.uniform(0, 6)
    for index, y in enumerate(np.arange(-across, across, 21)):
        line = [(x, y + 5 * np.sin(x / 14 + first)) for x in xs]
        sheet.line(line, accent, 9.0 if index % 2 else 5.0)


def kernels(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Rows of kernels, each with a gleam."""
    sheet.pixels[:] = (*accent, 255)
    for x in np.arange(-across, across, 11):
        for y in np.arange(-across, across, 11):
            sheet.box(x, y, 9.2, 8.6, ground, 3.0)
            sheet.ellipse(x - 1.5, y - 1.5, 1.8, 1.4, (255, 240, 150))


def gills(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Spokes around a pale middle."""
    for angle in np.arange(0, 2 * np.pi, 2 * np.pi / 26):
        inner, outer = across * 0.10, across * 0.44
        ends = [(np.cos(angle) * r, np.sin(angle) * r * 0.8) for r in (inner, outer)]
        sheet.line(ends, accent, 2.2)
    sheet.ellipse(0, 0, across * 0.10, across * 0.09, _mix(ground, (255, 255, 255), 0.5))


def veins(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Curls, and pale veins from the middle outwards."""
    dark = _mix(ground, (30, 110, 20), 0.45)
    for x, y in _grid(across * 0.6, 30, rng, wobble=5):
        sheet.ring(x, y, 14, 10, dark, 2.0, float(rng.uniform(0, 180)))
    for angle in rng.uniform(0, 0.9) + np.arange(0, 2 * np.pi, 0.9):
        bend = angle + rng.uniform(-0.3, 0.3)
        sheet.line(
            [
                (0, 0),
                (np.cos(angle) * across * 0.25, np.sin(angle) * across * 0.25),
                (np.cos(bend) * across * 0.6, np.sin(bend) * across * 0.6),
            ],
            accent,
            4.5,
        )


def balls(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Round balls, close together."""
    sheet.pixels[:] = (*accent, 255)
    for x, y in _grid(across * 0.6, 20, rng, wobble=2):
        sheet.ellipse(x, y, 9.4, 9.4, ground)
        sheet.ellipse(x - 3, y - 3, 2.8, 2.4, _mix(ground, (255, 255, 255), 0.55))


def crumb(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """A pale crumb with dark grill marks."""
    sheet.pixels[:] = (*_mix(ground, (255, 240, 210), 0.35), 255)
    for x, y in _grid(across * 0.6, 17, rng, wobble=5):
        sheet.ellipse(x, y, rng.uniform(1.5, 4), rng.uniform(1.2, 3), ground)
    for y in np.arange(-across * 0.3, across * 0.4, across * 0.26):
        sheet.line([(-across * 0.34, y + 9), (across * 0.34, y - 9)], accent, 6.5)


def chevrons(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Pale arrows, one behind the other."""
    for x in np.arange(-across, across, 19):
        sheet.line([(x - 16, -across * 0.4), (x, 0), (x - 16, across * 0.4)], accent, 3.8)


def eyes(
    sheet: Easel, accent: Colour, ground: Colour, across: float, rng: np.random.Generator
) -> None:
    """Rings with a red middle."""
    for x, y in _grid(across * 0.6, 32, rng, wobble=3):
        sheet.ellipse(x, y, 12.5, 11, accent)
        sheet.ellipse(x, y, 7, 6, (195, 35, 25))


TEXTURES: dict[str, Texture] = {
    texture.__name__: texture
    for texture in (
        lines,
        segments,
        smooth,
        yolk,
        specks,
        rings,
        holes,
        grains,
        squares,
        scales,
        waves,
        kernels,
        gills,
        veins,
        balls,
        crumb,
        chevrons,
        eyes,
    )
}
