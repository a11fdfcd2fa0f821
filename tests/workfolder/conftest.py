"""What several tests here start with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.toys.decoders import HANG
from workfolder.guard import Guards, Limits


@pytest.fixture
def guards() -> Iterator[Guards]:
    made = Guards(Limits(seconds=HANG, memory=2**28))
    yield made
    made.close()
