"""When in a whole video a text is shown, or that it is not.

As BERT answers questions: a start and an end among the clips of a window, or [CLS] for no answer.
Over the windows of a long video the largest g = s + e - s_null decides (Alberti et al., 2019, "A
BERT Baseline for the Natural Questions"). There is no answer where g is below the threshold that
was best on the validation videos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from videobert.data.annotations import Annotation
from videobert.evaluation.metrics.tagging import area_under_curve
from videobert.finetune.examples import Example, Question, Reader
from videobert.finetune.heads import SpanHead
from videobert.finetune.options import FIND
from videobert.finetune.tasks.task import Task, other_text, pool_of, texts_by_video
from videobert.sequences import Row
from workfolder.errors import InputError

NULL_WINDOWS = 0.02
"""Share of the questions with an answer that are asked of a window without it, as Alberti et al."""
THRESHOLD = "threshold"


class Find(Task):
    """Reads a text beside windows of a video; an answer is first clip, last clip, and g."""

    answers_with_text = True

    @classmethod
    def learn_about(cls, rows: Sequence[Annotation], reader: Reader) -> dict[str, Any]:
        """Note the texts, and how many clips the longest stretch has."""
        timed = [row for row in rows if row.text and row.start is not None]
        longest = max(
            (len(reader.seen(row.video, row.start, row.end).words) for row in timed), default=0
        )
        if not longest:
            raise InputError(
                "find needs rows with a text and times in videos of the folder: give a table that "
                "has some"
            )
        return {"texts": pool_of(timed, FIND), "longest": longest, THRESHOLD: 0.0}

    def head(self, width: int, dropout: float) -> SpanHead:
        """Make a head for start and end."""
        return SpanHead(width, dropout)

    def examples(self, rows: Sequence[Annotation]) -> list[Example]:
        """Ask each text once of its video; truth is first and last clip of each showing."""
        spans: dict[tuple[str, str], list[tuple[int, int]]] = {}
        named: dict[tuple[str, str], str] = {}
        for row in rows:
            clips = self.reader.footage.get(row.video)
            if clips is None or not row.text or row.start is None or row.end is None:
                continue
            times = np.stack([clips.start, clips.end], axis=1)
            inside = self.reader.seen(row.video, row.start, row.end).times
            if len(inside):
                first = int(np.searchsorted(times[:, 0], inside[0, 0]))
                key = row.video, row.text.casefold()
                spans.setdefault(key, []).append((first, first + len(inside) - 1))
                named[key] = row.text
        found, texts = [], texts_by_video(rows)
        for key, its in spans.items():
            whole = self.reader.seen(key[0], None, None)
            truth = np.array(its, dtype=np.int64)
            found.append(replace(whole, text=named[key], truth=truth, others=texts[key[0]]))
        return found

    def with_false_ones(self, examples: Sequence[Example], seed: int) -> list[Example]:
        """Add each video with a text of another one; its truth has no span."""
        rng = np.random.default_rng(seed)
        false = (self._false(example, rng) for example in examples)
        return [*examples, *(example for example in false if example)]

    def _false(self, example: Example, rng: np.random.Generator) -> Example | None:
        text = other_text(self.about["texts"], example, rng)
        none = np.empty((0, 2), dtype=np.int64)
        return None if text is None else replace(example, text=text, truth=none)

    def drawn(self, example: Example, rng: np.random.Generator) -> Question:
        """Ask one window: with the answer, or half of the time with a text of another video."""
        false = self._false(example, rng) if rng.random() < 1 / 2 else None
        if false:
            questions = self.asked(false)
            return questions[int(rng.integers(len(questions)))]
        questions = self.asked(example)
        holds = np.array([question.truth[0] > 0 for question in questions])
        wanted = holds if rng.random() >= NULL_WINDOWS else ~holds
        among = np.flatnonzero(wanted if wanted.any() else holds | True)
        return questions[int(rng.choice(among))]

    def asked(self, example: Example) -> list[Question]:
        """Ask every window."""
        question, clips = self.reader.question(example.text), self.reader.part(example.words)
        rows = self.reader.windows(question, clips)
        return [self._question(row, example.truth) for row in rows]

    def _question(self, row: Row, spans: np.ndarray) -> Question:
        """Make a question of a window; place 0 is [CLS], and the truth where it has no span."""
        placed = row.placed[1]
        truth = np.zeros(2, dtype=np.int64)
        here = placed.kept
        for first, last in spans.reshape(-1, 2).tolist():
            inside = np.flatnonzero((here >= first) & (here <= last))
            if 2 * len(inside) >= min(last - first + 1, len(here)):
                truth = np.array([inside[0], inside[-1]]) + 1
                break
        places = np.concatenate([[0], placed.positions])
        return Question((row,), truth, places, np.concatenate([[-1], here]))

    def answer(self, example: Example, logits: Sequence[np.ndarray]) -> np.ndarray:
        """Return first clip, last clip and g of the best window, float64 [3]."""
        best = np.array([0.0, 0.0, -np.inf])
        for question, found in zip(self.asked(example), logits, strict=True):
            count = len(question.places)
            start, end = found[:count, 0], found[:count, 1]
            sums = start[1:, None] + end[None, 1:]
            span = np.arange(count - 1)
            length = span[None] - span[:, None]
            sums = np.where((length >= 0) & (length < self.about["longest"]), sums, -np.inf)
            first, last = np.unravel_index(int(sums.argmax()), sums.shape)
            g = sums[first, last] - start[0] - end[0]
            if g > best[2]:
                best = np.array([question.units[1 + first], question.units[1 + last], g])
        return best

    def told(self, example: Example, answer: np.ndarray) -> dict[str, Any]:
        """Say when, or that it is not shown."""
        first, last = int(answer[0]), int(answer[1])
        said: dict[str, Any] = {"text": example.text, "score": round(float(answer[2]), 4)}
        if answer[2] < self.about[THRESHOLD]:
            return {**said, "shown": False}
        start, end = float(example.times[first, 0]), float(example.times[last, 1])
        return {**said, "shown": True, "when": [start, end]}

    def marks(self, answer: np.ndarray, example: Example) -> np.ndarray:
        """Note g, whether there is an answer, and the best IoU with it in seconds."""
        start, end = example.times[int(answer[0]), 0], example.times[int(answer[1]), 1]
        shared = 0.0
        for first, last in example.truth.reshape(-1, 2).tolist():
            a, b = example.times[first, 0], example.times[last, 1]
            both = max(min(end, b) - max(start, a), 0.0)
            shared = max(shared, both / (max(end, b) - min(start, a)))
        return np.array([[float(answer[2]), float(len(example.truth) > 0), shared]])

    def figures(self, marks: np.ndarray) -> dict[str, float]:
        """Measure spans where there is an answer, and no-answers over all."""
        g, there, shared = marks.T
        spans = shared[there == 1]
        said = g >= self.about[THRESHOLD]
        return {
            "mean IoU": float(spans.mean()) if len(spans) else float("nan"),
            "IoU 0.5": float((spans >= 0.5).mean()) if len(spans) else float("nan"),
            "no answer, area": area_under_curve(g, there),
            "no answer, right": float((said == (there == 1)).mean()),
        }

    def guesses(
        self,
        learnt: Sequence[Example],
        examples: Sequence[Example],
        rng: np.random.Generator | None,
    ) -> list[np.ndarray]:
        """Draw spans; or take the mean place of what was learnt, as shares of the video."""
        spans = [example.truth[0] / len(example.words) for example in learnt]
        mean = np.mean(spans, axis=0) if spans else np.array([0.0, 1.0])
        found = []
        for example in examples:
            count = len(example.words)
            share = mean if rng is None else np.sort(rng.random(2))
            first, last = np.minimum((share * count).astype(int), count - 1)
            g = 0.0 if rng is None else float(rng.normal())
            found.append(np.array([first, last, g]))
        return found


def best_threshold(marks: np.ndarray) -> float:
    """Choose the g from which on most answers to whether there is one are right.

    Args:
        marks: of ``Find.marks``, [answers, 3].
    """
    g, there = marks[:, 0], marks[:, 1]
    tried = np.unique(np.concatenate([[0.0], g]))
    right = [((g >= threshold) == (there == 1)).mean() for threshold in tried]
    return float(tried[int(np.argmax(right))])
