"""The order in which a sequence is read: all at once, in a drawn order, or from left to right.

Each place has a ``rank``, which others see, and a ``reach``: it sees itself, and every place of its
sequence whose rank is below its reach. A copy of [MASK], which asks for the word of a place, has
the place's position and reach, and a rank beyond all: nobody sees it. So a network needs nothing
but another attention mask (compare XLNet's two streams, Yang et al., 2019).

[CLS] sees everything and is seen by nobody, as it judges the whole. ``[>]`` and [SEP] come first in
a drawn order, as they are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np

A = TypeVar("A", bound=Any)

MASKED, PERMUTATION, CAUSAL, REPLACED = OBJECTIVES = (
    "masked",
    "permutation",
    "causal",
    "replaced",
)
"""How a model was trained: words are hidden in place; or copies ask, in a drawn order or from left
to right; or it told which words another model had replaced, and fills no masks itself."""
IN_ORDERS = (PERMUTATION, CAUSAL)
BEYOND = 2**30
"""The rank of what nobody sees, and the reach of what sees everything else."""


def visible(rank: A, reach: A, sequence_ids: A | None = None) -> A:
    """Tell which places see which, by arrays of numpy or of torch.

    Args:
        rank: int64 [batch, length].
        reach: int64 [batch, length].
        sequence_ids: [batch, length], if rows hold several sequences: which of them a place is of.

    Returns:
        bool [batch, length, length], whether the place of the second dimension sees that of the
        third.
    """
    seen = rank[:, None, :] < reach[:, :, None]
    if sequence_ids is not None:
        seen = seen & (sequence_ids[:, :, None] == sequence_ids[:, None, :])
    place = (rank[0] * 0 + 1).cumsum(0)
    return seen | (place[:, None] == place)


def visible_to_ask(
    ids: np.ndarray, attention_mask: np.ndarray, mask: int, objective: str
) -> np.ndarray:
    """Tell which places see which in sequences that are asked by masks in place.

    Masks ask as copies do. After training in drawn orders all other places see each other.

    Args:
        ids: int64 [batch, length].
        attention_mask: [batch, length], 0 on padding.
        mask: the id of [MASK].
        objective: PERMUTATION or CAUSAL.

    Returns:
        bool [batch, 1, length, length], as a network of transformers takes it.
    """
    places = attention_mask.cumsum(1) if objective == CAUSAL else attention_mask * 0 + 1
    rank, reach = places - 1, places.copy()
    rank[(ids == mask) | (attention_mask == 0)] = BEYOND
    rank[:, 0], reach[:, 0] = BEYOND, BEYOND
    reach[attention_mask == 0] = 0
    return visible(rank, reach)[:, None]
