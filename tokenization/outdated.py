"""Removes what was made from files that have been written again since.

Such a file is a partial video that was extracted again, or a transcript that was redone.
"""

from __future__ import annotations

from workfolder.stage import Stage


def remove_outdated(stage: Stage, *origins: Stage) -> None:
    """Remove the rows of a stage that are older than those they were made of.

    Raises:
        InputError: if they cannot be removed.
    """
    newest: dict[str, int] = {}
    for origin in origins:
        for video, written in origin.written().items():
            newest[video] = max(newest.get(video, 0), written)
    there = stage.written().items()
    stage.remove(video for video, written in there if written < newest.get(video, 0))
