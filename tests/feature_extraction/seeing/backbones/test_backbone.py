from __future__ import annotations

import torch

from feature_extraction.seeing.backbones.backbone import (
    Preprocessing,
    scaled_module,
    weights_digest,
)
from feature_extraction.seeing.frame import FrameSize

SIZE = FrameSize(2, 2)


class Seen(torch.nn.Module):
    """Gives what enters it."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels


def test_pixels_are_scaled_and_their_axes_put_in_order() -> None:
    preprocessing = Preprocessing(SIZE, mean=(0.5, 0.0, 1.0), std=(0.5, 1.0, 0.25))
    frames = torch.full((1, 30, 2, 2, 3), 255, dtype=torch.uint8)
    seen = scaled_module(Seen(), preprocessing)(frames)
    assert seen.shape == (1, 3, 30, 2, 2) and seen.dtype == torch.float32
    assert seen[0, :, 0, 0, 0].tolist() == [1.0, 1.0, 0.0]


def test_a_network_sees_the_frames_that_it_looks_at() -> None:
    frames = torch.arange(30, dtype=torch.uint8)[None, :, None, None, None].expand(1, 30, 2, 2, 3)
    preprocessing = Preprocessing(SIZE, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), frames=(0, 14, 29))
    seen = scaled_module(Seen(), preprocessing)(frames)
    assert (seen[0, 0, :, 0, 0] * 255).round().tolist() == [0, 14, 29]


def test_a_digest_is_of_names_and_numbers_without_counters() -> None:
    module = torch.nn.BatchNorm1d(2)
    digest = weights_digest(module)
    module.num_batches_tracked += 1  # type: ignore[operator]
    assert weights_digest(module) == digest
    with torch.no_grad():
        module.weight[0] = 2
    assert weights_digest(module) != digest
