"""Sprites: small pictures with soft edges, and the one operation that puts them into a frame.

Lengths are scene units: the scene is 320 x 240 units, its origin in the middle, y downwards. Angles
are degrees, clockwise on the screen. Colours are RGB, 0 to 255. Sprite pixels are RGBA with the
colour multiplied by the alpha.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]  # 2 x 3, affine
Colour = tuple[int, int, int]
Point = tuple[float, float]

SPRITE_SCALE = 1.5  # pixels of a sprite in one scene unit: a little more than a frame shows
SUPERSAMPLING = (
    2  # shapes are drawn this much larger and averaged down: their edges come out smooth
)


@dataclass(frozen=True)
class Sprite:
    """A picture (height, width, 4), anchored at its centre."""

    pixels: Pixels
    scale: float = SPRITE_SCALE


@dataclass(frozen=True)
class Layer:
    """A sprite in the scene; `stretch` scales width and height, a negative value mirrors."""

    sprite: Sprite
    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0
    stretch: tuple[float, float] = (1.0, 1.0)


class Easel:
    """Draws opaque shapes in scene units around (0, 0), then hands them over as a sprite."""

    def __init__(self, width: float, height: float) -> None:
        self.zoom = SPRITE_SCALE * SUPERSAMPLING
        self.size = tuple(
            int(np.ceil(side * SPRITE_SCALE)) * SUPERSAMPLING for side in (width, height)
        )
        self.pixels: Pixels = np.zeros((self.size[1], self.size[0], 4), np.uint8)

    def _pixel(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self.zoom + self.size[0] / 2), round(y * self.zoom + self.size[1] / 2)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        corners = np.array([self._pixel(*point) for point in points], np.int32)
        cv2.fillPoly(self.pixels, [corners], (*colour, 255))

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, angle: float = 0.0
    ) -> None:
        """A filled ellipse around (x, y)."""
        axes = max(1, round(rx * self.zoom)), max(1, round(ry * self.zoom))
        cv2.ellipse(self.pixels, self._pixel(x, y), axes, angle, 0, 360, (*colour, 255), -1)

    def ring(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: Colour,
        width: float,
        angle: float = 0.0,
    ) -> None:
        """The line of an ellipse around (x, y)."""
        axes = max(1, round(rx * self.zoom)), max(1, round(ry * self.zoom))
        cv2.ellipse(
            self.pixels,
            self._pixel(x, y),
            axes,
            angle,
            0,
            360,
            (*colour, 255),
            self._thickness(width),
        )

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """A line with round ends."""
        corners = np.array([self._pixel(*point) for point in points], np.int32)
        cv2.polylines(self.pixels, [corners], False, (*colour, 255), self._thickness(width))

    def box(
        self, x: float, y: float, width: float, height: float, colour: Colour, corner: float = 0.0
    ) -> None:
        """A rectangle around (x, y), its corners rounded by `corner`."""
        for w, h in ((width - 2 * corner, height), (width, height - 2 * corner)):
            cv2.rectangle(
                self.pixels,
                self._pixel(x - w / 2, y - h / 2),
                self._pixel(x + w / 2, y + h / 2),
                (*colour, 255),
                -1,
            )
        for side_x in (-1, 1):
            for side_y in (-1, 1):
                cx, cy = x + side_x * (width / 2 - corner), y + side_y * (height / 2 - corner)
                self.ellipse(cx, cy, corner, corner, colour)

    def fill_masked(self, mask: Pixels, texture: Pixels) -> None:
        """Lay an opaque texture (height, width, 4) wherever the mask is set; all of one size."""
        cv2.copyTo(texture, mask, self.pixels)

    def _thickness(self, width: float) -> int:
        return max(1, round(width * self.zoom))

    def sprite(self, shadow: float = 4.0) -> Sprite:
        """The drawing, averaged down, with a soft shadow `shadow` units to the lower right."""
        size = self.size[0] // SUPERSAMPLING, self.size[1] // SUPERSAMPLING
        pixels = cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA)
        return Sprite(_with_shadow(pixels, shadow) if shadow else pixels)


def _with_shadow(pixels: Pixels, offset: float) -> Pixels:
    shift = offset * SPRITE_SCALE
    move = np.array([[1, 0, shift * 0.7], [0, 1, shift]])
    cast = cv2.warpAffine(pixels[..., 3], move, (pixels.shape[1], pixels.shape[0]))
    cast = cv2.GaussianBlur(cast, (0, 0), max(shift * 0.6, 0.5)) * 0.38
    alpha = pixels[..., 3].astype(np.float32)
    shaded = pixels.copy()
    shaded[..., 3] = np.clip(alpha + cast * (1 - alpha / 255), 0, 255)
    return shaded


def outline(
    radius: Callable[[NDArray[np.float64]], NDArray[np.float64]], rx: float, ry: float
) -> list[Point]:
    """Points of a closed curve: an ellipse with its radius times `radius(angle in radians)`."""
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    reach = radius(angle)
    return list(zip(rx * reach * np.cos(angle), ry * reach * np.sin(angle), strict=True))


def placement(layer: Layer) -> Matrix:
    """From a layer's sprite pixels to scene units."""
    height, width = layer.sprite.pixels.shape[:2]
    angle = np.deg2rad(layer.angle)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag(layer.stretch) / layer.sprite.scale
    shift = np.array([layer.x, layer.y]) - linear @ np.array([width / 2, height / 2])
    return np.column_stack([linear, shift])


def compose(outer: Matrix, inner: Matrix) -> Matrix:
    """The affine map that applies `inner` first, then `outer`."""
    linear = outer[:, :2] @ inner[:, :2]
    return np.column_stack([linear, outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def blend(frame: Pixels, layer: Layer, camera: Matrix) -> None:
    """Put a layer into a frame (height, width, 3); `camera` maps scene units to its pixels."""
    pixels = layer.sprite.pixels
    matrix = compose(camera, placement(layer))
    corners = np.array(
        [
            [0, 0, 1],
            [pixels.shape[1], 0, 1],
            [0, pixels.shape[0], 1],
            [pixels.shape[1], pixels.shape[0], 1],
        ]
    )
    reach = corners @ matrix.T
    left, top = np.maximum(np.floor(reach.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(
        np.ceil(reach.max(axis=0)).astype(int), (frame.shape[1], frame.shape[0])
    )
    if right <= left or bottom <= top:
        return
    matrix[:, 2] -= (left, top)
    over = cv2.warpAffine(pixels, matrix, (int(right - left), int(bottom - top)))
    under = frame[top:bottom, left:right]
    veil = cv2.cvtColor(255 - over[..., 3], cv2.COLOR_GRAY2RGB)
    cv2.add(
        cv2.multiply(under, veil, scale=1 / 255), cv2.cvtColor(over, cv2.COLOR_RGBA2RGB), dst=under
    )
