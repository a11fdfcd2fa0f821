"""High dynamic range against the figures of its standards."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from feature_extraction.seeing.scaling import Scaler
from feature_extraction.seeing.tone_mapping import BT2020_TO_BT709, Transfer, _linear, tone_mapped

PQ, HLG = 16, 18


def linear(transfer: Transfer, share: float) -> float:
    return float(_linear(transfer)[round(share * 65535)])


def test_the_curves_have_the_light_that_their_standards_give() -> None:
    """BT.2408: 203 cd/m2 is 58 % of PQ and 75 % of HLG; PQ ends at 10,000."""
    assert linear("PQ", 0.5807) == pytest.approx(1, rel=0.01)
    assert linear("PQ", 1) * 203 == pytest.approx(10_000, rel=1e-4)
    assert linear("HLG", 0.5) == pytest.approx(1 / 12, rel=1e-3)
    assert linear("HLG", 1) == pytest.approx(1, rel=1e-4)
    assert 1000 * linear("HLG", 0.75) ** 1.2 == pytest.approx(203, rel=0.01)


def test_white_stays_white_between_the_primaries() -> None:
    np.testing.assert_allclose(BT2020_TO_BT709.sum(axis=1), 1, atol=2e-3)


@pytest.mark.parametrize(("transfer", "white"), [("PQ", 0.5807), ("HLG", 0.75)])
def test_greys_stay_grey_and_in_order(transfer: Transfer, white: float) -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)
    shown = tone_mapped(np.repeat(ramp[None, :, None], 3, 2), transfer)[0].astype(int)
    assert np.ptp(shown, axis=1).max() <= 1 and (np.diff(shown[:, 0]) >= 0).all()
    assert shown[0, 0] == 0 and shown[-1, 0] == 255
    level = np.full((1, 1, 3), round(white * 65535), np.uint16)
    # Reinhard: (1 + 1 / 4.93^2) / 2 = 0.521 of the light, 0.762 after 1 / 2.4.
    assert int(tone_mapped(level, transfer)[0, 0, 0]) == pytest.approx(194, abs=1)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_a_frame_is_mapped_by_its_tag_alone(transfer: int) -> None:
    """Diffuse white in 10 bits of limited range is 64 + 876 * share."""
    frame = av.VideoFrame(64, 64, "yuv420p10le")
    value = round(64 + 876 * {PQ: 0.5807, HLG: 0.75}[transfer])
    for plane, level in zip(frame.planes, (value, 512, 512), strict=True):
        plane.update(np.full(plane.buffer_size // 2, level, np.uint16).tobytes())
    frame.pts, frame.time_base, frame.colorspace, frame.color_range = 0, Fraction(1, 20), 9, 1
    scaler = Scaler(lambda *_: (32, 32))
    plain = scaler(frame)
    frame.color_trc, frame.color_primaries, frame.pts = transfer, 9, 1
    mapped = scaler(frame)
    assert abs(int(plain.mean()) - {PQ: 148, HLG: 191}[transfer]) <= 2
    assert mapped.dtype == np.uint8 and abs(float(mapped.mean()) - 194) <= 2
