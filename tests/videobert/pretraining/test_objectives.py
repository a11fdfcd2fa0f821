from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from videobert.joint_network import VideoBertOutput
from videobert.learning.learner import Score
from videobert.pretraining.batches import JOINT, TEXT, VIDEO, Batch
from videobert.pretraining.learner import pack_batch
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.objectives import OBJECTIVES, answer, total_loss
from videobert.sequences import ALIGNED, MISALIGNED

LABELS = np.array([[3, IGNORED, 5], [IGNORED, 7, IGNORED], [1, IGNORED, IGNORED], [IGNORED] * 3])
BATCH = Batch(
    input_ids=np.full((4, 3), 4),
    token_type_ids=np.zeros((4, 3), dtype=np.int64),
    attention_mask=np.ones((4, 3), dtype=np.int64),
    labels=LABELS,
    regime=np.array([TEXT, JOINT, VIDEO, JOINT]),
    alignment=np.array([IGNORED, ALIGNED, IGNORED, MISALIGNED]),
)
"""Two ids asked of text, one of an aligned pair, one of video; a misaligned pair."""
EVERY = np.arange(4)


def output(right: list[bool], alignment: list[list[float]]) -> VideoBertOutput:
    """Logits with 2 on the right id or on id 0, for four ids; logits of the two pairs."""
    logits = torch.zeros(4, 10)
    for row, (label, good) in enumerate(zip(LABELS[LABELS != IGNORED], right, strict=True)):
        logits[row, label if good else 0] = 2
    return VideoBertOutput(
        prediction_logits=logits.requires_grad_(),
        alignment_logits=torch.tensor(alignment, requires_grad=True),
    )


def scores_of(found: VideoBertOutput) -> dict[str, Score]:
    answers = answer(found, pack_batch(BATCH, EVERY))
    return {objective.name: objective(answers) for objective in OBJECTIVES}


def asked() -> Mapping[str, int]:
    return {objective.name: objective.asked(BATCH) for objective in OBJECTIVES}


RIGHT, WRONG = math.log(9 + math.e**2) - 2, math.log(9 + math.e**2)
"""Cross entropies in nats where 2 is on the right one of ten ids, or on a wrong one."""


def test_each_objective_scores_its_own_regime() -> None:
    found = scores_of(output([True, False, True, False], [[3.0, 1.0], [3.0, 1.0]]))
    figures = {
        name: (score.loss.item(), int(score.correct), asked()[name])
        for name, score in found.items()
    }
    surprise = math.log(1 + math.e**-2)
    assert figures == {
        "masked_text": (pytest.approx(RIGHT + WRONG, abs=1e-5), 1, 2),
        "masked_joint": (pytest.approx(RIGHT, abs=1e-5), 1, 1),
        "masked_video": (pytest.approx(WRONG, abs=1e-5), 0, 1),
        "alignment": (pytest.approx(2 * surprise + 2, abs=1e-5), 1, 2),
    }


def test_the_loss_is_a_mean_over_hidden_ids_and_a_mean_over_pairs() -> None:
    found = output([True, False, False, True], [[0.0, 0.0], [0.0, 0.0]])
    loss = total_loss(scores_of(found), asked())
    assert loss.item() == pytest.approx((2 * RIGHT + 2 * WRONG) / 4 + math.log(2))


def test_what_is_not_asked_costs_nothing_and_teaches_nothing() -> None:
    text_alone = pack_batch(BATCH, np.array([0]))
    found = VideoBertOutput(
        prediction_logits=torch.zeros(2, 10, requires_grad=True),
        alignment_logits=torch.zeros(0, 2, requires_grad=True),
    )
    scores = {objective.name: objective(answer(found, text_alone)) for objective in OBJECTIVES}
    assert [name for name, score in scores.items() if score.loss.item()] == ["masked_text"]
    total_loss(scores, dict.fromkeys(scores, 0) | {"masked_text": 2}).backward()
    assert found.prediction_logits.grad.any() and found.alignment_logits.grad.shape == (0, 2)


def test_bf16_logits_are_judged_in_fp32() -> None:
    logits = torch.full((4, 10), 0.1, dtype=torch.bfloat16)
    scores = scores_of(
        VideoBertOutput(
            prediction_logits=logits, alignment_logits=torch.zeros(2, 2, dtype=torch.bfloat16)
        )
    )
    assert scores["masked_text"].loss.dtype == torch.float32
    assert scores["masked_text"].loss.item() == pytest.approx(2 * math.log(10), abs=1e-5)
