"""The bank: what a model remembers of its training, so that later questions are fair.

A model favours words that are common and clips that fit everything. How much it does so can be
measured without a label: it is asked the same question about many training clips. The bank keeps
what that takes.

    examples     a random sample of training's examples, in ids
    pieces       how often training said each WordPiece
    frames       sentences with a [MASK] for the verb and the noun, in the words of the narration
    leanings     how strongly the model leans to each WordPiece at each mask of the frames
    search       how search should mix what it knows; found on videos kept apart
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from workfolder.errors import InputError
from workfolder.files import read_json, read_table, write_json, write_table

BANK_FOLDER = "bank"
_EXAMPLES, _PIECES, _NOTES = "examples.parquet", "pieces.parquet", "bank.json"
_LEANINGS = "leanings.parquet"
_LEANINGS_SCHEMA = pa.schema([("frame", pa.string()), ("scores", pa.list_(pa.float32()))])
_SCHEMA = pa.schema([("text", pa.list_(pa.int32())), ("visual", pa.list_(pa.int32()))])


@dataclass(frozen=True)
class SearchMix:
    """How search mixes what it knows of a stretch.

    Attributes:
        model: Share of the model beside BM25, in [0, 1].
        likelihood: Share of the likelihood beside the alignment head in what the model says.
        asked: On how many sentences the two were found; 0 if they are the defaults.
    """

    model: float = 0.5
    likelihood: float = 0.5
    asked: int = 0


@dataclass(frozen=True)
class Bank:
    """What a model remembers of its training.

    Attributes:
        texts: The WordPiece ids of each example's sentence; empty where nobody speaks.
        visual: The visual words of each example, one at least.
        pieces: How often training said each WordPiece, int64 [text ids].
        frames: Templates of two masks, the most varied first; possibly none.
        leanings: For a frame, the mean log probability of each WordPiece at each mask over the
            examples, float32 [masks, text ids]; see answers.calibration.
        search: How search mixes what it knows.
        kept: What was computed over the examples in this process, by question.
    """

    texts: Sequence[np.ndarray]
    visual: Sequence[np.ndarray]
    pieces: np.ndarray
    frames: tuple[str, ...] = ()
    leanings: Mapping[str, np.ndarray] = field(default_factory=dict)
    search: SearchMix = SearchMix()
    kept: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def sentences(self) -> list[np.ndarray]:
        """The ids of the examples that have a sentence."""
        return [text for text in self.texts if len(text)]

    def save(self, folder: Path) -> None:
        """Write the bank into a model's folder."""
        home = folder / BANK_FOLDER
        home.mkdir()
        columns = {"text": list(self.texts), "visual": list(self.visual)}
        write_table(pa.table(columns, schema=_SCHEMA), home / _EXAMPLES)
        write_table(pa.table({"count": self.pieces}), home / _PIECES)
        by_frame = {
            "frame": list(self.leanings),
            "scores": [m.ravel() for m in self.leanings.values()],
        }
        write_table(pa.table(by_frame, schema=_LEANINGS_SCHEMA), home / _LEANINGS)
        notes = {"frames": list(self.frames), "search": asdict(self.search)}
        write_json(notes, home / _NOTES)

    @classmethod
    def load(cls, folder: Path) -> Bank | None:
        """Read the bank of a model's folder; None if it has none.

        Raises:
            InputError: if it is not whole, or a file is damaged.
        """
        home = folder / BANK_FOLDER
        if not home.is_dir():
            return None
        examples, pieces, rows = (
            read_table(home / name) for name in (_EXAMPLES, _PIECES, _LEANINGS)
        )
        notes = read_json(home / _NOTES)
        try:
            texts, visual = (
                [np.asarray(row, dtype=np.int64) for row in examples.column(name).to_pylist()]
                for name in _SCHEMA.names
            )
            counts = pieces.column("count").to_numpy()
            leanings = {
                row["frame"]: np.asarray(row["scores"], np.float32).reshape(-1, len(counts))
                for row in rows.to_pylist()
            }
            frames, search = tuple(notes["frames"]), SearchMix(**notes["search"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{home} does not hold what a model remembers: copy the model's folder again"
            ) from error
        return cls(texts, visual, counts, frames, leanings, search)
