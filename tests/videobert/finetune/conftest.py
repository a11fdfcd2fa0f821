from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.toys.label_rows import CLIPS, Make
from tests.toys.labels import Labelled, make_labelled
from tests.toys.model import captioning_model
from videobert.data.annotations import Annotation
from videobert.data.clips import Clips
from videobert.data.said import Said
from videobert.finetune.options import FinetuneOptions
from videobert.finetune.tasks import TASKS
from videobert.finetune.tasks.task import Task
from videobert.finetune.tuned import make_reader
from videobert.processing_videobert import VideoBertProcessor


@pytest.fixture(scope="session")
def _labelled_once(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    return make_labelled(tmp_path_factory.mktemp("labelled"))


@pytest.fixture
def labelled(_labelled_once: Labelled, tmp_path: Path) -> Labelled:
    """Annotated videos, and a model of one's own that can be taught."""
    model = tmp_path / "model"
    shutil.copytree(_labelled_once.model, model)
    return Labelled(model, _labelled_once.work)


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return captioning_model().processor


@pytest.fixture
def make(processor: VideoBertProcessor) -> Make:
    """Make a task that learns from rows, on two videos of thirty clips of 1.5 s.

    With ``said`` the videos have no clips, but these sentences.
    """

    def make(
        name: str,
        rows: list[Annotation],
        max_length: int = 64,
        said: dict[str, Said] | None = None,
        **options: Any,
    ) -> Task:
        start = 1.5 * np.arange(CLIPS)
        footage = {
            v: Clips(start, start + 1.5, (np.arange(CLIPS) + n) % 9)
            for n, v in enumerate("" if said else "ab")
        }

        class Config:
            max_position_embeddings = max_length

        own = FinetuneOptions(task=(name,), annotations="verb", **options)
        reader = make_reader(processor, Config(), footage, own, said or {})
        return TASKS[name](reader, TASKS[name].learn_about(rows, reader))

    return make
