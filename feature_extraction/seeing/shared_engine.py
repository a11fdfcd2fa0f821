"""Clips of several videos in one batch, on one device or several.

A GPU is fast once it is given many clips at a time, and one video is decoded too slowly for that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from feature_extraction.seeing.engines import Engine


class SharedEngine:
    """Engines that are alike, one for each device, behind one queue; see engines.Engine.

    Each lane hands over a few clips of its video and waits for their features. A device that is
    free takes what has come so far, at most its batch and of whichever videos. So it never waits
    for a batch to be full, and batches grow as long as it is busy. Meanwhile the processes that
    decode go on.
    """

    def __init__(self, engines: Sequence[Engine], lanes: int) -> None:
        """Share engines.

        Args:
            engines: one or more of one kind; each is called by one thread at a time.
            lanes: how many threads will call this one. All of them together hand over as many
                clips as the engines take at once, or more.
        """
        self.name, self.precision = engines[0].name, engines[0].precision
        self._most = engines[0].batch
        self.batch = -(-len(engines) * self._most // lanes)
        self._waiting: deque[tuple[np.ndarray, Future[np.ndarray]]] = deque()
        self._idle: SimpleQueue[Engine] = SimpleQueue()
        for engine in engines:
            self._idle.put(engine)
        self._threads = ThreadPoolExecutor(len(engines))

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """See Engine."""
        asked = [(clip, Future[np.ndarray]()) for clip in frames]
        self._waiting.extend(asked)
        for _ in asked:
            self._threads.submit(self._run_batch)
        return np.stack([feature.result() for _, feature in asked])

    def _run_batch(self) -> None:
        """Run the clips that wait, if an earlier batch has not taken them all."""
        batch: list[tuple[np.ndarray, Future[np.ndarray]]] = []
        while self._waiting and len(batch) < self._most:
            try:
                batch.append(self._waiting.popleft())
            except IndexError:  # another device took it
                break
        if not batch:
            return
        engine = self._idle.get()
        try:
            features = engine(np.stack([clip for clip, _ in batch]))
        except Exception as error:  # each of these videos fails, as it would alone
            for _, waiting in batch:
                waiting.set_exception(error)
        else:
            for (_, waiting), feature in zip(batch, features, strict=True):
                waiting.set_result(feature)
        finally:
            self._idle.put(engine)
