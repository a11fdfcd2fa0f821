"""A model is loaded and tried once, whatever comes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from feature_extraction.hearing.recognisers.known import RECOGNISERS
from feature_extraction.hearing.recognisers.one_model import OneModel
from feature_extraction.hearing.speech import Segment
from feature_extraction.schema import Word
from tests.toys.sounds import tone
from workfolder.errors import InputError


class Parrot(OneModel[str]):
    """Says the name of its model."""

    kind = "parrot"
    otherwise = "give it seeds"

    def __init__(self, model: str = "polly", failure: Exception | None = None) -> None:
        super().__init__(model)
        self.failure, self.tried = failure, 0

    def provenance(self) -> dict[str, Any]:
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
        self, model: str, piece: np.ndarray, language: str | None
    ) -> tuple[list[Segment], str]:
        return [Segment(f" {model}", 0, 0, 1, (Word(f" {model}", 0, 1, 0.5),))], language or "en"


def test_a_model_is_tried_on_silence_before_it_hears() -> None:
    parrot = Parrot()
    parrot.prepare()
    heard = [parrot([tone(2)], "de") for _ in range(2)]
    assert parrot.tried == 1 and heard[0] == heard[1] and heard[0].language == "de"
    assert [word.text for word in heard[0].words] == ["polly"] and parrot.name == "parrot:polly"


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
    assert list(RECOGNISERS) == ["whisper", "faster-whisper"]
    assert all(kind("base").name == f"{name}:base" for name, kind in RECOGNISERS.items())
