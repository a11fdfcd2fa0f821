"""A whole video in windows of even length, so that each can be asked about."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from videobert.data.clips import Clips


def windows(clips: Clips, seconds: float) -> Iterator[Clips]:
    """Cut a video into windows, one after the other; a window without a clip is left out.

    A clip belongs to the window in which its middle lies.

    Args:
        clips: The video, in the order of time.
        seconds: How long a window is.
    """
    middles = (clips.start + clips.end) / 2
    numbers = np.floor(middles / seconds).astype(int)
    for number in np.unique(numbers).tolist():
        inside = np.flatnonzero(numbers == number)
        features = None if clips.features is None else clips.features[inside]
        yield Clips(clips.start[inside], clips.end[inside], clips.words[inside], features)
