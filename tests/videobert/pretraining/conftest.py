"""What several tests of a training begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.toys.work_folder import make_work


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten made-up videos as far as examples; tests must leave them as they are."""
    return make_work(tmp_path_factory.mktemp("toy") / "work")
