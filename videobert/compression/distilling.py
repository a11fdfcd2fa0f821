"""A student that learns what its teacher says, beside the truth (Sanh et al., 2019, "DistilBERT").

The loss is 5 T^2 KL(teacher / T, student / T) + 2 (masked words and alignment) + 1 (1 - cosine of
the last hidden states), at hidden places, T = 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn.functional import cosine_similarity, kl_div

from videobert.joint_network import JointNetwork, VideoBertOutput
from videobert.learning.learner import Score
from videobert.pretraining.batches import Batch
from videobert.pretraining.learner import PretrainLearner, rows_on, run_on
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.objectives import answer

TEMPERATURE = 2.0
SOFT, STATES = "soft", "states"
SOFT_WEIGHT, HARD_WEIGHT, STATES_WEIGHT = 5.0, 2.0, 1.0
"""Those of the authors' configuration, as is TEMPERATURE."""
CLOSE = 0.9
"""A student's state counts as right where its cosine with the teacher's is larger."""


@dataclass(frozen=True)
class DistilLearner(PretrainLearner):
    """A run of pre-training whose model is a student.

    Attributes:
        teacher: as wide as the student; it does not learn.
    """

    teacher: JointNetwork = field(kw_only=True)
    stage: str = "compress"

    @property
    def shown(self) -> Sequence[str]:
        """The accuracies of pre-training, and how often the student says what its teacher says."""
        return [*super().shown, SOFT]

    def asked(self, batch: Batch) -> dict[str, int]:
        """Count the questions that each objective has for a batch."""
        hidden = int((batch.labels != IGNORED).sum())
        return {**super().asked(batch), SOFT: hidden, STATES: hidden}

    def scores(
        self, model: torch.nn.Module, batch: Batch, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        """Ask student and teacher about the chosen sequences; score each objective."""
        rows = rows_on(device, batch, chosen)
        with torch.no_grad():
            taught = run_on(self.teacher.to(device), rows)  # type: ignore[arg-type]
        said = run_on(model, rows)
        answers = answer(said, rows)
        scores = {objective.name: objective(answers) for objective in self.objectives}
        return {**scores, **soft_scores(said, taught)}

    def total_loss(self, scores: Mapping[str, Score], asked: Mapping[str, int]) -> torch.Tensor:
        """Join the scores: see this module."""
        names = {objective.name for objective in self.objectives}
        hard = super().total_loss(
            {name: score for name, score in scores.items() if name in names},
            {name: count for name, count in asked.items() if name in names},
        )
        soft, states = (scores[name].loss / max(asked[name], 1) for name in (SOFT, STATES))
        return SOFT_WEIGHT * soft + HARD_WEIGHT * hard + STATES_WEIGHT * states


def soft_scores(said: VideoBertOutput, taught: VideoBertOutput) -> dict[str, Score]:
    """Compare a student with its teacher at the same places.

    Returns:
        SOFT, the divergence times the square of TEMPERATURE, so that its gradients are as large as
        those of the truth, and right where both have one best guess; STATES, one less the cosine.
    """
    ours, theirs = said.prediction_logits.float(), taught.prediction_logits.float()
    divergence = kl_div(
        (ours / TEMPERATURE).log_softmax(dim=1),
        (theirs / TEMPERATURE).log_softmax(dim=1),
        reduction="sum",
        log_target=True,
    )
    agreed = ours.argmax(dim=1) == theirs.argmax(dim=1)
    assert said.asked_states is not None and taught.asked_states is not None
    cosines = cosine_similarity(said.asked_states.float(), taught.asked_states.float(), dim=1)
    return {
        SOFT: Score(TEMPERATURE**2 * divergence, agreed.sum()),
        STATES: Score((1 - cosines).sum(), (cosines > CLOSE).sum()),
    }
