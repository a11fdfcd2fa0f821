"""What --masking, --mask-token and phrases:FILE make of the vocabulary."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.toys.bert import write_bert
from tests.toys.model import make_processor
from tests.toys.training_processes import TINY
from tests.toys.work_folder import make_work
from videobert.pretraining.masking.chosen import make_masker
from videobert.pretraining.masking.spans import Spans
from videobert.pretraining.masking.units import Phrases, Runs, Words
from videobert.pretraining.start import provenance, start_run
from workfolder.errors import InputError


def test_each_kind_has_its_units(tmp_path: Path) -> None:
    options = replace(TINY, init=str(write_bert(tmp_path / "bert", 23)))
    processor = start_run(make_work(tmp_path / "work"), options).processor
    units = {
        kind: make_masker(processor, replace(options, masking=kind)).units
        for kind in ("pieces", "words", "runs", "spans")
    }
    words = Words((6,))
    assert units == {"pieces": Words(), "words": words, "runs": Runs(24), "spans": Spans(words)}
    assert make_masker(processor, options).special == (0, 1, 2, 3, 4, 23)


def test_another_token_can_stand_for_what_is_hidden() -> None:
    processor = make_processor()
    (carrot,) = processor.text_ids(["carrot"])[0]
    ids = np.array([[2, *processor.text_ids(["chop the carrot"])[0], 3]] * 200)
    for token, number in (("[UNK]", processor.tokenizer.unk_token_id), ("carrot", carrot)):
        masker = make_masker(processor, replace(TINY, mask_token=token, masked_share=1.0))
        inputs, _ = masker(ids, np.random.default_rng(0))
        assert (inputs == number)[:, 1:3].mean() == pytest.approx(0.8, abs=0.1)
        assert not (inputs == processor.tokenizer.mask_token_id).any()
    with pytest.raises(InputError, match=r"--mask-token 'xyz' is not in .*such as .UNK."):
        make_masker(processor, replace(TINY, mask_token="xyz"))


def test_phrases_come_from_a_file_and_those_that_cannot_be_spelt_are_left_out(
    tmp_path: Path,
) -> None:
    processor, file = make_processor(), tmp_path / "phrases.txt"
    file.write_text("chop the\n\nthe carrot\nthe ☃\n")
    options = replace(TINY, masking=f"phrases:{file}")
    units = make_masker(processor, options).units
    assert isinstance(units, Phrases)
    assert units.phrases == [tuple(i) for i in processor.text_ids(["chop the", "the carrot"])]
    digest = hashlib.sha256("chop the\nthe carrot\nthe ☃".encode()).hexdigest()
    assert provenance(make_work(tmp_path / "work"), options)["phrases"] == digest
    file.write_text("☃\n")
    with pytest.raises(InputError, match=r"phrases.txt has no phrase that the tokenizer can spell"):
        make_masker(processor, options)
    file.unlink()
    with pytest.raises(InputError, match=r"phrases.txt is not a list of phrases"):
        make_masker(processor, options)
