"""What a run that was stopped goes on from: a folder beside the model that is to be, gone when the model is there."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from videobert.learning.history import History
from videobert.learning.optimizer import MasterAdamW
from workfolder.errors import InputError
from workfolder.files import exclusive_lock, read_json, write_json, write_whole
from workfolder.stage import OPTIONS_FILE, Stage

WEIGHTS_FILE, STATE_FILE = "weights.safetensors", "state.json"
KEPT = 2
"""Checkpoints: where the last cannot be read, the one before it is gone on from."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingFolder:
    """``MODEL.training``: options.json, the last checkpoints, TensorBoard's files.

    A checkpoint holds the weights, AdamW's moments, the step and the history. The order of the data and every random draw
    are functions of the seed and the step, so no more is needed to go on bit for bit.
    """

    folder: Path

    @contextmanager
    def claimed(self, options: Mapping[str, Any]) -> Iterator[None]:
        """Have the folder for oneself. InputError if another run has it, or one with other options left it."""
        Stage(self.folder).claim(options)
        with self._held():
            for part in self.folder.glob(".*.part"):
                shutil.rmtree(part, ignore_errors=True)  # what a killed run left half-written
            yield

    def remove(self) -> None:
        """Take the folder away. InputError if another run has it."""
        if (self.folder / OPTIONS_FILE).exists():
            with self._held():
                for path in self._checkpoints:
                    shutil.rmtree(path)  # first what a run with other options must not go on from
                shutil.rmtree(self.folder)

    def _held(self) -> AbstractContextManager[None]:
        refusal = f"{self.folder} is in use by another run of videobert pretrain: wait for it"
        return exclusive_lock(self.folder / OPTIONS_FILE, refusal)

    @property
    def board(self) -> Path:
        """Where TensorBoard's files are."""
        return self.folder / "tensorboard"

    @property
    def _checkpoints(self) -> list[Path]:
        """The last first; a copy that somebody has named step-5.bak is none."""
        return sorted(filter(_steps, self.folder.glob("step-*")), key=_steps, reverse=True)

    def save(self, step: int, adamw: MasterAdamW, history: History) -> None:
        """Write a checkpoint, whole or not at all, then take away those that are KEPT or more before it."""
        path = self.folder / f"step-{step:08d}"
        if path.exists():  # and could not be read
            shutil.rmtree(path)
        with write_whole(path) as part:
            part.mkdir()
            save_file(
                {name: tensor.contiguous() for name, tensor in adamw.state()}, part / WEIGHTS_FILE
            )
            write_json(history.state(), part / STATE_FILE)
        for old in self._checkpoints[KEPT:]:
            shutil.rmtree(old)

    def load(self, adamw: MasterAdamW, history: History) -> int:
        """Go on from the last checkpoint that can be read; the step to do next. InputError if there are some, and none can."""
        checkpoints = self._checkpoints
        for path in checkpoints:
            try:
                adamw.load_state(load_file(path / WEIGHTS_FILE), _steps(path))
                history.load_state(read_json(path / STATE_FILE))
                return _steps(path)
            except (InputError, OSError, SafetensorError, KeyError, RuntimeError) as error:
                if path == checkpoints[-1]:
                    why = f"{path.name} cannot be read ({error})"
                    raise InputError(
                        f"{self.folder} holds no whole checkpoint, {why}: remove it, to begin anew"
                    ) from error
                logger.warning(
                    "%s is passed over for the one before it, as it cannot be read: %s", path, error
                )
        return 0


def _steps(checkpoint: Path) -> int:
    """After how many steps it was made; 0 where the name tells no number."""
    number = checkpoint.name.removeprefix("step-")
    return int(number) if number.isdecimal() else 0
