"""What several tests here start with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from feature_extraction.guard import Guards, Limits
from tests.feature_extraction.decoders import HANG


@pytest.fixture
def guards() -> Iterator[Guards]:
    made = Guards(Limits(seconds=HANG, memory=2**28))
    yield made
    made.close()
