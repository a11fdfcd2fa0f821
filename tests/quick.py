"""The rule of ``make quick``: no video, no other process, no heavy package, no clock.

Nobody lists the quick tests. A test that breaks the rule is skipped at the moment when it does,
and so is every test whose fixture does.
"""

from __future__ import annotations

import sys
import time
from typing import NoReturn

import pytest

STARTS = frozenset({"os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"})
"""Audit events of Python that start a process."""
HEAVY = frozenset(
    {
        "faster_whisper.transcribe",
        "gradio",
        "openvino",
        "pytorchvideo",
        "ray",
        "torchvision.extension",
        "whisper",
    }
)
"""What brings a video network, an engine, a recogniser, a cluster or a page.

Of torchvision and faster-whisper a part is named: others ask whether the package is there."""


broken: list[str] = []
"""How the running test broke the rule; in a thread it may have gone on."""


def _skip(reason: str) -> NoReturn:
    broken.append(reason)
    pytest.skip(reason)


class _NoHeavyPackages:
    """A finder of modules that skips the test which asks for a heavy package."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name in HEAVY:
            _skip(f"imports {name}")


def skip_what_is_not_quick() -> None:
    """Enforce the rule until Python ends."""
    from multiprocessing.process import BaseProcess

    import av

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if event in STARTS:
            _skip("starts a process")

    av.open = lambda *arguments, **named: _skip("opens a media file")
    BaseProcess.start = lambda process: _skip("starts a process")  # without an audit event
    time.process_time = lambda: _skip("measures time")
    sys.addaudithook(audit)
    sys.meta_path.insert(0, _NoHeavyPackages)
