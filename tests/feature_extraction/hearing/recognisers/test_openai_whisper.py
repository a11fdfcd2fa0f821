"""OpenAI's Whisper: its real code with a small checkpoint that the tests make."""

from __future__ import annotations

import os
import pickle
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from feature_extraction.hearing.audio import SAMPLE_RATE, stream_sound
from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper
from feature_extraction.hearing.recognisers.openai_whisper import OpenAIWhisper
from feature_extraction.hearing.recognisers.packaged_weights import installed
from feature_extraction.hearing.recognisers.recogniser import Speech
from feature_extraction.hearing.speech import Segment
from feature_extraction.hearing.stretches import stretches
from feature_extraction.hearing.voices import audible
from feature_extraction.options import TranscriptOptions
from tests.toys.real_whisper import openai_checkpoint
from tests.toys.sounds import tone
from tests.toys.tiny_whisper import WORDS, tiny_whisper
from workfolder.errors import InputError

AUDIBLE = TranscriptOptions(voices="audible", batch=1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper(tmp_path_factory.mktemp("whisper") / "tiny.pt")


def assert_in_order(speech: Speech, seconds: float) -> None:
    """Times grow and lie within the sound, and probabilities are some."""
    assert all(before.start <= after.start for before, after in pairwise(speech.words))
    assert all(0 <= word.start <= word.end <= seconds + 1e-6 for word in speech.words)
    assert all(word.probability is not None and 0 <= word.probability <= 1 for word in speech.words)


def test_whisper_gives_timed_words_within_the_sound(checkpoint: Path, shared_data: Path) -> None:
    sound = list(stream_sound(shared_data / "video" / "videogrep" / "manifesto.mp4"))
    heard = OpenAIWhisper(str(checkpoint), AUDIBLE)(sound)
    assert (
        len(heard.words) == 3 * WORDS and heard.language == "en" and not heard.dropped
    )  # 88 s: three windows
    assert_in_order(heard, sum(map(len, sound)) / SAMPLE_RATE)
    assert heard.words[-1].start > 60


def test_the_same_sound_gives_the_same_words_whatever_was_heard_before(checkpoint: Path) -> None:
    one, other = OpenAIWhisper(str(checkpoint), AUDIBLE), OpenAIWhisper(str(checkpoint), AUDIBLE)
    sounds = [[tone(4, 300)], [tone(7, 800)]]
    singly = [other(sound) for sound in sounds]
    heard: dict[int, Speech] = {}
    threads = [
        threading.Thread(target=lambda n=n: heard.update({n: one(sounds[n])})) for n in (1, 0)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [heard[0], heard[1]] == singly and pickle.loads(pickle.dumps(one)).name == one.name


def test_a_phrase_in_every_window_is_a_loop(checkpoint: Path) -> None:
    heard = OpenAIWhisper(str(checkpoint), AUDIBLE)([tone(120)])
    windows = len(list(stretches([tone(120)], audible)))
    assert windows >= 4
    assert len(heard.words) == WORDS and heard.dropped == {"looped words": (windows - 1) * WORDS}


def test_what_whisper_guesses_is_left_out(tmp_path: Path) -> None:
    heard = OpenAIWhisper(str(tiny_whisper(tmp_path / "unsure.pt", alike=100)), AUDIBLE)([tone(3)])
    assert not heard.words and heard.language is None and heard.dropped == {"guessed phrases": 1}


def test_a_model_that_is_neither_a_name_nor_a_file() -> None:
    with pytest.raises(InputError, match=r"enormous is not a model of Whisper.*large-v3"):
        OpenAIWhisper("enormous").provenance()


def test_the_folder_of_a_faster_whisper_model_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights")
    with pytest.raises(InputError, match=rf"say --asr faster-whisper:{tmp_path}"):
        OpenAIWhisper(str(tmp_path)).provenance()


def test_a_checkpoint_is_known_by_its_content(checkpoint: Path, tmp_path: Path) -> None:
    other = tiny_whisper(tmp_path / "other.pt", seed=1)
    digests = [
        OpenAIWhisper(str(path)).provenance()["model_digest"]
        for path in (checkpoint, checkpoint, other)
    ]
    assert digests[0] == digests[1] != digests[2]


class Payload:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch executed",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no checkpoint",
        {"dims": {"n_mels": 80}},
        {"model_state_dict": {}},
        [1, 2],
        {"dims": Payload()},
    ],
)
def test_what_is_no_checkpoint_is_refused_and_not_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object
) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match=r"bad\.pt is not a checkpoint of Whisper"):
        OpenAIWhisper(str(path)).prepare()
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.pt"]


def test_a_name_without_a_network_says_what_to_fetch_and_where_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def no_network(url: str) -> None:
        asked.append(url)
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recogniser = OpenAIWhisper("tiny")
    for _ in range(2):
        with pytest.raises(
            InputError, match=rf"no route to host.*https://.*/tiny\.pt.*{tmp_path}/whisper"
        ):
            recogniser.prepare()
    assert len(asked) == 1


def said(phrases: Sequence[Segment]) -> list[str]:
    """The words without their marks, which rounding moves."""
    text = " ".join(phrase.text for phrase in phrases).lower()
    return text.translate(str.maketrans("", "", ".,;")).split()


def test_real_weights_write_the_same_words_in_both_recognisers(
    shared_data: Path, tmp_path: Path
) -> None:
    packaged = installed("tiny.en")
    if packaged is None:
        pytest.skip("the extra speech-weights is not installed: real weights cannot be tried")
    checkpoint = openai_checkpoint(packaged, tmp_path / "tiny.en.pt")
    plain = replace(AUDIBLE, beam=1, batch=8)
    exact = replace(plain, compute_type="float32")
    openai, faster = OpenAIWhisper(str(checkpoint), plain), FasterWhisper("tiny.en", exact)
    for name in ("whisper/jfk.flac", "deepspeech/LDC93S1.wav"):
        sound = np.concatenate(list(stream_sound(shared_data / "speech" / name)))
        assert_in_order(openai([sound]), len(sound) / SAMPLE_RATE)
        # One fills the 30 s with silence, the other with a grey that is none: here both get silence.
        full = np.pad(sound, (0, 30 * SAMPLE_RATE - len(sound)))
        (one,), _ = openai._hear(openai._loaded(), [full], "en")
        (other,), _ = faster._hear(faster._loaded(), [full], "en")
        assert said(one) == said(other) and len(said(one)) >= 11


def test_a_beam_takes_stretches_of_a_batch_one_after_another(checkpoint: Path) -> None:
    sound = [np.concatenate([tone(25), np.zeros(SAMPLE_RATE, np.float32), tone(20, 700)])]
    narrow, wide = (
        OpenAIWhisper(str(checkpoint), replace(AUDIBLE, beam=beam, batch=2))(sound)
        for beam in (1, 2)
    )
    assert len(narrow.words) == len(wide.words) == 2 * WORDS
    assert_in_order(wide, 46)
