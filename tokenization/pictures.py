"""The picture of a visual word: the middle frame of the training clip nearest its centroid."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from PIL import Image

from feature_extraction.media import frame_at
from feature_extraction.schema import SOURCE_KEY
from tokenization.schema import PICTURES
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.guard import Guards
from workfolder.ledger import Ledger
from workfolder.progress import Progress, silent
from workfolder.stage import Stage

if TYPE_CHECKING:
    from tokenization.hierarchical_kmeans.feature_source import FolderSource
    from tokenization.hierarchical_kmeans.word_finder import WordFinder

HEIGHT = 96
"""Pixels. 20,736 pictures of this height are about 60 MB."""

logger = logging.getLogger(__name__)


def word_pictures(
    tree: WordFinder, source: FolderSource, features: Stage, progress: Progress = silent
) -> pa.Table:
    """Draw the picture of each visual word that some training clip has.

    Args:
        tree: as it was fitted on ``source``.
        source: the features.
        features: their stage, whose ledger says which video each came from.
        progress: called after each picture.

    Returns:
        Rows of schema.PICTURES, by word.
    """
    rows = nearest_rows(tree.labels_, tree.distances_)
    guards, ledger = Guards(), Ledger(features)
    pictures = []
    for clip in _clips(source, rows.tolist()):
        row, middle = clip.pop("row"), (clip["start"] + clip.pop("end")) / 2
        clip["jpeg"] = _jpeg(guards, ledger, clip["video_id"], clip.pop("source"), middle)
        clip |= {"token": int(tree.labels_[row]), "distance": float(tree.distances_[row])}
        pictures.append(clip)
        progress("pictures", len(pictures), len(rows))
    guards.close()
    return pa.Table.from_pylist(sorted(pictures, key=lambda row: row["token"]), schema=PICTURES)


def nearest_rows(words: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Find the row nearest each word's centroid; the first of them, if several are as near.

    Args:
        words: int32 [rows].
        distances: float32 [rows].

    Returns:
        Ascending row numbers, one for each word that occurs.
    """
    least = np.full(int(words.max()) + 1, np.inf, np.float32)
    np.minimum.at(least, words, distances)
    nearest = np.flatnonzero(distances == least[words])
    _, first = np.unique(words[nearest], return_index=True)
    return np.sort(nearest[first])


def picture(pictures: pa.Table, token: int) -> Image.Image | None:
    """Open the picture of a visual word; None if it has none."""
    import pyarrow.compute as pc

    row = pictures.filter(pc.field("token") == token).to_pylist()
    return Image.open(io.BytesIO(row[0]["jpeg"])) if row and row[0]["jpeg"] else None


def _clips(source: FolderSource, rows: list[int]) -> Iterator[dict[str, Any]]:
    """Read where clips come from; each file is opened once, and its features are not read.

    Args:
        source: the features.
        rows: ascending row numbers.

    Yields:
        video_id, index, start and end of each, its row, and the source that its file notes.
    """
    columns = ["video_id", "index", "start", "end"]
    for path, group in groupby(rows, key=lambda row: source.part_of(row).path):
        table = read_table(path, columns)
        noted = (table.schema.metadata or {}).get(SOURCE_KEY)
        for row in group:
            place = row - source.first_rows[path]
            yield {**table.slice(place, 1).to_pylist()[0], "row": row, "source": noted}


def _jpeg(
    guards: Guards, ledger: Ledger, video: str, source: bytes | None, second: float
) -> bytes | None:
    """Encode the frame shown at a second of a video.

    Args:
        guards: open the video.
        ledger: knows which file the user named for it.
        video: its id.
        source: the path that its features note.
        second: of the video.

    Returns:
        None if it cannot be read, or the user did not name that file.
    """
    if source is None:  # features that somebody else made
        return None
    path, noted = Path(os.fsdecode(source)), ledger.path_of(video)
    if noted is None or os.path.realpath(noted) != str(path):
        logger.warning(
            "a visual word has no picture: extract was given %s for %s, not %s", noted, video, path
        )
        return None
    try:
        frame = guards.call(frame_at, path, second, HEIGHT)
    except InputError as error:  # videos are often deleted once their features are there
        logger.warning("a visual word has no picture: %s", error)
        return None
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
