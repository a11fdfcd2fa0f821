from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from transformers import BertConfig, BertForPreTraining, BertTokenizerFast, PreTrainedTokenizerFast

from tests.toys.codebook import toy_codebook
from tests.toys.training_processes import TINY
from tests.toys.work_folder import NOUNS, VERBS, make_work
from tokenization.schema import EXAMPLES
from videobert.pretraining.batches import JOINT, TEXT, VIDEO
from videobert.pretraining.loop import check
from videobert.pretraining.start import make_masker, start_run
from workfolder.errors import InputError
from workfolder.files import write_table
from workfolder.stage import Stage

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"))


def write_bert(folder: Path, rows: int, positions: int = 64) -> Path:
    """A BERT of that many rows with a tokenizer of 23 pieces, among them ##ing."""
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL, "the", "##ing", *VERBS, *NOUNS]) + "\n")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    shape = {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    torch.manual_seed(0)
    BertForPreTraining(
        BertConfig(vocab_size=rows, max_position_embeddings=positions, **shape)
    ).save_pretrained(folder)
    return folder


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
    with pytest.raises(InputError, match=r"bert is not a BERT checkpoint|bert has no tokenizer"):
        start_run(work, replace(TINY, init=str(bert)))


def test_a_checkpoint_with_damaged_weights_is_refused_with_the_cause(
    work: Path, tmp_path: Path
) -> None:
    weights = write_bert(tmp_path / "bert", 23) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(
        InputError, match=r"bert is not a BERT checkpoint .*\(.*incomplete.*\): give a folder"
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
    with pytest.raises(InputError, match=r"bert is not a BERT checkpoint .* give a") as refusal:
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
        ("roberta", "of the kind 'roberta'"),
        ("videobert", "a VideoBERT"),
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
        check(tmp_path / "model", replace(TINY, init=str(config.parent)))


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


def test_validation_videos_are_not_trained_on(work: Path) -> None:
    run = start_run(work, TINY)
    trained, apart = run.phases[0][0].members, run.kept_apart.members
    corpus = run.kept_apart.corpus
    assert len(set(corpus.video[apart])) == 3 and not set(corpus.video[apart]) & set(
        corpus.video[trained]
    )
    assert (trained | apart).all()
    other = start_run(work, replace(TINY, seed=5)).kept_apart.members
    assert (other != apart).any()


@pytest.mark.parametrize(("share", "videos"), [(0.0, 10), (0.05, 8), (0.3, 1)])
def test_where_too_few_videos_are_kept_apart_none_are(
    tmp_path: Path, share: float, videos: int
) -> None:
    run = start_run(
        make_work(tmp_path, videos), replace(TINY, validation_share=share, negative_margin=0.0)
    )
    assert run.kept_apart is None and run.phases[0][0].members.all()


def test_validation_leaves_out_what_its_videos_cannot_be_asked(work: Path) -> None:
    one = start_run(work, replace(TINY, validation_share=0.1, negative_margin=1000.0)).kept_apart
    assert one.counts[JOINT] == 0 and one.counts[TEXT] == one.counts[VIDEO] == 6


def test_validation_asks_only_what_is_trained_and_all_of_it_alike(work: Path) -> None:
    counts = start_run(work, replace(TINY, text_weight=0.0, video_weight=9.0)).kept_apart.counts
    assert counts == (0, 6, 6)


def test_each_phase_has_its_length_and_batch(work: Path) -> None:
    run = start_run(work, replace(TINY, phases="8:6:5,24:3:5"))
    batches = [phase.batch(0) for phase, _ in run.phases]
    assert [len(batch.regime) for batch in batches] == [6, 3]
    assert batches[0].input_ids.shape[1] <= 8 < batches[1].input_ids.shape[1] <= 24
    assert run.model.config.max_position_embeddings == 24


def test_whole_words_know_the_pieces_that_go_on(work: Path, tmp_path: Path) -> None:
    options = replace(TINY, init=str(write_bert(tmp_path / "bert", 23)))
    processor = start_run(work, options).processor
    assert make_masker(processor, options).continuing == ()
    assert make_masker(processor, replace(options, whole_words=True)).continuing == (6,)
    assert make_masker(processor, options).special == (0, 1, 2, 3, 4, 23)


def test_nobody_speaks(tmp_path: Path) -> None:
    work = make_work(tmp_path, spoken=False)
    with pytest.raises(InputError, match="nobody speaks"):
        start_run(work, TINY)


def test_a_regime_without_examples_is_refused(tmp_path: Path) -> None:
    work = make_work(tmp_path / "work", spoken=False)
    bert = write_bert(tmp_path / "bert", 23)
    with pytest.raises(InputError, match="text regime"):
        start_run(work, replace(TINY, init=str(bert)))


def test_examples_of_another_codebook_are_refused(tmp_path: Path) -> None:
    work = make_work(tmp_path)
    toy_codebook(seed=1).save(work / "codebook")
    with pytest.raises(InputError, match=r"another codebook.*videobert tokenize"):
        start_run(work, TINY)


def test_visual_words_beyond_the_codebook_are_refused(tmp_path: Path) -> None:
    work = make_work(tmp_path)
    row = {"video_id": "v0", "start": 0.0, "end": 5.0, "text": "", "visual": [9]}
    write_table(pa.Table.from_pylist([row], schema=EXAMPLES), Stage(work / "examples").path("v0"))
    with pytest.raises(InputError, match=r"examples has visual words beyond the 9"):
        start_run(work, TINY)
