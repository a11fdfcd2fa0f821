"""Packed rows hold each sequence once and give what padded ones give."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.joint_network import VideoBertOutput
from videobert.learning.packing import PADDING
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.pretraining.batches import JOINT, TEXT, VIDEO, Batch
from videobert.pretraining.learner import pack_batch
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.objectives import OBJECTIVES, answer, total_loss
from videobert.sequences import ALIGNED, MISALIGNED

Rows = dict[str, torch.Tensor]
VOCABULARY = Vocabulary(text_size=120, visual_size=30)


def batch_of(lengths: list[int], seed: int = 0) -> Batch:
    """Sequences of these lengths with a third of their ids hidden.

    Regimes take turns, and so do aligned and mismatched pairs.
    """
    rng = np.random.default_rng(seed)
    shape = (len(lengths), max(lengths))
    mask = (np.arange(shape[1]) < np.array(lengths)[:, None]).astype(np.int64)
    ids, types = rng.integers(5, VOCABULARY.size, shape) * mask, rng.integers(0, 2, shape) * mask
    labels = np.where(
        (rng.random(shape) < 0.3) & (mask == 1), rng.integers(5, VOCABULARY.size, shape), IGNORED
    )
    regime = np.arange(len(lengths)) % 3
    alignment = np.where(regime == JOINT, np.arange(len(lengths)) // 3 % 2, IGNORED)
    return Batch(ids, types, mask, labels, regime, alignment)


def everything(batch: Batch) -> Rows:
    return pack_batch(batch, np.arange(len(batch.regime)))


@given(st.lists(st.integers(2, 200), min_size=2, max_size=20), st.data())
def test_what_is_packed_can_be_unpacked(lengths: list[int], data: st.DataObject) -> None:
    batch = batch_of(lengths)
    chosen = np.array(
        data.draw(st.lists(st.sampled_from(range(len(lengths))), min_size=1, unique=True))
    )
    packed = pack_batch(batch, chosen)
    ids = packed["sequence_ids"].numpy()
    assert sorted(set(ids.ravel().tolist()) - {PADDING}) == sorted(chosen.tolist())
    for sequence in chosen:
        here, length = ids == sequence, lengths[sequence]
        assert here.any(axis=1).sum() == 1 and here.sum() == length
        assert packed["position_ids"].numpy()[here].tolist() == list(range(length))
        for name in ("input_ids", "token_type_ids", "labels"):
            assert (packed[name].numpy()[here] == getattr(batch, name)[sequence, :length]).all()
        assert (packed["regime"].numpy()[here] == batch.regime[sequence]).all()
        assert packed["alignment"].numpy()[here].tolist() == [batch.alignment[sequence]] + [
            IGNORED
        ] * (length - 1)
    padding = ids == PADDING
    for name in ("labels", "regime", "alignment"):
        assert (packed[name].numpy()[padding] == IGNORED).all()


@torch.inference_mode()
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_rows_give_what_padded_ones_give(attention: str) -> None:
    model = tiny(attention)
    batch = batch_of([20, 60, 33, 7, 150, 2, 90, 41, 5, 12])
    whole, apart = packed_output(model, everything(batch)), padded_output(model, batch)
    packed = everything(batch)
    order = [
        int(sequence)
        for sequence in packed["sequence_ids"][packed["labels"] != IGNORED].unique_consecutive()
    ]
    counts = (batch.labels != IGNORED).sum(axis=1)
    pieces = torch.split(apart.prediction_logits, counts.tolist())
    assert torch.allclose(
        whole.prediction_logits, torch.cat([pieces[sequence] for sequence in order]), atol=1e-5
    )
    pairs = packed["sequence_ids"][packed["alignment"] != IGNORED]
    assert torch.allclose(whole.alignment_logits, apart.alignment_logits[pairs], atol=1e-5)


def test_the_parts_of_a_batch_add_up_to_its_loss() -> None:
    model, batch = tiny("sdpa"), batch_of([20, 60, 33, 7, 50, 2, 90, 41, 5, 12, 8, 30], seed=3)
    asked = {objective.name: objective.asked(batch) for objective in OBJECTIVES}

    def loss(chosen: np.ndarray) -> float:
        packed = pack_batch(batch, chosen)
        answers = answer(packed_output(model, packed), packed)
        return float(
            total_loss({objective.name: objective(answers) for objective in OBJECTIVES}, asked)
        )

    with torch.inference_mode():
        parts = [loss(np.arange(part, 12, 4)) for part in range(4)]
        assert sum(parts) == pytest.approx(loss(np.arange(12)), abs=1e-5)
    assert {*batch.regime} == {TEXT, VIDEO, JOINT} and {*batch.alignment} == {
        IGNORED,
        ALIGNED,
        MISALIGNED,
    }


def tiny(attention: str) -> VideoBertForPreTraining:
    torch.manual_seed(0)
    model = VideoBertForPreTraining(VideoBertConfig.of_size("tiny", VOCABULARY)).eval()
    model.set_attn_implementation(attention)
    return model


def packed_output(model: VideoBertForPreTraining, packed: Rows) -> VideoBertOutput:
    return model(
        packed["input_ids"],
        token_type_ids=packed["token_type_ids"],
        position_ids=packed["position_ids"],
        sequence_ids=packed["sequence_ids"],
        predict_at=packed["labels"] != IGNORED,
        judge_at=packed["alignment"] != IGNORED,
    )


def padded_output(model: VideoBertForPreTraining, batch: Batch) -> VideoBertOutput:
    inputs = {
        name: torch.from_numpy(getattr(batch, name))
        for name in ("input_ids", "attention_mask", "token_type_ids")
    }
    return model(**inputs, predict_at=torch.from_numpy(batch.labels != IGNORED))
