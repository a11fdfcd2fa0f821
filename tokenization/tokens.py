"""The stage ``tokenize``: a visual word for each clip, then the training examples of each video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from feature_extraction.schema import feature_matrix
from tokenization.assignments import Assignments
from tokenization.codebook import Codebook
from tokenization.examples_stage import write_examples
from tokenization.near_words_stage import write_near_words
from tokenization.options import TokenizeOptions
from tokenization.outdated import remove_outdated
from tokenization.schema import SCHEMA_VERSION, TOKENS
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.maker import Made, Maker
from workfolder.options import JobOptions
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.runner import begin, run_job
from workfolder.sources import Source
from workfolder.stage import Stage

GPU_SHARE = 1 / 8
"""Under --runner ray, eight actors share a GPU: most of their time goes into files."""
PLACE = ["video_id", "index", "start", "end"]
"""Columns of features and tokens that say where a clip is."""


def tokenize(
    work: Path,
    job: JobOptions = JobOptions(),
    progress: Progress = silent,
    options: TokenizeOptions = TokenizeOptions(),
) -> tuple[Report, ...]:
    """Write DIR/tokens/<video>.parquet, then DIR/examples/<video>.parquet, where they are missing.

    With ``options.near_words``, DIR/near_words/<video>.parquet is written between them.

    A file that is older than the features or the transcript it was made of is made again.

    Returns:
        The reports of the stages.

    Raises:
        InputError: if there is no codebook, if it does not fit the features, if either folder was
            made with other options, if no video has a transcript, or if there is no such device.
    """
    codebook = Codebook.load(work / "codebook")
    if options.device != "cpu":
        refuse_absent_device(options.device)
        codebook = codebook.on(options.device)
    reports = [write_tokens(work, codebook, job, progress)]
    if options.near_words:
        reports.append(write_near_words(work, codebook, options.near_words, job, progress))
    return *reports, write_examples(work, job, progress)


def write_tokens(
    work: Path, codebook: Codebook, job: JobOptions = JobOptions(), progress: Progress = silent
) -> Report:
    """Write the visual words of every video that has features and no words yet."""
    features, tokens = Stage(work / "features"), Stage(work / "tokens")
    sources = [Source(video, features.path(video)) for video in features.done()]
    if sources:
        codebook.refuse_other_features(features.options())  # once, not for each video
    maker = TokenMaker(codebook, features, Assignments.read(work / "codebook", codebook.digest))
    made_with = {"schema": SCHEMA_VERSION, "codebook": codebook.digest}
    begin(tokens, sources, maker, made_with, job)
    remove_outdated(tokens, features)
    return run_job(tokens, sources, maker, job, progress)


def refuse_absent_device(device: str) -> None:
    """Raise InputError if torch cannot compute on a device here."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: torch finds no CUDA GPU here: leave the option out")


@dataclass(frozen=True)
class TokenMaker(Maker):
    """Turns the features of a video into its visual words.

    Attributes:
        codebook: finds words.
        features: the stage of the features.
        assignments: the words that are known from the fit.
    """

    codebook: Codebook
    features: Stage
    assignments: Assignments

    @property
    def gpus(self) -> float:  # type: ignore[override]
        """The share of a GPU that an actor needs."""
        return GPU_SHARE if self.codebook.tree.device == "cuda" else 0.0

    def __call__(self, source: Source) -> Made:
        """Make the rows of a video, see schema.TOKENS."""
        words = self.assignments.words_of(source.path)
        if words is None:
            table = read_table(source.path, [*PLACE, "feature"])
            words = self.codebook.predict(feature_matrix(table), self.features.options())
        else:
            table = read_table(source.path, PLACE)
        return Made(table.select(PLACE).append_column("token", pa.array(words)).cast(TOKENS))
