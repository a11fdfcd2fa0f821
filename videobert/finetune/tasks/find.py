"""When in a whole video a text is shown, or said; or that it is not; or yes, or no.

As BERT answers questions: a start and an end among the clips of a window, or [CLS] for no answer.
Over the windows of a long video the largest g = s + e - s_null decides (Alberti et al., 2019, "A
BERT Baseline for the Natural Questions"). There is no answer where g is below the threshold that
was best on the validation videos. Rows with the label none have no answer in their video. Where
some rows have the label yes or no, the head learns the kind of answer, too. Where no video has
clips, the sentences of its transcript are searched, and their words count for half.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tokenization.examples import clips_within
from videobert.answers.bm25 import BM25
from videobert.answers.judging import standardised
from videobert.data.annotations import Annotation
from videobert.evaluation.metrics.tagging import area_under_curve
from videobert.finetune.examples import Example, Question, Reader, units_begun
from videobert.finetune.heads import SpanHead
from videobert.finetune.options import FIND
from videobert.finetune.tasks.task import Task, other_text, pool_of, texts_by_video
from videobert.sequences import Part, Row
from videobert.softmax import softmax
from workfolder.errors import InputError

NULL_WINDOWS = 0.02
"""Share of the questions with an answer that are asked of a window without it, as Alberti et al."""
THRESHOLD = "threshold"
CLIPS, SENTENCES = "clips", "whole sentences"
KINDS = SPAN, NONE, YES, NO = ("span", "none", "yes", "no")
"""Kinds of answer: the labels of rows. Any other label is a span."""
BEGINS = 3
"""The column of the marks that says whether an answer begins in the right stretch."""


class Find(Task):
    """Reads a text beside windows of a video; an answer is first unit, last unit, and g.

    Units are clips, or sentences. With kinds the chances of yes and no stand behind them.
    """

    answers_with_text = True

    @classmethod
    def learn_about(cls, rows: Sequence[Annotation], reader: Reader) -> dict[str, Any]:
        """Note the texts, what is searched, and how many units the longest stretch has."""
        asked = [row for row in rows if row.text]
        timed = [row for row in asked if row.start is not None and kind_of(row) == SPAN]
        units = SENTENCES if reader.said else CLIPS
        empty = cls(reader, {"units": units})
        longest = max((len(empty.inside(row)) for row in timed), default=0)
        if not longest:
            raise InputError(
                "find needs rows with a text and times in videos of the folder: give a table that "
                "has some"
            )
        about = {"texts": pool_of(timed, FIND), "longest": longest, THRESHOLD: 0.0, "units": units}
        if any(kind_of(row) in (YES, NO) for row in asked):
            about["kinds"] = list(KINDS)
        return about

    @property
    def of_sentences(self) -> bool:
        """Whether it searches what is said."""
        return bool(self.about.get("units") == SENTENCES)

    @property
    def _has_kinds(self) -> bool:
        return "kinds" in self.about

    def _whole(self, video: str) -> Example:
        """Take all of a video that can be searched."""
        if not self.of_sentences:
            return self.reader.seen(video, None, None)
        said = self.reader.said.get(video)
        return Example(video, times=said.times, said=said.texts) if said else Example(video)

    def inside(self, row: Annotation) -> np.ndarray:
        """List the clips of a row's stretch, or the sentences that begin in it, int [units]."""
        times = self._whole(row.video).times
        if row.start is None or row.end is None or not len(times):
            return np.empty(0, dtype=np.int64)
        if self.of_sentences:
            return np.flatnonzero((row.start <= times[:, 0]) & (times[:, 0] <= row.end))
        return clips_within(times[:, 0], times[:, 1], row.start, row.end)

    def head(self, width: int, dropout: float) -> SpanHead:
        """Make a head for start and end, and for the kinds where there are some."""
        return SpanHead(width, dropout, len(KINDS) if self._has_kinds else 0)

    def examples(self, rows: Sequence[Annotation]) -> list[Example]:
        """Ask each text once of its video; truth is first and last unit of each showing."""
        spans: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        named: dict[tuple[str, str, str], str] = {}
        for row in rows:
            inside, kind = self.inside(row), kind_of(row)
            if not row.text or (kind == SPAN and not len(inside)):
                continue
            key = row.video, row.text.casefold(), kind
            its = spans.setdefault(key, [])
            if kind != NONE and len(inside):
                its.append((int(inside[0]), int(inside[-1])))
            named[key] = row.text
        found, texts = [], texts_by_video(rows)
        for (video, folded, kind), its in spans.items():
            whole = self._whole(video)
            if len(whole.times):
                truth = np.array(its, dtype=np.int64).reshape(-1, 2)
                asked = replace(whole, text=named[video, folded, kind], others=texts[video])
                found.append(replace(asked, truth=truth, kind=kind))
        return found

    def of_clip(self, seen: Example, texts: Sequence[str]) -> list[Example]:
        """Ask the texts of a clip, or of what is said in a video."""
        if self.of_sentences and not seen.said:
            raise InputError(
                "this task searches what is said: give --work DIR, and the id of a video with a "
                "transcript"
            )
        return super().of_clip(seen, texts)

    def with_false_ones(self, examples: Sequence[Example], seed: int) -> list[Example]:
        """Add each video with a text of another one; its truth has no span."""
        rng = np.random.default_rng(seed)
        false = (self._false(example, rng) for example in examples)
        return [*examples, *(example for example in false if example)]

    def _false(self, example: Example, rng: np.random.Generator) -> Example | None:
        if example.kind in (YES, NO):
            return None
        text = other_text(self.about["texts"], example, rng)
        none = np.empty((0, 2), dtype=np.int64)
        return None if text is None else replace(example, text=text, truth=none, kind=NONE)

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
        """Ask every window that a unit begins in."""
        question, document = self.reader.question(example.text), self._document(example)
        rows = self.reader.windows(question, document)
        asked = [self._question(row, document, example) for row in rows]
        return [question for question in asked if len(question.places) > 1]

    def _document(self, example: Example) -> Part:
        if self.of_sentences:
            return self.reader.sentences(example.said, 4)
        return self.reader.part(example.words, np.arange(len(example.words)))

    def _question(self, row: Row, document: Part, example: Example) -> Question:
        """Make a question of a window; place 0 is [CLS], and the truth where it has no span."""
        here, positions, ends = units_begun(row, document)
        truth, kind = np.zeros(2, dtype=np.int64), example.kind
        for first, last in example.truth.reshape(-1, 2).tolist():
            inside = np.flatnonzero((here >= first) & (here <= last))
            if len(inside) and 2 * len(inside) >= min(last - first + 1, len(here)):
                truth = np.array([inside[0], inside[-1]]) + 1
                break
        else:
            kind = NONE if len(example.truth) or kind == SPAN else kind
        if self._has_kinds:
            truth = np.append(truth, KINDS.index(kind or NONE))
        places, units = np.concatenate([[0], positions]), np.concatenate([[-1], here])
        if not self.of_sentences:
            return Question((row,), truth, places, units)
        row = replace(row, types=(row.parts == 1).astype(np.int64))  # as BERT's second segment
        return Question((row,), truth, places, units, np.concatenate([[1], ends]))

    def answer(self, example: Example, logits: Sequence[np.ndarray]) -> np.ndarray:
        """Return first unit, last unit and g of the best span in any window, float64 [3].

        With kinds the largest chances of yes and of no in any window stand behind, float64 [5].
        """
        count, kinds = max(len(example.times), 1), np.zeros(2)  # a clip may be too short for one
        best, last = np.full(count, -np.inf), np.zeros(count)
        for question, found in zip(self.asked(example), logits, strict=True):
            kinds = np.maximum(kinds, softmax(found[0, 2:])[2:] if self._has_kinds else 0)
            units = question.units[1:]
            g, its_last = self._spans(found[: len(question.places)])
            better = g > best[units]
            best[units[better]], last[units[better]] = g[better], units[its_last[better]]
        first = int(self.ranks(example, best).argmax())
        answer = np.array([first, last[first], best[first]])
        return np.concatenate([answer, kinds]) if self._has_kinds else answer

    def _spans(self, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the best span from each unit of a window: g, and the place of its last unit."""
        start, end = found[:, 0], found[:, 1]
        span = np.arange(len(found) - 1)
        length = span[None] - span[:, None]
        allowed = (length >= 0) & (length < self.about["longest"])
        sums = np.where(allowed, start[1:, None] + end[None, 1:], -np.inf)
        last = sums.argmax(axis=1)
        return sums[span, last] - start[0] - end[0], last

    def ranks(self, example: Example, g: np.ndarray) -> np.ndarray:
        """Rank the units that an answer can begin at, as search ranks stretches.

        Of sentences, how well their words match counts for half (Yang et al., 2019, "End-to-End
        Open-Domain Question Answering with BERTserini").
        """
        there = np.isfinite(g)
        if not self.of_sentences or not there.any():
            return g
        ranks = np.full(len(g), -np.inf)
        words = word_scores(example.text, example.said)[there]
        ranks[there] = standardised(g[there]) + standardised(words)
        return ranks

    def _kind(self, answer: np.ndarray) -> str:
        """Read the kind of an answer: yes or no where it is likelier than not."""
        if self._has_kinds and answer[3:].max() > 1 / 2:
            return (YES, NO)[int(answer[3:].argmax())]
        return SPAN if answer[2] >= self.about[THRESHOLD] else NONE

    def told(self, example: Example, answer: np.ndarray) -> dict[str, Any]:
        """Say when, or that it is not shown; or yes, or no."""
        first, last, kind = int(answer[0]), int(answer[1]), self._kind(answer)
        said: dict[str, Any] = {"text": example.text, "score": round(float(answer[2]), 4)}
        if kind in (YES, NO):
            return {**said, "answer": kind, "probability": round(float(answer[3:].max()), 4)}
        if kind == NONE:
            return {**said, "shown": False}
        start, end = float(example.times[first, 0]), float(example.times[last, 1])
        return {**said, "shown": True, "when": [start, end]}

    def marks(self, answer: np.ndarray, example: Example) -> np.ndarray:
        """Note g, whether there is an answer, the best IoU with it in seconds, and two hits.

        These are whether the answer begins in the right stretch, and whether its kind is right.
        There is neither an answer nor none, but not a number, where it is yes or no.
        """
        start, end = example.times[int(answer[0]), 0], example.times[int(answer[1]), 1]
        shared, begins = 0.0, False
        for first, last in example.truth.reshape(-1, 2).tolist():
            begins |= first <= answer[0] <= last
            a, b = example.times[first, 0], example.times[last, 1]
            both = max(min(end, b) - max(start, a), 0.0)
            shared = max(shared, both / (max(end, b) - min(start, a)))
        there = np.nan if example.kind in (YES, NO) else float(len(example.truth) > 0)
        return np.array(
            [[answer[2], there, shared, begins, self._kind(answer) == (example.kind or NONE)]]
        )

    def figures(self, marks: np.ndarray) -> dict[str, float]:
        """Measure spans where there is an answer, and no-answers over all."""
        g, there, shared, begins, kinds = marks.T
        spans, asked = shared[there == 1], ~np.isnan(there)
        said = g[asked] >= self.about[THRESHOLD]
        none = float("nan")
        figures = {
            "mean IoU": float(spans.mean()) if len(spans) else none,
            "IoU 0.5": float((spans >= 0.5).mean()) if len(spans) else none,
            "begins inside": float(begins[there == 1].mean()) if len(spans) else none,
            "no answer, area": area_under_curve(g[asked], there[asked]),
            "no answer, right": float((said == (there[asked] == 1)).mean()),
        }
        return figures | ({"kind": float(kinds.mean())} if self._has_kinds else {})

    def guesses(
        self,
        learnt: Sequence[Example],
        examples: Sequence[Example],
        rng: np.random.Generator | None,
    ) -> list[np.ndarray]:
        """Draw spans; or take the mean place of what was learnt, as shares of the video."""
        spans = [each.truth[0] / len(each.times) for each in learnt if len(each.truth)]
        mean = np.mean(spans, axis=0) if spans else np.array([0.0, 1.0])
        found = []
        for example in examples:
            count = len(example.times)
            share = mean if rng is None else np.sort(rng.random(2))
            first, last = np.minimum((share * count).astype(int), count - 1)
            g = 0.0 if rng is None else float(rng.normal())
            kinds = [0.0, 0.0] if rng is None else rng.random(2)
            found.append(np.array([first, last, g, *(kinds if self._has_kinds else ())]))
        return found


def word_scores(text: str, sentences: Sequence[str]) -> np.ndarray:
    """Score sentences by the words of a text with BM25, float64 [sentences]; 0 without words."""
    if not any(re.search(r"\w", sentence) for sentence in sentences):
        return np.zeros(len(sentences))
    index = BM25.fit(sentences)
    return np.asarray((index.weights @ index.questions([text]).T).todense()).ravel()


def kind_of(row: Annotation) -> str:
    """Tell which kind of answer a row has."""
    return row.label if row.label in (NONE, YES, NO) else SPAN


def best_threshold(marks: np.ndarray) -> float:
    """Choose the g from which on most answers to whether there is one are right.

    Args:
        marks: of ``Find.marks``, [answers, marks]; without an answer to yes or no.
    """
    g, there = marks[~np.isnan(marks[:, 1]), :2].T
    tried = np.unique(np.concatenate([[0.0], g]))
    right = [((g >= threshold) == (there == 1)).mean() for threshold in tried]
    return float(tried[int(np.argmax(right))])
