"""What a stopped run goes on from: a folder beside the model, removed when the model is there."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from workfolder.errors import InputError
from workfolder.files import exclusive_lock, read_json, write_folder, write_json
from workfolder.stage import OPTIONS_FILE, Stage

if TYPE_CHECKING:
    import torch

WEIGHTS_FILE, STATE_FILE = "weights.safetensors", "state.json"
KEPT = 2
"""Checkpoints that stay: where the last one cannot be read, the run goes on from the one before."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingFolder:
    """``MODEL.training``: options.json, the last checkpoints, TensorBoard's files.

    A checkpoint holds weights, the moments of AdamW, the step and the history. The order of the
    data and every random draw follow from the seed and the step, so nothing else is needed to go on
    bit for bit.
    """

    folder: Path

    @classmethod
    def beside(cls, out: Path) -> TrainingFolder:
        """Return the training folder of a model's folder."""
        return cls(out.parent / f"{out.name}.training")

    @contextmanager
    def claimed(self, options: Mapping[str, Any]) -> Iterator[None]:
        """Hold the folder for one run.

        Raises:
            InputError: if another run holds it, or a run with other options left it.
        """
        Stage(self.folder).claim(options, f"use those, or delete {self.folder}")
        with self._held():
            yield

    def remove(self) -> None:
        """Delete the folder.

        Raises:
            InputError: if another run holds it.
        """
        if (self.folder / OPTIONS_FILE).exists():
            with self._held():
                for path in self._checkpoints:  # before options.json, which tells what they are of
                    shutil.rmtree(path)
                shutil.rmtree(self.folder)

    def _held(self) -> AbstractContextManager[None]:
        refusal = f"{self.folder} is in use by another run of videobert: wait for it"
        return exclusive_lock(self.folder / OPTIONS_FILE, refusal)

    @property
    def board(self) -> Path:
        """Where TensorBoard's files are."""
        return self.folder / "tensorboard"

    @property
    def _checkpoints(self) -> list[Path]:
        """The checkpoints, the last first. A copy that somebody named step-5.bak does not count."""
        return sorted(filter(_steps, self.folder.glob("step-*")), key=_steps, reverse=True)

    def save(
        self, step: int, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]
    ) -> None:
        """Write a checkpoint, whole or not at all; then delete all but the last KEPT."""
        path = self.folder / f"step-{step:08d}"
        if path.exists():  # and could not be read
            shutil.rmtree(path)
        with write_folder(path) as part:
            save_file(
                {k: tensor.contiguous() for k, tensor in tensors.items()}, part / WEIGHTS_FILE
            )
            write_json(dict(state), part / STATE_FILE)
        for old in self._checkpoints[KEPT:]:
            shutil.rmtree(old)

    def load(
        self, restore: Callable[[int, dict[str, torch.Tensor], Mapping[str, Any]], None]
    ) -> int:
        """Go on from the last checkpoint that can be read.

        Args:
            restore: called with step, tensors and state of a checkpoint.

        Returns:
            How many steps are done; 0 without a checkpoint.

        Raises:
            InputError: if there are checkpoints and none can be read.
        """
        checkpoints = self._checkpoints
        for path in checkpoints:
            try:
                restore(_steps(path), load_file(path / WEIGHTS_FILE), read_json(path / STATE_FILE))
                return _steps(path)
            except (InputError, OSError, SafetensorError, KeyError, RuntimeError) as error:
                if path == checkpoints[-1]:
                    raise InputError(
                        f"{self.folder} holds no whole checkpoint, as {path.name} cannot be read "
                        f"({error}): delete the folder to start again"
                    ) from error
                logger.warning("%s cannot be read, the run takes the one before: %s", path, error)
        return 0


def _steps(checkpoint: Path) -> int:
    """Return the number of steps before a checkpoint, 0 where its name holds no number."""
    number = checkpoint.name.removeprefix("step-")
    return int(number) if number.isdecimal() else 0
