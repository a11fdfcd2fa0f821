"""How long a stage will still take."""

from __future__ import annotations

from collections import deque

ENOUGH_PIECES, ENOUGH_SECONDS = 20, 30.0
"""After so many pieces, or so long, an estimate is worth telling."""


class Pace:
    """Estimates the time that is left from the later half of the pieces done so far.

    The first pieces are slow: the first updates of a training take ten times as long as the others
    on a CPU, as torch prepares its kernels for each new shape. Where fewer pieces are done than
    before, the stage runs again, as with several seeds, and the estimate begins anew.
    """

    def __init__(self, now: float, done: int) -> None:
        """Begin at a time in seconds, with what earlier runs have done."""
        self._begin(now, done)

    def _begin(self, now: float, done: int) -> None:
        self._began, self._first = now, done
        self._samples = deque([(now, done)])

    @property
    def done(self) -> int:
        """The pieces done at the last call that told of a new one."""
        return self._samples[-1][1]

    def left(self, now: float, done: int, total: int) -> float | None:
        """Return the seconds that are left; None where it is too early to tell."""
        if done < self.done:
            self._begin(now, done)
        if done > self.done:
            self._samples.append((now, done))
        half = (self._first + done) / 2
        while len(self._samples) > 1 and self._samples[1][1] <= half:
            self._samples.popleft()
        began, before = self._samples[0]
        latest, last = self._samples[-1]
        early = done - self._first < ENOUGH_PIECES and now - self._began < ENOUGH_SECONDS
        if early or last == before:
            return None
        return (latest - began) / (last - before) * (total - done)
