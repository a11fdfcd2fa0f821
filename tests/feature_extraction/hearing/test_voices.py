"""Where somebody speaks: what Silero's network and the plain rule say of real and made sound."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from feature_extraction.hearing.audio import SAMPLE_RATE, stream_sound
from feature_extraction.hearing.voices import FRAME, VOICES, audible, silero
from feature_extraction.options import VOICES as NAMES
from feature_extraction.options import best_voices
from tests.toys.sounds import tone
from workfolder.errors import InputError

installed = pytest.mark.skipif(
    not importlib.util.find_spec("faster_whisper"), reason="faster-whisper is not installed"
)


@pytest.mark.parametrize("samples", [0, 1, FRAME, FRAME + 1, 5 * FRAME])
def test_each_frame_has_a_share(samples: int) -> None:
    assert audible(tone(1)[:samples]).tolist() == [1.0] * -(-samples // FRAME) or samples == 1
    assert not audible(np.zeros(samples, np.float32)).any()


@installed
def test_silero_knows_a_voice_from_a_tone_noise_and_silence(shared_data: Path) -> None:
    (sound,) = stream_sound(shared_data / "speech" / "whisper" / "jfk.flac")
    shares = silero(sound)
    assert shares.shape == (-(-len(sound) // FRAME),) and shares.dtype == np.float32
    assert (shares > 0.5).mean() > 0.6
    noise = np.random.default_rng(0).normal(0, 0.1, 5 * SAMPLE_RATE).astype(np.float32)
    for other in (tone(5), noise, np.zeros(SAMPLE_RATE, np.float32)):
        assert (silero(other) > 0.5).mean() < 0.05


def test_without_the_package_silero_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper.vad", None)
    with pytest.raises(InputError, match="--voices audible"):
        silero(tone(1))


def test_the_options_know_the_same_names() -> None:
    assert tuple(VOICES) == NAMES and best_voices() in NAMES
