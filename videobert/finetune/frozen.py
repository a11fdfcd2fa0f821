"""The states of a network that does not learn: found once, and read in every epoch.

Devlin et al. (2019), "BERT", section 5.3, call it the feature-based way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import torch

from videobert.finetune.heads import Where, means

MOST = 2**30
"""Bytes that are kept; what is more is found anew each time."""
States = Callable[[Mapping[str, torch.Tensor]], torch.Tensor]


@lru_cache(maxsize=1)
def frozen_states(network: str, layers: str) -> FrozenStates:
    """Return the states that are known of a network, for all runs of this process that read it.

    Args:
        network: tells it from others, such as its digest.
        layers: which of its layers are read, see layers.LayerMix.
    """
    return FrozenStates()


class FrozenStates:
    """Keeps of each row what a head reads of it: [CLS], and the places that are asked about.

    Each row goes through the network alone. So its states are the same to the last bit whatever
    rows it is batched with, and a run that was stopped goes on to the same bytes.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[bytes, ...], torch.Tensor] = {}
        self._bytes = 0

    def __call__(
        self, states: States, inputs: Mapping[str, torch.Tensor], where: Where
    ) -> tuple[torch.Tensor, Where]:
        """Look up what is read of some rows.

        Args:
            states: finds those of a row alone, [..., 1, length, width].
            inputs: input_ids, token_type_ids and attention_mask, each int64 [rows, length].
            where: the places that are asked about.

        Returns:
            States [..., rows, 1 + places, width], that of [CLS] first; and where to read them.
        """
        found = torch.stack(
            [self._row(states, inputs, where, row) for row in range(len(where.places))], dim=-3
        )
        count = where.places.shape[1]
        turns = 1 + torch.arange(count, device=where.places.device).expand_as(where.places)
        places = torch.where(where.asked, turns, where.places)
        return found, Where(where.question, places)

    @torch.no_grad()
    def _row(
        self, states: States, inputs: Mapping[str, torch.Tensor], where: Where, row: int
    ) -> torch.Tensor:
        """Find the states of a row at [CLS] and its places; [CLS] stands for what it lacks."""
        length = int(inputs["attention_mask"][row].sum())
        alone = {name: values[row : row + 1, :length] for name, values in inputs.items()}
        asked = where.asked[row]
        places = where.places[row][asked]
        ends = None if where.ends is None else where.ends[row][asked]
        told = (*alone.values(), places, *(() if ends is None else (ends,)))
        key = tuple(values.cpu().numpy().tobytes() for values in told)
        read = self._kept.get(key)
        if read is None:
            found = states(alone)[..., 0, :, :]
            units = found[..., places, :] if ends is None else means(found, places, ends)
            read = torch.cat([found[..., :1, :], units], dim=-2)
            size = read.numel() * read.element_size()
            if self._bytes + size <= MOST:
                self._kept[key], self._bytes = read, self._bytes + size
        missing = len(asked) - len(places)
        first = read[..., :1, :].expand(*read.shape[:-2], missing, read.shape[-1])
        return torch.cat([read, first], dim=-2)
