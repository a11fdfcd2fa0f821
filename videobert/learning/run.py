"""A whole run: refused, done already, gone on with or begun; then what it made is written whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import Accelerator

from videobert.learning.checkpoints import TrainingFolder
from videobert.learning.learner import Learner, Recipe
from videobert.learning.trackers import tracked
from videobert.learning.trainer import Trainer
from workfolder.digests import write_digests
from workfolder.errors import InputError
from workfolder.files import read_json, write_folder, write_json
from workfolder.progress import Progress, silent
from workfolder.stage import OPTIONS_FILE, refuse_other_options

L = TypeVar("L", bound=Learner[Any])


def train_once(
    out: Path,
    made_with: Mapping[str, Any],
    start: Callable[[], L],
    recipe: Recipe,
    write: Callable[[Path, L, Trainer[Any]], None],
    advice: str,
    progress: Progress = silent,
) -> bool:
    """Train and write a folder, unless it is there already.

    A stopped run goes on from its last checkpoint in ``OUT.training``, which goes at the end.

    Args:
        out: the folder to make.
        made_with: what OUT/options.json will say: options, and what the data were.
        start: makes everything ready; called only if there is something to do.
        recipe: how to learn.
        write: writes all files but options.json into the folder that it is given.
        advice: what a user can do if ``out`` was made otherwise.
        progress: told how far the run is.

    Returns:
        Whether this run made it.

    Raises:
        InputError: if ``out`` or its checkpoints were made otherwise, if another run has them, or
            if a loss is not finite.
    """
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    main, folder = accelerator.is_main_process, TrainingFolder.beside(out)
    if out.exists():
        refuse_other_options(out, read_made_with(out, advice), made_with, advice)
        if main:
            folder.remove()  # where a run was killed when only this was left to do
        return False
    learner = start()
    trainer = Trainer(learner, recipe, accelerator, folder)
    claimed = folder.claimed(made_with) if main else nullcontext()
    with claimed, tracked(accelerator, recipe.tracker, made_with):
        trainer.run(progress if main else silent)
        if main:
            with write_folder(out) as part:
                write(part, learner, trainer)
                write_digests(part)
                write_json(dict(made_with), part / OPTIONS_FILE)
    if main:
        folder.remove()
    accelerator.wait_for_everyone()
    return True


def read_made_with(out: Path, advice: str) -> dict[str, Any]:
    """Read what made a folder.

    Raises:
        InputError: if no training made it.
    """
    if not (out / OPTIONS_FILE).is_file():
        raise InputError(f"{out} exists, but videobert did not train it: {advice}")
    return read_json(out / OPTIONS_FILE)
