"""Words for a label: a network whose token types are labels (Wu et al., 2018, "Conditional BERT
Contextual Augmentation").

The text of a row has its label in the place of the type of text. Learning to find hidden words, the
network learns which words a label has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from videobert.data.annotations import Annotation
from videobert.finetune.completion import COMPLETION, HiddenRow, padded
from videobert.finetune.examples import Reader
from videobert.joint_network import JointNetwork
from videobert.learning.draws import Epochs
from videobert.learning.learner import Score
from videobert.orders import MASKED
from videobert.pretraining.masking.masker import IGNORED, Masker
from videobert.processing_videobert import VideoBertProcessor
from videobert.sequences import TEXT_TYPE, Row, SequenceLayout
from workfolder.errors import InputError

TYPES = 2
"""Token types of a model, text and video; a label's number is added."""
ORDER, HIDDEN = range(2)
"""What tells apart the draws of one seed."""


class ConditionalNetwork(nn.Module):
    """Finds hidden words of rows whose token types are labels."""

    def __init__(self, encoder: JointNetwork, labels: int) -> None:
        """Give a network a type for each label; they begin as that of text.

        Args:
            encoder: is used up.
            labels: how many.

        Raises:
            InputError: if it has no token types, or did not learn to find hidden words.
        """
        super().__init__()
        if encoder.config.objective != MASKED:
            raise InputError(
                "augment finds hidden words, and the model learnt with --objective "
                f"{encoder.config.objective}: give one that learnt with {MASKED}"
            )
        home: Any = next(
            (m for m in encoder.modules() if hasattr(m, "token_type_embeddings")), None
        )
        types = getattr(home, "token_type_embeddings", None)
        if not isinstance(types, nn.Embedding) or types.num_embeddings < TYPES:
            raise InputError(
                f"a {encoder.kind!r} has no token types, in whose place the labels would stand: "
                "give a bert, albert or electra"
            )
        rows = types.weight.detach()
        grown = nn.Embedding.from_pretrained(
            torch.cat([rows[:TYPES], rows[TEXT_TYPE].repeat(labels, 1)]), freeze=False
        )
        home.token_type_embeddings = grown
        self.encoder: JointNetwork = encoder
        for name, weight in encoder.named_parameters():
            weight.requires_grad_(not name.startswith(encoder.judges))

    def forward(self, inputs: Mapping[str, torch.Tensor], hidden: torch.Tensor) -> torch.Tensor:
        """Return the logits at hidden places, [hidden, vocabulary]."""
        return self.encoder.complete(self.encoder.encode(**inputs)[hidden])


@dataclass(frozen=True)
class Labelled:
    """A text with a label, as a row; nothing is hidden yet.

    Attributes:
        source: the row of the table.
        label: its number.
        row: with types of text and video.
    """

    source: Annotation
    label: int
    row: Row

    def typed(self, label: int | None = None) -> Row:
        """Return the row with its label, or another one, in the place of the type of text."""
        number = TYPES + (self.label if label is None else label)
        return replace(
            self.row, types=np.where(self.row.types == TEXT_TYPE, number, self.row.types)
        )

    @property
    def text(self) -> np.ndarray:
        """Where the pieces of the text are, int64 [pieces]."""
        return self.row.placed[0].positions


def labelled_rows(
    rows: Sequence[Annotation], labels: Sequence[str], reader: Reader, seen: bool
) -> list[Labelled]:
    """Lay out the rows that have a text and one of the labels.

    Args:
        rows: of a table.
        labels: all of them.
        reader: reads texts and clips.
        seen: whether a stretch's clips stand beside its text.
    """
    found, number = [], {label: place for place, label in enumerate(labels)}
    for row in rows:
        if not row.text or row.label not in number:
            continue
        clips = reader.seen(row.video, row.start, row.end).words if seen else np.empty(0, int)
        laid = reader.layout.arrange(reader.text(row.text), reader.part(clips))
        if len(laid.placed[0].positions):
            found.append(Labelled(row, number[row.label], laid))
    return found


def word_masker(processor: VideoBertProcessor, share: float) -> Masker:
    """Make what hides words, and no visual words."""
    vocabulary = processor.vocabulary
    visual = range(vocabulary.first_visual, vocabulary.size)
    special = sorted({*processor.tokenizer.all_special_ids, vocabulary.joiner, *visual})
    return Masker(vocabulary, processor.tokenizer.mask_token_id, tuple(special), share)


@dataclass(frozen=True)
class Hidden:
    """A batch: rows with hidden words."""

    rows: Sequence[HiddenRow]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def tokens(self) -> int:
        """How many ids are not padding."""
        return sum(len(each.row.ids) for each in self.rows)


@dataclass(frozen=True)
class ConditionalLearner:
    """A network that may begin to learn which words a label has.

    Attributes:
        model: with its first weights.
        rows: what it learns from.
        masker: hides words.
        layout: of the rows.
        batch_size: rows in an update.
        seed: what all draws follow from.
    """

    model: ConditionalNetwork
    rows: Sequence[Labelled]
    masker: Masker
    layout: SequenceLayout
    batch_size: int
    seed: int
    stage: str = "augment"
    shown: Sequence[str] = (COMPLETION,)

    @cached_property
    def epochs(self) -> Epochs:
        """The order of the rows."""
        size = len(self.rows)
        return Epochs(size, min(self.batch_size, size), (self.seed, ORDER))

    def batch(self, step: int) -> Hidden:
        """Draw the rows of a step, and what is hidden in them."""
        rng = np.random.default_rng([self.seed, HIDDEN, step])
        found = []
        for place in self.epochs.batch(step).tolist():
            row = self.rows[place].typed()
            ids, labels = self.masker(row.ids[None], rng)
            found.append(HiddenRow(replace(row, ids=ids[0]), labels[0]))
        return Hidden(found)

    def validation(self) -> Iterator[Hidden]:
        """Make no batches: what is written is judged by a task that learns from it."""
        yield from ()

    def asked(self, batch: Hidden) -> dict[str, int]:
        """Count the hidden words."""
        return {COMPLETION: sum(each.asked for each in batch.rows)}

    def scores(
        self, model: torch.nn.Module, batch: Hidden, chosen: np.ndarray, device: torch.device
    ) -> dict[str, Score]:
        """Ask for the hidden words of the chosen rows; a part without rows asks for one in vain."""
        rows = [batch.rows[place] for place in chosen] or batch.rows[:1]
        inputs, labels = padded(self.layout, rows, device)
        hidden = labels != IGNORED
        logits: Any = model(inputs, hidden).float()
        loss = functional.cross_entropy(logits, labels[hidden], reduction="sum")
        right = (logits.argmax(dim=1) == labels[hidden]).sum()
        there = float(len(chosen) > 0)
        return {COMPLETION: Score(there * loss, there * right)}

    def total_loss(self, scores: Mapping[str, Score], asked: Mapping[str, int]) -> torch.Tensor:
        """Return the mean over all hidden words of the batch."""
        return scores[COMPLETION].loss / max(asked[COMPLETION], 1)
