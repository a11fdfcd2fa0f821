"""Readers of a work folder: its examples, and its videos as visual words."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_extraction.schema import feature_matrix
from tokenization.codebook import Codebook
from tokenization.schema import EXAMPLES
from videobert.data.clips import Clips
from videobert.data.stretches import Stretch
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.packs import size_of
from workfolder.stage import Stage

DATA_DIGEST = "data_digest"
"""Key of data_digest in the options.json of a model or a captioner."""


def data_digest(*stages: Stage, of: Collection[str] | None = None) -> str:
    """Digest the names and sizes of the files of some stages, 16 hexadecimal digits.

    Names and sizes of 300,000 files take two seconds. Their contents would take minutes each time
    that a finished run is started again.

    Args:
        stages: whose files.
        of: the videos that count; None for all.
    """
    digest = hashlib.sha256()
    for stage in stages:
        for video in stage.done():
            if of is not None and video not in of:
                continue
            digest.update(f"{video} {size_of(stage.path(video))}\n".encode())
    return digest.hexdigest()[:16]


def examples_stage(work: Path) -> Stage:
    """Find DIR/examples.

    Raises:
        InputError: if it holds no examples.
    """
    stage = Stage(work / "examples")
    if not stage.done():
        raise InputError(f"{stage.folder} holds no examples: run videobert tokenize --work {work}")
    return stage


def token_stage(work: Path, codebook: Codebook) -> Stage:
    """Find DIR/tokens.

    Raises:
        InputError: if it holds no visual words, or those of another codebook.
    """
    tokens = Stage(work / "tokens")
    if not tokens.done():
        raise InputError(
            f"{tokens.folder} holds no visual words: run videobert tokenize --work {work}"
        )
    codebook.refuse_other_words(tokens)
    return tokens


def read_examples(work: Path) -> pa.Table:
    """Read the rows of DIR/examples, in the order of video and time.

    Raises:
        InputError: if there are none, or a file has other columns than examples have.
    """
    stage = examples_stage(work)
    tables = []
    for video in stage.done():
        path = stage.path(video)
        tables.append(read_table(path))
        if not tables[-1].schema.equals(EXAMPLES):
            raise InputError(
                f"{path} has other columns than examples have: delete it and run videobert "
                "tokenize again"
            )
    return pa.concat_tables(tables)


def read_stretches(work: Path, codebook: Codebook) -> list[Stretch]:
    """Read the rows of DIR/examples that have visual words.

    Raises:
        InputError: if there are none, or their visual words are of another codebook.
    """
    table, examples = read_examples(work), Stage(work / "examples")
    codebook.refuse_other_words(examples)
    stretches = []
    for row in table.to_pylist():
        words = np.array(row["visual"], dtype=np.int64)
        if len(words):
            codebook.refuse_words_beyond(words, examples.path(row["video_id"]))
            times = row["start"], row["end"]
            stretches.append(Stretch(row["video_id"], *times, row["text"], words))
    if not stretches:
        raise InputError(
            f"{examples.folder} has no example with visual words: give a folder with longer videos"
        )
    return stretches


def read_videos(work: Path, codebook: Codebook) -> dict[str, Clips]:
    """Read all videos of DIR/tokens, by id.

    Raises:
        InputError: if there are none, or their visual words are of another codebook.
    """
    stage = token_stage(work, codebook)
    return {video: read_clips(work, video, codebook) for video in stage.done()}


def read_clips(work: Path, video: str, codebook: Codebook, with_features: bool = False) -> Clips:
    """Read a video of DIR/tokens, and its features from DIR/features if they are asked for.

    Raises:
        InputError: if a file is missing or damaged, or the two do not belong together.
    """
    tokens, kept = Stage(work / "tokens").path(video), Stage(work / "features").path(video)
    columns = ["start", "end", "token"]
    table = read_table(tokens, columns)
    clips = Clips(*(table.column(name).to_numpy() for name in columns))
    codebook.refuse_words_beyond(clips.words, tokens)
    if not with_features:
        return clips
    features = feature_matrix(read_table(kept, ["feature"]))
    if len(features) != len(clips):
        raise InputError(
            f"{kept} has not the clips of {tokens}: delete that and run videobert tokenize"
        )
    return replace(clips, features=features)


def encode_clips(features: Stage, video: str, codebook: Codebook) -> Clips:
    """Read a video of DIR/features, and find its visual words.

    Raises:
        InputError: if the codebook was fitted on other features.
    """
    return clips_of_table(read_table(features.path(video)), codebook, features.options())


def clips_of_table(table: pa.Table, codebook: Codebook, made_with: dict[str, object]) -> Clips:
    """Find the visual words of rows of features.

    Args:
        table: Rows of feature_extraction.schema.features_schema.
        codebook: Gives the words.
        made_with: The options of the features.

    Raises:
        InputError: if the codebook was fitted on other features.
    """
    start, end = (table.column(name).to_numpy() for name in ("start", "end"))
    features = feature_matrix(table)
    return Clips(start, end, codebook.predict(features, made_with), features)
