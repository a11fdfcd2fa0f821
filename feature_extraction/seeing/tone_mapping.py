"""Maps high dynamic range to that of ordinary video, as a screen does with a phone's film.

Light is in units of diffuse white, 203 cd/m2 (ITU-R BT.2408). A picture is [height, width, 3].
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal

import numpy as np

Transfer = Literal["PQ", "HLG"]

TRANSFERS: dict[int, Transfer] = {16: "PQ", 18: "HLG"}
"""By the number of a transfer function in ITU-T H.273; all others are of ordinary range."""
WHITE = 203.0
"""Candela a square metre of diffuse white (ITU-R BT.2408, table 1)."""
PEAK = 1000.0 / WHITE
"""What the brightest light is taken to be: the peak of a mastering display, BT.2100's for HLG."""
# From the linear RGB of BT.2020 to that of BT.709 (ITU-R BT.2407).
BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
BT2020_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)


def tone_mapped(picture: np.ndarray, transfer: Transfer) -> np.ndarray:
    """Return an ordinary picture, uint8 BT.709, of a uint16 one in BT.2020 under PQ or HLG.

    The brightest of a pixel's three colours is compressed, and the others keep their ratio to it.
    """
    light = _linear(transfer)[picture]
    if transfer == "HLG":  # the light of the scene to that of a display, with gamma 1.2 (BT.2100)
        luminance = light @ BT2020_LUMINANCE
        light = PEAK * light * np.maximum(luminance, 1e-6)[..., None] ** 0.2
    light = np.clip(light @ BT2020_TO_BT709.T, 0, None)
    brightest = light.max(axis=2, keepdims=True)
    # Reinhard et al. (2002), "Photographic Tone Reproduction", equation 4, with PEAK as its white.
    light = light * (1 + brightest / PEAK**2) / (1 + brightest)
    return np.rint(255 * np.clip(light, 0, 1) ** (1 / 2.4)).astype(np.uint8)  # BT.1886


@cache
def _linear(transfer: Transfer) -> np.ndarray:
    """Return the light of each 16-bit value, float32 [65536]: PQ in WHITE units, HLG in 0..1."""
    functions: dict[Transfer, Callable[[np.ndarray], np.ndarray]] = {"PQ": _pq, "HLG": _hlg}
    return functions[transfer](np.linspace(0, 1, 65536)).astype(np.float32)


def _pq(value: np.ndarray) -> np.ndarray:
    """The electro-optical transfer function of SMPTE ST 2084, in units of WHITE."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = value ** (1 / m2)
    return 10_000 / WHITE * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


def _hlg(value: np.ndarray) -> np.ndarray:
    """The inverse of the opto-electronic transfer function of HLG (ITU-R BT.2100, table 5)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)
