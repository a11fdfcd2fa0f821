"""Sound to timed words: what every speech recogniser has in common.

A recogniser of Whisper's kin hears 30 s at a time and invents text where nobody speaks, over music and in silence. So
what it is not sure of by its own figures is left out, and so is what it says over and over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ClassVar, Generic, Protocol

import numpy as np

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.sentences import SentenceOptions
from feature_extraction.hearing.timed_words import clean, tokens_of
from feature_extraction.schema import Word
from workfolder.once import Once, T

PIECE_SECONDS = 120.0
"""A recogniser is given so much sound at most at a time, so that memory does not grow with the video."""
CUT_SECONDS = 30.0
"""A piece ends at the quietest moment of its last so many seconds, so that no word is cut."""
QUIET_SECONDS = 0.3
"""How long such a moment is: a short pause."""
INAUDIBLE = 1e-4
"""Sound that never exceeds it, -80 dB, is silence: three units of the last place of 16 bits."""
NO_SPEECH, LOGPROB, COMPRESSION = 0.6, -1.0, 2.4
"""Thresholds of a Segment's figures, of whisper.transcribe and section 4.5 of arXiv:2212.04356."""
REPEATS = 4
"""A phrase said so many times on end is a loop, of which the first is kept."""
DEFAULT_MODEL = "base"
"""145 MB, 99 languages; without a GPU larger ones take many times as long as the video."""
WITHOUT_SPACES = frozenset("zh ja th lo my yue".split())
"""Languages in which Whisper's words are single characters or tokens (whisper/tokenizer.py, split_to_word_tokens)."""


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
    """Sound in, timed words out. It is called from several threads, and must be picklable for --runner ray.

    Attributes:
        name: stands in the transcripts as the source of the words, and is what --asr calls it.
    """

    name: str

    def provenance(self) -> Mapping[str, Any]:
        """What decides the words beside the name, as JSON can hold it; InputError if there is no such model."""

    def prepare(self) -> None:
        """Have the model ready; InputError if it cannot be had."""

    def __call__(self, sound: Iterable[np.ndarray], language: str | None = None) -> Speech:
        """The words in runs of float32 samples in [-1, 1] at SAMPLE_RATE that follow one another.

        ``language``: what is spoken, as a code such as en; None finds out. InputError as ``prepare`` has it.
        """


@dataclass(frozen=True)
class Segment:
    """A phrase as Whisper's kin give it; its words keep the spaces before them, their times count from its piece's start.

    Attributes:
        no_speech_prob: probability that nobody speaks.
        avg_logprob: mean log probability of the tokens.
        compression_ratio: of the text by gzip; high where it repeats itself.
    """

    text: str
    no_speech_prob: float
    avg_logprob: float
    compression_ratio: float
    words: tuple[Word, ...]


HearPiece = Callable[[np.ndarray, str | None], tuple[Sequence[Segment], str]]
"""Segments and language of a piece of sound, float32 [samples]; asked for a language, or to find out where it is None."""


def recognise(sound: Iterable[np.ndarray], language: str | None, hear: HearPiece) -> Speech:
    """What is said in runs of samples, piece by piece; the first piece in which something is said decides the language."""
    words: list[Word] = []
    dropped: Counter[str] = Counter()
    spoken = language
    for start, piece in pieces(sound):
        if np.abs(piece).max() < INAUDIBLE:
            continue
        segments, heard = hear(piece, spoken)
        believed: list[Word] = []
        for segment in segments:
            if reason := doubt(segment):
                dropped[reason] += 1
            else:
                believed += _joined(segment.words, heard)
        words += _placed(believed, start, len(piece) / SAMPLE_RATE)
        if believed:
            spoken = heard
    kept = without_loops(words)
    dropped["loops"] = len(words) - len(kept)
    return Speech(tuple(kept), spoken if kept else None, dict(+dropped))


def doubt(segment: Segment) -> str | None:
    """Why a segment is left out, if it is."""
    text = segment.text.strip(" .!")
    if not tokens_of(clean(text)) or (
        text[0] in "([*♪" and text[-1] in ")]*♪"
    ):  # (upbeat music), *sigh*
        return "not spoken"
    if segment.avg_logprob < LOGPROB:
        return "silence" if segment.no_speech_prob > NO_SPEECH else "guesses"
    return "repeats itself" if segment.compression_ratio > COMPRESSION else None


def pieces(
    sound: Iterable[np.ndarray], seconds: float = PIECE_SECONDS
) -> Iterator[tuple[float, np.ndarray]]:
    """Arrays of at most ``seconds`` that follow one another, each with the second at which it starts.

    Each but the last ends at the quietest moment of its last CUT_SECONDS, or of its second half if that is shorter.
    """
    longest, within = int(seconds * SAMPLE_RATE), int(min(CUT_SECONDS, seconds / 2) * SAMPLE_RATE)
    rest = np.empty(0, np.float32)
    start = 0
    for run in sound:
        rest = np.concatenate([rest, run])
        while len(rest) > longest:
            cut = longest - within + quietest(rest[longest - within : longest])
            yield start / SAMPLE_RATE, rest[:cut]
            start, rest = start + cut, rest[cut:]
    if len(rest):
        yield start / SAMPLE_RATE, rest


def quietest(sound: np.ndarray) -> int:
    """The sample in the middle of the quietest QUIET_SECONDS, [samples]; at least one if there are so many."""
    step = SAMPLE_RATE // 100
    power = (
        np.square(sound[: len(sound) // step * step], dtype=np.float64)
        .reshape(-1, step)
        .sum(axis=1)
    )
    width = int(QUIET_SECONDS * SAMPLE_RATE / step)
    if len(power) < width:
        return len(sound) // 2
    sums = np.convolve(power, np.ones(width), "valid")
    return (int(sums.argmin()) + width // 2) * step


def without_loops(words: Sequence[Word]) -> list[Word]:
    """``words`` with each phrase, of a sentence's length at most, that is a loop said once, the first time."""
    kept = list(words)
    for length in range(1, SentenceOptions.max_words + 1):
        said = [word.text.lower().strip(".,!?…") for word in kept]
        same = [
            place >= length and said[place] == said[place - length] for place in range(len(said))
        ]
        looped: set[int] = set()
        first = 0
        for place in range(len(said) + 1):
            if place < len(said) and same[place]:
                continue
            if place - first >= length * (REPEATS - 1):
                looped.update(range(first, place))
            first = place + 1
        kept = [word for place, word in enumerate(kept) if place not in looped]
    return kept


def _joined(words: Sequence[Word], language: str) -> Iterator[Word]:
    """Words of a segment, those joined that have no space between ("e", "-mail"); without what is not spoken."""
    joined: list[Word] = []
    for word in words:
        if joined and language not in WITHOUT_SPACES and not word.text.startswith(" "):
            before = joined.pop()
            sure = [share for share in (before.probability, word.probability) if share is not None]
            word = Word(before.text + word.text, before.start, word.end, min(sure, default=None))
        joined.append(word)
    for word in joined:
        if tokens_of(text := clean(word.text).strip()):
            yield Word(text, word.start, word.end, word.probability)


def _placed(words: Iterable[Word], start: float, length: float) -> Iterator[Word]:
    """``words`` of a piece of ``length`` seconds that starts at ``start``, their times in order and within it."""
    earliest = 0.0
    for word in words:
        earliest = min(max(word.start, earliest), length)
        yield Word(
            word.text,
            start + earliest,
            start + min(max(word.end, earliest), length),
            word.probability,
        )


class OneModel(ABC, Generic[T]):
    """A recogniser of Whisper's kin with one model for all threads, which take turns. See Recogniser.

    Attributes:
        kind: what --asr calls it; ``name`` is ``KIND:MODEL``.
    """

    kind: ClassVar[str]

    def __init__(self, model: str = DEFAULT_MODEL) -> None:
        self.name = f"{self.kind}:{model}"
        self._model = model
        self._loaded = Once(lambda: self._load(model))
        self._turn = Lock()

    def __reduce__(self) -> tuple[type[OneModel[T]], tuple[str]]:
        """The model stays behind."""
        return type(self), (self._model,)

    def prepare(self) -> None:
        """See Recogniser."""
        self._loaded()

    def __call__(self, sound: Iterable[np.ndarray], language: str | None = None) -> Speech:
        """See Recogniser."""
        return recognise(sound, language, self._hear)

    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """See Recogniser."""

    @abstractmethod
    def _load(self, model: str) -> T:
        """The model; InputError if it cannot be had."""

    @abstractmethod
    def _hear(self, piece: np.ndarray, language: str | None) -> tuple[Sequence[Segment], str]:
        """See HearPiece."""
