"""One vector of the many that a network of transformers gives for a clip.

B is the batch, F the frames of a clip, C its three colours, H and W height and width, N the tokens
of a frame or clip, D the width of a feature.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import Module


class PooledVideo(Module):
    """A network that looks at the frames of a clip together."""

    def __init__(self, tower: Any, pixels: str, pooled: str | None, extra: int) -> None:
        """Store the network; see huggingface.Family for the rest."""
        super().__init__()
        self.tower = tower
        self._pixels, self._pooled, self._extra = pixels, pooled, extra

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Turn float32 [B, C, F, H, W] into float32 [B, D]."""
        made = self.tower(**{self._pixels: pixels.permute(0, 2, 1, 3, 4)})
        return pool(made, self._pooled, self._extra)


class PooledImages(Module):
    """A network of images; the features of a clip's frames are averaged."""

    def __init__(self, tower: Any, pooled: str | None, extra: int) -> None:
        """Store the network; see huggingface.Family for the rest."""
        super().__init__()
        self.tower = tower
        self._pooled, self._extra = pooled, extra
        # SigLIP 2 takes patches, as its pictures may have any shape.
        in_patches = tower.config.model_type == "siglip2_vision_model"
        self._patch: int | None = tower.config.patch_size if in_patches else None

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Turn float32 [B, C, F, H, W] into float32 [B, D]."""
        batch, _, frames, _, _ = pixels.shape
        images = pixels.permute(0, 2, 1, 3, 4).flatten(0, 1)
        made = self.tower(**self._inputs(images))
        return pool(made, self._pooled, self._extra).view(batch, frames, -1).mean(1)

    def _inputs(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return what the network takes, of float32 [B F, C, H, W]."""
        if self._patch is None:
            return {"pixel_values": images}
        side, count = self._patch, images.shape[0]
        high, wide = images.shape[2] // side, images.shape[3] // side
        blocks = images.view(count, 3, high, side, wide, side).permute(0, 2, 4, 3, 5, 1)
        device = images.device
        return {
            "pixel_values": blocks.reshape(count, high * wide, side * side * 3),
            "pixel_attention_mask": torch.ones(
                count, high * wide, dtype=torch.int32, device=device
            ),
            "spatial_shapes": torch.tensor([[high, wide]] * count, device=device),
        }


def pool(made: Any, pooled: str | None, extra: int) -> torch.Tensor:
    """Return one vector of a network's output, float32 [B, D].

    Args:
        made: what it gives; last_hidden_state is [B, N, D], or a map [B, D, H, W].
        pooled: see huggingface.Family; None for the mean of all patches.
        extra: how many tokens are not of patches; they come first.
    """
    if pooled == "pooler":
        return made.pooler_output.flatten(1)
    hidden = made.last_hidden_state
    if pooled == "first":
        return hidden[:, 0]
    return hidden.mean((2, 3)) if hidden.dim() == 4 else hidden[:, extra:].mean(1)
