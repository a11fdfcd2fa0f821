"""The label of a stretch, of its text, or of a whole video.

With a sentence that has ``{label}``, each label is asked for in words, yes or no, and the surest
yes wins (Sun et al., 2019, "Utilizing BERT for Aspect-Based Sentiment Analysis", BERT-pair-B). With
one that has [MASK], the label wins whose words the network would write there; see heads.ClozeHead.
Both can be asked for labels that were never taught.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np

from videobert.answers.spelling import label_pieces
from videobert.data.annotations import Annotation
from videobert.finetune.examples import Example, Question, Reader, padded
from videobert.finetune.heads import MEAN, ClozeHead, Head, SequenceHead
from videobert.finetune.options import CLASSIFY, MASK, NONE
from videobert.finetune.tasks.task import Task, labels_of
from videobert.sequences import Row
from videobert.softmax import softmax
from workfolder.errors import InputError

NO, YES = 0, 1
LABEL, ASPECT = "{label}", "{aspect}"


class Classify(Task):
    """Reads the stretch and its text; answers are the share of each label."""

    @classmethod
    def learn_about(cls, rows: Sequence[Annotation], reader: Reader) -> dict[str, Any]:
        """List the labels."""
        return {"labels": labels_of(rows, CLASSIFY)}

    @property
    def labels(self) -> list[str]:
        """The labels, in the order of the answers."""
        return list(self.about["labels"])

    @property
    def _by_label(self) -> bool:
        return LABEL in (self.reader.options.sentence or "")

    @property
    def _in_place(self) -> bool:
        return MASK in (self.reader.options.sentence or "")

    @cached_property
    def _spelt(self) -> list[list[int]]:
        return label_pieces(self.reader.processor, self.labels)

    def asking_for(self, labels: Sequence[str]) -> Classify:
        """Ask for other labels, two at least, which need not have been taught; see labels_on.

        Raises:
            InputError: if the sentence names no label, there is one alone, or one cannot be spelt.
        """
        if len(labels) < 2:
            raise InputError(f"{labels[0]!r} alone leaves nothing to choose: give --label again")
        if not (self._by_label or self._in_place):
            raise InputError(
                f"{CLASSIFY} knows the labels that it was taught and no others: teach it with "
                "--sentence 'the {aspect} is {label}' or with a [MASK] to ask for more"
            )
        asked = Classify(self.reader, {**self.about, "labels": list(labels)})
        _ = asked._spelt
        return asked

    def labels_on(self, head: Head) -> Head:
        """Return a head with the weights of another one that reads the labels of this task."""
        if not isinstance(head, ClozeHead):
            return head
        its = copy(head)
        its.labels = self._spelt
        return its

    def head(self, width: int, dropout: float) -> SequenceHead | ClozeHead:
        """Make a head over the labels, over no and yes, or over what is written at the masks."""
        if self._in_place:
            return ClozeHead(self._spelt)
        pool = self.reader.options.pool
        classes = 2 if self._by_label else len(self.labels)
        return SequenceHead(width, classes, dropout, MEAN if pool == NONE else pool)

    def examples(self, rows: Sequence[Annotation]) -> list[Example]:
        """Take the rows with one of the labels; truth is its number."""
        number = {label: place for place, label in enumerate(self.labels)}
        found = []
        for row in rows:
            seen = self.reader.seen(row.video, row.start, row.end)
            if row.label in number and (row.text or len(seen.words)):
                truth = np.array(number[row.label])
                found.append(Example(row.video, row.text, seen.words, seen.times, truth))
        return found

    def drawn(self, example: Example, rng: np.random.Generator) -> Question:
        """Ask for the label; or whether it is one, half of the time another one."""
        truth = int(example.truth)
        if self._in_place:
            return self._cloze(example)
        if not self._by_label:
            return Question(self._rows(example, truth), example.truth)
        asked = truth
        if rng.random() < 1 / 2:
            asked = int(rng.choice([n for n in range(len(self.labels)) if n != truth]))
        return Question(self._rows(example, asked), np.array(YES if asked == truth else NO))

    def asked(self, example: Example) -> list[Question]:
        """Ask once, or for each label."""
        if self._in_place:
            return [self._cloze(example)]
        if not self._by_label:
            return [Question(self._rows(example, 0), np.array(0))]
        every = range(len(self.labels))
        return [Question(self._rows(example, label), np.array(YES)) for label in every]

    def _cloze(self, example: Example) -> Question:
        """Leave the label out of the sentence: a row for each number of pieces that one has.

        Raises:
            InputError: if the sentence is so long that a mask is cut off.
        """
        reader, sentence = self.reader, self.reader.options.sentence or ""
        named = sentence.replace(ASPECT, reader.options.annotations)
        text, seen = reader.text(example.text), reader.part(example.words)
        sign, rows, places = reader.processor.tokenizer.mask_token_id, [], []
        for width in sorted({len(pieces) for pieces in self._spelt}):
            asked = reader.text(named.replace(MASK, " ".join([MASK] * width)))
            rows.append(reader.layout.arrange(asked, text, seen))
            places.append(np.flatnonzero(rows[-1].ids == sign)[:width])
            if len(places[-1]) < width:
                raise InputError(
                    f"--sentence {sentence!r} is cut before its {MASK}, as a row has "
                    f"{reader.layout.max_length} ids: shorten it, or give --max-length"
                )
        return Question(tuple(rows), example.truth, padded(places))

    def _rows(self, example: Example, label: int) -> tuple[Row, ...]:
        reader, sentence = self.reader, self.reader.options.sentence
        asked = reader.text("")
        if sentence:
            names = {"aspect": reader.options.annotations, "label": self.labels[label]}
            asked = reader.text(sentence.format(**names))
        text, seen = reader.text(example.text), reader.part(example.words)
        if reader.options.pool == NONE:
            return (reader.layout.arrange(asked, text, seen),)
        if len(text) >= len(seen):
            return tuple(reader.windows(asked if sentence else reader.beside(seen), text))
        return tuple(reader.windows(asked if sentence else reader.question(example.text), seen))

    def answer(self, example: Example, logits: Sequence[np.ndarray]) -> np.ndarray:
        """Return the share of each label, [labels]."""
        if not self._by_label:
            return softmax(logits[0])
        yes = np.array([softmax(each)[YES] for each in logits])
        return np.asarray(yes / yes.sum())

    def told(self, example: Example, answer: np.ndarray) -> dict[str, Any]:
        """Name the likeliest labels."""
        best = np.argsort(-answer)[:5]
        return {
            "label": self.labels[best[0]],
            "labels": {self.labels[n]: round(float(answer[n]), 4) for n in best},
        }

    def marks(self, answer: np.ndarray, example: Example) -> np.ndarray:
        """Mark whether the likeliest is right."""
        return np.array([[float(answer.argmax() == example.truth)]])

    def figures(self, marks: np.ndarray) -> dict[str, float]:
        """Return the share of right answers."""
        return {"accuracy": float(marks[:, 0].mean())}

    def guesses(
        self,
        learnt: Sequence[Example],
        examples: Sequence[Example],
        rng: np.random.Generator | None,
    ) -> list[np.ndarray]:
        """Draw labels, or take how often each is there."""
        count = len(self.labels)
        if rng is not None:
            return list(rng.random((len(examples), count)))
        counts = Counter(int(example.truth) for example in learnt)
        shares = np.array([counts[n] for n in range(count)]) / max(len(learnt), 1)
        return [shares] * len(examples)

    def probe(self, example: Example) -> tuple[list[str], np.ndarray]:
        """Read the words of the text and the visual words, in no order."""
        words = " ".join(f"v{word}" for word in example.words)
        return [f"{example.text} {words}"], example.truth[None]

    def probed(self, scores: np.ndarray) -> np.ndarray:
        """Take the scores of the one unit."""
        return np.pad(scores[0], (0, len(self.labels) - scores.shape[1]))
