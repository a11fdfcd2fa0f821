from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.toys.labels import Labelled, make_labelled


@pytest.fixture(scope="session")
def _labelled_once(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    return make_labelled(tmp_path_factory.mktemp("labelled"))


@pytest.fixture
def labelled(_labelled_once: Labelled, tmp_path: Path) -> Labelled:
    """Annotated videos, and a model of one's own that can be taught."""
    model = tmp_path / "model"
    shutil.copytree(_labelled_once.model, model)
    return Labelled(model, _labelled_once.work)
