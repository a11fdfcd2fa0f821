"""How long the work took, over all runs that shared it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from workfolder.files import read_json, write_json


@dataclass
class Clock:
    """Counts seconds of finished work in a file; what a kill cuts off is not counted."""

    path: Path
    _last: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """The seconds of all laps of all runs."""
        return float(read_json(self.path)["seconds"]) if self.path.exists() else 0.0

    def lap(self) -> None:
        """Count the time since the last lap, or since the clock was made."""
        now = time.monotonic()
        write_json({"seconds": self.seconds + now - self._last}, self.path)
        self._last = now
