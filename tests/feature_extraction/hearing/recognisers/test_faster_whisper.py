"""faster-whisper: what it is asked and what it gives, with a stand-in for its model."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper
from feature_extraction.hearing.recognisers.recogniser import Speech
from feature_extraction.schema import Word
from tests.toys.sounds import tone
from workfolder.errors import InputError

faster = pytest.mark.skipif(
    not importlib.util.find_spec("faster_whisper"), reason="faster-whisper is not installed"
)


class StandIn:
    """A model whose network may fail, as on a GPU whose libraries are those of another CUDA."""

    loaded = 0
    failure: str | None = None

    def __init__(self, model: str, compute_type: str) -> None:
        assert model == "base" and compute_type in ("default", "float32")
        type(self).loaded += 1

    def feature_extractor(self, sound: np.ndarray) -> np.ndarray:
        return sound

    def encode(self, features: np.ndarray) -> None:
        if self.failure:
            raise RuntimeError(self.failure)

    def transcribe(
        self, piece: np.ndarray, *, language: str | None, word_timestamps: bool, **_: Any
    ) -> tuple[Any, Any]:
        assert piece.dtype == np.float32 and word_timestamps
        words = [SimpleNamespace(word=" Chop", start=0.5, end=0.9, probability=0.8)]
        figures = {"no_speech_prob": 0.1, "avg_logprob": -0.3, "compression_ratio": 1.0}
        segments = iter([SimpleNamespace(text=" Chop", words=words, **figures)])
        return segments, SimpleNamespace(language=language or "en")


@faster
def test_it_gives_the_same_kind_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faster_whisper.WhisperModel", StandIn)
    recogniser = FasterWhisper()
    assert recogniser([tone(2)]) == Speech((Word("Chop", 0.5, 0.9, 0.8),), "en")
    assert pickle.loads(pickle.dumps(recogniser)).name == "faster-whisper:base"
    assert recogniser.provenance() == {"model": "base"}


@faster
def test_a_network_that_cannot_run_here_fails_once_and_says_what_to_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error of CTranslate2 4.8 beside CUDA 13 comes at the first encoding, not at loading."""

    class Broken(StandIn):
        loaded = 0
        failure = "Library libcublas.so.12 is not found or cannot be loaded\nand more"

    monkeypatch.setattr("faster_whisper.WhisperModel", Broken)
    recogniser = FasterWhisper()
    for ask in (recogniser.prepare, lambda: recogniser([tone(2)])):
        with pytest.raises(InputError) as refusal:
            ask()
        assert "libcublas.so.12" in str(refusal.value) and "\\n" not in str(refusal.value)
        assert "--asr whisper" in str(refusal.value)
        assert "CUDA_VISIBLE_DEVICES=" in str(refusal.value)
    assert Broken.loaded == 1


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
