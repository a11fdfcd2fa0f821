"""Networks of transformers: those of videos, and those of images on some frames of a clip.

A folder or a name on the Hugging Face Hub holds a configuration, weights and a processor. The
weights are safetensors, or tensors alone; no code that comes with a model is run.

B is the batch, F the frames of a clip, C its three colours, H and W height and width, N the tokens
of a frame or clip, D the width of a feature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feature_extraction.seeing.backbones.backbone import (
    Preprocessing,
    scaled_module,
    weights_digest,
)
from feature_extraction.seeing.backbones.image_sizes import frame_size, pixel_scaling
from workfolder.errors import InputError

if TYPE_CHECKING:
    import torch

PREFIX = "hf:"
IMAGES = 4
"""How many frames of a clip an image network looks at."""


@dataclass(frozen=True)
class Family:
    """How one kind of network is asked, by the ``model_type`` of its configuration.

    Attributes:
        frames: which setting tells how many frames it looks at together; none for images.
        at_most: whether it takes fewer frames, too.
        pooled: where the network's own summary is, for ``--pooling cls``: ``first`` for its first
            token, ``pooler`` for its pooler's output, none if there is none.
        extra: how many tokens are not of patches; they come first.
        registers: whether register tokens follow the first.
        tower: which part of the network looks, where other parts do something else.
        pixels: what the network calls its input.
    """

    frames: str | None = None
    at_most: bool = False
    pooled: str | None = None
    extra: int = 0
    registers: bool = False
    tower: str | None = None
    pixels: str = "pixel_values"


VIDEOS = "pixel_values_videos"
FAMILIES = {
    "videomae": Family("num_frames"),
    "vjepa2": Family("frames_per_clip", at_most=True, tower="encoder", pixels=VIDEOS),
    "timesformer": Family("num_frames", pooled="first", extra=1),
    "vivit": Family("num_frames", pooled="first", extra=1),
    "videoprism": Family("num_frames", pooled="pooler", tower="video_model", pixels=VIDEOS),
    "videoprism_vision_model": Family("num_frames", pixels=VIDEOS),
    "clip": Family(pooled="pooler", extra=1, tower="vision_model"),
    "clip_vision_model": Family(pooled="pooler", extra=1),
    "siglip": Family(pooled="pooler", tower="vision_model"),
    "siglip_vision_model": Family(pooled="pooler"),
    "siglip2": Family(pooled="pooler", tower="vision_model"),
    "siglip2_vision_model": Family(pooled="pooler"),
    "dinov2": Family(pooled="first", extra=1),
    "dinov2_with_registers": Family(pooled="first", extra=1, registers=True),
    "dinov3_vit": Family(pooled="first", extra=1, registers=True),
    "vit": Family(pooled="first", extra=1),
    "resnet": Family(),
}


@dataclass(frozen=True)
class HuggingFaceBackbone:
    """A network of transformers with its weights; see Backbone.

    Attributes:
        source: a folder, or OWNER/NAME on the Hub.
        revision: a branch, a tag or a commit there.
        pooling: ``mean`` of all patches, or ``cls``, the network's own summary.
    """

    source: str
    revision: str | None = None
    pooling: str = "mean"

    @cached_property
    def family(self) -> Family:
        """How it is asked.

        Raises:
            InputError: if it cannot be had or is of an unknown kind, or has no such pooling.
        """
        kind = self._config.model_type
        if kind not in FAMILIES:
            known = ", ".join(FAMILIES)
            raise InputError(f"{self.source} is a {kind}; the networks that can look are {known}")
        family = FAMILIES[kind]
        if self.pooling == "cls" and family.pooled is None:
            raise InputError(f"{self.source} is a {kind}, which has no summary: use --pooling mean")
        return family

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """See Backbone."""
        family, processor = self.family, self._processor
        size = frame_size(processor, self.source)
        mean, std = pixel_scaling(processor, size)
        if family.frames is None:
            return Preprocessing(size, mean, std, IMAGES, at_most=True)
        frames = int(getattr(self._vision, family.frames))
        return Preprocessing(size, mean, std, frames, family.at_most)

    @property
    def width(self) -> int:
        """See Backbone."""
        if hasattr(self._vision, "hidden_sizes"):
            return int(self._vision.hidden_sizes[-1])
        return int(self._vision.hidden_size)

    @cached_property
    def module(self) -> torch.nn.Module:
        """See Backbone."""
        from feature_extraction.seeing.backbones.pooled import PooledImages, PooledVideo

        family, tower = self.family, self._tower()
        registers = self._vision.num_register_tokens if family.registers else 0
        pooled = family.pooled if self.pooling == "cls" else None
        if family.frames is None:
            network: torch.nn.Module = PooledImages(tower, pooled, family.extra + registers)
        else:
            network = PooledVideo(tower, family.pixels, pooled, family.extra + registers)
        return scaled_module(network, self.preprocessing).eval()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights, the frames and the pooling."""
        wanted = self.preprocessing
        recipe = f"{weights_digest(self.module)} {wanted.frames} {wanted.at_most} {self.pooling}"
        return hashlib.sha256(recipe.encode()).hexdigest()

    @property
    def _vision(self) -> Any:
        """The configuration of what looks."""
        return getattr(self._config, "vision_config", None) or self._config

    @cached_property
    def _config(self) -> Any:
        from transformers import AutoConfig

        return self._had(AutoConfig.from_pretrained)

    @cached_property
    def _processor(self) -> Any:
        """The processor of videos, where it has one, or else that of images."""
        from transformers import AutoImageProcessor, AutoVideoProcessor

        if self.family.frames is not None:
            try:
                return AutoVideoProcessor.from_pretrained(
                    self.source, revision=self.revision, trust_remote_code=False
                )
            except Exception:  # older folders name a processor of images instead
                return self._had(AutoImageProcessor.from_pretrained)
        return self._had(AutoImageProcessor.from_pretrained)

    def _tower(self) -> torch.nn.Module:
        """Read the weights of what looks.

        Raises:
            InputError: if they cannot be had, or some are missing.
        """
        import torch
        from transformers import AutoModel

        def read(*source: Any, **named: Any) -> Any:
            return AutoModel.from_pretrained(
                *source, dtype=torch.float32, output_loading_info=True, weights_only=True, **named
            )

        model, found = self._had(read)
        within = f"{self.family.tower}." if self.family.tower else ""
        missing = sorted(
            key
            for key in found["missing_keys"]
            if key.startswith(within) and not key.startswith("pooler")
        )
        if missing:
            few = ", ".join(missing[:3])
            raise InputError(f"{self.source} lacks weights, first {few}: fetch it again")
        if self.family.pooled == "first" and getattr(model, "pooler", None) is not None:
            model.pooler = None  # it is not used, and random where the file has none
        return getattr(model, self.family.tower) if self.family.tower else model

    def _had(self, read: Callable[..., Any]) -> Any:
        """Return what transformers reads from the folder or the Hub.

        Raises:
            InputError: if it cannot.
        """
        try:
            with _quiet():
                return read(self.source, revision=self.revision, trust_remote_code=False)
        except Exception as error:  # transformers, safetensors and the Hub raise what they like
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            advice = (
                f"give a folder that save_pretrained wrote, or {PREFIX}OWNER/NAME, which is "
                "fetched once"
            )
            raise InputError(f"{self.source} cannot be read ({reason}): {advice}") from error


def huggingface_backbone(weights: str, pooling: str) -> HuggingFaceBackbone:
    """Return the backbone of ``hf:OWNER/NAME``, ``hf:OWNER/NAME@REVISION`` or a folder.

    Raises:
        InputError: if there is no name.
    """
    if not weights.startswith(PREFIX):
        return HuggingFaceBackbone(weights, None, pooling)
    name, _, revision = weights.removeprefix(PREFIX).partition("@")
    if name.count("/") != 1 or not all(name.split("/")):
        raise InputError(f"--weights {weights} has no name: write {PREFIX}OWNER/NAME")
    return HuggingFaceBackbone(name, revision or None, pooling)


def is_folder(weights: str) -> bool:
    """Tell whether this is a folder that transformers wrote."""
    return (Path(weights) / "config.json").is_file()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing bars and from listing the weights that are not used."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
