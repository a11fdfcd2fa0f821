from __future__ import annotations

import math

import pytest
import torch

from videobert.modeling_videobert import ALIGNED, MISALIGNED, VideoBertOutput
from videobert.pretraining.batches import JOINT, TEXT, VIDEO
from videobert.pretraining.masking import IGNORED
from videobert.pretraining.objectives import OBJECTIVES, total_loss

LABELS = torch.tensor([[3, IGNORED, 5], [IGNORED, 7, IGNORED], [1, IGNORED, IGNORED]])


def batch() -> dict[str, torch.Tensor]:
    """Two ids asked of text, one of a joint pair, one of video; the pair is aligned."""
    return {
        "labels": LABELS,
        "regime": torch.tensor([TEXT, JOINT, VIDEO]),
        "alignment": torch.tensor([IGNORED, ALIGNED, IGNORED]),
    }


def output(right: list[bool]) -> VideoBertOutput:
    """Logits that are sure of the right id, or of id 0, for each of the four ids asked."""
    logits = torch.zeros(4, 10)
    for row, (label, good) in enumerate(zip(LABELS[LABELS != IGNORED], right, strict=True)):
        logits[row, label if good else 0] = 20
    return VideoBertOutput(prediction_logits=logits, alignment_logits=torch.zeros(3, 2))


def test_each_objective_scores_its_own_regime() -> None:
    scores = {objective.name: objective(output([True, False, True, False]), batch()) for objective in OBJECTIVES}
    found = {name: (score.correct, score.asked) for name, score in scores.items() if score}
    assert {name: found[name] for name in ("masked_text", "masked_joint", "masked_video")} == {
        "masked_text": (1, 2),
        "masked_joint": (1, 1),
        "masked_video": (0, 1),
    }
    assert scores["alignment"].loss.item() == pytest.approx(math.log(2))


def test_nothing_asked_is_no_score() -> None:
    only_text = batch() | {"regime": torch.full((3,), TEXT), "alignment": torch.full((3,), IGNORED)}
    names = {o.name for o in OBJECTIVES if o(output([True] * 4), only_text) is not None}
    assert names == {"masked_text"}


def test_the_loss_is_a_mean_over_hidden_ids_and_a_mean_over_pairs() -> None:
    found = output([True, False, False, True])
    scores = {o.name: o(found, batch()) for o in OBJECTIVES}
    every_id = torch.nn.functional.cross_entropy(found.prediction_logits, LABELS[LABELS != IGNORED])
    assert total_loss(scores).item() == pytest.approx(every_id.item() + math.log(2))
    assert ALIGNED != MISALIGNED
