"""The options of extraction and transcription, and the names that they can choose from."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from feature_extraction.pace import Pace, clip_seconds
from workfolder.errors import InputError
from workfolder.options import Options, option

GPU_DEVICES = ("nvidiactl", "nvmap", "kfd", "dxg")
"""Where Linux shows the GPUs that torch can use: NVIDIA's, AMD's, and Windows' under WSL."""
INT8 = "openvino-int8"
ENGINES = ("cuda", "openvino", INT8, "torch")
NVDEC = "nvdec"
DECODERS = ("pyav", NVDEC, "decord")
POOLINGS = ("mean", "cls")
LISTENERS = ("auto", "captions", "whisper", "faster-whisper", "hf", "none")
ALIGNERS = ("none", "whisper", "faster-whisper", "hf")
COMPUTE_TYPES = ("auto", "int8", "int8_float16", "float16", "bfloat16", "float32")
VOICES = ("silero", "audible")


def best_voices() -> str:
    """Name what finds voices: ``silero`` where faster-whisper brings it, else ``audible``."""
    return "silero" if find_spec("faster_whisper") else "audible"


def best_engine_name() -> str:
    """Name the best engine of this machine: ``cuda``, else ``openvino``, else ``torch``."""
    if may_have_gpu():
        import torch

        if torch.cuda.is_available():
            return "cuda"
    return "openvino" if find_spec("openvino") else "torch"


def may_have_gpu() -> bool:
    """Tell whether it is worth asking torch, which takes a second to import."""
    return sys.platform != "linux" or any(Path("/dev", name).exists() for name in GPU_DEVICES)


@dataclass(frozen=True)
class FeatureOptions(Options):
    """How a clip becomes numbers; seeing.backbones.names tells what ``weights`` can be."""

    panel: ClassVar[str] = "Features"

    weights: str = option(
        "kinetics400",
        "Weights of the network that looks: kinetics400, howto100m, kylemin, x3d_m ..., "
        "efficientnet_lite0, hf:OWNER/NAME, timm:NAME, random:SEED[:SIDE], package.module:factory, "
        "a file or a folder.",
    )
    engine: str = option(
        factory=best_engine_name,
        help="What computes the features; openvino-int8: in whole numbers, faster and less exact.",
        choices=ENGINES,
        shown="the best there is",
    )
    pooling: str = option(
        "mean",
        "How a network of transformers or timm makes one vector; cls: by its own summary.",
        choices=POOLINGS,
    )
    devices: str | None = option(
        None,
        "Numbers of the GPUs that --engine cuda and --decoder nvdec use, such as 0,1.",
        shown="all that torch sees",
    )
    decoder: str = option(
        "pyav",
        "What decodes the videos; nvdec (NVIDIA's hardware) and decord: trusted files only.",
        choices=DECODERS,
    )
    clip_seconds: float = option(Pace.clip_seconds, "Seconds of a clip.", least=0.01, most=600)
    frames_per_second: float = option(
        Pace.frames_per_second,
        "Frames that are sampled from a second of video.",
        least=0.01,
        most=1000,
    )

    def __post_init__(self) -> None:
        """Raise InputError if an option is out of range, or a clip has a part of a frame."""
        super().__post_init__()
        _ = self.pace, self.gpus
        if self.devices and self.engine != "cuda" and self.decoder != NVDEC:
            raise InputError(
                f"--devices {self.devices} needs --engine cuda or --decoder {NVDEC}: leave it out"
            )

    @property
    def gpus(self) -> tuple[int, ...]:
        """The numbers of the GPUs that were asked for; none for all that torch sees."""
        numbers = self.devices.split(",") if self.devices else []
        known = [number for number in numbers if re.fullmatch(r"\d{1,3}", number, re.ASCII)]
        if len({int(number) for number in known}) < len(numbers):
            raise InputError(f"--devices {self.devices!r} will not do: give numbers such as 0,1")
        return tuple(map(int, known))

    @classmethod
    def as_before(cls, made_with: Mapping[str, Any]) -> FeatureOptions:
        """Return the options that make features like those that were made with others.

        Args:
            made_with: what options.json notes of the features. The engine is the best one here.
        """
        pace = Pace(clip_seconds(made_with), made_with["frames_per_second"])
        pooling = made_with.get("pooling", cls.pooling)
        return cls(made_with["weights"], pooling=pooling, **asdict(pace))

    @property
    def pace(self) -> Pace:
        """How a video is cut into clips."""
        return Pace(self.clip_seconds, self.frames_per_second)

    def provenance(self) -> dict[str, Any]:
        """Return what options.json notes. Older folders have no pooling: it was the mean."""
        noted = {"weights": self.weights, "engine": self.engine, "decoder": self.decoder}
        return noted if self.pooling == "mean" else {**noted, "pooling": self.pooling}


@dataclass(frozen=True)
class SentenceOptions:
    """Where a sentence ends.

    Attributes:
        pause: seconds; where the words carry no punctuation, a longer silence ends a sentence.
        silence: seconds; a longer silence ends a sentence, punctuated or not.
        min_words, max_words: a sentence has at least and at most so many words. max_words is at
            least twice min_words.
        punctuated: the words count as punctuated if at least this share of them ends a sentence.
    """

    pause: float = 0.3
    silence: float = 3.0
    min_words: int = 2
    max_words: int = 40
    punctuated: float = 0.025

    def __post_init__(self) -> None:
        """Raise InputError if the options contradict one another."""
        if not 0 <= self.pause <= self.silence:
            raise InputError(
                f"pause {self.pause} must be from 0 to silence, which is {self.silence} seconds"
            )
        if not 1 <= self.min_words <= self.max_words / 2:
            raise InputError(
                f"min_words {self.min_words} must be from 1 to half of max_words, {self.max_words}"
            )
        if not 0 <= self.punctuated <= 1:
            raise InputError(f"punctuated {self.punctuated} is a share of words: from 0 to 1")


@dataclass(frozen=True)
class TranscriptOptions(Options):
    """Where the words come from, and how they become sentences.

    ``asr`` may also name a recogniser that is handed to ``transcribe``, which then listens.
    """

    panel: ClassVar[str] = "Sentences"

    asr: str = option(
        "auto",
        "Where words come from: auto (captions, else whisper), captions, whisper[:MODEL], "
        "faster-whisper[:MODEL], hf:MODEL (transformers) or none.",
        offered=LISTENERS,
    )
    language: str | None = option(
        None,
        "Code such as en, to choose among captions and to recognise speech.",
        shown="the default captions; as heard",
    )
    punctuation: str = option(
        "none", "How text without punctuation gets it: none, restore, or the folder of a restorer."
    )
    captions: Path | None = option(
        None,
        "Folder of captions that do not lie beside the videos: DIR/a/b.en.vtt for a/b.mp4.",
        shown="beside the videos",
    )
    align: str = option(
        "none",
        "Who finds in the sound when each word of captions is said, where only the captions have "
        "times: whisper[:MODEL], faster-whisper[:MODEL], hf:MODEL (Whisper's kind) or none.",
        offered=ALIGNERS,
    )
    encoding: str | None = option(
        None,
        "Encoding of caption files that are not in Unicode, such as cp1251 or gb18030.",
        shown="cp1252, where that can be",
    )
    voices: str = option(
        factory=best_voices,
        help="What is listened to: silero (where someone speaks) or audible (all that is no "
        "silence).",
        choices=VOICES,
        shown="silero where faster-whisper is installed",
    )
    batch: int = option(
        8,
        "Stretches of at most 30 s that are recognised at once; 1: Whisper's own way, window by "
        "window, which takes longer.",
        least=1,
        most=256,
    )
    beam: int = option(5, "Wordings that a recogniser weighs; 1 is fastest.", least=1, most=32)
    prompt: str | None = option(
        None,
        "Names and dishes that may be said, such as 'tteokbokki, gochujang'.",
        shown="none",
    )
    compute_type: str = option(
        "auto",
        "Numbers that a recogniser computes with. int8 is faster-whisper's on a CPU.",
        choices=COMPUTE_TYPES,
        shown="the fastest there is",
    )
    sentences: SentenceOptions = field(default_factory=SentenceOptions)
