"""Templates as people type them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.toys.model import toy_model
from videobert.answers.templates import read_templates
from videobert.answers.zero_shot import (
    predict,
)
from videobert.loading import TrainedModel

SENTENCES = [
    "now let me show you how to cut the onion",
    "cut the tomato with a knife",
    "stir the onion in a pan",
    "we pour water in the pan",
]


VIDEO = [1, 4, 4, 0]


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return toy_model(SENTENCES * 3)


def test_a_word_that_the_vocabulary_has_not_is_no_sign(model: TrainedModel) -> None:
    assert predict(model, VIDEO, ["[MASK] the 口"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_of_templates(model: TrainedModel, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "templates.txt"
    path.write_text("[MASK] the [MASK]\n\n  i [MASK] some [MASK] \n", encoding)
    assert read_templates(path, model.processor) == [
        "[MASK] the [MASK]",
        "i [MASK] some [MASK]",
    ]
