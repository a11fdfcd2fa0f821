"""All examples of a work folder in memory: about 0.4 kB each, and 4 bytes a visual word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

NOBODY = -1


@dataclass(frozen=True)
class Corpus:
    """Examples in the order of video and time.

    Attributes:
        texts: WordPiece ids of each example's sentence; empty where nobody speaks.
        visual: Visual words of each example, int32, possibly none.
        video: Number of each example's video, int32 [examples].
        start: Start of each example in seconds, float64 [examples].
        end: End of each example in seconds, float64 [examples].
        sentence: Number of each example's sentence, int32 [examples]; equal for equal sentences.
        following: The next example with a sentence in the same video, or NOBODY, int32 [examples].
    """

    texts: Sequence[np.ndarray]
    visual: Sequence[np.ndarray]
    video: np.ndarray
    start: np.ndarray
    end: np.ndarray
    sentence: np.ndarray
    following: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def spoken(self) -> np.ndarray:
        """Which examples have a sentence, bool [examples]."""
        return np.array([len(text) > 0 for text in self.texts], dtype=bool)

    @property
    def seen(self) -> np.ndarray:
        """Which examples have visual words, bool [examples]."""
        return np.array([len(words) > 0 for words in self.visual], dtype=bool)

    def with_following(self, example: int) -> list[int]:
        """List an example and, if there is one, the next with a sentence in the same video."""
        following = int(self.following[example])
        return [example] if following == NOBODY else [example, following]


def make_corpus(examples: pa.Table, text_ids: Callable[[Sequence[str]], list[list[int]]]) -> Corpus:
    """Make a corpus of rows of tokenization.schema.EXAMPLES.

    Args:
        examples: The rows, in the order of video and time.
        text_ids: Makes the WordPiece ids of texts.
    """
    texts = examples.column("text").to_pylist()
    ids = [np.asarray(pieces, dtype=np.int64) for pieces in text_ids(texts)]
    lists = examples.column("visual").combine_chunks()
    ends = np.cumsum(lists.value_lengths().to_numpy())
    visual = np.split(lists.flatten().to_numpy(), ends)[:-1]  # views, not copies
    video = examples.column("video_id").combine_chunks().dictionary_encode().indices.to_numpy()
    _, sentence = np.unique([text.casefold() for text in texts], return_inverse=True)
    spoken = np.flatnonzero([len(pieces) > 0 for pieces in ids])
    following = np.full(len(ids), NOBODY, dtype=np.int32)
    neighbours = video[spoken[:-1]] == video[spoken[1:]]
    following[spoken[:-1][neighbours]] = spoken[1:][neighbours]
    start, end = (examples.column(name).to_numpy() for name in ("start", "end"))
    return Corpus(ids, visual, video, start, end, sentence.astype(np.int32), following)
