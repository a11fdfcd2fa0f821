"""What every task can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from videobert.data.annotations import Annotation
from videobert.finetune.examples import Example, Question, Reader
from videobert.finetune.heads import Head
from workfolder.errors import InputError


class Task(ABC):
    """A view of a table of annotations, and the head that learns it.

    Attributes:
        reader: reads texts and clips.
        about: what the table taught beside weights, such as the labels; JSON can hold it.
        answers_with_text: whether a user has to ask something of a clip.
    """

    answers_with_text = False

    def __init__(self, reader: Reader, about: Mapping[str, Any]) -> None:
        self.reader, self.about = reader, about

    @classmethod
    @abstractmethod
    def learn_about(cls, rows: Sequence[Annotation], reader: Reader) -> dict[str, Any]:
        """Find what the rows to learn from teach beside weights.

        Raises:
            InputError: if they cannot teach this task.
        """

    @abstractmethod
    def head(self, width: int, dropout: float) -> Head:
        """Make the head, for states of a width."""

    @abstractmethod
    def examples(self, rows: Sequence[Annotation]) -> list[Example]:
        """Make the examples of rows; what cannot be asked about is left out."""

    @abstractmethod
    def drawn(self, example: Example, rng: np.random.Generator) -> Question:
        """Make a question to learn from."""

    @abstractmethod
    def asked(self, example: Example) -> list[Question]:
        """Make the questions whose answers together are that of an example."""

    @abstractmethod
    def answer(self, example: Example, logits: Sequence[np.ndarray]) -> np.ndarray:
        """Join the logits of the questions that ``asked`` made."""

    @abstractmethod
    def told(self, example: Example, answer: np.ndarray) -> dict[str, Any]:
        """Say an answer as JSON has it."""

    @abstractmethod
    def marks(self, answer: np.ndarray, example: Example) -> np.ndarray:
        """Judge an answer: float64 [rows, marks], what ``figures`` counts."""

    @abstractmethod
    def figures(self, marks: np.ndarray) -> dict[str, float]:
        """Return the measures of the marks of many answers, shares in [0, 1]."""

    @abstractmethod
    def guesses(
        self,
        learnt: Sequence[Example],
        examples: Sequence[Example],
        rng: np.random.Generator | None,
    ) -> list[np.ndarray]:
        """Answer without looking: drawn at random, or as is commonest in ``learnt`` if no rng."""

    def of_clip(self, seen: Example, texts: Sequence[str]) -> list[Example]:
        """Make the examples of a clip that nobody annotated.

        Args:
            seen: its clips.
            texts: what is asked of it, possibly nothing.

        Raises:
            InputError: if the task asks about texts and there is none.
        """
        if self.answers_with_text and not texts:
            raise InputError("this task asks about a text: give --text")
        return [replace(seen, text=text) for text in texts or ("",)]

    def with_false_ones(self, examples: Sequence[Example], seed: int) -> list[Example]:
        """Add examples whose right answer is no, where the task has such a thing."""
        return list(examples)

    def probe(self, example: Example) -> tuple[list[str], np.ndarray] | None:
        """Return what a linear probe reads and finds; None where it cannot ask the same.

        Returns:
            For each unit its terms, joined by spaces, and the class of each, int [units].
        """
        return None

    def probed(self, scores: np.ndarray) -> np.ndarray:
        """Make an answer of a probe's scores, float [units, classes]."""
        return scores


def labels_of(rows: Sequence[Annotation], task: str) -> list[str]:
    """List the labels of rows in the order of the alphabet.

    Raises:
        InputError: if there are not two.
    """
    labels = sorted({row.label for row in rows if row.label is not None})
    if not labels or (task == "classify" and len(labels) < 2):
        raise InputError(
            f"{task} needs labels to tell apart, and the rows to learn from have {len(labels)}: "
            "give a table with a column label"
        )
    return labels


def texts_by_video(rows: Sequence[Annotation]) -> dict[str, tuple[str, ...]]:
    """List the texts of each video, each once."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.text:
            found.setdefault(row.video, {})[row.text] = None
    return {video: tuple(texts) for video, texts in found.items()}


def pool_of(rows: Sequence[Annotation], task: str) -> list[list[str]]:
    """List videos and their texts, among which are those that do not fit another video.

    Raises:
        InputError: if every text fits every video.
    """
    texts = texts_by_video(rows)
    folded = {video: {text.casefold() for text in its} for video, its in texts.items()}
    every = set().union(*folded.values()) if folded else set()
    if all(its == every for its in folded.values()):
        raise InputError(
            f"{task} finds no other text to mismatch with, as all {len(texts)} videos to learn "
            "from have the same: give a table with texts of more videos"
        )
    return sorted([video, text] for video, its in texts.items() for text in its)


def other_text(
    pool: Sequence[Sequence[str]], example: Example, rng: np.random.Generator
) -> str | None:
    """Draw a text of another video that is not said in this one, too; None if there is none."""
    same = {text.casefold() for text in (example.text, *example.others)}
    for place in rng.permutation(len(pool)).tolist():
        video, text = pool[place]
        if video != example.video and text.casefold() not in same:
            return text
    return None
