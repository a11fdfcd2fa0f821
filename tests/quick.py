"""The rule of ``make quick``: no video, no other process, none of the heavy packages.

Nobody lists the quick tests. A test that breaks the rule is skipped at the moment when it does,
and so is every test whose fixture does.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import pytest

STARTS = frozenset({"os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"})
"""Audit events of Python that start a process."""
HEAVY = frozenset({"faster_whisper", "gradio", "openvino", "ray", "whisper"})
"""Packages that take seconds to import, compile a network or listen to a sound."""


def skip_what_is_not_quick() -> None:
    """Enforce the rule until Python ends."""
    from multiprocessing.process import BaseProcess

    import av

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in STARTS:
            _skip("starts a process")
        if event == "import" and arguments[0] in HEAVY:
            _skip(f"imports {arguments[0]}")

    av.open = lambda *arguments, **named: _skip("opens a media file")
    BaseProcess.start = lambda process: _skip("starts a process")  # without an audit event
    sys.addaudithook(audit)


def _skip(reason: str) -> NoReturn:
    pytest.skip(reason)
