"""Which words were replaced (Clark et al., 2020, "ELECTRA"): a small network hides and fills in, a
large one tells every place whether what stands there was put in. So all places teach.

The generator learns what pre-training asks anywhere: hidden words, and the alignment. At each
hidden place a word is drawn from what it says, of the same modality. The discriminator tells for
every place whether it has another word than before: a drawn word that is the right one counts as
original. It learns the alignment, too. The loss is that of the generator, plus 50 times the mean
cross entropy over all places. No gradient goes through a draw.

Both share their embeddings, as the authors' do, so the generator's must be as wide as those of the
discriminator, while its states have a quarter of the width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers.models.electra.modeling_electra import ElectraDiscriminatorPredictions

from tokenization.vocabulary import Vocabulary
from videobert.joint_network import VideoBertOutput, within_sequences
from videobert.learning.learner import Score
from videobert.modeling_videoencoder import VideoEncoderForPreTraining
from videobert.orders import MASKED, REPLACED
from videobert.pretraining.batches import JOINT, ORDER, ORIGINAL, SAMPLED, TOLD, Batch
from videobert.pretraining.learner import PretrainLearner, rows_on, run_on
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.objectives import Alignment, answer

WEIGHT = 50.0
"""Of the discriminator's loss; the authors' lambda."""
NARROWER = 4
"""The discriminator's width over the generator's, in the authors' base and large models."""
JUDGED = "discriminator_alignment"


@dataclass(frozen=True)
class Detected:
    """What both networks say of packed rows.

    Attributes:
        generated: what the generator says, at hidden places that are asked.
        replaced_logits: of the discriminator, [told places].
        replaced: whether another word stands there, bool [told places].
        alignment_logits: of the discriminator, [pairs, 2].
    """

    generated: VideoBertOutput
    replaced_logits: torch.Tensor
    replaced: torch.Tensor
    alignment_logits: torch.Tensor


class ReplacedNetwork(nn.Module):
    """A generator and a discriminator over the same embeddings.

    Attributes:
        discriminator: the model that will be tuned.
        generator: the model that fills masks.
        head: of the discriminator, thrown away after training.
    """

    def __init__(self, discriminator: VideoEncoderForPreTraining, special: Sequence[int]) -> None:
        """Make the generator that a discriminator needs.

        Args:
            discriminator: an ELECTRA.
            special: ids that are never drawn.
        """
        super().__init__()
        self.discriminator, self.generator = discriminator, _generator(discriminator)
        self.head = ElectraDiscriminatorPredictions(discriminator.encoder.config)
        for layer in (self.head.dense, self.head.dense_prediction):
            nn.init.normal_(layer.weight, std=discriminator.config.initializer_range)
            nn.init.zeros_(layer.bias)
        allowed = drawable(discriminator.config.vocabulary, special)
        self.register_buffer("allowed", allowed, persistent=False)
        for name, weight in discriminator.named_parameters():  # its own masked head has no task
            weight.requires_grad &= not name.startswith(("encoder.generator_predictions",)) and (
                not name.endswith("generator_lm_head.bias")
            )

    def forward(self, rows: Mapping[str, torch.Tensor]) -> Detected:
        """Fill in what is hidden, and find it."""
        sampled = rows[SAMPLED] == 1
        output = run_on(self.generator, rows, predict_at=sampled)
        drawn = self.draw(output.prediction_logits, rows[ORIGINAL][sampled])
        asked = rows["labels"][sampled] != IGNORED
        output.prediction_logits = output.prediction_logits[asked]
        ids = rows[ORIGINAL].masked_scatter(sampled, drawn)
        states = self.discriminator.encode(
            ids,
            attention_mask=within_sequences(rows["sequence_ids"], None, None),
            token_type_ids=rows["token_type_ids"],
            position_ids=rows["position_ids"],
        )
        told = rows[TOLD] == 1
        return Detected(
            output,
            self.head(states[told]),
            (ids != rows[ORIGINAL])[told],
            self.discriminator.judge(states[_paired(rows)]),
        )

    @torch.no_grad()
    def draw(self, logits: torch.Tensor, original: torch.Tensor) -> torch.Tensor:
        """Draw words from what the generator says, of the modality of those that stood there.

        Args:
            logits: [hidden, vocabulary].
            original: int64 [hidden].

        Returns:
            int64 [hidden].
        """
        if not len(logits):
            return original
        seen = (original >= self.discriminator.config.vocabulary.first_visual).long()
        allowed: Any = self.allowed
        chances = logits.float().masked_fill(~allowed[seen], -torch.inf).softmax(dim=1)
        return torch.multinomial(chances, 1)[:, 0]


def drawable(vocabulary: Vocabulary, special: Sequence[int]) -> torch.Tensor:
    """Tell which ids may stand in the place of a word, and of a visual word, bool [2, ids]."""
    ids = torch.arange(vocabulary.size)
    seen = ids >= vocabulary.first_visual
    text = (ids < vocabulary.joiner) & ~torch.isin(ids, torch.tensor(list(special)))
    return torch.stack([text, seen])


def _generator(discriminator: VideoEncoderForPreTraining) -> VideoEncoderForPreTraining:
    """Make a network a quarter as wide over the same embeddings."""
    config = deepcopy(discriminator.config)
    own: Any = config.encoder
    own.hidden_size //= NARROWER
    own.intermediate_size //= NARROWER
    own.num_attention_heads = max(own.num_attention_heads // NARROWER, 1)
    config.objective = MASKED
    made = VideoEncoderForPreTraining(config)
    made.encoder.base_model.embeddings = discriminator.encoder.base_model.embeddings
    made.encoder.generator_lm_head.weight = discriminator.get_input_embeddings().weight
    return made


def _paired(rows: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Find the [CLS] of pairs that are judged, bool [batch, length]."""
    return (rows["alignment"] != IGNORED) & (rows["regime"] < ORDER)


@dataclass(frozen=True)
class ReplacedLearner(PretrainLearner):
    """A run whose model is a ReplacedNetwork."""

    @property
    def shown(self) -> Sequence[str]:
        """The accuracies of the generator, and of the discriminator."""
        return [*super().shown, REPLACED]

    def asked(self, batch: Batch) -> dict[str, int]:
        """Count the questions that each objective has for a batch."""
        pairs = int(((batch.alignment != IGNORED) & (batch.regime == JOINT)).sum())
        return {**super().asked(batch), REPLACED: int(batch.order[TOLD].sum()), JUDGED: pairs}

    def scores(
        self, model: torch.nn.Module, batch: Batch, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        """Ask both networks about the chosen sequences; score each objective."""
        rows = rows_on(device, batch, chosen)
        found: Detected = model(rows)
        answers = answer(found.generated, rows)
        scores = {objective.name: objective(answers) for objective in self.objectives}
        pairs = rows["alignment"][_paired(rows)]
        judged = cross_entropy(found.alignment_logits.float(), pairs, reduction="sum")
        right = found.alignment_logits.argmax(dim=1) == pairs
        return {**scores, REPLACED: replaced_score(found), JUDGED: Score(judged, right.sum())}

    def total_loss(self, scores: Mapping[str, Score], asked: Mapping[str, int]) -> torch.Tensor:
        """Join the scores: see this module."""
        names = {objective.name for objective in self.objectives}
        generator = super().total_loss(
            {name: score for name, score in scores.items() if name in names},
            {name: count for name, count in asked.items() if name in names},
        )
        told, judged = (scores[name].loss / max(asked[name], 1) for name in (REPLACED, JUDGED))
        weight = self.alignment_weight if Alignment.name in names else 0.0
        return generator + WEIGHT * told + weight * judged


def replaced_score(found: Detected) -> Score:
    """Score the discriminator over all places that it was asked about."""
    loss = binary_cross_entropy_with_logits(
        found.replaced_logits.float(), found.replaced.float(), reduction="sum"
    )
    return Score(loss, ((found.replaced_logits > 0) == found.replaced).sum())
