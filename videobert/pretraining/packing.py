"""Sequences of a batch put into rows without padding between them, so that no work is done on padding.

Sentences of 20 to 60 ids padded to 128 are two thirds padding; packed into rows they are nearly none. Attention stays
inside each sequence, so nothing that is computed changes (Krell et al., 2021, "Efficient Sequence Packing without
Cross-contamination").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from videobert.pretraining.batches import Batch
from videobert.pretraining.masking import IGNORED

ROW_LENGTHS = range(96, 193, 8)
"""Lengths of rows that are tried. In longer ones attention spends more on sequences that do not see each other."""
PADDING = -1
"""Number of the sequence that padding belongs to."""


@dataclass(frozen=True)
class Packed:
    """Sequences in rows; int64 tensors.

    Attributes:
        input_ids, token_type_ids, position_ids: [rows, length].
        sequence_ids: [rows, length], which sequence of the batch an id is of, PADDING for none.
        labels: [rows, length], the hidden ids, IGNORED elsewhere.
        regime: [rows, length], that of the id's sequence, IGNORED for padding.
        alignment: [rows, length], at the [CLS] of a pair ALIGNED or MISALIGNED, IGNORED elsewhere.
    """

    input_ids: torch.Tensor
    token_type_ids: torch.Tensor
    position_ids: torch.Tensor
    sequence_ids: torch.Tensor
    labels: torch.Tensor
    regime: torch.Tensor
    alignment: torch.Tensor

    def to(self, device: torch.device) -> Packed:
        """The same on a device."""
        return Packed(
            **{
                item.name: getattr(self, item.name).to(device, non_blocking=True)
                for item in fields(self)
            }
        )


def pack(batch: Batch, chosen: np.ndarray) -> Packed:
    """The ``chosen`` sequences of a batch, [sequences], in rows of one of ROW_LENGTHS, or of the longest if that is longer."""
    lengths = batch.attention_mask.sum(axis=1)
    rows = best_rows(lengths[chosen].tolist())
    shape = (len(rows), max(sum(lengths[chosen[place]] for place in row) for row in rows))
    filled = {
        name: np.full(shape, filling, dtype=np.int64)
        for name, filling in (
            ("input_ids", 0), ("token_type_ids", 0), ("position_ids", 0), ("sequence_ids", PADDING),
            ("labels", IGNORED), ("regime", IGNORED), ("alignment", IGNORED),
        )
    }  # fmt: skip
    for row, places in enumerate(rows):
        first = 0
        for sequence in chosen[places]:
            length = lengths[sequence]
            here = (row, slice(first, first + length))
            for name in ("input_ids", "token_type_ids", "labels"):
                filled[name][here] = getattr(batch, name)[sequence, :length]
            filled["position_ids"][here] = np.arange(length)
            filled["sequence_ids"][here] = sequence
            filled["regime"][here] = batch.regime[sequence]
            filled["alignment"][row, first] = batch.alignment[sequence]
            first += length
    return Packed(**{name: torch.from_numpy(array) for name, array in filled.items()})


def best_rows(lengths: Sequence[int]) -> list[list[int]]:
    """Which sequences, by their places in ``lengths``, share a row, so that the rows have the least padding."""
    longest = max(lengths)
    tried = [
        fill_rows(lengths, row_length)
        for row_length in sorted({max(length, longest) for length in ROW_LENGTHS})
    ]
    return min(
        tried,
        key=lambda rows: len(rows) * max(sum(lengths[place] for place in row) for row in rows),
    )


def fill_rows(lengths: Sequence[int], row_length: int) -> list[list[int]]:
    """Rows of at most ``row_length``: the longest sequence first, each in the first row with room."""
    rows: list[list[int]] = []
    room: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        row = next((row for row, left in enumerate(room) if left >= lengths[place]), len(rows))
        if row == len(rows):
            rows.append([])
            room.append(row_length)
        rows[row].append(place)
        room[row] -= lengths[place]
    return rows
