"""Small codebooks, most of them without pictures."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
from PIL import Image

from tokenization.codebook import Codebook
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.schema import PICTURES

WIDTH = 8
"""Numbers per feature."""
MADE_WITH = {"made": "up", "weights": "random:0", "frames_per_second": 20, "clip_frames": 30}
LIVING, WORDS = 7, 8
"""Visual words with and without the dead one of codebook_with_a_dead_word."""


def toy_codebook(seed: int = 0) -> Codebook:
    """Return nine visual words of features of eight numbers."""
    features = np.random.default_rng(seed).normal(size=(90, WIDTH)).astype(np.float32)
    return _codebook(HierarchicalKMeans(3, 2).fit(features), MADE_WITH)


def codebook_with_a_dead_word() -> Codebook:
    """Return eight visual words of features of one number; nothing lies nearest to one of them."""
    points = np.array([0, 1, 10, 11, 100, 101, 110], dtype=np.float32)[:, None]
    tree = HierarchicalKMeans(branching=2, depth=3).fit(points)
    assert len(tree.dead_words_) == WORDS - LIVING
    return _codebook(tree, {})


def jpeg(seed: int, size: tuple[int, int] = (24, 16), detail: int = 4) -> bytes:
    """Return a picture of ``detail`` times ``detail`` random patches that run into each other."""
    patches = np.random.default_rng(seed).integers(0, 256, (detail, detail, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def with_pictures(
    tree: HierarchicalKMeans, videos: list[str], jpegs: list[bytes | None] | None = None
) -> Codebook:
    """Return a codebook whose living words have pictures, in turn from ``jpegs`` or each its own."""
    rows = []
    for place, word in enumerate(np.flatnonzero(tree.sizes_[-1]).tolist()):
        picture = jpegs[place % len(jpegs)] if jpegs else jpeg(word)
        video = videos[place % len(videos)]
        rows.append(
            {
                "token": word,
                "video_id": video,
                "index": 3,
                "start": 4.5,
                "distance": 0.5,
                "jpeg": picture,
            }
        )
    options = {"branching": tree.branching, "features": {"weights": "random:0", "mean": [0.5, 1]}}
    return Codebook(tree, options, pa.Table.from_pylist(rows, schema=PICTURES))


def _codebook(tree: HierarchicalKMeans, made_with: dict[str, str]) -> Codebook:
    return Codebook(tree, {"features": made_with}, PICTURES.empty_table())
