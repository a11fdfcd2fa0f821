"""What a work folder holds to ask a model about: its examples, and its whole videos as visual words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from feature_extraction.errors import InputError
from feature_extraction.storage import Stage, read_table
from tokenization.codebook import Codebook
from videobert.pretraining.corpus import read_examples


@dataclass(frozen=True)
class Passages:
    """Stretches of video with their visual words, one at least, and what is said then, possibly nothing.

    Attributes:
        start, end: float64 [passages], seconds.
    """

    video: Sequence[str]
    start: np.ndarray
    end: np.ndarray
    text: Sequence[str]
    visual: Sequence[np.ndarray]

    def __len__(self) -> int:
        return len(self.video)

    def take(self, places: np.ndarray) -> Passages:
        """Those at ``places``, in that order."""
        video, text, visual = ([column[place] for place in places] for column in (self.video, self.text, self.visual))
        return Passages(video, self.start[places], self.end[places], text, visual)

    def spoken(self) -> Passages:
        """Those with a sentence."""
        return self.take(np.flatnonzero([bool(text.strip()) for text in self.text]))

    def drawn(self, most: int, seed: int = 0) -> Passages:
        """``most`` of them at random, in their order; all if there are no more."""
        places = np.random.default_rng(seed).permutation(len(self))[:most]
        return self.take(np.sort(places))

    def sentences(self) -> tuple[list[str], np.ndarray]:
        """The different sentences, whatever their case, and for each passage the number of its own, int [passages]."""
        _, first, number = np.unique([text.strip().casefold() for text in self.text], return_index=True, return_inverse=True)
        return [self.text[place] for place in first], number


@dataclass(frozen=True)
class Track:
    """A whole video, clip by clip in the order of time.

    Attributes:
        start, end: float64 [clips], seconds.
        words: int [clips], the visual words.
    """

    start: np.ndarray
    end: np.ndarray
    words: np.ndarray


def read_passages(work: Path, codebook: Codebook) -> Passages:
    """The rows of DIR/examples that have visual words.

    InputError if there are none, or their visual words are not those of ``codebook``.
    """
    table = read_examples(work)
    codebook.refuse_words_of_another(Stage(work / "examples"))
    rows = [row for row in table.to_pylist() if row["visual"]]
    if not rows:
        raise InputError(f"{work / 'examples'} has no example with visual words: give a folder with longer videos")
    start, end = (np.array([row[name] for row in rows], dtype=np.float64) for name in ("start", "end"))
    visual = [np.array(row["visual"], dtype=np.int64) for row in rows]
    return Passages([row["video_id"] for row in rows], start, end, [row["text"] for row in rows], visual)


def read_tracks(work: Path, codebook: Codebook) -> dict[str, Track]:
    """The videos of DIR/tokens by id; InputError if there are none, or their words are not those of ``codebook``."""
    stage = Stage(work / "tokens")
    videos = stage.done()
    if not videos:
        raise InputError(f"{stage.folder} holds no visual words: run videobert tokenize --work {work}")
    codebook.refuse_words_of_another(stage)
    columns = ["start", "end", "token"]
    tables = {video: read_table(stage.path(video), columns) for video in videos}
    return {video: Track(*(table.column(name).to_numpy() for name in columns)) for video, table in tables.items()}
