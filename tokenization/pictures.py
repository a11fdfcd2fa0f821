"""Which frame stands for a visual word: the middle of the training clip whose feature is nearest its centroid."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from feature_extraction.schema import SOURCE_KEY, feature_matrix
from feature_extraction.seeing.video import frame_at
from tokenization.schema import PICTURES
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.guard import Guards
from workfolder.ledger import Ledger
from workfolder.progress import Progress, silent
from workfolder.stage import Stage

if TYPE_CHECKING:
    from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans

HEIGHT = 96
"""Pixels; 20,736 such pictures are about 60 MB."""

logger = logging.getLogger(__name__)


def word_pictures(
    tree: HierarchicalKMeans, features: Stage, progress: Progress = silent
) -> pa.Table:
    """The picture of each visual word that some clip of DIR/features has, rows of schema.PICTURES by word."""
    nearest: dict[int, dict[str, Any]] = {}
    videos = features.done()
    for done, video in enumerate(videos, 1):
        for row in _nearest_clips(tree, read_table(features.path(video))):
            held = nearest.get(row["token"])
            if held is None or row["distance"] < held["distance"]:
                nearest[row["token"]] = row
        progress("nearest clips", done, len(videos))
    guards, ledger = Guards(), Ledger(features)
    for done, row in enumerate(
        sorted(nearest.values(), key=lambda row: (row["video_id"], row["start"])), 1
    ):
        middle = (row["start"] + row.pop("end")) / 2
        row["jpeg"] = _jpeg(guards, ledger, row["video_id"], middle)
        progress("pictures", done, len(nearest))
    guards.close()
    return pa.Table.from_pylist([nearest[token] for token in sorted(nearest)], schema=PICTURES)


def picture(pictures: pa.Table, token: int) -> Image.Image | None:
    """The picture of a visual word, or None if it has none."""
    import pyarrow.compute as pc

    row = pictures.filter(pc.field("token") == token).to_pylist()
    return Image.open(io.BytesIO(row[0]["jpeg"])) if row and row[0]["jpeg"] else None


def _nearest_clips(tree: HierarchicalKMeans, table: pa.Table) -> list[dict[str, Any]]:
    """Of one video, the clip nearest each word that it has."""
    tokens, distances = tree.nearest(feature_matrix(table))
    order = np.lexsort((distances, tokens))
    _, first = np.unique(tokens[order], return_index=True)
    rows = table.select(["video_id", "index", "start", "end"]).to_pylist()
    return [
        rows[i] | {"token": int(tokens[i]), "distance": float(distances[i])} for i in order[first]
    ]


def _jpeg(guards: Guards, ledger: Ledger, video: str, second: float) -> bytes | None:
    """The frame shown at a second of a video; None where it cannot be read, or is no file that the user named."""
    source = (pq.read_schema(ledger.stage.path(video)).metadata or {}).get(SOURCE_KEY)
    if source is None:  # features that were put there by others
        return None
    path, noted = Path(os.fsdecode(source)), ledger.path_of(video)
    if noted is None or os.path.realpath(noted) != str(path):
        logger.warning(
            "a visual word stays without a picture: extract was given %s for %s, not %s",
            noted,
            video,
            path,
        )
        return None
    try:
        frame = guards.call(frame_at, path, second, HEIGHT)
    except InputError as error:  # videos are often deleted once their features are there
        logger.warning("a visual word stays without a picture: %s", error)
        return None
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
