"""faster-whisper: what it is asked and what it gives, with a stand-in for its model."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper
from feature_extraction.hearing.recognisers.recogniser import Speech
from feature_extraction.options import TranscriptOptions
from feature_extraction.schema import Word
from tests.toys.sounds import tone
from workfolder.errors import InputError

faster = pytest.mark.skipif(
    not importlib.util.find_spec("faster_whisper"), reason="faster-whisper is not installed"
)


AUDIBLE = TranscriptOptions(voices="audible")


class StandIn:
    """A model whose network fails on a GPU, as where the libraries are those of another CUDA."""

    frames_per_second = 100
    loaded: ClassVar[list[tuple[str, str]]] = []
    failure: ClassVar[str | None] = None

    def __init__(
        self, model: str, device: str, compute_type: str, num_workers: int, cpu_threads: int
    ) -> None:
        assert Path(model).is_dir() and cpu_threads >= 1
        assert num_workers == 1 or device == "cpu"
        self.device = device
        self.loaded.append((device, compute_type))

    def feature_extractor(self, sound: np.ndarray) -> np.ndarray:
        return sound

    def encode(self, features: np.ndarray) -> None:
        if self.failure and self.device == "cuda":
            raise RuntimeError(self.failure)

    def transcribe(
        self, piece: np.ndarray, *, language: str | None, word_timestamps: bool, **_: Any
    ) -> tuple[Any, Any]:
        assert piece.dtype == np.float32 and word_timestamps
        words = [SimpleNamespace(word=" Chop", start=0.5, end=0.9, probability=0.8)]
        figures = {"no_speech_prob": 0.1, "avg_logprob": -0.3, "compression_ratio": 1.0}
        segments = iter([SimpleNamespace(text=" Chop", words=words, **figures)])
        return segments, SimpleNamespace(language=language or "en")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of which only the name of its file is a model's; the stand-in is loaded from it."""
    monkeypatch.setattr("faster_whisper.WhisperModel", StandIn)
    monkeypatch.setattr(StandIn, "loaded", [])
    (tmp_path / "model.bin").write_bytes(b"weights")
    return str(tmp_path)


@faster
def test_it_gives_the_same_kind_of_words(folder: str) -> None:
    recogniser = FasterWhisper(folder, replace(AUDIBLE, batch=1))
    assert recogniser([tone(2)]) == Speech((Word("Chop", 0.5, 0.9, 0.8),), "en")
    again = pickle.loads(pickle.dumps(recogniser))
    assert again.name == f"faster-whisper:{folder}" and again.options == recogniser.options
    assert recogniser.provenance()["model_digest"] and FasterWhisper("small").provenance()


@faster
def test_a_gpu_that_does_not_work_is_left_for_the_cpu_with_one_line(
    folder: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The error of CTranslate2 4.8 beside CUDA 13 comes at the first encoding, not at loading."""
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(
        "ctranslate2.get_supported_compute_types", lambda device: {"int8", "float16", "float32"}
    )
    FasterWhisper(folder, AUDIBLE).prepare()
    assert StandIn.loaded == [("cuda", "float16")] and not caplog.messages
    monkeypatch.setattr(StandIn, "failure", "Library libcublas.so.12 is not found\nand more")
    FasterWhisper(folder, AUDIBLE).prepare()
    assert StandIn.loaded[2:] == [("cpu", "int8")]
    (told,) = caplog.messages
    assert "cannot use the GPU (Library libcublas.so.12 is not found) and uses the CPU" in told


@faster
def test_it_computes_with_the_numbers_that_are_asked_for(folder: str) -> None:
    FasterWhisper(folder, replace(AUDIBLE, compute_type="float32")).prepare()
    assert StandIn.loaded == [("cpu", "float32")]


@faster
def test_it_asks_for_a_share_of_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for count, share in ((0, 0.0), (2, 0.25)):
        monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda count=count: count)
        assert FasterWhisper().gpus == share


@faster
@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("enormous", "is not a folder that is there"),
        ("/no/such/folder", "is not a folder that is there"),
        ("./a/b", "is not a folder that is there"),
        ("{folder}", "holds no model.bin"),
        ("{folder}/tiny.pt", r"--asr whisper:FILE"),
    ],
)
def test_a_model_that_it_cannot_have(tmp_path: Path, model: str, says: str) -> None:
    (tmp_path / "tiny.pt").write_bytes(b"a checkpoint of Whisper")
    with pytest.raises(InputError, match=says):
        FasterWhisper(model.format(folder=tmp_path)).provenance()


@faster
def test_a_damaged_model(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(InputError, match="cannot be loaded"):
        FasterWhisper(str(tmp_path)).prepare()


def test_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(InputError, match=r"pip install 'videobert\[faster-whisper\]'"):
        FasterWhisper().provenance()
