"""Which step each clip of a video belongs to, or which span each word of a text.

Labels are BIO: B begins a step or a span, I goes on with it. Clips are never thinned, words are
tagged at their first piece, and a long video is read in windows whose chances are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from videobert.data.annotations import Annotation
from videobert.evaluation.metrics.tagging import (
    OUTSIDE,
    edit_score,
    f1,
    segment_counts,
    span_counts,
    spans_of,
)
from videobert.finetune.examples import Example, Question, Reader, units_begun
from videobert.finetune.heads import TokenHead
from videobert.finetune.options import TAG
from videobert.finetune.tasks.task import Task, labels_of
from videobert.sequences import Part, Row
from videobert.softmax import softmax
from workfolder.errors import InputError

OVERLAPS = (0.1, 0.25, 0.5)
CLIPS, WORDS = "clips", "words"


class Tag(Task):
    """Reads a whole video, or a text; an answer is the chance of each class, [units, classes]."""

    @classmethod
    def learn_about(cls, rows: Sequence[Annotation], reader: Reader) -> dict[str, Any]:
        """List the labels of the stretches; or those of the tags where there are some."""
        tags = {tag[2:] for row in rows for tag in row.tags if tag != OUTSIDE}
        if tags:
            return {"labels": sorted(tags), "units": WORDS}
        return {
            "labels": labels_of([row for row in rows if row.start is not None], TAG),
            "units": CLIPS,
        }

    @cached_property
    def classes(self) -> list[str]:
        """The tags, in the order of the answers."""
        return [OUTSIDE, *(f"{kind}-{label}" for label in self.about["labels"] for kind in "BI")]

    @property
    def _of_words(self) -> bool:
        return bool(self.about["units"] == WORDS)

    def head(self, width: int, dropout: float) -> TokenHead:
        """Make a head over the tags."""
        return TokenHead(width, len(self.classes), dropout)

    def examples(self, rows: Sequence[Annotation]) -> list[Example]:
        """Take the texts with tags, or the videos; truth is the class of each word or clip."""
        number = {tag: place for place, tag in enumerate(self.classes)}
        if self._of_words:
            return [
                Example(row.video, row.text, truth=np.array([number.get(t, 0) for t in row.tags]))
                for row in rows
                if row.tags
            ]
        by_video: dict[str, list[Annotation]] = {}
        for row in rows:
            by_video.setdefault(row.video, []).append(row)
        return [
            self._video(video, its, number) for video, its in by_video.items() if self._clips(video)
        ]

    def _clips(self, video: str) -> int:
        return len(self.reader.footage.get(video) or ())

    def _video(self, video: str, rows: Sequence[Annotation], number: dict[str, int]) -> Example:
        whole = self.reader.seen(video, None, None)
        truth = np.zeros(len(whole.words), dtype=np.int64)
        for row in rows:
            times = self.reader.seen(video, row.start, row.end).times
            if row.start is None or not len(times) or f"B-{row.label}" not in number:
                continue
            first = int(np.searchsorted(whole.times[:, 0], times[0, 0]))
            truth[first : first + len(times)] = number[f"I-{row.label}"]
            truth[first] = number[f"B-{row.label}"]
        return Example(video, "", whole.words, whole.times, truth)

    def of_clip(self, seen: Example, texts: Sequence[str]) -> list[Example]:
        """Tag the clips; or the words of each text."""
        if not self._of_words:
            return [replace(seen, truth=np.zeros(len(seen.words), dtype=np.int64))]
        if not texts:
            raise InputError("this task tags the words of a text: give --text")
        none = [np.zeros(len(text.split()), dtype=np.int64) for text in texts]
        return [Example(seen.video, text, truth=n) for text, n in zip(texts, none, strict=True)]

    def drawn(self, example: Example, rng: np.random.Generator) -> Question:
        """Ask one of the windows."""
        questions = self.asked(example)
        return questions[int(rng.integers(len(questions)))]

    def asked(self, example: Example) -> list[Question]:
        """Ask every window."""
        document = self._document(example)
        return [
            self._question(row, document, example.truth)
            for row in self.reader.windows(Part(()), document)
        ]

    def _document(self, example: Example) -> Part:
        if not self._of_words:
            return self.reader.part(example.words, np.arange(len(example.words)))
        return self.reader.of_units(self.reader.processor.text_ids(example.text.split()))

    def _question(self, row: Row, document: Part, truth: np.ndarray) -> Question:
        """Make a question of a window: the first piece of each word, or each clip."""
        asked, positions, _ = units_begun(row, document)
        return Question((row,), truth[asked], positions, asked, each=True)

    def answer(self, example: Example, logits: Sequence[np.ndarray]) -> np.ndarray:
        """Average the chances of the windows."""
        sums = np.zeros((len(example.truth), len(self.classes)))
        for question, found in zip(self.asked(example), logits, strict=True):
            sums[question.units] += softmax(found[: len(question.units)])
        sums[sums.sum(axis=1) == 0, 0] = 1.0  # a word that no piece spells
        return np.asarray(sums / sums.sum(axis=1, keepdims=True))

    def tags(self, answer: np.ndarray) -> list[str]:
        """Read an answer: first the label, B and I together, then which of the two."""
        begins, goes_on = answer[:, 1::2], answer[:, 2::2]
        label = np.concatenate([answer[:, :1], begins + goes_on], axis=1).argmax(axis=1)
        return [
            OUTSIDE
            if not n
            else self.classes[2 * n - 1 if begins[unit, n - 1] > goes_on[unit, n - 1] else 2 * n]
            for unit, n in enumerate(label.tolist())
        ]

    def told(self, example: Example, answer: np.ndarray) -> dict[str, Any]:
        """List the steps with their times, or the spans with their words."""
        words, found = example.text.split(), []
        for label, first, after in spans_of(self.tags(answer)):
            sure = round(float(1 - answer[first:after, 0].mean()), 4)
            if self._of_words:
                where: dict[str, Any] = {"words": " ".join(words[first:after]), "first": first}
            else:
                where = {
                    "start": float(example.times[first, 0]),
                    "end": float(example.times[after - 1, 1]),
                }
            found.append({"label": label, **where, "probability": sure})
        return {"spans" if self._of_words else "steps": found}

    def marks(self, answer: np.ndarray, example: Example) -> np.ndarray:
        """Count what is right: units, spans, segments at each overlap; and the edit score."""
        found, true = self.tags(answer), [self.classes[n] for n in example.truth]
        right = sum(one[2:] == other[2:] for one, other in zip(found, true, strict=True))
        counts = [span_counts(found, true)]
        counts += [segment_counts(found, true, least) for least in OVERLAPS]
        return np.array([[right, len(true), *np.concatenate(counts), edit_score(found, true)]])

    def figures(self, marks: np.ndarray) -> dict[str, float]:
        """Return accuracy and F1, all videos or texts together, and their mean edit score."""
        accuracy = {"accuracy": float(marks[:, 0].sum() / max(marks[:, 1].sum(), 1))}
        if self._of_words:
            return {**accuracy, "span F1": f1(marks[:, 2:5])}
        scores = {
            f"F1 at {least:g}": f1(marks[:, 5 + 3 * n : 8 + 3 * n])
            for n, least in enumerate(OVERLAPS)
        }
        return {**accuracy, **scores, "edit score": float(marks[:, -1].mean())}

    def guesses(
        self,
        learnt: Sequence[Example],
        examples: Sequence[Example],
        rng: np.random.Generator | None,
    ) -> list[np.ndarray]:
        """Draw a class for each unit, or take the commonest."""
        classes = len(self.classes)
        counts = np.bincount(
            np.concatenate([example.truth for example in learnt]), minlength=classes
        )
        return [
            np.tile(counts / counts.sum(), (len(example.truth), 1))
            if rng is None
            else np.eye(classes)[rng.integers(classes, size=len(example.truth))]
            for example in examples
        ]

    def probe(self, example: Example) -> tuple[list[str], np.ndarray]:
        """Read each visual word, or each word, alone."""
        words = example.text.split() if self._of_words else [f"v{word}" for word in example.words]
        return words, example.truth

    def probed(self, scores: np.ndarray) -> np.ndarray:
        """Take the scores, 0 for classes that nobody learnt."""
        return np.pad(scores, ((0, 0), (0, len(self.classes) - scores.shape[1])))
