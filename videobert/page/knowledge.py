"""What a model knows, as the page tells it: how many videos, which corpus, its commonest words."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tokenization.pieces import words_of_one_piece
from videobert.loading import TrainedModel
from workfolder.files import read_json
from workfolder.ledger import Ledger
from workfolder.stage import OPTIONS_FILE, Stage

WORDS = 12
SHORTEST = 3
"""Letters of a word that is told."""
FUNCTION_WORDS = frozenset(
    "about all also and any are back because been but can cannot come did does doing done each for"
    " from get getting give going gonna good got had has have her here him his how into its just"
    " know let like little lot make me more much need next nice not now off okay one only other our"
    " out over put really right see she show since some start sure take than that the their them"
    " then there these they thing things this those time today too two use used very want was way"
    " well were what when where which while who will with would yes you your".split()
)
"""Words that every narration has; they say nothing of what a model knows."""


@dataclass(frozen=True)
class Knowledge:
    """What a model learnt from.

    Attributes:
        videos: how many; None if the model does not tell.
        corpus: the names of the folders that held them; empty if nobody knows.
        words: the commonest words of the narration; empty if the model keeps none.
    """

    videos: int | None
    corpus: list[str]
    words: list[str]


def knowledge(model: TrainedModel, folder: Path, work: Path | None) -> Knowledge:
    """Gather what the model's folder notes, and the names of the training videos' folders.

    Args:
        model: what was read from its folder.
        folder: the model's.
        work: the work folder, if there is one.
    """
    noted = read_json(folder / OPTIONS_FILE) if (folder / OPTIONS_FILE).exists() else {}
    return Knowledge(noted.get("videos"), _corpus(work), common_words(model))


def common_words(model: TrainedModel) -> list[str]:
    """List the words that training's narration said most often, the commonest first."""
    if model.bank is None:
        return []
    words = words_of_one_piece(model.processor.tokenizer, len(model.bank.pieces))
    order = np.argsort(-model.bank.pieces, kind="stable").tolist()
    told = (
        words[number]
        for number in order
        if model.bank.pieces[number]
        and len(words.get(number, "")) >= SHORTEST
        and words[number].lower() not in FUNCTION_WORDS
    )
    return [word for word, _ in zip(told, range(WORDS), strict=False)]


def video_paths(work: Path) -> dict[str, Path]:
    """Return where the videos of a work folder are, by id; those that are gone are left out."""
    stage = Stage(work / "features")
    ledger = Ledger(stage)
    paths = {video: ledger.path_of(video) for video in stage.done()}
    return {video: Path(path) for video, path in paths.items() if path and os.path.isfile(path)}


def _corpus(work: Path | None) -> list[str]:
    """Name the folders that hold most of the videos of a work folder, without where they are."""
    if work is None:
        return []
    names = Counter(
        path.parent.parent.name + "/" + path.parent.name for path in video_paths(work).values()
    )
    return [name for name, _ in names.most_common(2)]
