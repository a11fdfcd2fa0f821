"""Which clips of a video count, or which sentences of what is said.

Where a table has rows without a label, its rows are sentences, and those with a label count. Where
all rows have one, or none has, the clips in a row count against the rest of the video. Token types
of sentences take turns (Liu, 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from videobert.data.annotations import Annotation
from videobert.evaluation.metrics.tagging import average_precision
from videobert.finetune.examples import Example, Question, Reader, units_begun
from videobert.finetune.heads import UnitHead
from videobert.finetune.tasks.task import Task
from videobert.sequences import Part, Row
from workfolder.errors import InputError

CLIPS, SENTENCES = "clips", "whole sentences"


class Moments(Task):
    """Reads a whole video, or its sentences; an answer is the chance of each unit, [units]."""

    @classmethod
    def learn_about(cls, rows: Sequence[Annotation], reader: Reader) -> dict[str, Any]:
        """Tell which units there are."""
        spoken = [row.label is None for row in rows if row.text]
        if any(spoken) and not all(spoken):
            return {"units": SENTENCES}
        if not any(row.start is not None and row.video in reader.footage for row in rows):
            raise InputError(
                "moments needs rows with times in videos of the folder, or sentences of which some "
                "have a label: give such a table"
            )
        return {"units": CLIPS}

    @property
    def _of_sentences(self) -> bool:
        return bool(self.about["units"] == SENTENCES)

    def head(self, width: int, dropout: float) -> UnitHead:
        """Make a head over the units."""
        return UnitHead(width, dropout, self.reader.options.between)

    def examples(self, rows: Sequence[Annotation]) -> list[Example]:
        """Take the videos; truth is 1 for each unit that counts."""
        by_video: dict[str, list[Annotation]] = {}
        for row in rows:
            by_video.setdefault(row.video, []).append(row)
        if self._of_sentences:
            return [
                self._said(video, its)
                for video, its in by_video.items()
                if any(r.text for r in its)
            ]
        return [
            self._shown(video, its)
            for video, its in by_video.items()
            if len(self.reader.footage.get(video) or ())
        ]

    def _said(self, video: str, rows: Sequence[Annotation]) -> Example:
        rows = [row for row in rows if row.text]
        truth = np.array([row.label is not None for row in rows], dtype=np.int64)
        times = np.array([(row.start or 0.0, row.end or 0.0) for row in rows])
        return Example(video, times=times, truth=truth, others=tuple(row.text for row in rows))

    def _shown(self, video: str, rows: Sequence[Annotation]) -> Example:
        whole = self.reader.seen(video, None, None)
        truth = np.zeros(len(whole.words), dtype=np.int64)
        for row in rows:
            if row.start is not None:
                inside = self.reader.seen(video, row.start, row.end).times
                truth[np.isin(whole.times[:, 0], inside[:, 0])] = 1
        return replace(whole, truth=truth)

    def of_clip(self, seen: Example, texts: Sequence[str]) -> list[Example]:
        """Judge the clips; or the sentences that are given."""
        if not self._of_sentences:
            return [replace(seen, truth=np.zeros(len(seen.words), dtype=np.int64))]
        if not texts:
            raise InputError("this task judges sentences: give --text for each")
        truth = np.zeros(len(texts), dtype=np.int64)
        return [Example(seen.video, truth=truth, others=tuple(texts))]

    def drawn(self, example: Example, rng: np.random.Generator) -> Question:
        """Ask one of the windows."""
        questions = self.asked(example)
        return questions[int(rng.integers(len(questions)))]

    def asked(self, example: Example) -> list[Question]:
        """Ask every window that a unit begins in."""
        document = self._document(example)
        rows = self.reader.windows(Part(()), document)
        found = [self._question(row, document, example.truth) for row in rows]
        return [question for question in found if len(question.places)]

    def _document(self, example: Example) -> Part:
        if not self._of_sentences:
            return self.reader.part(example.words, np.arange(len(example.words)))
        return self.reader.sentences(example.others, 2)

    def _question(self, row: Row, document: Part, truth: np.ndarray) -> Question:
        asked, positions, ends = units_begun(row, document)
        if not self._of_sentences:
            return Question((row,), truth[asked], positions, asked, each=True)
        row = replace(row, types=np.maximum(row.units, 0) % 2)
        return Question((row,), truth[asked], positions, asked, ends, each=True)

    def answer(self, example: Example, logits: Sequence[np.ndarray]) -> np.ndarray:
        """Average the chances of the windows."""
        sums, counts = np.zeros(len(example.truth)), np.zeros(len(example.truth))
        for question, found in zip(self.asked(example), logits, strict=True):
            sums[question.units] += 1 / (1 + np.exp(-found[: len(question.units)]))
            counts[question.units] += 1
        return np.asarray(sums / np.maximum(counts, 1))

    def told(self, example: Example, answer: np.ndarray) -> dict[str, Any]:
        """List the units that count more likely than not, the likeliest first."""
        best = [n for n in np.argsort(-answer, kind="stable").tolist() if answer[n] > 1 / 2]
        found = []
        for n in best:
            where: dict[str, Any] = {"text": example.others[n]} if self._of_sentences else {}
            if len(example.times):
                where |= {"start": float(example.times[n, 0]), "end": float(example.times[n, 1])}
            found.append({**where, "probability": round(float(answer[n]), 4)})
        return {"moments": found}

    def marks(self, answer: np.ndarray, example: Example) -> np.ndarray:
        """Note the chance of each unit, and whether it counts."""
        return np.stack([answer, example.truth.astype(float)], axis=1)

    def figures(self, marks: np.ndarray) -> dict[str, float]:
        """Measure the ranking of all units, and the answers at a chance of a half."""
        scores, truth = marks.T
        said = scores > 1 / 2
        right, both = (said & (truth == 1)).sum(), said.sum() + truth.sum()
        return {
            "average precision": average_precision(scores, truth),
            "F1": float(2 * right / both) if both else 0.0,
            "accuracy": float((said == (truth == 1)).mean()),
        }

    def guesses(
        self,
        learnt: Sequence[Example],
        examples: Sequence[Example],
        rng: np.random.Generator | None,
    ) -> list[np.ndarray]:
        """Draw chances, or take the share of units that count."""
        share = float(np.concatenate([example.truth for example in learnt]).mean())
        return [
            np.full(len(example.truth), share) if rng is None else rng.random(len(example.truth))
            for example in examples
        ]

    def probe(self, example: Example) -> tuple[list[str], np.ndarray]:
        """Read each visual word, or each sentence, alone."""
        words = [f"v{word}" for word in example.words]
        return list(example.others) if self._of_sentences else words, example.truth

    def probed(self, scores: np.ndarray) -> np.ndarray:
        """Take the score of those that count."""
        return np.asarray(scores[:, 1])
