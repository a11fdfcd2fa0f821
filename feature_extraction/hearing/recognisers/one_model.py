"""A recogniser with one model for all threads, which take turns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import chain
from threading import Lock
from typing import Any, ClassVar, Generic

import numpy as np

from feature_extraction.hearing.alignment import align_words
from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.hallucinations import GUESSES, REPETITIONS
from feature_extraction.hearing.recognisers.recogniser import Speech
from feature_extraction.hearing.speech import Segment, doubt_of, recognise
from feature_extraction.hearing.stretches import Stretch
from feature_extraction.hearing.voices import VOICES
from feature_extraction.options import TranscriptOptions
from feature_extraction.schema import Word
from workfolder.build_once import Once, T
from workfolder.errors import InputError

DEFAULT_MODEL = "base"
"""145 MB, 99 languages; without a GPU larger ones take many times as long as the video."""
MOST_UNHEARD = 2.0
"""Seconds of voice without a word: then a phrase was passed over, as Whisper does after a pause."""
ACTORS_A_GPU = 4
"""Under --runner ray: while one actor's sound is recognised, others decode theirs."""


class OneModel(ABC, Generic[T]):
    """See recogniser.Recogniser.

    Attributes:
        kind: what --asr calls it; ``name`` is ``KIND:MODEL``.
        otherwise: what to do where it cannot work on a machine.
        compute_types: what --compute-type it can be asked for.
        options: how it listens: voices, batch, beam, prompt and compute_type.
    """

    kind: ClassVar[str]
    otherwise: ClassVar[str]
    compute_types: ClassVar[tuple[str, ...]] = ("auto", "float16", "bfloat16", "float32")

    def __init__(
        self, model: str = DEFAULT_MODEL, options: TranscriptOptions = TranscriptOptions()
    ) -> None:
        """Store what is asked; InputError if it cannot compute with such numbers."""
        self.name = f"{self.kind}:{model}"
        self.options = options
        if options.compute_type not in self.compute_types:
            raise InputError(
                f"--asr {self.kind} has no --compute-type {options.compute_type}: give one of "
                f"{', '.join(self.compute_types)}"
            )
        self._model = model
        self._loaded = Once(self._load_and_try)
        self._turn = Lock()

    def __reduce__(self) -> tuple[type[OneModel[T]], tuple[str, TranscriptOptions]]:
        """Leave the loaded model behind."""
        return type(self), (self._model, self.options)

    @property
    def gpus(self) -> float:
        """See Recogniser."""
        return 1 / ACTORS_A_GPU if self._has_gpu() else 0.0

    def provenance(self) -> dict[str, Any]:
        """See Recogniser."""
        options = self.options
        asked = {"prompt": options.prompt, "compute_type": options.compute_type}
        chosen = {name: value for name, value in asked.items() if value not in (None, "auto")}
        how = {"voices": options.voices, "batch": options.batch, "beam": options.beam}
        return self._weights() | how | chosen

    def prepare(self) -> None:
        """See Recogniser."""
        VOICES[self.options.voices](np.zeros(SAMPLE_RATE, np.float32))
        self._loaded()

    def __call__(self, sound: Iterable[np.ndarray], language: str | None = None) -> Speech:
        """See Recogniser."""
        options = self.options
        return recognise(sound, language, self._take_turns, VOICES[options.voices], options.batch)

    def align(
        self, words: Sequence[Word], sound: Iterable[np.ndarray], language: str | None = None
    ) -> tuple[list[Word], int]:
        """Return the words of captions with the times at which they are heard.

        Args:
            words: in the order of their starts.
            sound: runs of float32 samples at audio.SAMPLE_RATE that follow one another.
            language: a code such as en; None finds out what is spoken.

        Returns:
            The words, and how many of them were not found and keep their times.

        Raises:
            InputError: as ``prepare`` does.
        """

        def align(
            sounds: Sequence[np.ndarray], texts: Sequence[Sequence[str]]
        ) -> list[Sequence[Word] | None]:
            nonlocal language
            model = self._loaded()
            with self._turn:
                language = language or self._spoken(model, sounds[0])
                return [*self._align(model, sounds, texts, language)]

        return align_words(words, sound, align, VOICES[self.options.voices], self.options.batch)

    def _take_turns(
        self, stretches: Sequence[Stretch], language: str | None
    ) -> tuple[list[Sequence[Segment]], str | None]:
        """Hear stretches together, and one alone where something is wrong. See speech.Hear."""
        # The model is loaded for the first stretch: a video without sound is refused without it.
        model = self._loaded()
        with self._turn:
            if self.options.batch == 1:
                heard, language = self._hear_alone(model, stretches[0].samples, language)
                return [heard], language
            sounds = [stretch.samples for stretch in stretches]
            together, language = self._hear(model, sounds, language)
            phrases: list[Sequence[Segment]] = list(together)
            for place, stretch in enumerate(stretches):
                if _is_wrong(stretch, phrases[place]):
                    alone, _ = self._hear_alone(model, stretch.samples, language)
                    phrases[place] = _better(stretch, phrases[place], alone)
            return phrases, language

    def _load_and_try(self) -> T:
        """Load the model; what would fail for every video alike fails here, once."""
        model = self._load(self._model)
        try:
            self._encode(model, np.zeros(SAMPLE_RATE, np.float32))
        except (RuntimeError, OSError, ValueError) as error:
            raise InputError(
                f"--asr {self.name} does not work on this machine ({first_line(error)}): "
                f"{self.otherwise}"
            ) from error
        return model

    @abstractmethod
    def _weights(self) -> dict[str, Any]:
        """Return what names the weights, as JSON can hold it; InputError if there are none."""

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
        self, model: T, stretches: Sequence[np.ndarray], language: str | None
    ) -> tuple[Sequence[Sequence[Segment]], str | None]:
        """Hear several stretches at once, the likeliest words of each. See speech.Hear."""

    @abstractmethod
    def _hear_alone(
        self, model: T, stretch: np.ndarray, language: str | None
    ) -> tuple[Sequence[Segment], str | None]:
        """Hear one stretch; what is unlikely is tried again at higher temperatures."""

    @abstractmethod
    def _spoken(self, model: T, sound: np.ndarray) -> str | None:
        """Find out the language of a sound, where the model knows several."""

    @abstractmethod
    def _align(
        self,
        model: T,
        sounds: Sequence[np.ndarray],
        texts: Sequence[Sequence[str]],
        language: str | None,
    ) -> Sequence[Sequence[Word] | None]:
        """Find words in sounds. See alignment.Align."""


def _is_wrong(stretch: Stretch, phrases: Sequence[Segment]) -> bool:
    """Say whether what was heard is doubted, or some of the voice was passed over."""
    doubted = any(doubt_of(phrase) in (GUESSES, REPETITIONS) for phrase in phrases)
    return doubted or _unheard(stretch, phrases) > MOST_UNHEARD


def _better(
    stretch: Stretch, together: Sequence[Segment], alone: Sequence[Segment]
) -> Sequence[Segment]:
    """Choose what passes over less of the voice; if that is alike, what was heard alone."""
    return alone if _unheard(stretch, alone) <= _unheard(stretch, together) else together


def _unheard(stretch: Stretch, phrases: Sequence[Segment]) -> float:
    """Return the longest run of voice without a believed word, in seconds."""
    believed = (phrase for phrase in phrases if not doubt_of(phrase))
    return stretch.unheard(chain.from_iterable(phrase.words for phrase in believed))


def first_line(error: Exception) -> str:
    """Return what an error says, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
