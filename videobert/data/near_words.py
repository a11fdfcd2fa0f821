"""Visual words that a clip might have had, drawn with the chances that its distances give.

A clip between two centroids has the word of one of them by a hair. Drawn anew each epoch, its word
tells the model that the two look alike, as drawing the pieces of a word anew does for text (Kudo,
2018, "Subword Regularization").

Shapes: [clips] are the visual words of all examples one after the other, [near] the words of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from tokenization.examples import clips_of_example
from tokenization.near_words_stage import FOLDER
from tokenization.options import NEAR_WORDS
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.stage import Stage


@dataclass(frozen=True)
class NearWords:
    """The words that the clips of each example may get.

    Attributes:
        words: int32 [clips, near].
        up_to: float32 [clips, near], the chance of a word or one before it; it ends in 1.
        begins: int64 [examples + 1], the first clip of each example, and the number of clips.
    """

    words: np.ndarray
    up_to: np.ndarray
    begins: np.ndarray

    def draw(self, example: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the visual words of an example, int32 [its clips]."""
        here = slice(self.begins[example], self.begins[example + 1])
        up_to = self.up_to[here]
        drawn = (rng.random((len(up_to), 1), dtype=np.float32) >= up_to[:, :-1]).sum(axis=1)
        return np.take_along_axis(self.words[here], drawn[:, None], axis=1)[:, 0]

    @property
    def strayed(self) -> float:
        """The share of clips that get another word than their own, on average."""
        return 1 - float(self.up_to[:, 0].mean()) if len(self.up_to) else 0.0


def chances(distances: np.ndarray, stray: float) -> np.ndarray:
    """Compute how likely each of the words near a clip is.

    Words are taken for round clouds of equal size, ``stray`` times as wide as the mean squared
    distance between a clip and the centroid of its word. The chance is that of the clip being of
    that cloud.

    Args:
        distances: float [clips, near], those to the clip's own word first.
        stray: more than 0; towards 0 the nearest word is certain.

    Returns:
        float64 [clips, near], of sum 1.
    """
    squares = np.square(distances, dtype=np.float64)
    spread = 2 * stray * squares[:, 0].mean() if len(squares) else 0.0
    nearest = squares.min(axis=1, keepdims=True, initial=np.inf)
    away = (squares - nearest) / max(spread, np.finfo(np.float64).tiny)
    likely = np.exp(-np.minimum(away, np.log(np.finfo(np.float64).max)))
    likely[:, 1:] *= spread > 0  # where every clip lies on its centroid, all stay
    found: np.ndarray = likely / likely.sum(axis=1, keepdims=True)
    return found


def read_near_words(work: Path, examples: pa.Table, codebook: str, stray: float) -> NearWords:
    """Read what ``tokenize --near-words`` kept, for the clips of the examples.

    Args:
        work: the work folder.
        examples: rows of tokenization.schema.EXAMPLES, video after video.
        codebook: the digest of their codebook.
        stray: see ``chances``.

    Raises:
        InputError: if nothing was kept of a video, or not of these examples.
    """
    stage, advice = near_words_stage(work), _advice(work)
    if stage.options().get("codebook") != codebook:
        raise InputError(f"{stage.folder} is of another codebook: delete it and {advice}")
    words, distances = [], []
    for rows in _by_video(examples):
        video = rows.column("video_id")[0].as_py()
        clips = read_table(stage.path(video)) if stage.has(video) else None
        places = None if clips is None else _places(rows, clips)
        if clips is None or places is None:
            raise InputError(
                f"{stage.folder} has not the clips of video {video} as its examples have them: "
                f"{advice}"
            )
        words.append(_matrix(clips, "words")[places])
        distances.append(_matrix(clips, "distances")[places])
    up_to = chances(np.concatenate(distances), stray).cumsum(axis=1).astype(np.float32)
    lengths = examples.column("visual").combine_chunks().value_lengths().to_numpy()
    return NearWords(np.concatenate(words), up_to, np.append(0, np.cumsum(lengths)))


def near_words_stage(work: Path) -> Stage:
    """Find DIR/near_words.

    Raises:
        InputError: if nothing was kept there.
    """
    stage = Stage(work / FOLDER)
    if not stage.done():
        raise InputError(f"--sample-words needs the words near each clip: {_advice(work)}")
    return stage


def _advice(work: Path) -> str:
    return f"run videobert tokenize --near-words {NEAR_WORDS} --work {work}"


def _by_video(examples: pa.Table) -> Iterator[pa.Table]:
    """Yield the rows of each video, which stand together."""
    video = examples.column("video_id").combine_chunks().dictionary_encode().indices.to_numpy()
    edges = [0, *(np.flatnonzero(np.diff(video)) + 1).tolist(), len(video)]
    for first, end in pairwise(edges):
        yield examples.slice(first, end - first)


def _places(rows: pa.Table, clips: pa.Table) -> np.ndarray | None:
    """Find the clip of each visual word of a video's examples; None if they do not fit."""
    starts, ends = (clips.column(name).to_numpy() for name in ("start", "end"))
    tokens = _matrix(clips, "words")[:, 0]
    found = [np.empty(0, dtype=np.int64)]
    for row in rows.select(["start", "end", "text", "visual"]).to_pylist():
        # A transcript may have a sentence without a letter.
        for silent in (not row["text"], False):
            places = clips_of_example(starts, ends, row["start"], row["end"], silent)
            if tokens[places].tolist() == row["visual"]:
                found.append(places)
                break
        else:
            return None
    return np.concatenate(found)


def _matrix(clips: pa.Table, name: str) -> np.ndarray:
    lists = clips.column(name).combine_chunks()
    flat: np.ndarray = lists.flatten().to_numpy()
    return flat.reshape(len(clips), -1)
