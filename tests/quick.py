"""The rule of ``make quick``: no video, no other process, none of the heavy packages.

Nobody lists the quick tests. A test that breaks the rule is skipped at the moment when it does,
and so is every test whose fixture does.
"""

from __future__ import annotations

import sys

import pytest

STARTS = frozenset({"os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"})
"""Audit events of Python that start a process."""
HEAVY = frozenset({"faster_whisper", "gradio", "openvino", "ray", "whisper"})
"""Packages that take seconds to import, compile a network or listen to a sound."""


class _NoHeavyPackages:
    """A finder of modules that skips the test which asks for a heavy package."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name in HEAVY:
            pytest.skip(f"imports {name}")


def skip_what_is_not_quick() -> None:
    """Enforce the rule until Python ends."""
    from multiprocessing.process import BaseProcess

    import av

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if event in STARTS:
            pytest.skip("starts a process")

    av.open = lambda *arguments, **named: pytest.skip("opens a media file")
    BaseProcess.start = lambda process: pytest.skip("starts a process")  # without an audit event
    sys.addaudithook(audit)
    sys.meta_path.insert(0, _NoHeavyPackages)
