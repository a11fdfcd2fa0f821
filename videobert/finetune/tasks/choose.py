"""Which of several texts describes a stretch; the others are of the same video.

As BertForMultipleChoice, and as GPT (Radford et al., 2018): a row a text, one score a row, softmax.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from videobert.data.annotations import Annotation
from videobert.finetune.examples import Example, Question, Reader
from videobert.finetune.heads import SequenceHead
from videobert.finetune.tasks.task import Task
from workfolder.errors import InputError


class Choose(Task):
    """Reads each text beside a stretch; answers are the score of each."""

    answers_with_text = True

    @classmethod
    def learn_about(cls, rows: Sequence[Annotation], reader: Reader) -> dict[str, Any]:
        """Refuse a table in which no video has two texts."""
        texts: dict[str, set[str]] = {}
        for row in rows:
            texts.setdefault(row.video, set()).add(row.text.casefold())
        if not any(len(each - {""}) > 1 for each in texts.values()):
            raise InputError(
                "choose needs videos with two texts at least, as the others of a video are what "
                "is chosen from: give a table with more"
            )
        return {}

    def head(self, width: int, dropout: float) -> SequenceHead:
        """Make a head with a score for each row."""
        return SequenceHead(width, 1, dropout, choices=True)

    def examples(self, rows: Sequence[Annotation]) -> list[Example]:
        """Take the rows whose video has another text; in short videos there are fewer choices."""
        texts: dict[str, dict[str, str]] = {}
        for row in rows:
            if row.text:
                texts.setdefault(row.video, {})[row.text.casefold()] = row.text
        found = []
        for row in rows:
            seen = self.reader.seen(row.video, row.start, row.end)
            its = texts.get(row.video, {})
            others = [text for folded, text in its.items() if folded != row.text.casefold()]
            if row.text and others and len(seen.words):
                found.append(
                    Example(row.video, row.text, seen.words, seen.times, others=tuple(others))
                )
        return found

    def of_clip(self, seen: Example, texts: Sequence[str]) -> list[Example]:
        """Choose among the texts that are given."""
        if len(texts) < 2:
            raise InputError("choose chooses among texts: give --text twice at least")
        return [replace(seen, text=texts[0], others=tuple(texts[1:]))]

    def _order(self, example: Example, rng: np.random.Generator) -> tuple[int, list[int]]:
        """Draw where the right text stands, and which others stand beside it."""
        most = min(self.reader.options.choices - 1, len(example.others))
        others = rng.permutation(len(example.others))[:most].tolist()
        return int(rng.integers(most + 1)), others

    def drawn(self, example: Example, rng: np.random.Generator) -> Question:
        """Put the right text at random among others that are drawn."""
        place, others = self._order(example, rng)
        texts = [example.others[n] for n in others]
        texts.insert(place, example.text)
        seen = self.reader.part(example.words)
        rows = [self.reader.layout.arrange(self.reader.text(text), seen) for text in texts]
        return Question(tuple(rows), np.array(place))

    def asked(self, example: Example) -> list[Question]:
        """Ask with the same others each time."""
        return [self.drawn(example, self._rng(example))]

    def _rng(self, example: Example) -> np.random.Generator:
        start = float(example.times[0, 0]) if len(example.times) else 0.0
        seed = zlib.crc32(f"{example.video} {start} {example.text}".encode())
        return np.random.default_rng(seed)

    def answer(self, example: Example, logits: Sequence[np.ndarray]) -> np.ndarray:
        """Return the score of the right text, then those of the others, [choices]."""
        place, others = self._order(example, self._rng(example))
        scores = logits[0][: 1 + len(others)]
        return np.concatenate([scores[[place]], np.delete(scores, place)])

    def told(self, example: Example, answer: np.ndarray) -> dict[str, Any]:
        """Name the text with the highest score."""
        _, others = self._order(example, self._rng(example))
        texts = [example.text, *(example.others[n] for n in others)]
        scores = {text: round(float(score), 4) for text, score in zip(texts, answer, strict=True)}
        return {"text": texts[int(answer.argmax())], "scores": scores}

    def marks(self, answer: np.ndarray, example: Example) -> np.ndarray:
        """Mark whether the right one is best; a tie is wrong."""
        return np.array([[float(answer[0] > answer[1:].max())]])

    def figures(self, marks: np.ndarray) -> dict[str, float]:
        """Return the share of right answers."""
        return {"accuracy": float(marks[:, 0].mean())}

    def guesses(
        self,
        learnt: Sequence[Example],
        examples: Sequence[Example],
        rng: np.random.Generator | None,
    ) -> list[np.ndarray]:
        """Draw; or take the text that is commonest in what was learnt."""
        most = self.reader.options.choices - 1
        if rng is not None:
            return [rng.random(1 + min(most, len(example.others))) for example in examples]
        counts: dict[str, int] = {}
        for example in learnt:
            counts[example.text.casefold()] = counts.get(example.text.casefold(), 0) + 1
        return [
            np.array([counts.get(text.casefold(), 0) for text in (example.text, *example.others)])
            for example in examples
        ]
