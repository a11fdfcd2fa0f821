"""Files with an entry a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.toys.model import toy_model
from videobert.answers.spelling import read_labels
from videobert.answers.templates import read_templates
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


@pytest.mark.parametrize("content", [b"", b"cut it\n", b"[MASK] [CLS]\n", b"\xff\xfe\x00", None])
@pytest.mark.parametrize("read", [read_templates, read_labels])
def test_what_a_file_has_that_cannot_be_asked_is_said_of_the_file(
    model: TrainedModel, tmp_path: Path, read: Callable[..., object], content: bytes | None
) -> None:
    path = tmp_path / "asked.txt"
    if content is not None:
        path.write_bytes(
            content.replace(b"cut it", b"\xe5\x8f\xa3" if read is read_labels else b"cut it")
        )
    with pytest.raises(InputError, match=f"^{path}"):
        read(path, model.processor)
