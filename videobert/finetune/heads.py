"""The five heads: what is read from the network's states, and what is lost by a wrong answer.

Shapes: [rows] that went through the network together, [length] ids of a row, [width] of a state,
[questions] that the rows belong to, [places] of a row that are asked about.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

IGNORED = -100
"""The truth where nothing is asked, as torch's cross entropy has it."""
POOLS = MEAN, MAX, ATTENTION = ("mean", "max", "attention")


@dataclass(frozen=True)
class Where:
    """What of the rows a head reads.

    Attributes:
        question: int64 [rows], the number of the question that a row is of, ascending from 0.
        places: int64 [rows, places], positions in the row; IGNORED where it has fewer.
        ends: int64 [rows, places], the position behind the unit that begins at each place; None
            where a unit is one id, or is read by its first.
    """

    question: torch.Tensor
    places: torch.Tensor
    ends: torch.Tensor | None = None

    @property
    def asked(self) -> torch.Tensor:
        """Which places are there, bool [rows, places]."""
        return self.places != IGNORED

    def states(self, states: torch.Tensor) -> torch.Tensor:
        """Select the states at the places, [rows, places, width]; any where there is none."""
        if self.ends is not None:
            return means(states, self.places, self.ends)
        at = self.places.clamp(min=0)[..., None].expand(-1, -1, states.shape[-1])
        return states.gather(1, at)

    def by_question(self, values: torch.Tensor, filling: float) -> torch.Tensor:
        """Put the rows of each question beside each other, [questions, most rows, ...]."""
        counts = self.question.bincount()
        first = counts.cumsum(0) - counts
        turn = torch.arange(len(self.question), device=values.device) - first[self.question]
        shape = (len(counts), int(counts.max()), *values.shape[1:])
        together = values.new_full(shape, filling)
        together[self.question, turn] = values
        return together


def means(states: torch.Tensor, places: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    """Average the states of units of several ids.

    Reimers and Gurevych (2019), "Sentence-BERT", found it the best way to read a sentence.

    Args:
        states: [..., length, width].
        places: int64 [..., units], where each begins; IGNORED where there is none.
        ends: int64 [..., units], the position behind it.

    Returns:
        [..., units, width]; 0 where there is none.
    """
    turns = torch.arange(states.shape[-2], device=states.device)
    inside = (places[..., None] <= turns) & (turns < ends[..., None])
    return inside.to(states.dtype) @ states / inside.sum(dim=-1, keepdim=True).clamp(min=1)


class SequenceHead(nn.Module):
    """Reads [CLS]: a class of a question, or which of its rows is right.

    As BertForSequenceClassification and, with ``choices``, BertForMultipleChoice. The windows of a
    long video are pooled before the classifier (Sun et al., 2019).
    """

    def __init__(
        self, width: int, classes: int, dropout: float, pool: str = MEAN, choices: bool = False
    ) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, 1 if choices else classes)
        self.attention = nn.Linear(width, 1) if pool == ATTENTION else None
        self.pool, self.choices = pool, choices

    def forward(self, states: torch.Tensor, where: Where) -> torch.Tensor:
        """Return logits of each class, or of each row of a question, [questions, classes]."""
        first = torch.tanh(self.dense(states[:, 0]))
        if self.choices:
            scores = self.classifier(self.dropout(first))[:, 0]
            return where.by_question(scores, torch.finfo(scores.dtype).min)
        logits: torch.Tensor = self.classifier(self.dropout(self._pooled(first, where)))
        return logits

    def _pooled(self, first: torch.Tensor, where: Where) -> torch.Tensor:
        if self.pool == MAX:
            return where.by_question(first, -torch.inf).amax(dim=1)
        if self.attention is None:
            counts = where.question.bincount()[:, None]
            return where.by_question(first, 0.0).sum(dim=1) / counts
        scores = where.by_question(self.attention(first)[:, 0], -torch.inf).softmax(dim=1)
        return (scores[..., None] * where.by_question(first, 0.0)).sum(dim=1)

    def losses(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Return the loss of each question in nats, [questions]; truth is int64 [questions]."""
        return functional.cross_entropy(logits, truth, reduction="none")

    def right(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Tell which answers are right, bool [questions]."""
        return logits.argmax(dim=-1) == truth


class TokenHead(nn.Module):
    """Reads the state at each place: its class. As BertForTokenClassification."""

    def __init__(self, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, classes)

    def forward(self, states: torch.Tensor, where: Where) -> torch.Tensor:
        """Return logits of each class at each place, [rows, places, classes]."""
        logits: torch.Tensor = self.classifier(self.dropout(where.states(states)))
        return logits

    def losses(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Return the loss at each place that is asked, [asked]; truth is int64 [rows, places]."""
        there = truth != IGNORED
        return functional.cross_entropy(logits[there], truth[there], reduction="none")

    def right(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Tell which answers are right, bool [asked]."""
        there = truth != IGNORED
        return logits[there].argmax(dim=-1) == truth[there]


class SpanHead(nn.Module):
    """Reads where an answer begins and ends. As BertForQuestionAnswering, over the places alone.

    The first place of each row is [CLS], which stands for no answer. With ``kinds`` it also tells
    of which kind the answer is (Alberti et al., 2019, "A BERT Baseline for the Natural Questions").
    """

    def __init__(self, width: int, dropout: float, kinds: int = 0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.outputs = nn.Linear(width, 2)
        self.kinds = nn.Linear(width, kinds) if kinds else None

    def forward(self, states: torch.Tensor, where: Where) -> torch.Tensor:
        """Return logits of start and end at each place, [rows, places, 2].

        With kinds, [rows, places, 2 + kinds]; those of the kinds are read at [CLS] alone.
        """
        read = self.dropout(where.states(states))
        logits = self.outputs(read)
        logits = logits.masked_fill(~where.asked[..., None], torch.finfo(logits.dtype).min)
        if self.kinds is None:
            return logits
        kinds = self.kinds(read[:, :1]).expand(-1, logits.shape[1], -1)
        return torch.cat([logits, kinds], dim=-1)

    def losses(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of start, end and kind, [rows]; truth is int64 [rows, 2 or 3]."""
        both = functional.cross_entropy(logits[..., :2], truth[:, :2], reduction="none")
        if self.kinds is None:
            return both.mean(dim=1)
        kind = functional.cross_entropy(logits[:, 0, 2:], truth[:, 2], reduction="none")
        return torch.cat([both, kind[:, None]], dim=1).mean(dim=1)

    def right(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Tell where start, end and kind are all right, bool [rows]."""
        right = (logits[..., :2].argmax(dim=1) == truth[:, :2]).all(dim=1)
        if self.kinds is not None:
            right &= logits[:, 0, 2:].argmax(dim=1) == truth[:, 2]
        return right


class UnitHead(nn.Module):
    """Reads the state at each unit: is it one that counts? (Liu, 2019, "BertSum")

    Attributes:
        between: Transformer layers over the units of a row, which know their order by sinusoids.
    """

    HEADS, FORWARD, LONGEST = 8, 4, 4096

    def __init__(self, width: int, dropout: float, between: int = 0) -> None:
        super().__init__()
        self.between = (
            nn.TransformerEncoder(
                nn.TransformerEncoderLayer(
                    width,
                    math.gcd(self.HEADS, width),
                    self.FORWARD * width,
                    dropout,
                    activation="gelu",
                    batch_first=True,
                    norm_first=True,
                ),
                between,
                enable_nested_tensor=False,
            )
            if between
            else None
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, 1)

    def forward(self, states: torch.Tensor, where: Where) -> torch.Tensor:
        """Return the log odds of each unit, [rows, places]."""
        units = where.states(states)
        if self.between is not None:
            order = sinusoids(units.shape[1], units.shape[2]).to(units)
            units = self.between(units + order, src_key_padding_mask=~where.asked)
        logits: torch.Tensor = self.output(self.dropout(units))[..., 0]
        return logits

    def losses(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Return the loss of each unit that is asked, [asked]; truth is 0 or 1, [rows, places]."""
        there = truth != IGNORED
        return functional.binary_cross_entropy_with_logits(
            logits[there], truth[there].to(logits.dtype), reduction="none"
        )

    def right(self, logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Tell which answers are right, bool [asked]."""
        there = truth != IGNORED
        return (logits[there] > 0) == (truth[there] == 1)


class ClozeHead(nn.Module):
    """Reads what the network would write at masks: the label whose pieces fit them best.

    So labels have a chance that were never taught (Schick and Schuetze, 2021, "Exploiting Cloze
    Questions for Few Shot Text Classification"). A question has a row for each number of pieces
    that a label has, fewest first. The masks are the places of a row.

    Attributes:
        labels: the ids of each label's pieces.
    """

    def __init__(self, labels: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.labels = labels
        self.sharpness = nn.Parameter(torch.zeros(()))

    def forward(self, words: torch.Tensor, where: Where) -> torch.Tensor:
        """Return logits of each label, [questions, labels].

        Args:
            words: what is written at each place, logits [rows, places, vocabulary].
            where: of which question each row is.
        """
        written = where.by_question(words.log_softmax(dim=-1), 0.0)
        scores = []
        for row, pieces in zip(rows_of(self.labels), self.labels, strict=True):
            at = torch.arange(len(pieces), device=words.device)
            ids = torch.as_tensor(pieces, device=words.device)
            scores.append(written[:, row][:, at, ids].mean(dim=1))
        return torch.stack(scores, dim=1) * self.sharpness.exp()

    losses, right = SequenceHead.losses, SequenceHead.right


def rows_of(labels: Sequence[Sequence[int]]) -> list[int]:
    """Tell which row of a question has as many masks as each label has pieces."""
    widths = sorted({len(pieces) for pieces in labels})
    return [widths.index(len(pieces)) for pieces in labels]


def sinusoids(count: int, width: int) -> torch.Tensor:
    """Return the places 0 to count - 1 as Vaswani et al. (2017) write them, [count, width]."""
    place = torch.arange(count)[:, None]
    turn = place / 10_000 ** (torch.arange(0, width, 2) / width)
    waves = torch.stack([turn.sin(), turn.cos()], dim=-1).flatten(1)
    return waves[:, :width]


Head = SequenceHead | TokenHead | SpanHead | UnitHead | ClozeHead
