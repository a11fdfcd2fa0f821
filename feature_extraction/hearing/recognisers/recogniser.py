"""What every speech recogniser is to the rest: sound in, timed words out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from feature_extraction.schema import Word


@dataclass(frozen=True)
class Speech:
    """What a recogniser heard.

    Attributes:
        words: 0 <= start <= end, within the sound; starts never decrease.
        language: a code such as en; None where nothing was said.
        dropped: how much was left out, by reason.
    """

    words: tuple[Word, ...]
    language: str | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)


class Recogniser(Protocol):
    """A speech recogniser, called from several threads and picklable for --runner ray.

    Attributes:
        name: the source of the words in the transcripts, and what --asr calls it.
    """

    name: str

    @property
    def gpus(self) -> float:
        """The share of a GPU that it uses on this machine, in [0, 1]."""

    def provenance(self) -> Mapping[str, Any]:
        """Return what decides the words beside the name, as JSON can hold it.

        Raises:
            InputError: if there is no such model.
        """

    def prepare(self) -> None:
        """Load the model and try it; InputError if it cannot be had or cannot work here."""

    def __call__(self, sound: Iterable[np.ndarray], language: str | None = None) -> Speech:
        """Recognise speech.

        Args:
            sound: runs of float32 samples in [-1, 1] at audio.SAMPLE_RATE that follow one another.
            language: a code such as en; None finds out what is spoken.

        Raises:
            InputError: as ``prepare`` does.
        """
