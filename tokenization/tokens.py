"""A visual word for each clip, then the training examples; one file a video each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from feature_extraction.schema import feature_matrix
from tokenization.codebook import Codebook
from tokenization.examples import SILENT_WORDS, TimedText, video_examples
from tokenization.schema import EXAMPLES, SCHEMA_VERSION, TOKENS
from workfolder.errors import InputError
from workfolder.files import cannot_write, read_table
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.runner import JobOptions, run_job
from workfolder.sources import Source
from workfolder.stage import Stage


@dataclass(frozen=True)
class TokenMaker(Maker):
    """The features of a video in, its visual words out."""

    codebook: Codebook
    features: Stage

    def __call__(self, source: Source) -> Made:
        """The rows of a video, see schema.TOKENS."""
        table = read_table(source.path)
        tokens = self.codebook.predict(feature_matrix(table), self.features.options())
        spans = table.select(["video_id", "index", "start", "end"])
        return Made(spans.append_column("token", pa.array(tokens)).cast(TOKENS))


@dataclass(frozen=True)
class ExampleMaker(Maker):
    """The visual words of a video in, its examples out."""

    transcripts: Stage

    def __call__(self, source: Source) -> Made:
        """The rows of a video, see schema.EXAMPLES."""
        sentences = read_table(
            self.transcripts.path(source.video_id), columns=["start", "end", "text"]
        ).to_pylist()
        words = read_table(source.path)
        starts, ends, tokens = (words.column(name).to_numpy() for name in ("start", "end", "token"))
        examples = video_examples([TimedText(**row) for row in sentences], starts, ends, tokens)
        rows = [{"video_id": source.video_id, **vars(example)} for example in examples]
        return Made(pa.Table.from_pylist(rows, schema=EXAMPLES))


def tokenize(
    work: Path, job: JobOptions = JobOptions(), progress: Progress = silent
) -> tuple[Report, Report]:
    """Write DIR/tokens/<video>.parquet, then DIR/examples/<video>.parquet, for every video that has none yet.

    What is older than the features or the transcript it is of is made again. A video has examples once it has features and a
    transcript; without one it is waiting. InputError if there is no codebook, if it does not fit the features, or if either
    folder was made otherwise.
    """
    features, transcripts = Stage(work / "features"), Stage(work / "transcripts")
    codebook = Codebook.load(work / "codebook")
    sources = [Source(video, features.path(video)) for video in features.done()]
    if sources:
        codebook.refuse_other_features(features.options())  # here, as it is no video's failure
    tokens = Stage(work / "tokens")
    tokens.claim({"schema": SCHEMA_VERSION, "codebook": codebook.digest})
    _remove_outdated(tokens, features)
    tokens_report = run_job(tokens, sources, TokenMaker(codebook, features), job, progress)

    heard = set(transcripts.done())
    sources = [Source(video, tokens.path(video)) for video in tokens.done()]
    spoken = [source for source in sources if source.video_id in heard]
    if not spoken:
        raise InputError(
            f"{transcripts.folder} has no transcript of these videos: run videobert transcribe VIDEOS --work {work}"
        )
    examples = Stage(work / "examples")
    examples.claim(
        {**tokens.options(), "silent_words": SILENT_WORDS, "transcripts": transcripts.options()}
    )
    Ledger(examples).expect(
        source for source in sources if source.video_id not in heard
    )  # status tells who is waiting
    _remove_outdated(examples, tokens, transcripts)
    return tokens_report, run_job(examples, spoken, ExampleMaker(transcripts), job, progress)


def _remove_outdated(stage: Stage, *origins: Stage) -> None:
    """Take away each file that is older than what it was made of, such as that of a partial video that was extracted again."""
    newest: dict[str, int] = {}
    for origin in origins:
        for name, when in _written(origin):
            newest[name] = max(newest.get(name, 0), when)
    for name, when in _written(stage):
        if when < newest.get(name, 0):
            path = stage.folder / name
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise cannot_write(path, error) from error


def _written(stage: Stage) -> Iterator[tuple[str, int]]:
    """Each video's file and when it was written; 100,000 take half a second."""
    for entry in os.scandir(stage.folder) if stage.folder.is_dir() else ():
        if entry.name.endswith(".parquet") and entry.name[0] != ".":
            with suppress(FileNotFoundError):  # another run has taken it away
                yield entry.name, entry.stat().st_mtime_ns
