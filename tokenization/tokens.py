"""A visual word for each clip, then the training examples; one file a video each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from feature_extraction.errors import InputError
from feature_extraction.jobs import JobOptions, Made, Report, Work, run_job
from feature_extraction.progress import Progress, silent
from feature_extraction.schema import feature_matrix
from feature_extraction.sources import Source
from feature_extraction.storage import Stage, read_table
from tokenization.codebook import Codebook
from tokenization.examples import SILENT_WORDS, TimedText, video_examples
from tokenization.schema import EXAMPLES, SCHEMA_VERSION, TOKENS


@dataclass(frozen=True)
class Tokenizer(Work):
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
class ExampleMaker(Work):
    """The visual words of a video in, its examples out."""

    transcripts: Stage

    def __call__(self, source: Source) -> Made:
        """The rows of a video, see schema.EXAMPLES."""
        sentences = read_table(self.transcripts.path(source.video_id), columns=["start", "end", "text"]).to_pylist()
        words = read_table(source.path)
        starts, ends, tokens = (words.column(name).to_numpy() for name in ("start", "end", "token"))
        examples = video_examples([TimedText(**row) for row in sentences], starts, ends, tokens)
        rows = [{"video_id": source.video_id, **vars(example)} for example in examples]
        return Made(pa.Table.from_pylist(rows, schema=EXAMPLES))


def tokenize(work: Path, job: JobOptions = JobOptions(), progress: Progress = silent) -> tuple[Report, Report]:
    """Write DIR/tokens/<video>.parquet, then DIR/examples/<video>.parquet, for every video that has none yet.

    A video has examples once it has features and a transcript. InputError if there is no codebook, if it does not fit
    the features, or if either folder was made otherwise.
    """
    features, transcripts = Stage(work / "features"), Stage(work / "transcripts")
    codebook = Codebook.load(work / "codebook")
    tokens = Stage(work / "tokens")
    tokens.claim({"schema": SCHEMA_VERSION, "codebook": codebook.digest})
    sources = [Source(video, features.path(video)) for video in features.done()]
    tokens_report = run_job(tokens, sources, Tokenizer(codebook, features), job, progress)

    heard = set(transcripts.done())
    sources = [Source(video, tokens.path(video)) for video in tokens.done() if video in heard]
    if not sources:
        raise InputError(
            f"{transcripts.folder} has no transcript of these videos: run videobert transcribe VIDEOS --work {work}"
        )
    examples = Stage(work / "examples")
    examples.claim({**tokens.options(), "silent_words": SILENT_WORDS, "transcripts": transcripts.options()})
    return tokens_report, run_job(examples, sources, ExampleMaker(transcripts), job, progress)
