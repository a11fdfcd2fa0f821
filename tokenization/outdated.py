"""Deletes what was made from files that have been written again since.

Such a file is a partial video that was extracted again, or a transcript that was redone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from workfolder.files import cannot_write
from workfolder.stage import Stage

SUFFIX = ".parquet"


def remove_outdated(stage: Stage, *origins: Stage) -> None:
    """Delete the files of a stage that are older than those they were made of.

    Raises:
        InputError: if a file cannot be deleted.
    """
    newest = _newest(origins)
    for video, written in _written(stage):
        if written < newest.get(video, 0):
            path = stage.path(video)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise cannot_write(path, error) from error


def _newest(origins: tuple[Stage, ...]) -> dict[str, int]:
    """Find when the newest file of each video was written, in ns."""
    newest: dict[str, int] = {}
    for origin in origins:
        for video, written in _written(origin):
            newest[video] = max(newest.get(video, 0), written)
    return newest


def _written(stage: Stage) -> Iterator[tuple[str, int]]:
    """Yield each video and when its file was written, in ns; 100,000 take half a second."""
    for entry in os.scandir(stage.folder) if stage.folder.is_dir() else ():
        if entry.name.endswith(SUFFIX) and entry.name[0] != ".":
            with suppress(FileNotFoundError):  # another run has deleted it
                yield entry.name.removesuffix(SUFFIX), entry.stat().st_mtime_ns
