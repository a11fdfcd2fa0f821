from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.toys.training_processes import TINY
from tests.toys.work_folder import make_work
from videobert.pretraining.loop import pretrain


class Taught(NamedTuple):
    """A work folder, and a model of six layers that learnt a little from it."""

    work: Path
    model: Path


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    home = tmp_path_factory.mktemp("taught")
    work, model = make_work(home / "work"), home / "teacher"
    pretrain(work, model, replace(TINY, phases="48:12:30:6", checkpoint_every=100))
    return Taught(work, model)
