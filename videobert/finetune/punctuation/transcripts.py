"""Punctuated transcripts, from which a restorer learns.

A corpus is a .txt file a video, tokenised as the Penn Treebank is ("do n't", "salt ,") or not. The
names of the files decide which are held out: training never reads them, evaluation reads no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from feature_extraction.hearing.punctuation.restorer import NONE, tag_of, without_marks
from workfolder.errors import InputError

IGNORED = -100
"""The tag of a word that nothing is asked about, as torch's cross entropy has it."""
_CLITICS = frozenset("n't 's 're 've 'm 'll 'd".split())


@dataclass(frozen=True)
class Transcript:
    """A text as the model sees it.

    Attributes:
        words: in lower case, without marks.
        tags: int64 [words], of the marks that followed them. IGNORED for a last word without a
            mark, where the text just stops.
    """

    words: list[str]
    tags: np.ndarray


def find_texts(paths: Sequence[Path]) -> list[Path]:
    """List the files among the paths, and the .txt files of the folders among them, by name.

    Raises:
        InputError: if a path is not there.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} is not there: give a folder of .txt transcripts, or a file")
        found += sorted(path.glob("*.txt")) if path.is_dir() else [path]
    return found


def read_words(path: Path) -> list[str]:
    """Read the words of a transcript with their marks.

    Clitics, and marks that stand alone, are joined to the word before them.

    Raises:
        InputError: if the file cannot be read.
    """
    try:
        tokens = path.read_text(encoding="utf-8-sig").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}): give transcripts in UTF-8") from error
    words: list[str] = []
    for token in tokens:
        joins = not without_marks(token) or token.rstrip(",.?") in _CLITICS
        if not (joins and words):
            words.append(token)
        elif tag_of(words[-1]) == NONE:  # a second mark is dropped
            words[-1] += token
    return words


def make_transcript(words: Sequence[str]) -> Transcript:
    """Take words apart from their marks; what holds nothing but marks is left out."""
    said = [word for word in words if without_marks(word)]
    tags = np.array([tag_of(word) for word in said], dtype=np.int64)
    tags[-1:] = np.where(tags[-1:] == NONE, IGNORED, tags[-1:])
    return Transcript([without_marks(word) for word in said], tags)
