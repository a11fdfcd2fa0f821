"""Every family of encoders reads text and visual words, packed as alone, and keeps what it knew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoModelForPreTraining, AutoTokenizer

from tests.toys.checkpoints import POSITIONS, TOKENIZERS, write_checkpoint
from tests.toys.codebook import toy_codebook
from tokenization.vocabulary import Vocabulary
from videobert import encoders
from videobert.joint_network import JointNetwork
from videobert.learning.dropout import use_fast_dropout
from videobert.model_sizes import BERT, FAMILIES
from videobert.networks import new_network, read_network, start_network
from videobert.pretraining.batches import JOINT, Batch
from videobert.pretraining.boundary import BoundaryHead
from videobert.pretraining.learner import pack_batch
from videobert.pretraining.masking.masker import IGNORED
from videobert.processing_videobert import VideoBertProcessor, with_joiner
from workfolder.errors import InputError

families = pytest.mark.parametrize("kind", FAMILIES)
LENGTHS = [20, 60, 33, 7, 45, 2, 30, 41, 5, 12]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("checkpoints")
    return {kind: write_checkpoint(home / kind, kind) for kind in TOKENIZERS}


def start(folder: Path, dropout: float = 0.1) -> tuple[VideoBertProcessor, JointNetwork]:
    tokenizer = with_joiner(AutoTokenizer.from_pretrained(folder))
    processor = VideoBertProcessor(tokenizer, toy_codebook())
    return processor, start_network(str(folder), processor.vocabulary, dropout).eval()


def batch_of(processor: VideoBertProcessor, seed: int = 0) -> Batch:
    """Sequences of LENGTHS, a third of their ids asked about; every third is a pair."""
    rng, shape = np.random.default_rng(seed), (len(LENGTHS), max(LENGTHS))
    size, pad = processor.vocabulary.size, processor.tokenizer.pad_token_id
    mask = (np.arange(shape[1]) < np.array(LENGTHS)[:, None]).astype(np.int64)
    ids = np.where(mask == 1, rng.integers(5, size, shape), pad)
    types = rng.integers(0, 2, shape) * mask
    asked = (rng.random(shape) < 0.3) & (mask == 1)
    labels = np.where(asked, rng.integers(5, size, shape), IGNORED)
    regime = np.arange(len(LENGTHS)) % 3
    alignment = np.where(regime == JOINT, np.arange(len(LENGTHS)) // 3 % 2, IGNORED)
    return Batch(ids, types, mask, labels, regime, alignment)


@families
@torch.inference_mode()
def test_with_text_alone_it_says_what_its_checkpoint_says(
    folders: dict[str, Path], kind: str
) -> None:
    processor, ours = start(folders[kind])
    theirs = AutoModelForMaskedLM.from_pretrained(folders[kind]).eval()
    known = processor.vocabulary.text_size
    inputs = processor(["chop the onion", "boil the [MASK]"], [[], []], max_length=16)
    its = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    seen = inputs["attention_mask"].bool()
    # The last [SEP] of text alone has the type of text, so types are the checkpoint's default.
    expected, found = theirs(**its).logits[..., :known], ours(**inputs)
    assert torch.allclose(found.prediction_logits[..., :known][seen], expected[seen], atol=1e-5)
    assert expected.std() > 0.1 and found.prediction_logits.shape[-1] == processor.vocabulary.size


@families
@torch.inference_mode()
@pytest.mark.parametrize("attention", ["sdpa", "eager", "training"])
def test_packed_rows_give_what_each_sequence_gives_alone(
    folders: dict[str, Path], kind: str, attention: str
) -> None:
    processor, model = start(folders[kind])
    if attention == "training":
        use_fast_dropout(model)
    else:
        model.set_attn_implementation(attention)
    with torch.no_grad():  # or the alignment head would say next to nothing
        for name, weight in model.named_parameters():
            if name.startswith(model.judges):
                weight.mul_(10)
    batch = batch_of(processor)
    rows = pack_batch(batch, np.arange(len(LENGTHS)))
    assert len(rows["input_ids"]) < len(LENGTHS)
    packed = model(
        rows["input_ids"],
        token_type_ids=rows["token_type_ids"],
        position_ids=rows["position_ids"],
        sequence_ids=rows["sequence_ids"],
        predict_at=rows["labels"] != IGNORED,
        judge_at=rows["alignment"] != IGNORED,
    )
    words, pairs = rows["sequence_ids"][rows["labels"] != IGNORED], rows["sequence_ids"]
    pairs = pairs[rows["alignment"] != IGNORED].tolist()
    for sequence, length in enumerate(LENGTHS):
        one = {
            name: torch.from_numpy(getattr(batch, name)[sequence : sequence + 1, :length])
            for name in ("input_ids", "token_type_ids", "attention_mask", "labels")
        }
        at = one.pop("labels") != IGNORED
        alone = model(**one, predict_at=at)
        found = packed.prediction_logits[words == sequence]
        assert torch.allclose(found, alone.prediction_logits, atol=1e-5)
        if sequence in pairs:
            judged = packed.alignment_logits[pairs.index(sequence)]
            assert torch.allclose(judged, alone.alignment_logits[0], atol=1e-5)


@families
def test_one_table_holds_all_words_and_the_head_has_a_bias_for_each(
    folders: dict[str, Path], kind: str
) -> None:
    processor, model = start(folders[kind])
    rows: Any = model.get_input_embeddings()
    decoder: Any = model.get_output_embeddings()
    size = processor.vocabulary.size
    assert rows.weight is decoder.weight and len(rows.weight) == len(decoder.bias) == size
    joiner = processor.vocabulary.joiner
    theirs: Any = AutoModelForMaskedLM.from_pretrained(folders[kind])
    before = theirs.get_input_embeddings().weight
    assert torch.equal(rows.weight[:joiner], before[:joiner])
    assert not (rows.weight[joiner : joiner + 3] == before[joiner:]).any()  # they were filling
    assert not decoder.bias[joiner:].any() and decoder.bias[:joiner].all()
    places = toy_codebook().places
    model.set_visual_embeddings(places)
    made = rows.weight[processor.vocabulary.first_visual :].detach()
    apart = torch.pdist(torch.from_numpy(places - places.mean(axis=0)))
    assert np.corrcoef(apart, torch.pdist(made))[0, 1] > 0.99


@families
@torch.inference_mode()
def test_what_is_saved_says_the_same_and_learns_on_with_other_dropout(
    folders: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    processor, model = start(folders[kind])
    model.save_pretrained(tmp_path)
    again, missing = read_network(tmp_path, dropout=0.25)
    assert not missing and type(again) is type(model)
    inputs = processor(["chop the onion"], [[0, 8]], max_length=16)
    for one, other in zip(model(**inputs).to_tuple(), again(**inputs).to_tuple(), strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    shares = {each.p for each in again.modules() if isinstance(each, torch.nn.Dropout)}
    assert 0.25 in shares and not shares & {0.1}
    auto = AutoModelForPreTraining.from_pretrained(tmp_path)
    assert type(auto) is type(model)


@families
@torch.inference_mode()
def test_states_are_there_for_every_layer(folders: dict[str, Path], kind: str) -> None:
    processor, model = start(folders[kind])
    inputs = processor(["chop the onion", "boil"], [[0, 8], []], max_length=16)
    states = model.states(**inputs)
    shape = (*inputs["input_ids"].shape, model.config.hidden_size)
    assert len(states) == model.config.num_hidden_layers + 1 == 3
    assert all(each.shape == shape for each in states)
    assert torch.equal(states[-1], model.encode(**inputs))
    assert torch.equal(model.complete(states[-1]), model(**inputs).prediction_logits)


@families
def test_positions_are_as_many_as_a_sequence_may_have(folders: dict[str, Path], kind: str) -> None:
    processor, model = start(folders[kind])
    longest = model.config.max_position_embeddings
    counted_from_padding = kind in ("roberta", "xlm-roberta", "mpnet")
    assert longest == (POSITIONS - 2 if counted_from_padding else POSITIONS)
    visual = [np.zeros(longest, dtype=np.int64)]
    inputs = processor([""], visual, max_length=longest)
    assert inputs["input_ids"].shape[1] == longest
    assert model(**inputs).prediction_logits.isfinite().all()


@families
def test_a_boundary_head_ends_where_the_output_layer_begins(
    folders: dict[str, Path], kind: str
) -> None:
    _, model = start(folders[kind])
    decoder: Any = model.get_output_embeddings()
    config = model.config
    model.boundary = BoundaryHead(
        config.hidden_size, decoder.in_features, config.initializer_range, config.layer_norm_eps
    )
    ids = torch.arange(5, 15)[None]
    at = torch.zeros_like(ids, dtype=torch.bool)
    at[0, 4:6] = True
    sides = torch.ones_like(ids), torch.full_like(ids, 2)
    found = model(ids, predict_at=at, before=sides[0], after=sides[1])
    assert found.boundary_logits.shape == found.prediction_logits.shape == (2, config.vocab_size)


@families
def test_a_model_from_nothing_is_of_its_family_and_size(kind: str) -> None:
    vocabulary = Vocabulary(text_size=120, visual_size=9)
    model = new_network("tiny", kind, vocabulary, padding=0, positions=24, dropout=0.3, layers=1)
    config = model.config
    assert (model.kind, config.hidden_size, config.num_hidden_layers) == (kind, 128, 1)
    assert (config.vocabulary, config.max_position_embeddings) == (vocabulary, 24)
    assert {each.p for each in model.modules() if isinstance(each, torch.nn.Dropout)} >= {0.3}
    ids = torch.randint(5, vocabulary.size, (2, 24))
    found = model.eval()(ids, token_type_ids=torch.zeros_like(ids))
    assert found.prediction_logits.shape == (2, 24, vocabulary.size)


def test_albert_shares_its_layers_and_factorises_its_rows() -> None:
    vocabulary = Vocabulary(text_size=500, visual_size=100)
    sizes = {}
    for kind in ("albert", BERT):
        model = new_network("small", kind, vocabulary, padding=0, positions=16, dropout=0.0)
        sizes[kind] = model.num_parameters()
    width, narrow, words = 512, 128, vocabulary.size
    layer = 4 * width * (width + 1) + 2 * 2 * width + 2 * 4 * width * width + 5 * width
    tables = (words + 16 + 2) * narrow + 2 * narrow + narrow * width + width
    head = width * narrow + narrow + 2 * narrow + words
    judge = width * (width + 1) + 2 * (width + 1)
    assert sizes["albert"] == layer + tables + head + judge < sizes[BERT] / 3


def test_every_family_by_name_is_described_and_tested() -> None:
    assert set(FAMILIES) == {BERT, *encoders.FAMILIES} == set(TOKENIZERS)


@pytest.mark.parametrize("kind", ["roberta", "electra"])
def test_a_checkpoint_without_a_masked_head_gets_a_fresh_one_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    folder = write_checkpoint(tmp_path / "alone", kind, head="none")
    processor, model = start(folder)
    (said,) = [each for each in caplog.messages if "masked head" in each]
    assert said.startswith(f"{folder} has no masked head, so a fresh one learns from nothing")
    assert ("generator" in said) == (kind == "electra")
    found = model(**processor(["chop the onion"], [[0]], max_length=16))
    assert found.prediction_logits.isfinite().all()


def test_a_checkpoint_that_lacks_weights_of_its_encoder_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = write_checkpoint(tmp_path / "part", "roberta")
    weights = load_file(folder / "model.safetensors")
    del weights["roberta.encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        InputError, match=r"part lacks weights of a 'roberta', such as roberta\.enc"
    ):
        start(folder)


def test_a_tokenizer_of_more_pieces_than_the_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "small", "albert", spare=-1)
    with pytest.raises(InputError, match=r"words and its tokenizer .* take both from one folder"):
        start(folder)
