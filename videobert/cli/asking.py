"""What the verbs that ask a model share: reading a clip, and printing guesses."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from videobert.data.options import ClipOptions

if TYPE_CHECKING:
    from videobert.answers.visual_words import VisualGuess
    from videobert.answers.zero_shot import Guess
    from videobert.data.clip_encoder import EncodedClip
    from videobert.loading import TrainedModel


def encoded_clip(trained: TrainedModel, clip: Path, part: ClipOptions) -> EncodedClip:
    """Read a part of a clip as visual words; say so if the file is not whole."""
    from videobert.cli.console import progress_bars
    from videobert.data.clip_encoder import ClipEncoder

    with progress_bars() as progress:
        encoder = ClipEncoder(trained.processor.codebook, part.weights, use_cache=part.cache)
        encoded = encoder(clip, part.start, part.end, progress)
    if encoded.partial:
        sys.stderr.write(f"videobert: {clip} {encoded.partial}\n")
    return encoded


def print_guesses(
    title: str, columns: Mapping[str, Sequence[Guess] | Sequence[VisualGuess]]
) -> None:
    """Print guesses as a table, the best first, with its longer side down: screens are narrow."""
    from videobert.cli.console import print_table

    places = [f"{place}." for place in range(1, 1 + max(map(len, columns.values())))]
    told = [
        [name, *(f"{guess.word} {guess.probability:.0%}" for guess in guesses)]
        for name, guesses in columns.items()
    ]
    rows: list[Sequence[str]] = [["", *places], *told]
    if len(places) > len(columns):
        rows = list(zip_longest(*rows, fillvalue=""))
    print_table(title, rows[0], rows[1:])
