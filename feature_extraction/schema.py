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
"""Key of a features file's metadata under which the video's absolute path stands, for who wants its pictures later."""


@dataclass(frozen=True)
class Clip:
    """A window of picture: 30 frames at 20 per second.

    Attributes:
        index: 0, 1, 2, ... within the video.
        start, end: seconds; ``end`` is where the picture really ends, so a padded last clip is shorter.
        frames: uint8, [30, height, width, 3], RGB.
    """

    index: int
    start: float
    end: float
    frames: np.ndarray = field(repr=False, compare=False)


@dataclass(frozen=True)
class Word:
    """A spoken word with its times in seconds; ``probability`` in [0, 1] where a recogniser gave one."""

    text: str
    start: float
    end: float
    probability: float | None = None


@dataclass(frozen=True)
class Sentence:
    """Words that belong together; its times are those of its first and last word."""

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
    """Rows of DIR/features/<video>.parquet; ``width`` is how many numbers a clip has (1024 for S3D)."""
    return pa.schema(
        [
            ("video_id", pa.string()),
            ("index", pa.int32()),
            ("start", pa.float64()),
            ("end", pa.float64()),
            ("feature", pa.list_(pa.float16(), width)),
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
        (
            "words",
            pa.list_(
                pa.struct(
                    [
                        ("word", pa.string()),
                        ("start", pa.float64()),
                        ("end", pa.float64()),
                        ("probability", pa.float32()),
                    ]
                )
            ),
        ),
    ]
)
"""Rows of DIR/transcripts/<video>.parquet; ``source`` says who wrote the words: captions:NAME, or a recogniser."""


def feature_matrix(table: pa.Table) -> np.ndarray:
    """The features of a table of that schema, float16, [clips, width]."""
    width = table.schema.field("feature").type.list_size
    column = table.column("feature").combine_chunks()
    return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)


def feature_column(features: np.ndarray) -> pa.FixedSizeListArray:
    """The Arrow column of a float16 [clips, width] array."""
    flat = np.ascontiguousarray(features, dtype=np.float16).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat, type=pa.float16()), features.shape[1])
