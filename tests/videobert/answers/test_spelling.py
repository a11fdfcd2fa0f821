"""What the vocabulary can spell."""

from __future__ import annotations

import pytest

from tests.toys.model import toy_model
from videobert.answers.zero_shot import (
    predict,
)
from videobert.loading import TrainedModel
from workfolder.errors import InputError

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


@pytest.mark.parametrize(
    ("labels", "said"),
    [(["cut", "口"], "'口' cannot be spelt"), (["cut", ""], "'' cannot"), (["[MASK]"], "cannot be spelt"),
     (["cut", "Cut"], "'cut' and 'Cut' are one"), ([], "no label")],
)  # fmt: skip
def test_labels_that_cannot_be_ranked(model: TrainedModel, labels: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        predict(model, VIDEO, labels=labels)
