"""Engines: what runs a backbone on a machine's hardware.

An engine is called from several threads at once, one a lane: a lane is one video that is being
read. A feature has the same bytes whatever else is in its batch and however many lanes there are.

Frames are uint8 RGB [clips, frames that the backbone looks at, crop, crop, 3], features float32
[clips, width].
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from feature_extraction.options import INT8
from feature_extraction.pace import CLIP_FRAMES
from feature_extraction.seeing.backbones.backbone import Backbone
from feature_extraction.seeing.kept_networks import NetworkCache
from feature_extraction.seeing.shared_engine import SharedEngine
from workfolder.errors import InputError
from workfolder.options import cores

if TYPE_CHECKING:
    import openvino
    import torch


NEEDS = {"openvino": {"openvino": "openvino"}, INT8: {"openvino": "int8", "nncf": "int8"}}
"""The packages of an engine, and the extra that brings each."""

logger = logging.getLogger(__name__)


class Engine(Protocol):
    """Runs a backbone; it may be called from several threads.

    Attributes:
        name: ``cuda``, ``openvino`` or ``torch``.
        precision: in which numbers it computes.
        batch: how many clips it takes at a time.
    """

    name: str
    precision: str
    batch: int

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Return the features of 1 to ``batch`` clips."""


def engine_precision(name: str, module: torch.nn.Module | None = None) -> str:
    """Return in which numbers an engine computes: bfloat16 where the hardware multiplies it.

    Args:
        name: of the engine.
        module: what it runs; None for one that bfloat16 does not harm.
    """
    fast = name == "cuda" or (name == "openvino" and _multiplies_bfloat16())
    return "bfloat16" if fast and not _strays_in_bfloat16(module) else "float32"


def _strays_in_bfloat16(module: torch.nn.Module | None) -> bool:
    """Tell whether a network of images has depthwise convolutions, as EfficientNet has.

    In bfloat16 the features of EfficientNet-Lite0 have a cosine of 0.976 to those in float32.
    """
    if module is None:
        return False  # without torch, which takes a second to import
    import torch

    return any(
        isinstance(part, torch.nn.Conv2d) and part.groups == part.in_channels > 1
        for part in module.modules()
    )


def check_engine(name: str, devices: Sequence[int] = ()) -> None:
    """Refuse an engine that is not installed or lacks its hardware.

    Args:
        name: of the engine.
        devices: the numbers of the GPUs that it has to use.

    Raises:
        InputError: with what to install, or to use instead.
    """
    for package, extra in NEEDS.get(name, {}).items():
        if not find_spec(package):
            raise InputError(
                f"the engine {name!r} is not installed: pip install 'videobert[{extra}]'"
            )
    if name == "cuda":
        import torch

        if not torch.cuda.is_available():
            advice = "use --engine openvino or torch"
            raise InputError(f"the engine 'cuda' needs a GPU that torch can see: {advice}")
        there = torch.cuda.device_count()
        if absent := [number for number in devices if number >= there]:
            seen = "0" if there == 1 else f"0 to {there - 1}"
            raise InputError(f"--devices {absent[0]}: the GPUs that torch sees here are {seen}")


def make_engine(
    name: str,
    backbone: Backbone,
    lanes: int = 1,
    clip_frames: int = CLIP_FRAMES,
    cache: NetworkCache | None = None,
    int8: Path | None = None,
    devices: Sequence[int] = (),
) -> Engine:
    """Build an engine and try it on a black clip, so that what fails for every video fails here.

    Args:
        name: one of options.ENGINES.
        backbone: what it runs.
        lanes: how many threads will call it at once.
        clip_frames: how many frames a clip has.
        cache: where OpenVINO's networks are kept. A kept one has passed its trial and is not
            tried again.
        int8: the file of the network in whole numbers, see int8_network; INT8 alone needs it.
        devices: the numbers of the GPUs that ``cuda`` uses; none for all that the lanes need.

    Raises:
        InputError: if this machine lacks what the engine needs, or the trial fails.
    """
    check_engine(name, devices)
    if name == INT8 and int8 is None:
        advice = "only videobert extract and run calibrate it, use another --engine"
        raise InputError(f"the engine {name!r} is not calibrated: {advice}")
    kept = cache.find(backbone, clip_frames) if cache and name == "openvino" else None
    if kept:
        return OpenVinoEngine(kept.path, lanes, engine_precision("openvino"))
    module = backbone.module  # what is wrong with the weights is not the engine's fault
    engines: dict[str, Callable[[], Engine]] = {
        "cuda": lambda: _on_gpus(backbone, lanes, clip_frames, devices),
        "openvino": lambda: _openvino_or_torch(backbone, lanes, clip_frames),
        INT8: lambda: OpenVinoEngine(cast(Path, int8), lanes, "int8"),
        "torch": lambda: TorchEngine(backbone, lanes),
    }
    try:
        engine = engines[name]()
        feature = engine(black_clip(backbone, clip_frames))
    except Exception as error:  # compilers, drivers and libraries raise what they like
        raise _does_not_work(name, clip_frames, error) from error
    _refuse_bad_feature(feature, backbone.width, getattr(module, "network", module))
    if cache and name == "openvino" and isinstance(engine, OpenVinoEngine):
        cache.keep(backbone, clip_frames, engine.save)
    return engine


def _does_not_work(name: str, clip_frames: int, error: Exception) -> InputError:
    """Return what a user is told of an engine whose trial failed."""
    advice = "use another --engine"
    if clip_frames != CLIP_FRAMES:
        advice += f", or clips of {CLIP_FRAMES} frames instead of {clip_frames}"
    return InputError(f"the engine {name!r} does not work ({_first_line(error)}): {advice}")


def _refuse_bad_feature(feature: np.ndarray, width: int, network: object) -> None:
    """Refuse weights that do not give so many finite numbers a clip, [1, width]."""
    if feature.shape != (1, width) or not np.isfinite(feature).all():
        shape = f"{list(feature.shape)} numbers, {np.isfinite(feature).sum()} of them finite"
        reason = f"the weights make {type(network).__name__} give {shape}, for {width} wanted"
        raise InputError(f"{reason}: fetch them again, or use others")


def _openvino_or_torch(backbone: Backbone, lanes: int, clip_frames: int) -> Engine:
    """Return OpenVINO's engine, or torch's for a network that OpenVINO cannot be given."""
    try:
        network = exported(backbone, clip_frames)
    except Exception as error:  # torch and OpenVINO raise what they like
        engine = TorchEngine(backbone, lanes)
        with suppress(Exception):
            engine(black_clip(backbone, clip_frames))
            lines = str(error).splitlines()
            reason = next((line for line in lines if "conversion rule" in line), _first_line(error))
            logger.warning("OpenVINO cannot take this network, torch runs it: %s", reason)
            return engine
        raise
    return OpenVinoEngine(network, lanes, engine_precision("openvino", backbone.module))


class TorchEngine:
    """Plain torch on the CPU, in float32, one thread a clip."""

    name: str = "torch"
    precision: str = "float32"

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
    """OpenVINO on the CPU, one thread a clip; in bfloat16 where the processor multiplies it."""

    name: str = "openvino"

    def __init__(self, network: openvino.Model | Path, lanes: int, precision: str) -> None:
        """Compile a network, or the file of one."""
        import openvino

        self.batch, self.precision = max(1, cores() // lanes), precision
        core = openvino.Core()
        self._network = core.read_model(network) if isinstance(network, Path) else network
        if precision == "int8":
            self.name, precision = INT8, engine_precision("openvino")  # of the layers that are kept
        streams = lanes * self.batch  # of one thread each: OpenVINO shares the threads out evenly
        hints = {
            "INFERENCE_PRECISION_HINT": {"bfloat16": "bf16", "float32": "f32"}[precision],
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": streams,
            "ENABLE_CPU_PINNING": False,  # or every process would sit on the first cores
        }
        self._compiled = core.compile_model(self._network, "CPU", hints)
        self._thread = local()

    def save(self, path: Path) -> None:
        """Write the network to a path that ends in .xml, and its weights beside it."""
        import openvino

        openvino.save_model(self._network, path, compress_to_fp16=False)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """See Engine."""
        if not hasattr(self._thread, "requests"):  # no two threads may share a request
            self._thread.requests = [
                self._compiled.create_infer_request() for _ in range(self.batch)
            ]
        running = self._thread.requests[: len(frames)]
        for request, clip in zip(running, frames, strict=True):
            request.start_async([clip[None]])
        for request in running:
            request.wait()
        return np.concatenate([request.get_output_tensor().data for request in running])


def exported(backbone: Backbone, clip_frames: int = CLIP_FRAMES) -> openvino.Model:
    """Export a backbone for OpenVINO, which takes seconds."""
    import openvino
    import torch

    clip = torch.from_numpy(black_clip(backbone, clip_frames))
    level, handlers = logging.root.level, list(logging.root.handlers)
    try:
        return openvino.convert_model(torch.export.export(backbone.module, (clip,)))
    finally:  # OpenVINO takes over the warnings of the whole program
        logging.root.setLevel(level)
        logging.root.handlers[:] = handlers


def _on_gpus(
    backbone: Backbone, lanes: int, clip_frames: int, devices: Sequence[int]
) -> SharedEngine:
    """Return an engine for each GPU, tried on a black clip, behind one queue."""
    import torch

    numbers = devices or range(torch.cuda.device_count())
    engines = [CudaEngine(backbone, f"cuda:{number}") for number in numbers[:lanes]]
    for engine in engines:  # here, as a trial of the queue would reach one of them alone
        engine(black_clip(backbone, clip_frames))
    return SharedEngine(engines, lanes)


class CudaEngine:
    """Torch on a GPU, compiled, in bfloat16 with channels last.

    The first batch takes a minute: it compiles.
    """

    name: str = "cuda"
    batch: int = 8

    def __init__(self, backbone: Backbone, device: str = "cuda:0") -> None:
        import torch

        self._device = torch.device(device)
        # The backbone's own module stays on the CPU, for its digest.
        module = deepcopy(backbone.module).to(self._device)
        self.precision = engine_precision("cuda", module)
        formats = {4: torch.channels_last, 5: torch.channels_last_3d}
        for kernel in module.parameters():
            if kernel.dim() in formats:
                kernel.data = kernel.data.contiguous(memory_format=formats[kernel.dim()])
        self._module = torch.compile(module)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """See Engine."""
        import torch

        clips = torch.from_numpy(fixed_batch(frames, self.batch))
        kind = self._device.type
        if kind == "cuda":
            clips = clips.pin_memory()
        fast = torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bfloat16")
        with torch.inference_mode(), fast:
            features = self._module(clips.to(self._device, non_blocking=True)).float()
        return features[: len(frames)].cpu().numpy()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def black_clip(backbone: Backbone, clip_frames: int = CLIP_FRAMES) -> np.ndarray:
    """Return a batch of one black clip as a backbone looks at it."""
    wanted = backbone.preprocessing
    shape = (1, len(wanted.looked_at(clip_frames)), wanted.size.crop, wanted.size.crop, 3)
    return np.zeros(shape, np.uint8)


def fixed_batch(frames: np.ndarray, size: int) -> np.ndarray:
    """Fill clips up to ``size`` with black ones: other batches are computed in another order."""
    missing = size - len(frames)
    if not missing:
        return frames
    return np.concatenate([frames, np.zeros((missing, *frames.shape[1:]), frames.dtype)])


def _multiplies_bfloat16() -> bool:
    """Tell whether the processor has AMX or AVX-512 for bfloat16.

    S3D then takes a sixth or half of its time in float32.
    """
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and bool({"amx_bf16", "avx512_bf16"} & set(cpuinfo.read_text().split()))
