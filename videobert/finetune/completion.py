"""Masked completion beside a task, of the same rows (Radford et al., 2018, "GPT", who keep the
language model as an auxiliary loss with a weight of 0.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from videobert.finetune.examples import Question
from videobert.finetune.states import refuse_if_it_fills_no_masks
from videobert.joint_network import JointNetwork
from videobert.learning.learner import Score
from videobert.pretraining.masking.masker import IGNORED, Masker
from videobert.processing_videobert import VideoBertProcessor
from videobert.sequences import Row, SequenceLayout

COMPLETION = "completion"
"""The name in the history."""


@dataclass(frozen=True, eq=False)
class HiddenRow:
    """A row of which some ids are hidden.

    Attributes:
        row: with masks.
        labels: int64 [length], the hidden ids, IGNORED elsewhere.
    """

    row: Row
    labels: np.ndarray

    @property
    def asked(self) -> int:
        """How many ids are hidden."""
        return int((self.labels != IGNORED).sum())


def make_hider(processor: VideoBertProcessor, network: JointNetwork) -> Masker:
    """Make what hides ids as pre-training does.

    Raises:
        InputError: if the network did not learn to find hidden words.
    """
    refuse_if_it_fills_no_masks(network, "--completion-weight hides words")
    special = sorted({*processor.tokenizer.all_special_ids, processor.vocabulary.joiner})
    return Masker(processor.vocabulary, processor.tokenizer.mask_token_id, tuple(special))


def hide(
    masker: Masker, questions: Sequence[Question], rng: np.random.Generator
) -> list[HiddenRow]:
    """Hide ids in the rows of questions."""
    found = []
    for question in questions:
        for row in question.rows:
            ids, labels = masker(row.ids[None], rng)
            found.append(HiddenRow(replace(row, ids=ids[0]), labels[0]))
    return found


def completion(
    network: JointNetwork, layout: SequenceLayout, rows: Sequence[HiddenRow], device: torch.device
) -> Score:
    """Ask for all that is hidden."""
    inputs, asked = padded(layout, rows, device)
    hidden = asked != IGNORED
    logits = network.complete(network.encode(**inputs)[hidden]).float()
    loss = functional.cross_entropy(logits, asked[hidden], reduction="sum")
    return Score(loss, (logits.argmax(dim=1) == asked[hidden]).sum())


def padded(
    layout: SequenceLayout, rows: Sequence[HiddenRow], device: torch.device
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Put rows together.

    Returns:
        The inputs of the network, and the hidden ids, int64 [rows, length], IGNORED elsewhere.
    """
    ids, types, mask = layout.pad_together([each.row for each in rows])
    labels = np.full(ids.shape, IGNORED)
    for place, each in enumerate(rows):
        labels[place, : len(each.labels)] = each.labels
    arrays = {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}
    inputs = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
    return inputs, torch.from_numpy(labels).to(device)
