"""The rule of ``make quick``: no video and no other process.

Nobody lists the quick tests. A test that opens a video or starts a process is skipped at that
moment, and so is every test whose fixture does it.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import pytest

STARTS = frozenset({"os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"})
"""Audit events of Python that start a process."""


def skip_what_is_not_quick() -> None:
    """Make whatever opens a media file or starts a process skip the test, until Python ends."""
    import av

    def refuse(*arguments: Any, **named: Any) -> NoReturn:
        pytest.skip("opens a media file")

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in STARTS:
            pytest.skip("starts a process")

    av.open = refuse
    sys.addaudithook(audit)
