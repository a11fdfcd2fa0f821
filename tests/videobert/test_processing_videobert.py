"""The processor: inputs of pairs, and what it writes and reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.toys.model import toy_model
from tokenization.vocabulary import JOINER
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return toy_model(["cut the onion"] * 2).processor


def test_inputs_stand_as_the_layout_has_them(processor: VideoBertProcessor) -> None:
    inputs = processor(["cut the onion", "", "cut"], [[0, 8], [3], []], max_length=16)
    tokenizer, first = processor.tokenizer, processor.vocabulary.first_visual
    cut, the, onion = (processor.text_ids([word])[0][0] for word in ("cut", "the", "onion"))
    cls, sep, pad = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id
    assert inputs["input_ids"].tolist() == [
        [cls, cut, the, onion, processor.vocabulary.joiner, first, first + 8, sep],
        [cls, first + 3, sep, *[pad] * 5],
        [cls, cut, sep, *[pad] * 5],
    ]
    assert inputs["attention_mask"].sum(dim=1).tolist() == [8, 3, 3]
    assert inputs["token_type_ids"].tolist()[0] == [0, 0, 0, 0, 0, 1, 1, 1]
    of_ids = processor.inputs(processor.text_ids(["cut the onion"]), [[0, 8]], max_length=16)
    assert torch.equal(of_ids["input_ids"][0], inputs["input_ids"][0])


def test_the_joiner_is_read_written_and_kept(processor: VideoBertProcessor, tmp_path: Path) -> None:
    processor.save_pretrained(tmp_path)
    again = VideoBertProcessor.from_pretrained(tmp_path)
    assert again.vocabulary == processor.vocabulary
    assert again.codebook.digest == processor.codebook.digest
    assert again.text_ids([f"cut {JOINER}"])[0][-1] == again.vocabulary.joiner
    kept = json.loads((tmp_path / "tokenizer_config.json").read_text())
    assert kept["extra_special_tokens"] == [JOINER] and "additional_special_tokens" not in kept


def test_a_tokenizer_without_a_mask_is_refused(
    processor: VideoBertProcessor, tmp_path: Path
) -> None:
    processor.save_pretrained(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in kept.items() if "mask" not in name}))
    with pytest.raises(InputError, match=rf"^{tmp_path} has no tokenizer .*it has no mask token"):
        VideoBertProcessor.from_pretrained(tmp_path)
