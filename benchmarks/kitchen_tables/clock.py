"""How long the work took, over all runs that shared it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from workfolder.files import read_json, write_json


@dataclass
class Clock:
    """Seconds of finished work, kept in a file; what a kill cuts off is not counted."""

    path: Path
    _last: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Of all laps of all runs."""
        return float(read_json(self.path)["seconds"]) if self.path.exists() else 0.0

    def lap(self) -> None:
        """Something is finished: count the time since the last lap, or since the clock was made."""
        now = time.monotonic()
        write_json({"seconds": self.seconds + now - self._last}, self.path)
        self._last = now
