"""What a work folder holds to ask a model about: its examples, and its whole videos as visual words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from feature_extraction.schema import feature_matrix
from tokenization.codebook import Codebook
from tokenization.examples import clips_within
from videobert.data.corpus import read_examples
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.stage import Stage


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
        video, text, visual = (
            [column[place] for place in places] for column in (self.video, self.text, self.visual)
        )
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
        _, first, number = np.unique(
            [text.strip().casefold() for text in self.text], return_index=True, return_inverse=True
        )
        return [self.text[place] for place in first], number


@dataclass(frozen=True)
class Track:
    """A video, or a part of one, clip by clip in the order of time.

    Attributes:
        start, end: float64 [clips], seconds.
        words: int [clips], the visual words.
        features: float16 [clips, width], the backbone's, which the words stand for; None where they were not read.
    """

    start: np.ndarray
    end: np.ndarray
    words: np.ndarray
    features: np.ndarray | None = None

    def within(self, start: float, end: float) -> Self:
        """Those that belong to the stretch from ``start`` to ``end``, in seconds, possibly none; see clips_within."""
        inside = (
            clips_within(self.start, self.end, start, end)
            if start <= end
            else np.empty(0, dtype=int)
        )
        features = None if self.features is None else self.features[inside]
        return replace(
            self,
            start=self.start[inside],
            end=self.end[inside],
            words=self.words[inside],
            features=features,
        )

    @property
    def mean(self) -> np.ndarray | None:
        """The mean feature, float32 [width]."""
        return None if self.features is None else self.features.astype(np.float32).mean(axis=0)


def read_passages(work: Path, codebook: Codebook) -> Passages:
    """The rows of DIR/examples that have visual words.

    InputError if there are none, or their visual words are not those of ``codebook``.
    """
    table, examples = read_examples(work), Stage(work / "examples")
    codebook.refuse_other_words(examples)
    rows = [row for row in table.to_pylist() if row["visual"]]
    if not rows:
        raise InputError(
            f"{examples.folder} has no example with visual words: give a folder with longer videos"
        )
    start, end = (
        np.array([row[name] for row in rows], dtype=np.float64) for name in ("start", "end")
    )
    visual = [np.array(row["visual"], dtype=np.int64) for row in rows]
    for row, words in zip(rows, visual, strict=True):
        codebook.refuse_words_beyond(words, examples.path(row["video_id"]))
    return Passages(
        [row["video_id"] for row in rows], start, end, [row["text"] for row in rows], visual
    )


def read_tracks(work: Path, codebook: Codebook) -> dict[str, Track]:
    """The videos of DIR/tokens by id; InputError if there are none, or their words are not those of ``codebook``."""
    return {
        video: read_track(work, video, codebook) for video in token_stage(work, codebook).done()
    }


def token_stage(work: Path, codebook: Codebook) -> Stage:
    """DIR/tokens; InputError if it holds nothing, or visual words of another codebook."""
    tokens = Stage(work / "tokens")
    if not tokens.done():
        raise InputError(
            f"{tokens.folder} holds no visual words: run videobert tokenize --work {work}"
        )
    codebook.refuse_other_words(tokens)
    return tokens


def read_track(work: Path, video: str, codebook: Codebook, with_features: bool = False) -> Track:
    """A video of DIR/tokens, with what DIR/features has of it where that is asked for; InputError if they do not fit."""
    tokens, kept = Stage(work / "tokens").path(video), Stage(work / "features").path(video)
    columns = ["start", "end", "token"]
    table = read_table(tokens, columns)
    track = Track(*(table.column(name).to_numpy() for name in columns))
    codebook.refuse_words_beyond(track.words, tokens)
    if not with_features:
        return track
    features = feature_matrix(read_table(kept, ["feature"]))
    if len(features) != len(track.words):
        raise InputError(
            f"{kept} has not the clips of {tokens}: delete that and run videobert tokenize"
        )
    return replace(track, features=features)


def encode_track(features: Stage, video: str, codebook: Codebook) -> Track:
    """A video of DIR/features, with the visual words of ``codebook``; InputError if its features are not those it knows."""
    table = read_table(features.path(video))
    starts, ends = (table.column(name).to_numpy() for name in ("start", "end"))
    found = feature_matrix(table)
    return Track(starts, ends, codebook.predict(found, features.options()), found)
