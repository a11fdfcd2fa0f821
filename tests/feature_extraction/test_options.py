"""The options of extraction and transcription refuse what cannot be."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from feature_extraction import options
from feature_extraction.options import FeatureOptions, SentenceOptions, TranscriptOptions
from workfolder.errors import InputError


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"engine": "abacus"},
            "--engine 'abacus' is not known: choose one of cuda, openvino, openvino-int8, torch",
        ),
        ({"decoder": "eyes"}, "--decoder 'eyes' is not known: choose one of pyav, nvdec, decord"),
    ],
)
def test_a_name_that_is_not_known_is_refused_with_those_that_are(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError) as error:
        FeatureOptions(**{"engine": "torch", **changes})
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("gpu", "openvino", "best"),
    [(True, True, "cuda"), (False, True, "openvino"), (False, False, "torch")],
)
def test_the_engine_is_the_best_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, gpu: bool, openvino: bool, best: str
) -> None:
    cuda = SimpleNamespace(is_available=lambda: gpu)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(options, "find_spec", lambda name: "found" if openvino else None)
    monkeypatch.setattr(options, "may_have_gpu", lambda: True)
    assert FeatureOptions().engine == best


def test_where_no_device_of_a_gpu_is_torch_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(options, "GPU_DEVICES", ("no-such-device",))
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it fails
    assert FeatureOptions().engine in ("openvino", "torch")
    monkeypatch.setattr(options, "GPU_DEVICES", ("null",))
    with pytest.raises(ImportError):
        FeatureOptions()


@pytest.mark.parametrize(
    "changes",
    [
        {"pause": 4.0},
        {"pause": -0.1},
        {"min_words": 0},
        {"min_words": 21},
        {"punctuated": 1.1},
    ],
    ids=str,
)
def test_sentences_that_contradict_themselves_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(changes))):
        SentenceOptions(**changes)


def test_whoever_is_handed_in_may_listen() -> None:
    assert TranscriptOptions(asr="somebody").asr == "somebody"


def test_a_clip_of_no_whole_number_of_frames_is_refused_when_the_options_are_made() -> None:
    assert (
        FeatureOptions("random:0", "torch", clip_seconds=2, frames_per_second=8).pace.clip_frames
        == 16
    )
    with pytest.raises(InputError, match=r"1\.5 s at 7 frames a second has 10\.5 frames"):
        FeatureOptions("random:0", "torch", frames_per_second=7)
