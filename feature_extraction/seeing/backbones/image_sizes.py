"""What a processor of transformers does to a frame, as Preprocessing can say it.

Sizes are read from the processor's settings. Its scaling is measured instead, on a black and on a
white frame: some processors scale twice, or shift, in ways that no setting tells.
"""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np

from feature_extraction.seeing.backbones.backbone import Triple
from feature_extraction.seeing.frame import FrameSize
from workfolder.errors import InputError

WARPED_FROM = 384
"""Pixels from which on ConvNextImageProcessor, which ResNet has, squeezes instead of cropping."""


def frame_size(processor: Any, source: str) -> FrameSize:
    """Return the size of the frames that a processor makes.

    Args:
        processor: an image or video processor of transformers.
        source: the model, for an error message.

    Raises:
        InputError: if the frames would not be square.
    """
    settings = processor.to_dict()
    if patches := settings.get("max_num_patches"):  # SigLIP 2's sizes vary; the largest square
        side = settings["patch_size"] * isqrt(patches)
        return FrameSize(resize=side, crop=side, squeeze=False)
    size = settings.get("size") if settings.get("do_resize") else settings.get("crop_size")
    size = dict(size or {})
    crop = dict(settings.get("crop_size") or {}) if settings.get("do_center_crop") else {}
    squeeze = "shortest_edge" not in size or size["shortest_edge"] is None
    resize = int((size.get("height") if squeeze else size["shortest_edge"]) or 0)
    if crop_share := settings.get("crop_pct"):
        squeeze = resize >= WARPED_FROM
        crop = {"height": resize, "width": resize}
        resize = resize if squeeze else int(resize / crop_share)
    side = int(crop.get("height", resize))
    if not side or size.get("width", resize) != resize or crop.get("width", side) != side:
        given = f"size {size}, crop_size {crop}"
        raise InputError(f"{source} wants frames that are not square ({given}): use another model")
    return FrameSize(resize=resize, crop=side, squeeze=squeeze)


def pixel_scaling(processor: Any, size: FrameSize) -> tuple[Triple, Triple]:
    """Return the mean and the standard deviation by which a processor scales colours.

    Args:
        processor: an image or video processor of transformers.
        size: of the frames that it makes.
    """
    black, white = (_colour(processor, size, value) for value in (0, 255))
    std = 1 / (white - black)
    # Rounded, so that every machine notes the same in options.json.
    mean_rgb, std_rgb = np.round(-black * std, 6) + 0.0, np.round(std, 6)
    return tuple(mean_rgb.tolist()), tuple(std_rgb.tolist())


def processed(processor: Any, frames: np.ndarray) -> Any:
    """Return what a processor makes of the frames of one clip, uint8 [frames, height, width, 3]."""
    from transformers.video_processing_utils import BaseVideoProcessor

    if isinstance(processor, BaseVideoProcessor):
        return processor(videos=[frames], return_tensors="pt", do_sample_frames=False)
    return processor(list(frames), return_tensors="pt")


def _colour(processor: Any, size: FrameSize, value: int) -> np.ndarray:
    """Return what becomes of a grey frame: red, green and blue, float64 [3]."""
    frames = np.full((2, size.resize, size.resize, 3), value, np.uint8)
    made = processed(processor, frames)
    pixels = made["pixel_values_videos" if "pixel_values_videos" in made else "pixel_values"]
    if "spatial_shapes" in made:  # SigLIP 2's are patches: [frames, patches, colours of each pixel]
        return pixels.reshape(-1, 3).double().mean(0).numpy()
    return pixels.reshape(-1, *pixels.shape[-3:]).double().mean((0, 2, 3)).numpy()
