from __future__ import annotations

import numpy as np
import pytest
import torch

from feature_extraction.seeing.backbones.backbone import (
    NetworkBackbone,
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


def looked_at(frames: int | None, clip_frames: int = 30, at_most: bool = False) -> tuple[int, ...]:
    wanted = Preprocessing(SIZE, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), frames, at_most)
    return wanted.looked_at(clip_frames)


@pytest.mark.parametrize("count", [2, 8, 13, 16])
def test_frames_are_picked_evenly_from_the_first_to_the_last(count: int) -> None:
    picked = looked_at(count)
    assert (len(picked), picked[0], picked[-1]) == (count, 0, 29)
    assert set(np.diff(picked)) <= {29 // (count - 1), 29 // (count - 1) + 1}


def test_a_network_looks_at_all_frames_at_one_or_at_no_more_than_there_are() -> None:
    assert looked_at(None) == tuple(range(30)) and looked_at(1) == (15,)
    assert looked_at(4, 3, at_most=True) == (0, 1, 2) and looked_at(4, 3) == (0, 0, 1, 2)
    assert looked_at(4, 30, at_most=True) == looked_at(4, 30) == (0, 9, 19, 29)


class Mean(torch.nn.Module):
    """Gives the mean colour times a weight."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.weight * pixels.mean((2, 3, 4))


def test_any_network_is_a_backbone_whose_digest_tells_its_weights_and_its_frames() -> None:
    def backbone(weight: float, frames: int | None) -> NetworkBackbone:
        wanted = Preprocessing(SIZE, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), frames)
        return NetworkBackbone(lambda: Mean(weight), wanted, width=3)

    clip = torch.full((1, 4, 2, 2, 3), 255, dtype=torch.uint8)
    assert backbone(2.0, 4).module(clip).tolist() == [[2.0, 2.0, 2.0]]
    assert not backbone(2.0, 4).module.training
    digests = [backbone(*made).digest for made in ((2.0, 4), (2.0, 4), (2.0, 8), (1.0, 4))]
    assert digests[0] == digests[1] and len(set(digests)) == 3


def test_a_digest_is_of_names_and_numbers_without_counters() -> None:
    module = torch.nn.BatchNorm1d(2)
    digest = weights_digest(module)
    module.num_batches_tracked += 1  # type: ignore[operator]
    assert weights_digest(module) == digest
    with torch.no_grad():
        module.weight[0] = 2
    assert weights_digest(module) != digest
