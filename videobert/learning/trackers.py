"""Services that show how runs go, beside TensorBoard: told through Accelerate's trackers."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any

from accelerate import Accelerator

from workfolder.errors import InputError

PROJECT = "videobert"
logger = logging.getLogger(__name__)


@contextmanager
def tracked(
    accelerator: Accelerator, tracker: str | None, made_with: Mapping[str, Any]
) -> Iterator[None]:
    """Tell a tracker of the run within, in the process that writes, and of its end.

    It is told the options, of paths the last name, and what ``tell`` is given.

    Raises:
        InputError: if its package is missing, or it cannot be reached.
    """
    if tracker is None or not accelerator.is_main_process:
        yield
        return
    _begin(accelerator, tracker, made_with)
    try:
        yield
    finally:
        for each in accelerator.trackers:  # Accelerate's end_training would end more
            with redirect_stdout(sys.stderr):
                each.finish()


def _begin(accelerator: Accelerator, tracker: str, made_with: Mapping[str, Any]) -> None:
    if find_spec(tracker) is None:
        raise InputError(f"--tracker {tracker} needs its package: pip install {tracker}")
    options = {key: _told(each) for key, each in made_with.items() if not isinstance(each, Mapping)}
    try:
        accelerator.log_with = [tracker]
        with redirect_stdout(sys.stderr):  # trackio prints, where --json may go
            accelerator.init_trackers(PROJECT, config=options)
    except Exception as error:  # whatever its package raises
        raise InputError(
            f"--tracker {tracker} cannot be told of the run ({type(error).__name__}: {error}): "
            "see its own documentation, or leave it out"
        ) from error


def tell(accelerator: Accelerator, row: Mapping[str, float]) -> None:
    """Tell the tracker, if there is one, a row of the history.

    A tracker that fails does not stop the run: it is told no more.
    """
    if not accelerator.trackers:
        return
    try:
        accelerator.log({k: v for k, v in row.items() if k != "step"}, step=int(row["step"]))
    except Exception as error:  # whatever its package raises
        logger.warning("the tracker is told no more: %s: %s", type(error).__name__, error)
        accelerator.trackers = []


def _told(value: Any) -> Any:
    if isinstance(value, PurePath) or (isinstance(value, str) and PurePath(value).is_absolute()):
        return PurePath(value).name
    return value if isinstance(value, bool | int | float | str) else str(value)
