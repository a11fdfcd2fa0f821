"""Sound to stretches: what is voiced of it, in runs that a recogniser can hear at once.

Long silences are left out, so that nothing is invented there. A stretch ends where the voice
pauses, so that no word is cut or heard twice where two stretches meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.voices import FRAME, Voices
from feature_extraction.schema import Word

LONGEST_SECONDS = 30.0
"""What Whisper hears at once."""
CUT_SECONDS = 10.0
"""A stretch is cut somewhere in its last so many seconds."""
PAUSE_SECONDS = 0.3
"""How long a pause is in which a stretch is cut, if there is one."""
HUSHED = 0.02
"""Share of the mean power below which a moment is a pause."""
SILENCE_SECONDS = 2.0
"""A silence of so many seconds is left out. A shorter one tells where a sentence ends."""
KEPT_SECONDS = 0.4
"""What is kept of such a silence after a voice and before the next: voices begin softly."""
SURE, UNSURE = 0.5, 0.35
"""Voice begins at the first share, and ends below the second: what Silero's authors advise."""
BETWEEN_WORDS = 0.1
"""No word goes on over a pause of so many seconds. A stop within a word (p, t, k) is shorter."""
LONGEST_WORD, AROUND_WORD = 1.5, 0.3
"""Seconds that a word lasts at most, and by which its times may be wrong."""
CONTEXT_FRAMES = 31
"""Frames of the piece before that are looked at again: a second."""
PIECE_SECONDS = 120.0
"""So much sound is looked at at a time, so that memory does not grow with the video."""


@dataclass(frozen=True)
class Stretch:
    """A run of voiced sound, perhaps with silences left out.

    Attributes:
        samples: float32 [samples], at most LONGEST_SECONDS.
        places: int64 [parts], in which of ``samples`` each part begins; the first is 0.
        origins: int64 [parts], which sample of the whole sound that is.
        shares: float32 [frames], the share of voice in each FRAME of ``samples``.
    """

    samples: np.ndarray = field(repr=False)
    places: np.ndarray
    origins: np.ndarray
    shares: np.ndarray = field(repr=False)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / SAMPLE_RATE

    def span(self, start: float, end: float) -> tuple[float, float]:
        """Return the times of a word in the whole sound.

        Args:
            start, end: of the word, in seconds of the stretch. A recogniser lets words begin or end
                within a pause, or on the other side of it: only the longest run of voice counts.
        """
        start, end = self._longest_voice(start, end)
        middle = (start + end) / 2 * SAMPLE_RATE
        part = max(int(np.searchsorted(self.places, middle, "right")) - 1, 0)
        ends = np.append(self.places, len(self.samples))
        first, last = ends[part] / SAMPLE_RATE, ends[part + 1] / SAMPLE_RATE
        shift = self.origins[part] / SAMPLE_RATE - first
        return (
            float(min(max(start, first), last) + shift),
            float(min(max(end, first), last) + shift),
        )

    @cached_property
    def _pauses(self) -> np.ndarray:
        """float64 [pauses, 2]: when each pause between words begins and ends."""
        spans = _runs(~_voiced_frames(self.shares)) * FRAME / SAMPLE_RATE
        return spans[spans[:, 1] - spans[:, 0] >= BETWEEN_WORDS]

    def _longest_voice(self, start: float, end: float) -> tuple[float, float]:
        """Return the longest part of a span without a pause; all of it where there is none."""
        begins = np.append(start, self._pauses[:, 1]).clip(start, end)
        ends = np.append(self._pauses[:, 0], end).clip(start, end)
        longest = (ends - begins).argmax()
        if ends[longest] <= begins[longest]:
            return start, end
        return float(begins[longest]), float(ends[longest])

    def unheard(self, words: Iterable[Word]) -> float:
        """Return the most seconds of voice in a row during which no word is said.

        Args:
            words: their times count from the start of the stretch. Whatever their ends are, none
                counts as longer than LONGEST_WORD, as the word before a gap is stretched into it.
        """
        begins = np.arange(len(self.shares)) * FRAME / SAMPLE_RATE
        silent = np.ones(len(begins), dtype=bool)
        for word in words:
            end = min(word.end, word.start + LONGEST_WORD) + AROUND_WORD
            first, last = np.searchsorted(begins, (word.start - AROUND_WORD, end))
            silent[first:last] = False
        gaps = np.cumsum(~silent)  # frames between two words have one number
        counts = np.bincount(gaps[silent], weights=self.shares[silent] >= SURE, minlength=1)
        return float(counts.max() * FRAME / SAMPLE_RATE)


def stretches(sound: Iterable[np.ndarray], voices: Voices) -> Iterator[Stretch]:
    """Yield the voiced stretches of runs of samples that follow one another, in order."""
    held, before = _Voiced(), np.empty(0, np.float32)
    for start, piece in pieces(sound):
        # Who looks for voices begins to know them a moment after it is asked.
        shares = voices(np.concatenate([before, piece]))[len(before) // FRAME :]
        before = piece[-CONTEXT_FRAMES * FRAME :]
        held = held.and_then(_voiced(piece, start, shares))
        while len(held.samples) > LONGEST_SECONDS * SAMPLE_RATE:
            cut = held.best_cut()
            yield held.stretch(cut)
            held = held.after(cut)
    if len(held.samples):
        yield held.stretch(len(held.lengths))


def pieces(
    sound: Iterable[np.ndarray], seconds: float = PIECE_SECONDS
) -> Iterator[tuple[int, np.ndarray]]:
    """Cut sound into arrays of ``seconds`` that follow one another, the last one shorter.

    Yields:
        The sample at which a piece starts, a multiple of FRAME, and its samples.
    """
    size = max(int(seconds * SAMPLE_RATE) // FRAME, 1) * FRAME
    start, held, count = 0, [np.empty(0, np.float32)], 0
    for run in sound:
        held.append(run)
        count += len(run)
        while count >= size:
            whole = np.concatenate(held)
            yield start, whole[:size]
            start, held, count = start + size, [whole[size:]], count - size
    if count:
        yield start, np.concatenate(held)


@dataclass(frozen=True)
class _Voiced:
    """Voiced frames that follow one another, perhaps with silences left out between them.

    Attributes:
        samples: float32 [samples] of all frames.
        lengths: int64 [frames], the samples of each: FRAME, or fewer at the end of the sound.
        origins: int64 [frames], the sample of the whole sound at which each begins.
        shares: float32 [frames], the share of voice in each.
        powers: float64 [frames], the mean square of its samples times its share of voice.
    """

    samples: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    lengths: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    origins: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    shares: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    powers: np.ndarray = field(default_factory=lambda: np.empty(0, np.float64))

    def and_then(self, other: _Voiced) -> _Voiced:
        """Join what follows."""
        pairs = zip(self.per_frame(), other.per_frame(), strict=True)
        joined = (np.concatenate(pair) for pair in pairs)
        return _Voiced(np.concatenate([self.samples, other.samples]), *joined)

    def after(self, frame: int) -> _Voiced:
        """Return what begins at a frame."""
        rest = (array[frame:] for array in self.per_frame())
        return _Voiced(self.samples[self.lengths[:frame].sum() :], *rest)

    def stretch(self, frames: int) -> Stretch:
        """Return the first frames as a stretch."""
        lengths, origins = self.lengths[:frames], self.origins[:frames]
        places = np.cumsum(lengths) - lengths
        begins = np.append(True, origins[1:] != origins[:-1] + lengths[:-1])
        return Stretch(
            self.samples[: lengths.sum()], places[begins], origins[begins], self.shares[:frames]
        )

    def best_cut(self) -> int:
        """Return the frame before which to cut: the last pause in time, else the faintest moment.

        A silence that was left out is the best of pauses, as the voice is silent around it.
        """
        last = int(LONGEST_SECONDS * SAMPLE_RATE) // FRAME
        first = last - int(CUT_SECONDS * SAMPLE_RATE) // FRAME
        width = int(PAUSE_SECONDS * SAMPLE_RATE) // FRAME
        powers = np.convolve(self.powers[:last], np.ones(width) / width, "valid")
        late = powers[first:]
        paused = np.flatnonzero(late <= HUSHED * powers.mean())
        faintest = paused[-1] if len(paused) else late.argmin()
        return first + int(faintest) + width // 2

    def per_frame(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the arrays that have a number for each frame."""
        return self.lengths, self.origins, self.shares, self.powers


def _voiced(piece: np.ndarray, start: int, shares: np.ndarray) -> _Voiced:
    """Keep of a piece the frames that are voiced, and the short silences between them.

    Args:
        piece: float32 [samples].
        start: the sample of the whole sound at which it begins.
        shares: float32 [frames], the shares of voice.
    """
    kept = _kept(shares)
    begins = np.arange(len(shares)) * FRAME
    lengths = np.minimum(FRAME, len(piece) - begins)
    squares = np.add.reduceat(np.square(piece, dtype=np.float64), begins)
    samples = piece[np.repeat(kept, lengths)]
    powers = squares / lengths * shares
    return _Voiced(samples, lengths[kept], start + begins[kept], shares[kept], powers[kept])


def _kept(shares: np.ndarray) -> np.ndarray:
    """Say of each frame whether it is voiced or near to a voice: bool [frames]."""
    begins, ends = _runs(_voiced_frames(shares)).T
    pad = -(-int(KEPT_SECONDS * SAMPLE_RATE) // FRAME)
    kept = np.zeros(len(shares), dtype=bool)
    for begin, end in zip(begins, ends, strict=True):
        kept[max(begin - pad, 0) : end + pad] = True
    for end, following in zip(ends[:-1], begins[1:], strict=True):
        if (following - end) * FRAME < SILENCE_SECONDS * SAMPLE_RATE:
            kept[end:following] = True
    return kept


def _voiced_frames(shares: np.ndarray) -> np.ndarray:
    """Say of each frame whether somebody speaks: bool [frames]."""
    sure, known = shares >= SURE, (shares >= SURE) | (shares < UNSURE)
    # Between the two shares what was so before goes on.
    latest = np.maximum.accumulate(np.where(known, np.arange(len(shares)), -1))
    return np.where(latest >= 0, sure[latest], False)


def _runs(told: np.ndarray) -> np.ndarray:
    """Return where runs of True begin, and where they have ended: int64 [runs, 2]."""
    return np.flatnonzero(np.diff(np.concatenate([[False], told, [False]]))).reshape(-1, 2)
