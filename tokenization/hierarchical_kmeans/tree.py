"""A grown tree on the disk: safetensors for its numbers, JSON for what it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tokenization.hierarchical_kmeans.growing import Grown
from tokenization.hierarchical_kmeans.projection import Preparation
from workfolder.errors import InputError
from workfolder.files import read_json, write_json, write_whole

CENTROIDS_FILE = "centroids.safetensors"
CODEBOOK_FILE = "codebook.json"
FORMAT_VERSION = 1


def write_tree(folder: Path, grown: Grown, metadata: Mapping[str, Any]) -> None:
    """Write ``centroids.safetensors`` and then ``codebook.json``, whole or not at all; the rows' words are not kept."""
    tensors = grown.preparation.tensors
    for level, (centers, sizes) in enumerate(zip(grown.centers, grown.sizes, strict=True)):
        tensors |= {f"centers.{level}": centers, f"sizes.{level}": sizes}
    with write_whole(folder / CENTROIDS_FILE) as part:
        save_file(tensors, part)
    inertia = {"inertia_by_level": grown.inertia}
    write_json({"format": FORMAT_VERSION, **metadata, **inertia}, folder / CODEBOOK_FILE)


def read_tree(folder: Path) -> tuple[Grown, dict[str, Any]]:
    """What ``write_tree`` wrote; InputError if a file is absent, damaged, or of another format."""
    path = folder / CENTROIDS_FILE
    metadata = read_json(folder / CODEBOOK_FILE)
    try:
        if metadata.get("format") != FORMAT_VERSION:
            raise InputError(
                f"{folder} holds a codebook of format {metadata.get('format')}, not {FORMAT_VERSION}: fit it again"
            )
        tensors = load_file(path)
        levels = range(metadata["parameters"]["depth"])
        centers, sizes = (
            [tensors[f"{name}.{level}"] for level in levels] for name in ("centers", "sizes")
        )
        preparation = Preparation(tensors["mean"], tensors.get("components"))
        return Grown(
            preparation, np.empty(0, np.int32), centers, sizes, metadata["inertia_by_level"]
        ), metadata
    except (SafetensorError, OSError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} or {CODEBOOK_FILE} beside it cannot be read ({error}): run cluster again"
        ) from error
