"""Engines: what runs a backbone on a machine's hardware.

An engine is called from several threads at once, one a lane: a lane is one video that is being read. A feature has the
same bytes whatever else is in its batch and however many lanes there are.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from threading import Lock, local
from typing import Protocol

import numpy as np

from feature_extraction.schema import CLIP_FRAMES
from feature_extraction.seeing.backbones.backbone import Backbone
from workfolder.errors import InputError
from workfolder.options import cores


class Engine(Protocol):
    """Runs the backbone; safe to call from several threads.

    Attributes:
        batch: how many clips it takes at a time.
    """

    batch: int

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Features of 1 to ``batch`` clips: uint8 [n, 30, crop, crop, 3], RGB, in, float32 [n, width] out."""


def engine_precision(name: str) -> str:
    """In what numbers an engine computes on this machine: bfloat16 where the hardware multiplies it, else float32."""
    return (
        "bfloat16"
        if name == "cuda" or (name == "openvino" and _multiplies_bfloat16())
        else "float32"
    )


def check_engine(name: str) -> None:
    """InputError if this machine lacks what the engine needs."""
    from importlib.util import find_spec

    import torch

    if name == "openvino" and not find_spec("openvino"):
        raise InputError(
            "the engine 'openvino' is not installed: pip install 'videobert[openvino]'"
        )
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "the engine 'cuda' needs a GPU that torch can see: use --engine openvino or torch"
        )


def make_engine(name: str, backbone: Backbone, lanes: int = 1) -> Engine:
    """The engine ``cuda``, ``openvino`` or ``torch``, for that many threads at once.

    InputError as check_engine has it, or if this machine has no room for it.
    """
    check_engine(name)
    engines: dict[str, Callable[[], Engine]] = {
        "cuda": lambda: CudaEngine(backbone),
        "openvino": lambda: OpenVinoEngine(backbone, lanes),
        "torch": lambda: TorchEngine(backbone, lanes),
    }
    try:
        return engines[name]()
    except (
        RuntimeError,
        ImportError,
        OSError,
    ) as error:  # of torch, OpenVINO and what they are installed with
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"the engine {name!r} cannot be built ({reason}): use another --engine"
        ) from error


class TorchEngine:
    """Plain torch on the CPU, in float32, one thread a clip."""

    def __init__(self, backbone: Backbone, lanes: int) -> None:
        self.batch = max(1, cores() // lanes)
        self._module = backbone.module
        self._threads = ThreadPoolExecutor(cores())

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """See Engine."""
        return np.stack(list(self._threads.map(self._feature, frames)))

    def _feature(self, frames: np.ndarray) -> np.ndarray:
        import torch

        torch.set_num_threads(1)
        with torch.inference_mode():
            return self._module(torch.from_numpy(frames)[None])[0].numpy()


class OpenVinoEngine:
    """OpenVINO on the CPU, one thread a clip; in bfloat16 where the processor multiplies it in hardware."""

    def __init__(self, backbone: Backbone, lanes: int) -> None:
        import openvino
        import torch

        self.batch = max(1, cores() // lanes)
        crop = backbone.preprocessing.size.crop
        clip = torch.zeros(1, CLIP_FRAMES, crop, crop, 3, dtype=torch.uint8)
        model = openvino.convert_model(torch.export.export(backbone.module, (clip,)))
        precision = {"bfloat16": "bf16", "float32": "f32"}[engine_precision("openvino")]
        streams = lanes * self.batch  # of one thread each: OpenVINO shares the threads out evenly
        hints = {
            "INFERENCE_PRECISION_HINT": precision,
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": streams,
        }
        hints["ENABLE_CPU_PINNING"] = False  # or every process would sit on the first cores
        self._compiled = openvino.Core().compile_model(model, "CPU", hints)
        self._thread = local()

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """See Engine."""
        if not hasattr(
            self._thread, "requests"
        ):  # a request holds one inference: no two threads may share it
            self._thread.requests = [
                self._compiled.create_infer_request() for _ in range(self.batch)
            ]
        running = self._thread.requests[: len(frames)]
        for request, clip in zip(running, frames, strict=True):
            request.start_async([clip[None]])
        for request in running:
            request.wait()
        return np.concatenate([request.get_output_tensor().data for request in running])


class CudaEngine:
    """Torch on the first GPU, compiled, in bfloat16 with channels last. The first batch takes a minute: it compiles."""

    batch: int = 8

    def __init__(self, backbone: Backbone) -> None:
        import torch

        module = deepcopy(backbone.module).to(
            "cuda"
        )  # the backbone's own stays on the CPU, for its digest
        self._module = torch.compile(module.to(memory_format=torch.channels_last_3d))
        self._launch = Lock()

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Features of 1 to 8 clips; see Engine."""
        import torch

        clips = torch.from_numpy(fixed_batch(frames, self.batch)).pin_memory()
        with self._launch, torch.inference_mode(), torch.autocast("cuda", torch.bfloat16):
            features = self._module(clips.to("cuda", non_blocking=True)).float()
        return features[: len(frames)].cpu().numpy()


def fixed_batch(frames: np.ndarray, size: int) -> np.ndarray:
    """Clips filled up with black ones to ``size``: a batch of another size would be computed in another order."""
    missing = size - len(frames)
    return (
        np.concatenate([frames, np.zeros((missing, *frames.shape[1:]), frames.dtype)])
        if missing
        else frames
    )


def _multiplies_bfloat16() -> bool:
    """Whether the processor has AMX or AVX-512 for it: S3D then takes a sixth or half of its time in float32."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and bool({"amx_bf16", "avx512_bf16"} & set(cpuinfo.read_text().split()))
