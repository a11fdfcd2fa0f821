"""Whether a text describes a stretch: BERT's sentence pair, of a text and what is seen.

It begins with the alignment head of pre-training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from videobert.answers.bm25 import BM25
from videobert.data.annotations import Annotation
from videobert.evaluation.metrics.tagging import area_under_curve
from videobert.finetune.examples import Example, Question, Reader
from videobert.finetune.heads import SequenceHead
from videobert.finetune.options import ALIGN, CANDIDATES
from videobert.finetune.tasks.task import Task, other_text, pool_of, texts_by_video
from videobert.sequences import ALIGNED, MISALIGNED
from videobert.softmax import softmax

NEAREST = 20
"""Of BM25's candidates, so many may be drawn as texts that do not fit."""


class Align(Task):
    """Reads a text beside a stretch; an answer is the chance that they belong together."""

    answers_with_text = True

    @classmethod
    def learn_about(cls, rows: Sequence[Annotation], reader: Reader) -> dict[str, Any]:
        """Note the texts that may stand for one that does not fit."""
        return {"texts": pool_of(rows, ALIGN)}

    @property
    def _pool(self) -> list[list[str]]:
        return list(self.about["texts"])

    @cached_property
    def _index(self) -> BM25:
        return BM25.fit([text for _, text in self._pool])

    def head(self, width: int, dropout: float) -> SequenceHead:
        """Make a head over ALIGNED and MISALIGNED."""
        return SequenceHead(width, 2, dropout)

    def examples(self, rows: Sequence[Annotation]) -> list[Example]:
        """Take the rows with a text of which something is seen."""
        found, texts = [], texts_by_video(rows)
        for row in rows:
            seen = self.reader.seen(row.video, row.start, row.end)
            if row.text and len(seen.words):
                truth, others = np.array(ALIGNED), texts[row.video]
                found.append(replace(seen, text=row.text, truth=truth, others=others))
        return found

    def drawn(self, example: Example, rng: np.random.Generator) -> Question:
        """Ask about the text of the stretch; half of the time about another one."""
        false = self._false(example, rng) if rng.random() < 1 / 2 else None
        return self._question(false or example)

    def asked(self, example: Example) -> list[Question]:
        """Ask about the text as it is."""
        return [self._question(example)]

    def with_false_ones(self, examples: Sequence[Example], seed: int) -> list[Example]:
        """Add each stretch with a text that does not fit."""
        rng = np.random.default_rng(seed)
        false = (self._false(example, rng) for example in examples)
        return [*examples, *(example for example in false if example)]

    def _false(self, example: Example, rng: np.random.Generator) -> Example | None:
        pool = self._pool
        if self.reader.options.negatives == CANDIDATES:
            pool = self._candidates(example) or pool
        text = other_text(pool, example, rng)
        return None if text is None else replace(example, text=text, truth=np.array(MISALIGNED))

    def _candidates(self, example: Example) -> list[list[str]]:
        """List the texts most like the example's that are not said in its video."""
        same = {text.casefold() for text in (example.text, *example.others)}
        scores = (self._index.questions([example.text]) @ self._index.weights.T).toarray()[0]
        ranked = (self._pool[n] for n in np.argsort(-scores, kind="stable").tolist())
        fitting = (e for e in ranked if e[0] != example.video and e[1].casefold() not in same)
        return list(islice(fitting, NEAREST))

    def _question(self, example: Example) -> Question:
        reader = self.reader
        text, seen = reader.text(example.text), reader.part(example.words)
        rows = [reader.layout.arrange(text, seen)]
        if reader.options.both_orders:
            rows.append(reader.layout.arrange(seen, text))
        return Question(tuple(rows), example.truth)

    def answer(self, example: Example, logits: Sequence[np.ndarray]) -> np.ndarray:
        """Return the chance that they belong together, float64 []."""
        return np.asarray(softmax(logits[0])[ALIGNED])

    def told(self, example: Example, answer: np.ndarray) -> dict[str, Any]:
        """Say how sure it is."""
        return {"text": example.text, "aligned": round(float(answer), 4)}

    def marks(self, answer: np.ndarray, example: Example) -> np.ndarray:
        """Note the chance, and whether they do belong together."""
        return np.array([[float(answer), float(example.truth == ALIGNED)]])

    def figures(self, marks: np.ndarray) -> dict[str, float]:
        """Return the share of right answers, and how well fitting ones are ranked above others."""
        right = (marks[:, 0] > 1 / 2) == (marks[:, 1] == 1)
        return {
            "accuracy": float(right.mean()),
            "area under curve": area_under_curve(marks[:, 0], marks[:, 1]),
        }

    def guesses(
        self,
        learnt: Sequence[Example],
        examples: Sequence[Example],
        rng: np.random.Generator | None,
    ) -> list[np.ndarray]:
        """Draw, or say that all belong together."""
        drawn = np.ones(len(examples)) if rng is None else rng.random(len(examples))
        return list(drawn[:, None][:, 0])
