"""What a run begins with: checkpoints that fit, are damaged or hostile, and models that learn on."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from transformers import BertForPreTraining, PreTrainedTokenizerFast

from tests.toys.bert import SPECIAL, write_bert
from tests.toys.codebook import toy_codebook
from tests.toys.training_processes import TINY
from tests.toys.work_folder import VERBS, make_work
from videobert.loading import load_model
from videobert.pretraining.loop import check, pretrain
from videobert.pretraining.start import start_run
from workfolder.errors import InputError
from workfolder.files import write_json
from workfolder.stage import Stage


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"))


@pytest.mark.parametrize("rows", [23, 32])
def test_a_checkpoints_ids_are_unchanged_and_the_new_ones_follow(
    work: Path, tmp_path: Path, rows: int
) -> None:
    bert = write_bert(tmp_path / "bert", rows)
    run = start_run(work, replace(TINY, init=str(bert), visual_start="random"))
    processor, model = run.processor, run.model
    assert (
        processor.vocabulary.text_size,
        processor.vocabulary.joiner,
        processor.vocabulary.size,
    ) == (23, 23, 33)
    ids = processor(["chop the onion [>]"], [[0, 8]], max_length=32)["input_ids"][0].tolist()
    assert ids == [2, 7, 5, 15, 23, 23, 24, 32, 3]
    theirs = BertForPreTraining.from_pretrained(bert).get_input_embeddings().weight
    assert (
        model.config.vocabulary == processor.vocabulary
        and len(model.get_input_embeddings().weight) == 33
    )
    assert torch.equal(model.get_input_embeddings().weight[:23], theirs[:23])


def test_a_tokenizer_of_another_checkpoint_is_refused(work: Path, tmp_path: Path) -> None:
    bert = write_bert(tmp_path / "bert", 20)
    with pytest.raises(InputError, match="20 words and its tokenizer 23"):
        start_run(work, replace(TINY, init=str(bert)))


@pytest.mark.parametrize("changes", [{"max_length": 65}, {"phases": "32:12:5,65:12:5"}])
def test_sequences_longer_than_the_checkpoint_reads_are_refused(
    work: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    bert = write_bert(tmp_path / "bert", 23)
    with pytest.raises(InputError, match="64 ids at most"):
        start_run(work, replace(TINY, init=str(bert), **changes))
    assert start_run(work, replace(TINY, init=str(bert), max_length=64)).phases


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_that_is_no_checkpoint_is_refused(
    work: Path, tmp_path: Path, missing: str
) -> None:
    bert = write_bert(tmp_path / "bert", 23)
    (bert / missing).unlink()
    if missing == "tokenizer.json":
        for left in ("vocab.txt", "tokenizer_config.json"):
            (bert / left).unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"bert is not a checkpoint|bert has no tokenizer"):
        start_run(work, replace(TINY, init=str(bert)))


def test_a_checkpoint_with_damaged_weights_is_refused_with_the_cause(
    work: Path, tmp_path: Path
) -> None:
    weights = write_bert(tmp_path / "bert", 23) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(
        InputError, match=r"bert is not a checkpoint .*\(.*incomplete.*\): give a folder"
    ):
        start_run(work, replace(TINY, init=str(weights.parent)))


class Hostile:
    """Unpickled, it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def hostile_weights(path: Path, canary: Path, how: str) -> None:
    if how == "zip":
        torch.save({"bert": Hostile(canary)}, path)
    elif how == "legacy":
        torch.save({"bert": Hostile(canary)}, path, _use_new_zipfile_serialization=False)
    else:
        path.write_bytes(
            {"pickle": pickle.dumps(Hostile(canary)), "empty": b""}.get(how, b"x" * 600)
        )


@pytest.mark.parametrize("how", ["zip", "legacy", "pickle", "empty", "noise"])
def test_a_damaged_or_hostile_pytorch_model_is_one_line_and_nothing_in_it_runs(
    work: Path, tmp_path: Path, how: str
) -> None:
    bert = write_bert(tmp_path / "bert", 23)
    (bert / "model.safetensors").unlink()
    hostile_weights(bert / "pytorch_model.bin", tmp_path / "canary", how)
    with pytest.raises(InputError, match=r"bert is not a checkpoint .* give a") as refusal:
        start_run(work, replace(TINY, init=str(bert)))
    assert "\n" not in str(refusal.value) and "weights_only" not in str(refusal.value)
    assert not (tmp_path / "canary").exists()


def test_the_reported_damaged_checkpoint_is_refused_in_one_line(
    work: Path, shared_data: Path
) -> None:
    bert = shared_data / "reported" / "init-bad-bin"
    with pytest.raises(InputError, match=r"init-bad-bin .*: give|init-bad-bin .* not 32"):
        start_run(work, replace(TINY, init=str(bert)))


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        ("gpt2", "of the kind 'gpt2'"),
        (
            "xlnet",
            "of the kind 'xlnet': give .* bert, roberta, .*; XLNet .* --objective permutation",
        ),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused(
    work: Path, tmp_path: Path, kind: str, refusal: str
) -> None:
    config = write_bert(tmp_path / "other", 23) / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"model_type": kind}))
    with pytest.raises(InputError, match=refusal):
        start_run(work, replace(TINY, init=str(config.parent)))
    with pytest.raises(InputError, match=refusal):
        check(work, tmp_path / "model", replace(TINY, init=str(config.parent)))


def test_a_checkpoint_that_does_not_say_its_kind_is_taken_for_a_bert(
    work: Path, tmp_path: Path
) -> None:
    config = write_bert(tmp_path / "old", 23) / "config.json"
    config.write_text(
        json.dumps(
            {
                key: value
                for key, value in json.loads(config.read_text()).items()
                if key != "model_type"
            }
        )
    )
    assert start_run(work, replace(TINY, init=str(config.parent))).phases


def test_a_tokenizer_that_cannot_mask_is_refused(work: Path, tmp_path: Path) -> None:
    bert = write_bert(tmp_path / "bert", 23)
    for file in bert.glob("*token*"):
        file.unlink()
    pieces = Tokenizer(
        WordPiece(
            {piece: place for place, piece in enumerate([*SPECIAL, *VERBS])}, unk_token="[UNK]"
        )
    )
    PreTrainedTokenizerFast(tokenizer_object=pieces, unk_token="[UNK]").save_pretrained(bert)
    with pytest.raises(InputError, match=r"tokenizer of .*bert does not have all of \[CLS\]"):
        start_run(work, replace(TINY, init=str(bert)))


def test_visual_words_start_where_their_centroids_are_or_at_random(work: Path) -> None:
    rows = {}
    for start in ("centroids", "random"):
        run = start_run(work, replace(TINY, visual_start=start))
        rows[start] = run.model.get_input_embeddings().weight.detach()[
            run.processor.vocabulary.first_visual :
        ]
    places = torch.from_numpy(toy_codebook().places)
    apart = torch.pdist(places - places.mean(dim=0))
    like = {start: np.corrcoef(apart, torch.pdist(found))[0, 1] for start, found in rows.items()}
    assert like["centroids"] > 0.99 and like["random"] < 0.7


def test_new_words_are_pieces_of_what_is_said(work: Path) -> None:
    tokenizer = start_run(work, TINY).processor.tokenizer
    assert tokenizer.tokenize("Chop the ONION") == ["chop", "the", "onion"]


@pytest.fixture(scope="module")
def videobert_folder(work: Path) -> Path:
    """A model of that work folder, as videobert pretrain writes it."""
    out = work / "model"
    pretrain(work, out, replace(TINY, steps=2, max_length=32, dropout=0.0))
    return out


def test_a_videobert_learns_on_with_its_own_weights_and_tokenizer(
    work: Path, videobert_folder: Path
) -> None:
    options = replace(TINY, init=str(videobert_folder), dropout=0.25, max_length=None)
    run, before = start_run(work, options), load_model(videobert_folder)
    assert run.processor.tokenizer.get_vocab() == before.processor.tokenizer.get_vocab()
    weights = before.network.state_dict()
    assert all(torch.equal(weights[name], each) for name, each in run.model.state_dict().items())
    config = run.model.config
    assert config.hidden_dropout_prob == config.attention_probs_dropout_prob == 0.25
    assert {run.phases[0][0].layout.max_length, config.max_position_embeddings} == {32}
    with pytest.raises(InputError, match="model reads 32 ids at most, not 33: give --max-length"):
        start_run(work, replace(options, max_length=33))


def test_a_videobert_of_another_codebook_is_refused_and_both_are_named(
    videobert_folder: Path, tmp_path: Path
) -> None:
    other = make_work(tmp_path / "other")
    toy_codebook(seed=1).save(other / "codebook")
    digests = [toy_codebook(seed).digest for seed in (0, 1)]
    Stage(other / "examples").claim({"codebook": digests[0]})
    write_json({"codebook": digests[1]}, other / "examples" / "options.json")
    options = replace(TINY, init=str(videobert_folder))
    both = rf"model learnt with the codebook {digests[0][:12]}, and .*other has {digests[1][:12]}"
    for refused in (
        lambda: start_run(other, options),
        lambda: check(other, tmp_path / "out", options),
    ):
        with pytest.raises(InputError, match=both):
            refused()


def test_a_videobert_waits_for_its_codebook_before_anything_is_made(
    videobert_folder: Path, tmp_path: Path
) -> None:
    options = replace(TINY, init=str(videobert_folder))
    with pytest.raises(InputError, match=r"copy .*model/codebook to .*new/codebook first"):
        check(tmp_path / "new", tmp_path / "out", options)
    shutil.copytree(videobert_folder / "codebook", tmp_path / "new" / "codebook")
    check(tmp_path / "new", tmp_path / "out", options)


def test_a_videobert_that_is_not_whole_is_refused(
    work: Path, videobert_folder: Path, tmp_path: Path
) -> None:
    part = shutil.copytree(videobert_folder, tmp_path / "part")
    (part / "model.safetensors").unlink()
    with pytest.raises(InputError, match="part is not whole, it has no model"):
        start_run(work, replace(TINY, init=str(part)))
