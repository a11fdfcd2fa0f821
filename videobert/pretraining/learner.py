"""Pre-training as the loop of learning wants it: batches, forward pass, scores, loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from videobert.joint_network import JointNetwork, VideoBertOutput
from videobert.learning.learner import Score
from videobert.learning.packing import pack
from videobert.pretraining.batches import JOINT, ORDER, REGIMES, Batch, Batches
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.masking.spans import sides
from videobert.pretraining.objectives import (
    OBJECTIVES,
    Alignment,
    Objective,
    Order,
    answer,
    total_loss,
)
from videobert.processing_videobert import VideoBertProcessor

MOST_VALIDATION_BATCHES = 50
FILLING = {"labels": IGNORED, "regime": IGNORED, "alignment": IGNORED}
"""What stands in the padding of rows; 0 elsewhere."""


@dataclass(frozen=True)
class PretrainLearner:
    """A run of pre-training that may begin.

    Attributes:
        processor: tokenizer and codebook.
        model: with its first weights.
        phases: the batches of each phase, and how many there are.
        kept_apart: the batches to validate on; None where too few videos are kept apart for any.
        objectives: what it learns to do.
        alignment_weight: see objectives.total_loss.
    """

    processor: VideoBertProcessor
    model: JointNetwork
    phases: Sequence[tuple[Batches, int]]
    kept_apart: Batches | None
    objectives: Sequence[Objective] = OBJECTIVES
    alignment_weight: float = 1.0
    stage: str = "pretrain"

    @property
    def shown(self) -> Sequence[str]:
        """The accuracies that tell whether the model looks at the video."""
        names = [objective.name for objective in self.objectives]
        apart = (Alignment.name, Order(ORDER).name)
        return [name for name in names if name.endswith(REGIMES[JOINT]) or name in apart]

    def batch(self, step: int) -> Batch:
        """Make the batch of a step, counted over all phases."""
        for batches, steps in self.phases:
            if step < steps:
                return batches.batch(step)
            step -= steps
        raise IndexError("the phases have fewer steps")

    def validation(self) -> Iterator[Batch]:
        """Make the first batches of the videos that are kept apart."""
        if self.kept_apart:
            for step in range(min(self.kept_apart.epoch_steps, MOST_VALIDATION_BATCHES)):
                yield self.kept_apart.batch(step)

    def asked(self, batch: Batch) -> dict[str, int]:
        """Count the questions that each objective has for a batch."""
        return {objective.name: objective.asked(batch) for objective in self.objectives}

    def scores(
        self, model: torch.nn.Module, batch: Batch, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        """Pack the chosen sequences, run the model on them, and score each objective."""
        rows = rows_on(device, batch, chosen)
        answers = answer(run_on(model, rows), rows)
        return {objective.name: objective(answers) for objective in self.objectives}

    def total_loss(self, scores: Mapping[str, Score], asked: Mapping[str, int]) -> torch.Tensor:
        """Join the scores as ``objectives.total_loss`` does."""
        return total_loss(scores, asked, self.alignment_weight)


def rows_on(device: torch.device, batch: Batch, chosen: np.ndarray) -> dict[str, torch.Tensor]:
    """Pack the chosen sequences of a batch, as ``pack_batch``, onto a device."""
    rows = pack_batch(batch, chosen)
    return {name: tensor.to(device, non_blocking=True) for name, tensor in rows.items()}


def run_on(
    model: torch.nn.Module,
    rows: Mapping[str, torch.Tensor],
    predict_at: torch.Tensor | None = None,
) -> VideoBertOutput:
    """Run a model on packed rows; it says what it is asked at hidden ids and pairs alone.

    Args:
        model: a JointNetwork, whatever it is wrapped in.
        rows: as ``pack_batch`` returns them.
        predict_at: bool [batch, length], the places that get logits; None for hidden ids.
    """
    judged, turned = rows["alignment"] != IGNORED, rows["regime"] >= ORDER
    output: VideoBertOutput = model(
        rows["input_ids"],
        token_type_ids=rows["token_type_ids"],
        position_ids=rows["position_ids"],
        sequence_ids=rows["sequence_ids"],
        predict_at=rows["labels"] != IGNORED if predict_at is None else predict_at,
        judge_at=judged & ~turned,
        rank=rows.get("rank"),
        reach=rows.get("reach"),
        before=rows["before"],
        after=rows["after"],
        turn_at=judged & turned,
    )
    return output


def pack_batch(batch: Batch, chosen: np.ndarray) -> dict[str, torch.Tensor]:
    """Pack the chosen sequences of a batch into rows.

    Returns:
        What ``packing.pack`` returns of input_ids, token_type_ids, labels, regime (that of each
        id's sequence), alignment (at the [CLS] of a pair; IGNORED elsewhere), before and after (how
        far the sides of the span of a hidden id are), and of the order of the batch.
    """
    shape = batch.input_ids.shape
    alignment = np.full(shape, IGNORED)
    alignment[:, 0] = batch.alignment
    before, after = sides(batch.labels != IGNORED)
    arrays = {
        "input_ids": batch.input_ids,
        "token_type_ids": batch.token_type_ids,
        "labels": batch.labels,
        "regime": np.broadcast_to(batch.regime[:, None], shape),
        "alignment": alignment,
        "before": before,
        "after": after,
        **batch.order,
    }
    return pack(arrays, batch.attention_mask.sum(axis=1), FILLING, chosen)
