"""What every network over text and visual words says, whatever encoder it has.

Shapes: [batch] rows, [length] ids of a row, [width] a hidden state, [vocabulary] all ids,
[positions] that are asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from transformers.utils import ModelOutput

from videobert.orders import visible

if TYPE_CHECKING:
    from transformers import PreTrainedModel as Base
else:
    Base = object


@dataclass
class VideoBertOutput(ModelOutput):
    """What the model says.

    Attributes:
        prediction_logits: [batch, length, vocabulary], or [positions, vocabulary] if positions were
            asked for.
        alignment_logits: Of ALIGNED and MISALIGNED, [batch, 2].
        boundary_logits: [positions, vocabulary], from the sides of the spans that they are in; None
            without a boundary head.
        turn_logits: [ordered pairs, 3]; None without a turn head.
        asked_states: the last hidden states where there are prediction logits, [..., width].
    """

    # ModelOutput wants defaults.
    prediction_logits: torch.Tensor = None  # type: ignore[assignment]
    alignment_logits: torch.Tensor = None  # type: ignore[assignment]
    boundary_logits: torch.Tensor | None = None
    turn_logits: torch.Tensor | None = None
    asked_states: torch.Tensor | None = None


class JointNetwork(Base):
    """An encoder with a masked-completion head over text and visual words, and an alignment head.

    Attributes:
        kind: what transformers calls its encoder.
        judges: how the names of the alignment head's weights begin.
        in_orders: whether it can be read in an order; see orders.
        own_layers: whether each layer has weights of its own.
        stackable: whether a layer may stand in the place of any other; see learning.stacking.
        boundary: a head that training may add; see pretraining.boundary.
        turns: another; see pretraining.turns.
    """

    config: Any
    kind: str
    judges: ClassVar[tuple[str, ...]]
    in_orders: bool = True
    own_layers: bool = True
    stackable: bool = True
    boundary: torch.nn.Module | None
    turns: torch.nn.Module | None

    def states(self, input_ids: torch.Tensor, **others: Any) -> tuple[torch.Tensor, ...]:
        """Compute the hidden states of every layer, each [batch, length, width].

        Args:
            input_ids: int64 [batch, length].
            **others: attention_mask, token_type_ids and position_ids, as in ``forward``; the mask
                may be bool [batch, 1, length, length], which place sees which.

        Returns:
            What goes into the first layer, then what comes out of each.
        """
        raise NotImplementedError

    def encode(self, input_ids: torch.Tensor, **others: Any) -> torch.Tensor:
        """Compute the last of ``states``."""
        raise NotImplementedError

    def complete(self, states: torch.Tensor) -> torch.Tensor:
        """Make the logits of all ids, [..., vocabulary], of last states [..., width]."""
        raise NotImplementedError

    def judge(self, firsts: torch.Tensor) -> torch.Tensor:
        """Make the logits of ALIGNED and MISALIGNED, [n, 2], of states at [CLS], [n, width]."""
        raise NotImplementedError

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        sequence_ids: torch.Tensor | None = None,
        rank: torch.Tensor | None = None,
        reach: torch.Tensor | None = None,
        predict_at: torch.Tensor | None = None,
        judge_at: torch.Tensor | None = None,
        before: torch.Tensor | None = None,
        after: torch.Tensor | None = None,
        turn_at: torch.Tensor | None = None,
    ) -> VideoBertOutput:
        """Complete the masks and judge the alignment.

        Args:
            input_ids: int64 [batch, length].
            attention_mask: [batch, length], 0 on padding.
            token_type_ids: [batch, length], 0 on text and 1 on visual words.
            position_ids: [batch, length], the place in its sequence; None for that in the row.
            sequence_ids: [batch, length], if rows hold several sequences: which of them an id is
                of, any number for padding. Attention then stays inside each sequence, and
                ``attention_mask`` is not looked at.
            rank: [batch, length], where a sequence is read in an order; see orders.
            reach: [batch, length], as ``rank``.
            predict_at: bool [batch, length], the positions that get logits, which saves most of the
                work of a large vocabulary; None for all.
            judge_at: bool [batch, length], the [CLS] that are judged; None for each row's first.
            before: [batch, length], for the boundary head: how far the last place before the span
                of a hidden id is.
            after: [batch, length], how far the first place after it is.
            turn_at: bool [batch, length], for the turn head: the [CLS] of ordered pairs.
        """
        if sequence_ids is not None:
            attention_mask = within_sequences(sequence_ids, rank, reach)
        read = {"token_type_ids": token_type_ids, "position_ids": position_ids}
        hidden = self.encode(input_ids, attention_mask=attention_mask, **read)
        firsts = hidden[:, 0] if judge_at is None else hidden[judge_at]
        asked = hidden if predict_at is None else hidden[predict_at]
        judged = self.judge(firsts)
        output = VideoBertOutput(
            prediction_logits=self.complete(asked), alignment_logits=judged, asked_states=asked
        )
        if self.boundary is not None:
            found = self.boundary(hidden, predict_at, before, after)
            output.boundary_logits = self.get_output_embeddings()(found)
        output.turn_logits = None if self.turns is None else self.turns(hidden[turn_at])
        return output

    @torch.no_grad()
    def set_visual_embeddings(self, places: np.ndarray) -> None:
        """Start the rows of the visual words from where they lie in the codebook.

        What looks alike then starts alike. Places are centred, as features after a ReLU share a
        large mean. They are turned to their principal axes, cut or filled up to the width of the
        rows, and scaled so that their mean norm is that of the word rows. Dead words keep their
        random rows.

        Args:
            places: [visual words, any width], NaN for dead words.
        """
        width = self._rows().shape[1]
        living = np.isfinite(places).all(axis=1)
        centred = places[living] - places[living].mean(axis=0)
        _, _, axes = np.linalg.svd(centred, full_matrices=False)
        turned = centred @ axes[:width].T
        rows = np.full((len(places), width), np.nan, dtype=places.dtype)
        rows[living] = np.pad(turned, ((0, 0), (0, width - turned.shape[1])))
        self.set_visual_rows(rows)

    @torch.no_grad()
    def set_visual_rows(self, vectors: np.ndarray) -> None:
        """Start the rows of the visual words, scaled so that their mean norm is that of words.

        Args:
            vectors: [visual words, width of a row], NaN for those that keep their random rows.
        """
        rows, vocabulary = self._rows(), self.config.vocabulary
        living = np.isfinite(vectors).all(axis=1)
        projected = torch.from_numpy(vectors[living]).to(rows.dtype)
        norm = projected.norm(dim=1).mean().clamp_min(torch.finfo(rows.dtype).tiny)
        word_norm = rows[: vocabulary.text_size].norm(dim=1).mean()
        rows[vocabulary.first_visual + torch.from_numpy(np.flatnonzero(living))] = projected * (
            word_norm / norm
        )

    def _rows(self) -> torch.Tensor:
        rows: Any = self.get_input_embeddings().weight
        return rows


def within_sequences(
    sequence_ids: torch.Tensor, rank: torch.Tensor | None, reach: torch.Tensor | None
) -> torch.Tensor:
    """Make the mask that keeps attention in each sequence, bool [batch, 1, length, length]."""
    together = sequence_ids[:, :, None] == sequence_ids[:, None, :]
    if rank is not None and reach is not None:
        together = visible(rank, reach, sequence_ids)
    return together[:, None]


def added(mask: torch.Tensor | None, dtype: torch.dtype) -> torch.Tensor | None:
    """Turn a mask of which place sees which into one that is added to the scores of attention.

    Args:
        mask: bool [batch, 1, length, length]; any other is returned as it is.
        dtype: of the scores.
    """
    if mask is None or mask.ndim == 2:
        return mask
    return torch.where(mask, 0.0, torch.finfo(dtype).min).to(dtype)
