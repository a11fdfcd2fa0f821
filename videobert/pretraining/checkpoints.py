"""What a run that was stopped goes on from: a folder beside the model that is to be, gone when the model is there."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from feature_extraction.errors import InputError
from feature_extraction.storage import OPTIONS_FILE, Stage, read_json, write_json, write_whole
from videobert.pretraining.history import History
from videobert.pretraining.optimizer import MasterAdamW

WEIGHTS_FILE, STATE_FILE = "weights.safetensors", "state.json"


@dataclass(frozen=True)
class TrainingFolder:
    """``MODEL.training``: options.json, the last checkpoint, TensorBoard's files.

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
                for path in self.folder.glob("step-*"):
                    shutil.rmtree(path)  # first what a run with other options must not go on from
                shutil.rmtree(self.folder)

    @contextmanager
    def _held(self) -> Iterator[None]:
        with open(self.folder / OPTIONS_FILE, "rb") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(f"{self.folder} is in use by another run of videobert pretrain: wait for it") from error
            yield

    @property
    def board(self) -> Path:
        """Where TensorBoard's files are."""
        return self.folder / "tensorboard"

    @property
    def steps(self) -> int:
        """How many steps the last checkpoint has behind it; 0 where there is none."""
        return max((int(path.name.removeprefix("step-")) for path in self.folder.glob("step-*")), default=0)

    def save(self, step: int, adamw: MasterAdamW, history: History) -> None:
        """Write a checkpoint, whole or not at all, then take away those before it."""
        with write_whole(self._checkpoint(step)) as part:
            part.mkdir()
            save_file({name: tensor.contiguous() for name, tensor in adamw.state()}, part / WEIGHTS_FILE)
            write_json(history.state(), part / STATE_FILE)
        for path in self.folder.glob("step-*"):
            if path != self._checkpoint(step):
                shutil.rmtree(path)

    def load(self, adamw: MasterAdamW, history: History) -> int:
        """Go on from the last checkpoint, if there is one; the step to do next. InputError if it cannot be read."""
        if not self.steps:
            return 0
        path = self._checkpoint(self.steps)
        try:
            adamw.load_state(load_file(path / WEIGHTS_FILE), self.steps)
            history.load_state(read_json(path / STATE_FILE))
        except (InputError, OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise InputError(f"{path} is no checkpoint that can be read ({error}): remove it, to begin anew") from error
        return self.steps

    def _checkpoint(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}"
