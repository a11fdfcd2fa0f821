"""All examples of a work folder, in memory: about 0.4 kB each, and 4 bytes a visual word."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from tokenization.schema import EXAMPLES
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.stage import Stage

NOBODY = -1
DATA_DIGEST = "data_digest"
"""Key of a model's or a captioner's options.json, see data_digest."""


@dataclass(frozen=True)
class Corpus:
    """Examples in the order of video and time.

    Attributes:
        texts: WordPiece ids of each example's sentence, empty where nobody speaks.
        visual: visual words of each example, int32, possibly none.
        video: int32 [examples], equal for examples of one video.
        start, end: float64 [examples], seconds.
        sentence: int32 [examples], equal for equal sentences.
        following: int32 [examples], the next example with a sentence in the same video, or NOBODY.
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
        """The example and the next one with a sentence in the same video, if there is one."""
        following = int(self.following[example])
        return [example] if following == NOBODY else [example, following]


def examples_stage(work: Path) -> Stage:
    """DIR/examples; InputError if it holds none."""
    stage = Stage(work / "examples")
    if not stage.done():
        raise InputError(f"{stage.folder} holds no examples: run videobert tokenize --work {work}")
    return stage


def read_examples(work: Path) -> pa.Table:
    """The rows of DIR/examples, in the order of video and time; InputError if there are none."""
    stage = examples_stage(work)
    return pa.concat_tables([_rows(stage.path(video)) for video in stage.done()])


def _rows(path: Path) -> pa.Table:
    table = read_table(path)
    if not table.schema.equals(EXAMPLES):
        raise InputError(
            f"{path} has other columns than examples have: delete it and run videobert tokenize again"
        )
    return table


def data_digest(*stages: Stage) -> str:
    """16 digits that differ for other files, as far as a glance at their names and sizes can tell.

    300,000 files take two seconds so; their contents would take minutes, each time a finished run is asked for again.
    """
    digest = hashlib.sha256()
    for stage in stages:
        for video in stage.done():
            digest.update(f"{video} {stage.path(video).stat().st_size}\n".encode())
    return digest.hexdigest()[:16]


def make_corpus(examples: pa.Table, text_ids: Callable[[Sequence[str]], list[list[int]]]) -> Corpus:
    """A corpus of ``examples``, rows of tokenization.schema.EXAMPLES, with texts made into ids by ``text_ids``."""
    texts = examples.column("text").to_pylist()
    ids = [np.asarray(pieces, dtype=np.int64) for pieces in text_ids(texts)]
    lists = examples.column("visual").combine_chunks()
    visual = np.split(lists.flatten().to_numpy(), np.cumsum(lists.value_lengths().to_numpy()))[
        :-1
    ]  # no copies
    video = examples.column("video_id").combine_chunks().dictionary_encode().indices.to_numpy()
    _, sentence = np.unique([text.casefold() for text in texts], return_inverse=True)
    spoken = np.flatnonzero([len(pieces) > 0 for pieces in ids])
    following = np.full(len(ids), NOBODY, dtype=np.int32)
    neighbours = video[spoken[:-1]] == video[spoken[1:]]
    following[spoken[:-1][neighbours]] = spoken[1:][neighbours]
    start, end = (examples.column(name).to_numpy() for name in ("start", "end"))
    return Corpus(ids, visual, video, start, end, sentence.astype(np.int32), following)
