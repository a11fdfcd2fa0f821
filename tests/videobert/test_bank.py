"""What a model remembers of its training, on the disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.toys.model import toy_model, with_bank
from videobert.bank import Bank, SearchMix
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def bank() -> Bank:
    bank = with_bank(toy_model(["chop the carrot"])).bank
    assert bank
    leaning = np.ones((2, len(bank.pieces)), dtype=np.float32)
    return replace(bank, leanings={"a [MASK]": leaning}, search=SearchMix(0.25, 1.0, 30))


def test_a_bank_is_read_as_it_was_written(bank: Bank, tmp_path: Path) -> None:
    bank.save(tmp_path)
    read = Bank.load(tmp_path)
    assert read and (read.frames, read.search) == (bank.frames, bank.search)
    assert read.pieces.tolist() == bank.pieces.tolist()
    assert read.leanings.keys() == bank.leanings.keys()
    assert np.array_equal(read.leanings["a [MASK]"], bank.leanings["a [MASK]"])
    for mine, other in ((read.texts, bank.texts), (read.visual, bank.visual)):
        assert [row.tolist() for row in mine] == [row.tolist() for row in other]


def test_only_examples_with_a_sentence_are_sentences(bank: Bank) -> None:
    assert len(bank.sentences) == 6 and all(len(ids) for ids in bank.sentences)


def test_a_folder_without_a_bank_has_none(tmp_path: Path) -> None:
    assert Bank.load(tmp_path) is None


@pytest.mark.parametrize(
    "name", ["examples.parquet", "pieces.parquet", "leanings.parquet", "bank.json"]
)
def test_a_bank_that_is_not_whole_is_refused(bank: Bank, tmp_path: Path, name: str) -> None:
    bank.save(tmp_path)
    (tmp_path / "bank" / name).unlink()
    with pytest.raises(InputError, match=name):
        Bank.load(tmp_path)


def test_another_table_is_refused(bank: Bank, tmp_path: Path) -> None:
    bank.save(tmp_path)
    pieces = (tmp_path / "bank" / "pieces.parquet").read_bytes()
    (tmp_path / "bank" / "examples.parquet").write_bytes(pieces)
    with pytest.raises(InputError, match="does not hold what a model remembers"):
        Bank.load(tmp_path)
