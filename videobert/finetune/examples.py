"""What a task asks the network: examples, and the questions that are made of them.

An example is what an answer is about: a stretch, a sentence, a whole video. A question is what goes
through the network at once. An example that is longer than a row becomes several questions, or one
of several rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from tokenization.examples import clips_within
from videobert.data.clips import Clips
from videobert.data.said import Said
from videobert.finetune.heads import IGNORED, Where
from videobert.finetune.options import FinetuneOptions
from videobert.processing_videobert import VideoBertProcessor
from videobert.sequences import Part, Row, SequenceLayout

QUESTION = 64
"""Ids of a text that is asked beside a long video at most (Nogueira and Cho, 2019)."""


def _none() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Example:
    """What an answer is about.

    Attributes:
        video: id of the video.
        text: what is read of it, possibly empty.
        words: visual words of the stretch or the whole video, int [clips].
        times: when each clip starts and ends in seconds, float64 [clips, 2].
        truth: the right answer, in the form that its task knows.
        others: further texts, such as wrong captions or the sentences of a video.
        said: the sentences of the video where they are searched; times are theirs then.
        kind: of answer that is right, where a task has several.
    """

    video: str
    text: str = ""
    words: np.ndarray = field(default_factory=_none)
    times: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    truth: np.ndarray = field(default_factory=_none)
    others: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    kind: str = ""


@dataclass(frozen=True, eq=False)
class Question:
    """What goes through the network at once.

    Attributes:
        rows: one; or windows of one sequence, or the choices among which one is right.
        truth: int64; its shape depends on the head.
        places: int64 [places], the positions in its one row that are asked about; or of each row,
            [rows, places], IGNORED where it has fewer.
        units: int64 [places], which unit of the example stands at each place.
        ends: int64 [places], the position behind the unit at each place, of which all ids are read;
            empty where one is.
        each: whether each place has a truth of its own; else the question has one answer.
    """

    rows: tuple[Row, ...]
    truth: np.ndarray
    places: np.ndarray = field(default_factory=_none)
    units: np.ndarray = field(default_factory=_none)
    ends: np.ndarray = field(default_factory=_none)
    each: bool = False

    @property
    def asked(self) -> int:
        """How many answers there are to be right or wrong."""
        return int((self.truth != IGNORED).sum()) if self.each else 1


@dataclass(frozen=True)
class Questions:
    """A batch: questions of one task."""

    task: str
    questions: Sequence[Question]

    def __len__(self) -> int:
        return len(self.questions)

    @property
    def tokens(self) -> int:
        """How many ids are not padding."""
        return sum(len(row.ids) for question in self.questions for row in question.rows)


@dataclass(frozen=True)
class Reader:
    """How all tasks read.

    Attributes:
        processor: spells texts.
        layout: how long a row is.
        footage: the clips of each video that has some.
        options: what the user chose.
        said: the sentences of videos, where a task searches them in place of clips.
        spelt: the ids of texts that were read: each is read again in every epoch.
    """

    processor: VideoBertProcessor
    layout: SequenceLayout
    footage: Mapping[str, Clips]
    options: FinetuneOptions
    said: Mapping[str, Said] = field(default_factory=dict)
    spelt: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def ids(self, text: str) -> np.ndarray:
        """Spell a text, int64 [pieces]; it is looked up if it was spelt before."""
        if text not in self.spelt:
            self.spelt[text] = np.array(self.processor.text_ids([text])[0], dtype=np.int64)
        return self.spelt[text]

    def text(self, text: str, most: int | None = None) -> Part:
        """Spell a text."""
        return Part(self.ids(text) if text else (), most=most)

    def question(self, text: str) -> Part:
        """Spell a text that is asked beside a long video."""
        return self.text(text, min(QUESTION, self.layout.max_length // 2))

    def part(self, words: np.ndarray, units: np.ndarray | None = None) -> Part:
        """Take visual words."""
        return Part(words, seen=True, units=units)

    def beside(self, seen: Part) -> Part:
        """Limit visual words that stand beside a long text."""
        return replace(seen, most=min(QUESTION, self.layout.max_length // 2))

    def windows(self, question: Part, document: Part) -> list[Row]:
        """Let a question meet all of a document; windows overlap by half if no stride is given."""
        room = self.layout.max_length - 2 - bool(question.wanted) - question.wanted
        stride = self.options.stride or max(room // 2, 1)
        return self.layout.windows(question, document, min(stride, room))

    def of_units(self, pieces: Sequence[Sequence[int]]) -> Part:
        """Join the pieces of words or sentences, each of which is a unit."""
        units = np.repeat(np.arange(len(pieces)), [len(each) for each in pieces])
        return Part(np.array([n for each in pieces for n in each], dtype=np.int64), units=units)

    def sentences(self, texts: Sequence[str], share: int) -> Part:
        """Join sentences as Liu (2019), "Fine-tune BERT for Extractive Summarization", does.

        Each is a unit: [CLS], its pieces, [SEP]. It has one ``share``-th of a row at most.
        """
        most = self.layout.max_length // share - 2
        cls, sep = self.layout.cls, self.layout.sep
        return self.of_units([[cls, *self.ids(text)[:most], sep] for text in texts])

    def seen(self, video: str, start: float | None, end: float | None) -> Example:
        """Look up the clips of a stretch, possibly none; without times those of the whole video."""
        clips = self.footage.get(video)
        if clips is None:
            return Example(video)
        inside = np.arange(len(clips))
        if start is not None and end is not None:
            inside = clips_within(clips.start, clips.end, start, end)
        times = np.stack([clips.start, clips.end], axis=1)
        return Example(video, words=clips.words[inside], times=times[inside])


def units_begun(row: Row, document: Part) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the units of a document that begin in a window of it.

    Returns:
        Which they are, the position of the first id of each, and that behind its last id in the
        window, int64 [units] each.
    """
    placed, units = row.placed[1], document.units
    assert units is not None
    begins = np.flatnonzero(np.diff(units, prepend=-1)[placed.kept] > 0)
    behind = np.append(begins[1:], len(placed.kept))[: len(begins)]
    return units[placed.kept[begins]], placed.positions[begins], placed.positions[behind - 1] + 1


def collate(
    layout: SequenceLayout, questions: Sequence[Question], device: torch.device
) -> tuple[dict[str, torch.Tensor], Where, torch.Tensor]:
    """Put questions together.

    Returns:
        The inputs of the network, what the head reads of them, and the truth: int64 [questions], or
        [questions, most] with IGNORED behind the shorter ones.
    """
    rows = [row for question in questions for row in question.rows]
    ids, types, mask = layout.pad_together(rows)
    arrays = {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}
    inputs = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
    number = np.repeat(np.arange(len(questions)), [len(question.rows) for question in questions])
    places = padded([places for question in questions for places in _places(question)])
    where = Where(
        torch.from_numpy(number).to(device),
        torch.from_numpy(places).to(device),
        _ends(questions, device),
    )
    truth = [question.truth for question in questions]
    together = np.array(truth) if truth[0].ndim == 0 else padded(truth)
    return inputs, where, torch.from_numpy(together).to(device)


def _places(question: Question) -> np.ndarray:
    """Return the places of each row, [rows, places]."""
    return np.broadcast_to(question.places, (len(question.rows), question.places.shape[-1]))


def _ends(questions: Sequence[Question], device: torch.device) -> torch.Tensor | None:
    """Put the ends of units together, as collate does places; all questions have some, or none."""
    if not len(questions[0].ends):
        return None
    return torch.from_numpy(padded([question.ends for question in questions])).to(device)


def padded(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Put arrays of integers below each other, int64 [arrays, longest], IGNORED behind them."""
    found = np.full((len(arrays), max(map(len, arrays))), IGNORED, dtype=np.int64)
    for row, array in zip(found, arrays, strict=True):
        row[: len(array)] = array
    return found
