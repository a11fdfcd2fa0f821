"""What this stage writes: features and transcripts, one Parquet file a video.

Times are seconds from the start of the video, as float64. Every row says where it came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

SCHEMA_VERSION = 1
"""Raised when a column changes its meaning; a folder of another version is refused."""
SOURCE_KEY = b"source"
"""Key in the metadata of a features file for the video's absolute path, where its pictures are."""


@dataclass(frozen=True)
class Clip:
    """A short stretch of picture.

    Attributes:
        index: 0, 1, 2, ... within the video.
        start: seconds at which it begins.
        end: seconds at which the picture ends; sooner than the frames of a padded last clip.
        frames: uint8 RGB [frames that the network looks at, height, width, 3].
    """

    index: int
    start: float
    end: float
    frames: np.ndarray = field(repr=False, compare=False)


@dataclass(frozen=True)
class Word:
    """A spoken word.

    Attributes:
        text: the word.
        start: seconds at which it begins.
        end: seconds at which it ends.
        probability: in [0, 1], if a recogniser gave one.
        begins_cue: whether it is the first of several in a caption that gives none of them a time.
    """

    text: str
    start: float
    end: float
    probability: float | None = None
    begins_cue: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True)
class Sentence:
    """Words that belong together; there is at least one."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words, joined by single spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def start(self) -> float:
        """Seconds at which the first word begins."""
        return self.words[0].start

    @property
    def end(self) -> float:
        """Seconds at which the last word to end does so."""
        return max(word.end for word in self.words)


def features_schema(width: int) -> pa.Schema:
    """Return the columns of DIR/features/<video>.parquet for clips of ``width`` numbers."""
    return pa.schema(
        [
            ("video_id", pa.string()),
            ("index", pa.int32()),
            ("start", pa.float64()),
            ("end", pa.float64()),
            ("feature", pa.list_(pa.float16(), width)),
        ]
    )


_WORD = pa.struct(
    [
        ("word", pa.string()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("probability", pa.float32()),
    ]
)
TRANSCRIPTS = pa.schema(
    [
        ("video_id", pa.string()),
        ("index", pa.int32()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("text", pa.string()),
        ("source", pa.string()),
        ("language", pa.string()),
        ("words", pa.list_(_WORD)),
    ]
)
"""The columns of DIR/transcripts/<video>.parquet. ``source`` is captions:NAME, imported:NAME, or a
recogniser."""


def feature_matrix(table: pa.Table) -> np.ndarray:
    """Return the features of a table of features_schema: float16 [clips, width]."""
    width = table.schema.field("feature").type.list_size
    column = table.column("feature").combine_chunks()
    return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)


def feature_column(features: np.ndarray) -> pa.FixedSizeListArray:
    """Return the Arrow column of an array [clips, width], as float16."""
    flat = np.ascontiguousarray(features, dtype=np.float16).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat, type=pa.float16()), features.shape[1])
