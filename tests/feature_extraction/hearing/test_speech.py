from __future__ import annotations

import importlib.util
import os
import pickle
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_extraction.hearing.audio import SAMPLE_RATE, stream_sound
from feature_extraction.hearing.languages import SPOKEN, short_language
from feature_extraction.hearing.recognisers.openai_whisper import OpenAIWhisper
from feature_extraction.hearing.speech import (
    Segment,
    Speech,
    doubt,
    pieces,
    quietest,
    recognise,
    without_loops,
)
from feature_extraction.schema import Word
from tests.toys.sounds import tone
from tests.toys.tiny_whisper import WORDS, tiny_whisper
from workfolder.errors import InputError
from workfolder.once import Once


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper(tmp_path_factory.mktemp("whisper") / "tiny.pt")


def segment(
    text: str, no_speech: float = 0.0, logprob: float = -0.2, ratio: float = 1.2, start: float = 0.0
) -> Segment:
    words = (
        Word(f" {word}", start + place, start + place + 0.5, 0.9)
        for place, word in enumerate(text.split())
    )
    return Segment(f" {text}", no_speech, logprob, ratio, tuple(words))


def assert_in_order(speech: Speech, seconds: float) -> None:
    """Times grow and lie within the sound."""
    assert all(before.start <= after.start for before, after in pairwise(speech.words))
    assert all(0 <= word.start <= word.end <= seconds + 1e-6 for word in speech.words)
    assert all(word.probability is not None and 0 <= word.probability <= 1 for word in speech.words)


# Pieces


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 5 * SAMPLE_RATE), max_size=12), st.sampled_from([2.0, 3.7, 9.0]))
def test_pieces_are_the_sound_and_nothing_is_lost_between_them(
    runs: list[int], seconds: float
) -> None:
    sound = np.random.default_rng(sum(runs)).normal(size=sum(runs)).astype(np.float32)
    made = list(pieces(np.split(sound, np.cumsum(runs)[:-1]) if runs else [], seconds))
    assert np.array_equal(
        np.concatenate([np.empty(0, np.float32), *(piece for _, piece in made)]), sound
    )
    begin = 0
    for start, piece in made:
        assert start == begin / SAMPLE_RATE and 0 < len(piece) <= seconds * SAMPLE_RATE
        begin += len(piece)
    assert all(len(piece) >= seconds / 2 * SAMPLE_RATE for _, piece in made[:-1])


def test_a_piece_ends_where_it_is_quiet() -> None:
    sound = np.random.default_rng(0).normal(size=30 * SAMPLE_RATE).astype(np.float32)
    for second in (7.3, 14.0):
        sound[int(second * SAMPLE_RATE) :][: int(0.4 * SAMPLE_RATE)] *= 0.01
    starts = [start for start, _ in pieces([sound], 10.0)]
    assert starts[1] == pytest.approx(7.5, abs=0.06) and starts[2] == pytest.approx(14.2, abs=0.06)


def test_the_quietest_moment_of_next_to_nothing() -> None:
    assert quietest(np.ones(10, np.float32)) == 5
    assert 0 < quietest(np.zeros(SAMPLE_RATE, np.float32)) < SAMPLE_RATE


# What is left out


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (segment("chop the onion"), None),
        (
            segment("chop the onion", no_speech=0.9),
            None,
        ),  # Whisper's rule: sure of the words, so they are words
        (segment("Thank you.", no_speech=0.61, logprob=-1.01), "silence"),
        (segment("chop the onion", logprob=-1.01), "guesses"),
        (segment("chop chop chop", ratio=2.41), "repeats itself"),
        (segment("[Music]"), "not spoken"),
        (segment("(upbeat music)"), "not spoken"),
        (segment("♪ la la la ♪"), "not spoken"),
        (segment("..."), "not spoken"),
        (segment(""), "not spoken"),
        (segment("(really) chop it"), None),
    ],
)
def test_what_is_not_believed(said: Segment, reason: str | None) -> None:
    assert doubt(said) == reason


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("very very very good", "very very very good"),
        ("no no no no no stop", "no stop"),
        ("we stir " + "thank you. Thank you " * 3 + "now", "we stir thank you. now"),
        ("please subscribe to my channel " * 9, "please subscribe to my channel"),
        (
            "a b c d e f g h i j k l m n o p q r s t " * 4 + "end",
            "a b c d e f g h i j k l m n o p q r s t end",
        ),
        ("", ""),
    ],
)
def test_a_loop_is_said_once(said: str, kept: str) -> None:
    words = [Word(text, float(place), place + 1.0) for place, text in enumerate(said.split())]
    left = without_loops(words)
    assert " ".join(word.text for word in left) == kept
    assert not left or left[0] == words[0]


def test_pieces_are_heard_in_turn_and_put_in_their_place() -> None:
    asked: list[str | None] = []

    def hear(piece: np.ndarray, language: str | None) -> tuple[Sequence[Segment], str]:
        asked.append(language)
        if len(asked) == 1:
            return [segment("[Music]")], "cy"
        return [
            segment("wir kochen Suppe", start=1.0),
            segment("und", start=0.2),
            segment("spät", start=400.0),
        ], "de"

    sound = np.full(280 * SAMPLE_RATE, 0.1, np.float32)
    sound[115 * SAMPLE_RATE : 120 * SAMPLE_RATE] = 0
    heard = recognise([sound], None, hear)
    starts = [start for start, _ in pieces([sound])]
    assert (
        asked == [None, None, "de"]
        and heard.language == "de"
        and heard.dropped == {"not spoken": 1}
    )
    assert [word.text for word in heard.words[:5]] == ["wir", "kochen", "Suppe", "und", "spät"]
    assert heard.words[0].start == starts[1] + 1 and heard.words[3].start == starts[1] + 3
    assert heard.words[4].end <= starts[2] <= heard.words[5].start
    assert_in_order(heard, 280)


def test_silence_is_not_asked_about() -> None:
    def hear(piece: np.ndarray, language: str | None) -> tuple[Sequence[Segment], str]:
        raise AssertionError("there is nothing to hear")

    assert recognise([np.zeros(SAMPLE_RATE, np.float32)], None, hear) == Speech(())
    assert recognise([], "en", hear) == Speech(())


def test_what_has_no_space_before_it_belongs_to_the_word() -> None:
    words = (
        Word(" e", 0, 1, 0.9),
        Word("-mail", 1, 2, 0.5),
        Word(" ♪", 2, 3, 0.5),
        Word(" $", 3, 4, 0.8),
        Word("5", 4, 5, 0.9),
    )
    made = Segment(" e-mail ♪ $5", 0, 0, 1, words)
    heard = recognise([tone(6)], None, lambda piece, language: ([made], "en"))
    assert heard.words == (Word("e-mail", 0, 2, 0.5), Word("$5", 3, 5, 0.8))
    chinese = Segment("煮汤", 0, 0, 1, (Word("煮", 0, 1, 0.9), Word("汤", 1, 2, 0.9)))
    assert len(recognise([tone(3)], None, lambda piece, language: ([chinese], "zh")).words) == 2


@pytest.mark.parametrize("failure", [InputError, RuntimeError])
def test_a_thing_is_made_once_and_so_is_its_failure(failure: type[Exception]) -> None:
    calls: list[int] = []

    def fail() -> str:
        calls.append(1)
        raise failure("no network")

    once, found = Once(fail), []

    def ask() -> None:
        try:
            once()
        except failure as error:
            found.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["no network"] * 8 and len(calls) == 1


@pytest.mark.parametrize(
    ("tag", "short"),
    [
        ("en", "en"),
        ("eng", "en"),
        ("en-US", "en"),
        ("pt_BR", "pt"),
        ("ger", "de"),
        ("deu", "de"),
        ("und", None),
        (None, None),
    ],
)
def test_a_language_has_one_short_name(tag: str | None, short: str | None) -> None:
    assert short_language(tag) == short


def test_the_languages_are_those_of_whisper() -> None:
    from whisper.tokenizer import LANGUAGES

    assert set(LANGUAGES) == SPOKEN


# Whisper


def test_whisper_gives_timed_words_within_the_sound(checkpoint: Path, shared_data: Path) -> None:
    sound = list(stream_sound(shared_data / "video" / "videogrep" / "manifesto.mp4"))
    heard = OpenAIWhisper(str(checkpoint))(sound)
    assert (
        len(heard.words) == 3 * WORDS and heard.language == "en" and not heard.dropped
    )  # 88 s: three windows
    assert_in_order(heard, sum(map(len, sound)) / SAMPLE_RATE)
    assert heard.words[-1].start > 60


def test_the_same_sound_gives_the_same_words_whatever_was_heard_before(checkpoint: Path) -> None:
    one, other = OpenAIWhisper(str(checkpoint)), OpenAIWhisper(str(checkpoint))
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
    heard = OpenAIWhisper(str(checkpoint))([tone(120)])
    assert len(heard.words) == WORDS and heard.dropped == {"loops": 3 * WORDS}


def test_what_whisper_guesses_is_left_out(tmp_path: Path) -> None:
    heard = OpenAIWhisper(str(tiny_whisper(tmp_path / "unsure.pt", alike=100)))([tone(3)])
    assert not heard.words and heard.language is None and heard.dropped == {"guesses": 1}


def test_a_model_that_is_neither_a_name_nor_a_file() -> None:
    with pytest.raises(InputError, match=r"enormous is no model of Whisper.*large-v3"):
        OpenAIWhisper("enormous").provenance()


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
    with pytest.raises(InputError, match=r"bad\.pt is no checkpoint of Whisper"):
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


def test_a_real_model_hears_kennedy(shared_data: Path) -> None:
    cache = Path(os.getenv("XDG_CACHE_HOME", Path.home() / ".cache")) / "whisper"
    names = [
        name
        for name in ("tiny.en", "base.en", "tiny", "base", "small")
        if (cache / f"{name}.pt").is_file()
    ]
    if not names:
        pytest.skip(f"no model of Whisper is in {cache}: what it says cannot be tried")
    heard = OpenAIWhisper(names[0])(stream_sound(shared_data / "speech" / "whisper" / "jfk.flac"))
    said = " ".join(word.text.lower().strip(".,;") for word in heard.words)
    assert "ask not what your country can do for you" in said and heard.language == "en"
    assert_in_order(heard, 11.0)


# faster-whisper

faster = pytest.mark.skipif(
    not importlib.util.find_spec("faster_whisper"), reason="faster-whisper is not installed"
)


@faster
def test_faster_whisper_gives_the_same_kind_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    import faster_whisper

    from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper

    class Stand_in:
        def __init__(self, model: str) -> None:
            assert model == "base"

        def transcribe(
            self, piece: np.ndarray, *, language: str | None, word_timestamps: bool, **_: Any
        ) -> tuple[Any, Any]:
            assert piece.dtype == np.float32 and word_timestamps
            words = [SimpleNamespace(word=" Chop", start=0.5, end=0.9, probability=0.8)]
            figures = {"no_speech_prob": 0.1, "avg_logprob": -0.3, "compression_ratio": 1.0}
            return iter([SimpleNamespace(text=" Chop", words=words, **figures)]), SimpleNamespace(
                language=language or "en"
            )

    monkeypatch.setattr(faster_whisper, "WhisperModel", Stand_in)
    recogniser = FasterWhisper()
    assert recogniser([tone(2)]) == Speech((Word("Chop", 0.5, 0.9, 0.8),), "en")
    assert pickle.loads(pickle.dumps(recogniser)).name == "faster-whisper:base"
    assert recogniser.provenance() == {"model": "base"}


@faster
def test_a_model_that_faster_whisper_has_not(tmp_path: Path) -> None:
    from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper

    with pytest.raises(InputError, match=r"enormous is no model of faster-whisper"):
        FasterWhisper("enormous").prepare()
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(InputError, match="cannot be loaded"):
        FasterWhisper(str(tmp_path)).prepare()


def test_faster_whisper_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper

    monkeypatch.setitem(__import__("sys").modules, "faster_whisper", None)
    with pytest.raises(InputError, match=r"pip install 'videobert\[faster-whisper\]'"):
        FasterWhisper().provenance()
