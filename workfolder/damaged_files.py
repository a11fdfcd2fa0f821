"""What has happened to a stage's files since they were written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from workfolder.errors import InputError
from workfolder.files import is_as_written, read_table
from workfolder.progress import Progress, silent
from workfolder.stage import Stage


def find_damage(stage: Stage, progress: Progress = silent) -> dict[str, str]:
    """Find the files of a stage that cannot be read whole or hold another video's rows.

    Every page is compared with its checksum, and the rest with what would be written now.

    Returns:
        Reasons by video.
    """
    found: dict[str, str] = {}
    videos = stage.done()
    for count, video in enumerate(videos, 1):
        fault = _fault(stage.path(video), video)
        if fault:
            found[video] = fault
        progress(f"verify {stage.folder.name}", count, len(videos))
    return found


def _fault(path: Path, video: str) -> str | None:
    """Return what is wrong with the rows of a video; None if they are whole."""
    advice = "delete it and run its stage again"
    try:
        table = read_table(path)
        if not pc.all(pc.equal(table.column("video_id"), video), min_count=0).as_py():
            return f"{path} holds rows of another video: {advice}"
        if not _is_counted(table):
            return f"{path} has rows twice, or not all: {advice}"
        if not is_as_written(table, path):
            return f"{path} is not as it was written: {advice}"
    except InputError as error:
        return str(error)
    except (KeyError, ValueError, pa.ArrowException) as error:  # of damaged names and types
        return f"{path} cannot be read ({error}): {advice}"
    return None


def _is_counted(table: pa.Table) -> bool:
    """Whether the rows have the indices 0, 1, 2, ..., where they have any."""
    if "index" not in table.column_names:
        return True
    return table.column("index").to_pylist() == list(range(table.num_rows))
