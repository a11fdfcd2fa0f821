"""How good a punctuation restorer is, on texts that it was not trained on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np

from feature_extraction.hearing.captions.files import SUFFIXES, read_captions
from feature_extraction.hearing.punctuation.restorer import (
    COMMA,
    NONE,
    QUESTION,
    STOP,
    PunctuationRestorer,
    plain,
    tag_of,
)
from feature_extraction.hearing.punctuation.training import find_texts, is_held_out, read_words
from feature_extraction.hearing.sentences import Restorer, SentenceOptions, split_sentences
from feature_extraction.schema import Word
from workfolder.errors import InputError

SCORED = {
    "comma": (COMMA,),
    "full stop": (STOP,),
    "question mark": (QUESTION,),
    "sentence end": (STOP, QUESTION),
}
"""What is counted, and the tags that make it."""
USUAL_LENGTH = 16
"""Words of a sentence of YouCook2's transcripts, on average: a baseline cuts there."""


@dataclass(frozen=True)
class Evaluation:
    """How well marks were found.

    Attributes:
        files, words: how many were compared.
        speed: words that the restorer tags in a second of one core.
        counts: by method, for each of SCORED, how often it was found rightly, found at all, and is there: int64 [4, 3].
    """

    files: int
    words: int
    speed: float
    counts: Mapping[str, np.ndarray]

    def figures(self, method: str) -> np.ndarray:
        """Precision, recall and F1, in [0, 1], for each of SCORED: float64 [4, 3]; 0 where there is nothing to divide by."""
        right, found, there = self.counts[method].T
        return np.stack(
            [right / np.maximum(n, 1) for n in (found, there, (found + there) / 2)], axis=1
        )

    def __str__(self) -> str:
        """A table in per cent."""
        lines = [
            f"{self.files} files, {self.words} words; the restorer tags {self.speed:.0f} words a second on one core"
        ]
        lines.append(f"{'precision, recall, F1':<26}" + "".join(f"{mark:>20}" for mark in SCORED))
        for method in self.counts:
            cells = (
                "".join(f"{100 * value:6.1f}" for value in row) for row in self.figures(method)
            )
            lines.append(f"{method:<26}" + "".join(f"{cell:>20}" for cell in cells))
        return "\n".join(lines)


def evaluate(paths: Sequence[Path], restorer: PunctuationRestorer) -> Evaluation:
    """Compare the marks of held-out transcripts, and of caption files, with those that the restorer and the splitter find.

    Words are shown in lower case without their marks. Transcripts have no times, so of pauses and length only the length
    is left there; caption files have both. "Restorer and pauses" ends a sentence at a mark or a pause. The last word of a
    file is not counted. InputError if there are no marks.
    """
    texts = [
        _timed_words(path)
        for path in find_texts(paths)
        if path.suffix in SUFFIXES or is_held_out(path)
    ]
    truth = [np.array([tag_of(word.text) for word in words], dtype=np.int64) for words in texts]
    if not any(tags[:-1].any() for tags in truth):
        raise InputError(
            f"{', '.join(map(str, paths))}: no marks in what is held out; give more transcripts, or captions"
        )
    bare = [[replace(word, text=plain(word.text)) for word in words] for words in texts]
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
    counts = {method: np.sum([*map(_tally, tags, truth)], axis=0) for method, tags in found.items()}
    return Evaluation(len(bare), sum(map(len, bare)), sum(map(len, bare)) / seconds, counts)


def _timed_words(path: Path) -> list[Word]:
    """The words of a caption file, or those of a transcript, all at time 0; none that is nothing but marks."""
    words = (
        read_captions(path).words
        if path.suffix in SUFFIXES
        else [Word(word, 0.0, 0.0) for word in read_words(path)]
    )
    return [word for word in words if plain(word.text)]


def _split(
    words: Sequence[Word], restore: Restorer | None = None, silence: float = SentenceOptions.silence
) -> np.ndarray:
    """STOP for the last word of each sentence, NONE for the others: int64 [words]."""
    sentences = split_sentences(
        words, SentenceOptions(min_words=1, silence=silence), restore
    )  # 1: no word is dropped
    tags = np.full(len(words), NONE, dtype=np.int64)
    tags[[end - 1 for end in accumulate(len(sentence.words) for sentence in sentences)]] = STOP
    return tags


def _tally(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Counts as Evaluation holds them, of one file, without its last word: int64 [4, 3]."""
    pairs = [(np.isin(found[:-1], tags), np.isin(truth[:-1], tags)) for tags in SCORED.values()]
    return np.array([[(mine & true).sum(), mine.sum(), true.sum()] for mine, true in pairs])
