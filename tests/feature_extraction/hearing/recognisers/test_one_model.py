"""A model is loaded and tried once, whatever comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.recognisers.known import RECOGNISERS
from feature_extraction.hearing.recognisers.one_model import OneModel
from feature_extraction.hearing.speech import Segment
from feature_extraction.options import TranscriptOptions
from feature_extraction.schema import Word
from tests.toys.sounds import tone
from workfolder.errors import InputError

AUDIBLE = TranscriptOptions(voices="audible")
SURE, UNSURE = -0.1, -2.0


class Parrot(OneModel[str]):
    """Says the name of its model; alone it takes longer, and says it twice."""

    kind = "parrot"
    otherwise = "give it seeds"

    def __init__(
        self,
        model: str = "polly",
        options: TranscriptOptions = AUDIBLE,
        failure: Exception | None = None,
        said_together: tuple[float, float] = (1.0, SURE),
    ) -> None:
        super().__init__(model, options)
        self.failure, self.tried, self.detected = failure, 0, 0
        self.said_together = said_together
        self.asked: list[int] = []

    def _weights(self) -> dict[str, Any]:
        return {"model": self._model}

    def _has_gpu(self) -> bool:
        return self._model == "large"

    def _load(self, model: str) -> str:
        return model

    def _encode(self, model: str, sound: np.ndarray) -> None:
        self.tried += 1
        assert sound.dtype == np.float32 and sound.shape == (16_000,) and not sound.any()
        if self.failure:
            raise self.failure

    def _hear(
        self, model: str, stretches: Sequence[np.ndarray], language: str | None
    ) -> tuple[list[list[Segment]], str]:
        self.asked.append(len(stretches))
        end, logprob = self.said_together
        said = Segment(f" {model}", 0, logprob, 1, (Word(f" {model}", 0, end, 0.5),))
        return [[said] for _ in stretches], language or "en"

    def _hear_alone(
        self, model: str, stretch: np.ndarray, language: str | None
    ) -> tuple[list[Segment], str]:
        assert stretch.ndim == 1
        self.asked.append(0)
        words = (Word(" alone", 0, 1, 0.5), Word(" alone", 3, 4, 0.5))
        return [Segment(" alone alone", 0, SURE, 1, words)], language or "en"

    def _spoken(self, model: str, sound: np.ndarray) -> str:
        self.detected += 1
        return "nl"

    def _align(
        self,
        model: str,
        sounds: Sequence[np.ndarray],
        texts: Sequence[Sequence[str]],
        language: str | None,
    ) -> list[list[Word]]:
        self.asked.append(len(sounds))
        assert language == "nl"
        return [[Word(text, n, n + 0.5, 0.5) for n, text in enumerate(words)] for words in texts]


def test_a_model_is_tried_on_silence_before_it_hears() -> None:
    parrot = Parrot()
    parrot.prepare()
    heard = [parrot([tone(2)], "de") for _ in range(2)]
    assert parrot.tried == 1 and heard[0] == heard[1] and heard[0].language == "de"
    assert [word.text for word in heard[0].words] == ["polly"] and parrot.name == "parrot:polly"


def test_stretches_are_heard_together_up_to_a_batch() -> None:
    parrot = Parrot(options=replace(AUDIBLE, batch=3))
    second = np.concatenate([tone(1.0), np.zeros(5 * SAMPLE_RATE, np.float32)])
    parrot([np.tile(second, 80)], "de")  # 1.8 s of each are kept: 80 of them are 5 stretches
    assert [count for count in parrot.asked if count] == [3, 2]


@pytest.mark.parametrize(
    ("seconds", "said_together", "asked"),
    [
        (1.0, (1.0, SURE), [1]),
        (1.0, (1.0, UNSURE), [1, 0]),  # it guesses
        (6.0, (6.0, SURE), [1, 0]),  # one word does not last for six seconds of voice
    ],
)
def test_what_is_doubted_or_passed_over_is_heard_again_alone(
    seconds: float, said_together: tuple[float, float], asked: list[int]
) -> None:
    parrot = Parrot(said_together=said_together)
    heard = parrot([tone(seconds)], "en")
    assert parrot.asked == asked and not heard.dropped
    said = [word.text for word in heard.words]
    assert said == (["polly"] if asked == [1] else ["alone", "alone"])


def test_what_was_heard_alone_is_not_taken_if_it_passes_over_more() -> None:
    parrot = Parrot(said_together=(1.0, SURE))
    parrot._hear_alone = lambda model, stretch, language: ([], "en")  # type: ignore[method-assign]
    assert [word.text for word in parrot([tone(9)], "en").words] == ["polly"]


def test_in_batches_of_one_all_is_heard_alone() -> None:
    parrot = Parrot(options=replace(AUDIBLE, batch=1))
    assert len(parrot([tone(9)], "en").words) == 2 and parrot.asked == [0]


def test_the_first_window_decides_the_language_in_which_words_are_sought() -> None:
    parrot = Parrot(options=replace(AUDIBLE, batch=2))
    spans = [(10.0 * n, 10.0 * n + 2) for n in range(3)]
    words = [
        word
        for start, end in spans
        for word in (Word("nu", start, start + 1, begins_cue=True), Word("dan", start + 1, end))
    ]
    made, unheard = parrot.align(words, [tone(30)])
    assert [word.text for word in made] == ["nu", "dan"] * 3 and unheard == 0
    assert parrot.asked == [2, 1] and parrot.detected == 1


def test_what_decides_the_words_is_told() -> None:
    told = Parrot(options=replace(AUDIBLE, prompt="soup", beam=2)).provenance()
    how = {"voices": "audible", "batch": 8, "beam": 2, "prompt": "soup"}
    assert told == {"model": "polly"} | how
    assert Parrot(options=replace(AUDIBLE, compute_type="float32")).provenance()["compute_type"]


def test_numbers_that_it_cannot_compute_with_are_refused() -> None:
    with pytest.raises(InputError, match="--asr parrot has no --compute-type int8: give one of"):
        Parrot(options=replace(AUDIBLE, compute_type="int8"))


@pytest.mark.parametrize(
    "failure", [RuntimeError("no cuBLAS\nat all"), OSError(), ValueError("bad")]
)
def test_what_fails_on_silence_fails_in_one_line_with_what_to_do(failure: Exception) -> None:
    parrot = Parrot(failure=failure)
    for _ in range(2):
        with pytest.raises(
            InputError, match=r"^--asr parrot:polly does not work .*: give it seeds$"
        ):
            parrot.prepare()
    assert parrot.tried == 1


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        Parrot(failure=KeyError("bug")).prepare()


def test_a_share_of_a_gpu_is_asked_for_where_one_is_used() -> None:
    assert Parrot().gpus == 0 and Parrot("large").gpus == 0.25


def test_recognisers_are_known_by_what_the_command_line_calls_them() -> None:
    assert list(RECOGNISERS) == ["whisper", "faster-whisper", "hf"]
    assert all(kind("base").name == f"{name}:base" for name, kind in RECOGNISERS.items())
