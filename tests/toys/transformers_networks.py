"""Tiny random networks of transformers with their processors, saved as transformers saves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

SIDE = 32
"""Pixels of a frame, in patches of 8."""
LAYERS: dict[str, Any] = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
PICTURES: dict[str, Any] = {**LAYERS, "image_size": SIDE, "patch_size": 8}
SQUARE = {"height": SIDE, "width": SIDE}
SHORTER = {"size": {"shortest_edge": 36}, "crop_size": SQUARE}
SQUEEZED = {"size": SQUARE}


@dataclass(frozen=True)
class Toy:
    """A network: the names of its classes in transformers, and their settings.

    Attributes:
        model: the class of the network.
        config: settings of its configuration.
        processor: the class of its processor.
        sizes: settings of the processor.
        tower: the part that looks.
    """

    model: str
    config: dict[str, Any]
    processor: str
    sizes: dict[str, Any]
    tower: Callable[[Any], Any] = lambda model: model


TEXT = {**LAYERS, "vocab_size": 20, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
PRISM = {**LAYERS, "num_frames": 4, "image_size": SIDE, "tubelet_size": [1, 8, 8]}
PRISM |= {"num_spatial_layers": 1, "num_temporal_layers": 1, "num_auxiliary_layers": 1}
JEPA = {**LAYERS, "crop_size": SIDE, "patch_size": 8, "frames_per_clip": 8, "mlp_ratio": 2}
JEPA |= {"pred_hidden_size": 24, "pred_num_attention_heads": 2, "pred_num_hidden_layers": 1}
RESNET: dict[str, Any] = {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [1, 1]}
TOYS = {
    "videomae": Toy(
        "VideoMAEModel", {**PICTURES, "num_frames": 4}, "VideoMAEImageProcessor", SHORTER
    ),
    "vjepa2": Toy("VJEPA2Model", JEPA, "VJEPA2VideoProcessor", {"crop_size": SIDE}),
    "timesformer": Toy(
        "TimesformerModel", {**PICTURES, "num_frames": 4}, "TimesformerVideoProcessor", SHORTER
    ),
    "vivit": Toy(
        "VivitModel",
        {**PICTURES, "num_frames": 4, "tubelet_size": [2, 8, 8]},
        "VivitImageProcessor",
        SHORTER,
    ),
    "videoprism_vision_model": Toy(
        "VideoPrismVisionModel",
        PRISM,
        "LlavaOnevisionVideoProcessor",
        {**SQUEEZED, "do_normalize": False},
    ),
    "videoprism": Toy(
        "VideoPrismClipModel",
        {"vision_config": PRISM, "text_config": TEXT},
        "LlavaOnevisionVideoProcessor",
        {**SQUEEZED, "do_normalize": False},
        lambda model: model.video_model,
    ),
    "clip": Toy(
        "CLIPModel",
        {"vision_config": PICTURES, "text_config": TEXT},
        "CLIPImageProcessor",
        SHORTER,
        lambda model: model.vision_model,
    ),
    "siglip": Toy(
        "SiglipModel",
        {"vision_config": PICTURES, "text_config": TEXT},
        "SiglipImageProcessor",
        SQUEEZED,
        lambda model: model.vision_model,
    ),
    "siglip2": Toy(
        "Siglip2Model",
        {"vision_config": {**LAYERS, "patch_size": 8, "num_patches": 9}, "text_config": TEXT},
        "Siglip2ImageProcessor",
        {"patch_size": 8, "max_num_patches": 16},
        lambda model: model.vision_model,
    ),
    "dinov2": Toy("Dinov2Model", PICTURES, "BitImageProcessor", SHORTER),
    "dinov2_with_registers": Toy(
        "Dinov2WithRegistersModel",
        {**PICTURES, "num_register_tokens": 3},
        "BitImageProcessor",
        SHORTER,
    ),
    "dinov3_vit": Toy(
        "DINOv3ViTModel",
        {**PICTURES, "num_register_tokens": 3},
        "DINOv3ViTImageProcessor",
        SQUEEZED,
    ),
    "vit": Toy("ViTModel", PICTURES, "ViTImageProcessor", SQUEEZED),
    "resnet": Toy(
        "ResNetModel", RESNET, "ConvNextImageProcessor", {"size": {"shortest_edge": SIDE}}
    ),
}


def save(name: str, folder: Path, seed: int = 0) -> Path:
    """Write a network of TOYS and its processor into a folder."""
    import transformers

    toy = TOYS[name]
    kind = getattr(transformers, toy.model)
    torch.manual_seed(seed)
    model = kind(kind.config_class(**toy.config)).eval()
    with torch.no_grad():  # as they begin, all features would be nearly alike
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    getattr(transformers, toy.processor)(**toy.sizes).save_pretrained(folder)
    return folder
