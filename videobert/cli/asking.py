"""What the verbs that ask a model share: reading a clip, and printing guesses."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from videobert.data.options import ClipOptions
from workfolder.errors import InputError

if TYPE_CHECKING:
    from videobert.answers.visual_words import VisualGuess
    from videobert.answers.zero_shot import Guess
    from videobert.data.clip_encoder import ClipEncoder, EncodedClip


def is_one(clips: Sequence[Path], work: Path | None) -> bool:
    """Tell whether one clip is asked about, in full.

    Raises:
        InputError: if there is nothing to ask about.
    """
    if not clips and not work:
        raise InputError("no clip was given: name a video, several, a folder, or --work DIR")
    one = work is None and len(clips) == 1
    return one and not clips[0].is_dir() and clips[0].suffix.lower() != ".txt"


def prepared_encoder(model: Path, part: ClipOptions) -> Future[ClipEncoder]:
    """Make ready, in a thread, what looks at a clip.

    That takes as long as it takes to import and read what answers. So a verb begins with it.
    """

    def prepared() -> ClipEncoder:
        from tokenization.codebook import CODEBOOK_FOLDER, Codebook
        from videobert.data.clip_encoder import ClipEncoder

        codebook = Codebook.load(model / CODEBOOK_FOLDER)
        encoder = ClipEncoder(codebook, part.weights, use_cache=part.cache)
        encoder.prepare()
        return encoder

    return ThreadPoolExecutor(1).submit(prepared)


def encoded_clip(encoder: Future[ClipEncoder], clip: Path, part: ClipOptions) -> EncodedClip:
    """Read a part of a clip as visual words; say so if the file is not whole."""
    from videobert.cli.console import progress_bars

    with progress_bars() as progress:
        encoded = encoder.result()(clip, part.start, part.end, progress)
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
