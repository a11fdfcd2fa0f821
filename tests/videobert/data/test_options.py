"""The options by which a clip is read refuse times before its start."""

from __future__ import annotations

from math import inf, nan

import pytest

from videobert.data.options import ClipOptions
from workfolder.errors import InputError


def test_without_times_the_whole_video_is_read() -> None:
    assert (ClipOptions().start, ClipOptions().end) == (0.0, inf)


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [(-1.0, 3.0, "--start -1"), (0.0, -2.0, "--end -2"), (nan, 3.0, "--start nan")],
)
def test_a_time_before_the_start_is_refused(start: float, end: float, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        ClipOptions(start, end)
