"""Finds a hidden word from what stands on either side of its span (SpanBERT, section 3.2).

With l and r the states beside the span, and p the embedding of the word's place in it:

    y = norm(gelu(W2 norm(gelu(W1 [l; r; p]))))

and the model's own output layer makes logits of y. The states of the hidden words themselves play
no part, so a span must be known from its sides.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import gelu

PLACES = 20
"""Places in a span that have an embedding of their own, as in SpanBERT; later ones share one."""


class BoundaryHead(nn.Module):
    """Makes a state of a hidden word; it is thrown away after training."""

    def __init__(self, width: int, made: int, deviation: float, epsilon: float) -> None:
        """Draw the first weights.

        Args:
            width: of the model's states.
            made: width of what the model's output layer reads.
            deviation: standard deviation of its first weights.
            epsilon: of its LayerNorms.
        """
        super().__init__()
        self.places = nn.Embedding(PLACES, width)
        self.first, self.second = nn.Linear(3 * width, width), nn.Linear(width, made)
        self.norms = nn.ModuleList(nn.LayerNorm(each, eps=epsilon) for each in (width, made))
        for module in (self.places, self.first, self.second):
            nn.init.normal_(module.weight, std=deviation)
        for layer in (self.first, self.second):
            nn.init.zeros_(layer.bias)

    def forward(
        self, states: torch.Tensor, at: torch.Tensor, before: torch.Tensor, after: torch.Tensor
    ) -> torch.Tensor:
        """Make the states of hidden words.

        Args:
            states: [batch, length, width], the last ones of the model.
            at: bool [batch, length], where a word is hidden.
            before: int64 [batch, length], how far the last place before the span is; see
                spans.sides.
            after: int64 [batch, length], how far the first place after it is.

        Returns:
            [hidden words, made].
        """
        rows, places = at.nonzero(as_tuple=True)
        left, right = states[rows, places - before[at]], states[rows, places + after[at]]
        place = self.places((before[at] - 1).clamp(max=PLACES - 1))
        found = self.norms[0](gelu(self.first(torch.cat([left, right, place], dim=1))))
        made: torch.Tensor = self.norms[1](gelu(self.second(found)))
        return made
