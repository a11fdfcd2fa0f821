"""S3D, the backbone that turns a 1.5 s clip into 1024 numbers; its weights, and the engines that run it.

Xie et al., "Rethinking Spatiotemporal Feature Learning", ECCV 2018; the architecture is torchvision's. A feature is
the last feature map, [1024, 4, 7, 7], averaged over time and space: VideoBERT (section 4.1) takes it before the classifier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.error import URLError

import numpy as np

from feature_extraction.errors import InputError, refuse_unknown
from feature_extraction.video import CLIP_FRAMES, FrameSize

if TYPE_CHECKING:
    import torch

FEATURE_WIDTH = 1024
FRAME_SIZE = FrameSize(resize=256, crop=224)  # torchvision's transform for these weights; likewise the two lines below
PIXEL_MEAN = (0.43216, 0.394666, 0.37645)
PIXEL_STD = (0.22803, 0.22145, 0.216989)


class Engine(Protocol):
    """Runs the backbone on one machine's hardware."""

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Features of one clip: uint8 [30, 224, 224, 3] RGB in, float32 [1024] out."""


@dataclass(frozen=True)
class Backbone:
    """S3D with the weights of a name.

    ``weights`` is ``kinetics400`` (torchvision's, from its cache or the network), ``random:SEED``, or the path of a
    state dict in torchvision's layout.
    """

    weights: str

    @cached_property
    def module(self) -> torch.nn.Module:
        """A module from uint8 [batch, 30, 224, 224, 3] to float32 [batch, 1024], in evaluation mode.

        InputError if the weights cannot be had or do not fit.
        """
        from torchvision.models.video import s3d

        network = s3d()
        if self.weights.startswith("random:"):
            _randomise(network, _seed(self.weights))
        else:
            _load(network, self.weights)
        return _pooled(network.features).eval()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights, so that features of different weights are never mixed."""
        sha = hashlib.sha256()
        for name, tensor in sorted(self.module.state_dict().items()):
            sha.update(name.encode() + tensor.numpy().tobytes())
        return sha.hexdigest()


def best_engine_name() -> str:
    """The engine for this machine: ``cuda``, else ``openvino`` where it is installed, else ``torch``."""
    from importlib.util import find_spec

    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "openvino" if find_spec("openvino") else "torch"


def engine_precision(name: str) -> str:
    """In what numbers an engine computes on this machine: bfloat16 where the hardware multiplies it, else float32."""
    return "bfloat16" if name == "cuda" or (name == "openvino" and _has_amx()) else "float32"


def check_engine(name: str) -> None:
    """InputError if there is no engine of that name, or this machine lacks what it needs."""
    from importlib.util import find_spec

    import torch

    refuse_unknown("--engine", name, ("cuda", "openvino", "torch"))
    if name == "openvino" and not find_spec("openvino"):
        raise InputError("the engine 'openvino' is not installed: pip install 'videobert[openvino]'")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("the engine 'cuda' needs a GPU that torch can see: use --engine openvino or torch")


def make_engine(name: str, backbone: Backbone) -> Engine:
    """The engine of that name, ``cuda``, ``openvino`` or ``torch``; InputError as check_engine has it."""
    check_engine(name)
    engines: dict[str, Callable[[Backbone], Engine]] = {"cuda": CudaEngine, "openvino": OpenVinoEngine, "torch": TorchEngine}
    return engines[name](backbone)


class TorchEngine:
    """Plain torch on the CPU, in float32 on one thread: other processes have the other cores."""

    def __init__(self, backbone: Backbone) -> None:
        self._module = backbone.module

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Features of one clip; see Engine."""
        import torch

        torch.set_num_threads(1)
        with torch.inference_mode():
            return self._module(torch.from_numpy(frames)[None])[0].numpy()


class CudaEngine:
    """Torch on the first GPU, in bfloat16 with channels last."""

    def __init__(self, backbone: Backbone) -> None:
        import torch

        self._module = backbone.module.to("cuda").to(memory_format=torch.channels_last_3d)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Features of one clip; see Engine."""
        import torch

        with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16):
            return self._module(torch.from_numpy(frames)[None].cuda())[0].float().cpu().numpy()


class OpenVinoEngine:
    """OpenVINO on the CPU, on one thread; in bfloat16 where the processor multiplies it in hardware (AMX)."""

    def __init__(self, backbone: Backbone) -> None:
        import openvino
        import torch

        clip = torch.zeros(1, CLIP_FRAMES, FRAME_SIZE.crop, FRAME_SIZE.crop, 3, dtype=torch.uint8)
        model = openvino.convert_model(torch.export.export(backbone.module, (clip,)))
        precision = {"bfloat16": "bf16", "float32": "f32"}[engine_precision("openvino")]
        hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1}
        hints["ENABLE_CPU_PINNING"] = False  # or every process would sit on the first core
        self._compiled = openvino.Core().compile_model(model, "CPU", hints)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Features of one clip; see Engine."""
        return self._compiled(frames[None])[0][0].copy()


def _has_amx() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "amx_bf16" in cpuinfo.read_text()


def _pooled(features: torch.nn.Module) -> torch.nn.Module:
    """``features`` between the scaling of pixels and the average over time and space."""
    import torch

    class PooledFeatures(torch.nn.Module):
        mean: torch.Tensor
        std: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.features = features
            self.register_buffer("mean", 255 * torch.tensor(PIXEL_MEAN), persistent=False)
            self.register_buffer("std", 255 * torch.tensor(PIXEL_STD), persistent=False)

        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            pixels = (frames.float() - self.mean) / self.std
            return self.features(pixels.permute(0, 4, 1, 2, 3)).mean(dim=(2, 3, 4))

    return PooledFeatures()


def _seed(weights: str) -> int:
    number = weights.removeprefix("random:")
    if not number.isdecimal():
        raise InputError(f"{weights!r} has no seed: write random:0, or another whole number")
    return int(number)


def _randomise(network: torch.nn.Module, seed: int) -> None:
    """He et al. (2015) initialisation: the signal keeps its size through 20 layers of ReLU, so features stay apart."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv3d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)


def _load(network: torch.nn.Module, weights: str) -> None:
    state = _kinetics400() if weights == "kinetics400" else _state_file(Path(weights))
    there, wanted = set(state), set(network.state_dict())
    if there != wanted:
        few = ", ".join(sorted(there ^ wanted)[:3])
        raise InputError(f"{weights} is no state dict of torchvision's S3D: the keys differ, first {few}")
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(f"{weights} does not fit torchvision's S3D: {' '.join(str(error).split())[:200]}") from error


def _kinetics400() -> dict[str, torch.Tensor]:
    from torchvision.models.video import S3D_Weights

    try:
        return dict(S3D_Weights.KINETICS400_V1.get_state_dict(progress=False, check_hash=True))
    except (URLError, OSError) as error:
        raise InputError(
            f"the weights kinetics400 are not in torch's cache and cannot be fetched ({error}): fetch "
            f"{S3D_Weights.KINETICS400_V1.url} elsewhere and give the file, or use random:0 to try things out"
        ) from error


def _state_file(path: Path) -> dict[str, torch.Tensor]:
    import pickle

    import torch

    if not path.is_file():
        raise InputError(f"{path} does not exist: --weights takes kinetics400, random:SEED or a file")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise InputError(
            f"{path} is no state dict that is safe to load: save one with torch.save(model.state_dict())"
        ) from error
    if not isinstance(state, dict):
        raise InputError(f"{path} holds a {type(state).__name__}, no state dict: save model.state_dict()")
    return state
