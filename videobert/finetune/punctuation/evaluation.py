"""How good a punctuation restorer is, on texts that it was not trained on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np

from feature_extraction.hearing.captions.formats import SUFFIXES, read_captions
from feature_extraction.hearing.punctuation.restorer import (
    COMMA,
    NONE,
    QUESTION,
    STOP,
    PunctuationRestorer,
    tag_of,
    without_marks,
)
from feature_extraction.hearing.sentences import Restorer, SentenceOptions, split_sentences
from feature_extraction.schema import Word
from videobert.finetune.punctuation.transcripts import find_texts, read_words
from videobert.learning.split import is_held_out
from workfolder.errors import InputError

SCORED = {
    "comma": (COMMA,),
    "full stop": (STOP,),
    "question mark": (QUESTION,),
    "sentence end": (STOP, QUESTION),
}
"""What is counted, and the tags that count as it."""
USUAL_LENGTH = 16
"""Words of a sentence in YouCook2's transcripts, on average: one baseline cuts there."""


@dataclass(frozen=True)
class Evaluation:
    """How well marks were found.

    Attributes:
        files: how many were compared.
        words: how many were compared.
        speed: words that the restorer tags in a second of one core.
        counts: by method, for each of SCORED, how often it was found rightly, how often it was
            found, how often it is there: int64 [4, 3].
    """

    files: int
    words: int
    speed: float
    counts: Mapping[str, np.ndarray]

    def figures(self, method: str) -> np.ndarray:
        """Return precision, recall and F1 for each of SCORED, in [0, 1]: float64 [4, 3].

        A figure is 0 where its divisor is 0.
        """
        right, found, there = self.counts[method].T
        divisors = found, there, (found + there) / 2
        return np.stack([right / np.maximum(n, 1) for n in divisors], axis=1)

    def __str__(self) -> str:
        """Return a table in per cent."""
        lines = [
            f"{self.files} files, {self.words} words; "
            f"the restorer tags {self.speed:.0f} words a second on one core",
            f"{'precision, recall, F1':<26}" + "".join(f"{mark:>20}" for mark in SCORED),
        ]
        for method in self.counts:
            rows = self.figures(method)
            cells = ("".join(f"{100 * value:6.1f}" for value in row) for row in rows)
            lines.append(f"{method:<26}" + "".join(f"{cell:>20}" for cell in cells))
        return "\n".join(lines)


def evaluate_punctuation(paths: Sequence[Path], restorer: PunctuationRestorer) -> Evaluation:
    """Compare the marks of texts with those that the restorer and the splitter find.

    The texts are held-out transcripts and caption files. Words are shown in lower case without
    their marks. Transcripts have no times, so that of pauses and length only the length is left
    there. "Restorer and pauses" ends a sentence at a mark or a pause. The last word of a file is
    not counted.

    Raises:
        InputError: if there are no marks.
    """
    texts = [
        _timed_words(path)
        for path in find_texts(paths)
        if path.suffix in SUFFIXES or is_held_out(path.name)
    ]
    truth = [np.array([tag_of(word.text) for word in words], dtype=np.int64) for words in texts]
    if not any(tags[:-1].any() for tags in truth):
        raise InputError(
            f"{', '.join(map(str, paths))}: what is held out has no marks; "
            "give more transcripts, or captions"
        )
    bare = [[replace(word, text=without_marks(word.text)) for word in words] for words in texts]
    begin = time.process_time()
    restored = [restorer.tags([word.text for word in words]) for words in bare]
    seconds = time.process_time() - begin
    found = {
        "restorer": restored,
        "restorer, then sentences": [_split(words, restorer) for words in bare],
        "restorer and pauses": [_split(words, restorer, SentenceOptions.pause) for words in bare],
        "pauses and length": [_split(words) for words in bare],
        f"every {USUAL_LENGTH} words": [
            np.where(np.arange(1, len(words) + 1) % USUAL_LENGTH, NONE, STOP) for words in bare
        ],
    }
    counts = {method: np.sum([*map(_count, tags, truth)], axis=0) for method, tags in found.items()}
    words = sum(map(len, bare))
    return Evaluation(len(bare), words, words / seconds, counts)


def _timed_words(path: Path) -> list[Word]:
    """Read the words of a caption file, or of a transcript, where all are at time 0.

    Words that hold nothing but marks are left out.
    """
    if path.suffix in SUFFIXES:
        words: Sequence[Word] = read_captions(path).words
    else:
        words = [Word(word, 0.0, 0.0) for word in read_words(path)]
    return [word for word in words if without_marks(word.text)]


def _split(
    words: Sequence[Word], restore: Restorer | None = None, silence: float = SentenceOptions.silence
) -> np.ndarray:
    """Return STOP for the last word of each sentence, NONE for the others: int64 [words]."""
    every = SentenceOptions(min_words=1, silence=silence)  # no sentence is dropped
    sentences = split_sentences(words, every, restore)
    tags = np.full(len(words), NONE, dtype=np.int64)
    tags[[end - 1 for end in accumulate(len(sentence.words) for sentence in sentences)]] = STOP
    return tags


def _count(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Count one file as Evaluation.counts does, without its last word: int64 [4, 3]."""
    pairs = [(np.isin(found[:-1], tags), np.isin(truth[:-1], tags)) for tags in SCORED.values()]
    return np.array([[(mine & true).sum(), mine.sum(), true.sum()] for mine, true in pairs])
