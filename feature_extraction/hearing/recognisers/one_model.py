"""A recogniser of Whisper's kind with one model for all threads, which take turns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any, ClassVar, Generic

import numpy as np

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.recognisers.recogniser import Speech
from feature_extraction.hearing.speech import Segment, recognise
from workfolder.build_once import Once, T
from workfolder.errors import InputError

DEFAULT_MODEL = "base"
"""145 MB, 99 languages; without a GPU larger ones take many times as long as the video."""
ACTORS_A_GPU = 4
"""Under --runner ray: while one actor's sound is recognised, others decode theirs."""


class OneModel(ABC, Generic[T]):
    """See recogniser.Recogniser.

    Attributes:
        kind: what --asr calls it; ``name`` is ``KIND:MODEL``.
        otherwise: what to do where it cannot work on a machine.
    """

    kind: ClassVar[str]
    otherwise: ClassVar[str]

    def __init__(self, model: str = DEFAULT_MODEL) -> None:
        self.name = f"{self.kind}:{model}"
        self._model = model
        self._loaded = Once(self._load_and_try)
        self._turn = Lock()

    def __reduce__(self) -> tuple[type[OneModel[T]], tuple[str]]:
        """Leave the loaded model behind."""
        return type(self), (self._model,)

    @property
    def gpus(self) -> float:
        """See Recogniser."""
        return 1 / ACTORS_A_GPU if self._has_gpu() else 0.0

    def prepare(self) -> None:
        """See Recogniser."""
        self._loaded()

    def __call__(self, sound: Iterable[np.ndarray], language: str | None = None) -> Speech:
        """See Recogniser."""
        # The model is loaded for the first piece: a video without sound is refused without it.
        return recognise(sound, language, lambda *piece: self._hear(self._loaded(), *piece))

    def _load_and_try(self) -> T:
        """Load the model; what would fail for every video alike fails here, once."""
        model = self._load(self._model)
        try:
            self._encode(model, np.zeros(SAMPLE_RATE, np.float32))
        except (RuntimeError, OSError, ValueError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(
                f"--asr {self.name} does not work on this machine ({reason}): {self.otherwise}"
            ) from error
        return model

    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """See Recogniser."""

    @abstractmethod
    def _has_gpu(self) -> bool:
        """Say whether the library will use a GPU here."""

    @abstractmethod
    def _load(self, model: str) -> T:
        """Return the model; InputError if it cannot be had."""

    @abstractmethod
    def _encode(self, model: T, sound: np.ndarray) -> object:
        """Let the network read a second of sound; its answer does not matter."""

    @abstractmethod
    def _hear(
        self, model: T, piece: np.ndarray, language: str | None
    ) -> tuple[Sequence[Segment], str]:
        """See speech.HearPiece."""
