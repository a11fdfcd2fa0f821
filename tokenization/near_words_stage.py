"""The last part of ``tokenize``, where it is asked for: the words near each clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_extraction.schema import feature_matrix
from tokenization.codebook import Codebook
from tokenization.outdated import remove_outdated
from tokenization.schema import NEAR_WORDS, SCHEMA_VERSION
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.maker import Made, Maker
from workfolder.options import JobOptions
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.runner import begin, run_job
from workfolder.sources import Source
from workfolder.stage import Stage

FOLDER = "near_words"
PLACE = ["video_id", "index", "start", "end"]


def write_near_words(
    work: Path,
    codebook: Codebook,
    count: int,
    job: JobOptions = JobOptions(),
    progress: Progress = silent,
) -> Report:
    """Write DIR/near_words/<video>.parquet for every video that has features and visual words.

    Each clip is compared with every word: for 20,736 words of 1,024 numbers that is 42 million
    operations a clip, which a search down the tree does without.
    """
    features, tokens, near = (Stage(work / name) for name in ("features", "tokens", FOLDER))
    there = set(features.done())
    sources = [Source(video, tokens.path(video)) for video in tokens.done() if video in there]
    maker = NearWordsMaker(codebook, features, count)
    made_with = {"schema": SCHEMA_VERSION, "codebook": codebook.digest, "near_words": count}
    begin(near, sources, maker, made_with, job)
    remove_outdated(near, features, tokens)
    return run_job(near, sources, maker, job, progress)


@dataclass(frozen=True)
class NearWordsMaker(Maker):
    """Finds the words near the clips of a video.

    Attributes:
        codebook: finds words.
        features: the stage of the features.
        count: words of a clip.
    """

    codebook: Codebook
    features: Stage
    count: int

    def __call__(self, source: Source) -> Made:
        """Make the rows of a video, see schema.NEAR_WORDS."""
        path = self.features.path(source.video_id)
        rows, tokens = read_table(path, [*PLACE, "feature"]), read_table(source.path)
        if not rows.select(PLACE).equals(tokens.select(PLACE)):
            raise InputError(
                f"{source.path} has not the clips of {path}: delete it and run videobert tokenize"
            )
        words, distances = self.codebook.near_words(
            feature_matrix(rows),
            tokens.column("token").to_numpy(),
            self.features.options(),
            self.count,
        )
        found = rows.select(PLACE)
        for name, values in (("words", words), ("distances", distances)):
            ends = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
            found = found.append_column(name, pa.ListArray.from_arrays(ends, values.ravel()))
        return Made(found.cast(NEAR_WORDS))
