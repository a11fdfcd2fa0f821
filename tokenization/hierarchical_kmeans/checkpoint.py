"""Keeps the finished pieces of a fit, so that a fit that was killed continues."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from workfolder.files import read_json, write_json, write_whole
from workfolder.stage import refuse_other_options

logger = logging.getLogger(__name__)

IDENTITY_FILE = "checkpoint.json"


class Checkpoint:
    """A folder of tensors by name, each whole or absent.

    Args:
        folder: where to keep them; None keeps nothing.
        identity: what decides the tensors, as JSON can hold it.

    Raises:
        InputError: if the folder belongs to other options or other features.
    """

    def __init__(self, folder: Path | None, identity: Mapping[str, Any]) -> None:
        self._folder = folder
        if folder is None:
            return
        path = folder / IDENTITY_FILE
        if not path.exists():
            write_json(dict(identity), path)
        # "Use those" would not help where more videos have come.
        refuse_other_options(folder, read_json(path), identity, "remove it to start again")

    def __call__(
        self, name: str, make: Callable[[], dict[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """Read the tensors of that name, or make and keep them if they are absent or damaged."""
        if self._folder is None:
            return make()
        path = self._folder / f"{name}.safetensors"
        if path.exists():
            try:
                return load_file(path)
            except (OSError, SafetensorError) as error:
                logger.warning("%s cannot be read and is made again: %s", path, error)
        tensors = make()
        with write_whole(path) as part:
            save_file(tensors, part)
        return tensors
