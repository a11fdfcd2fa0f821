"""What is said: the timed sentences of one video, and of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa

from feature_extraction.captions import find_captions, read_captions
from feature_extraction.errors import InputError, refuse_unknown
from feature_extraction.guard import Guards, Limits
from feature_extraction.jobs import JobOptions, Made, Report, Work, run_job
from feature_extraction.progress import Progress, silent
from feature_extraction.schema import SCHEMA_VERSION, TRANSCRIPTS, Sentence
from feature_extraction.sentences import SentenceOptions, split_sentences
from feature_extraction.sources import Source
from feature_extraction.storage import Stage

LISTENERS = ("captions", "none")


@dataclass(frozen=True)
class TranscriptOptions:
    """Where the words come from, and how they become sentences.

    Attributes:
        asr: ``captions`` reads the caption file beside each video; ``none`` hears nothing.
        sentences: where a sentence ends.
    """

    asr: str = "captions"
    sentences: SentenceOptions = field(default_factory=SentenceOptions)


class Transcriber(Work):
    """A video in, its timed sentences out."""

    def __init__(self, options: TranscriptOptions, limits: Limits = Limits()) -> None:
        self.options = options
        self._limits = limits
        self._guards = Guards(limits)

    def __reduce__(self) -> tuple[type[Transcriber], tuple[TranscriptOptions, Limits]]:
        """The processes stay behind."""
        return Transcriber, (self.options, self._limits)

    def __call__(self, source: Source) -> Made:
        """The rows of a video, see schema.TRANSCRIPTS; InputError if it has no captions that can be read."""
        if self.options.asr == "none":
            return Made(TRANSCRIPTS.empty_table())
        path = find_captions(source.path)
        if path is None:
            raise InputError(
                f"{source.path} has no captions beside it, such as {source.path.stem}.en.vtt: "
                "put them there, or say --asr none to learn from its pictures alone"
            )
        captions = self._guards.call(read_captions, path)
        sentences = split_sentences(captions.words, self.options.sentences)
        rows = [
            _row(source.video_id, index, sentence, f"captions:{path.name}", captions.language)
            for index, sentence in enumerate(sentences)
        ]
        return Made(pa.Table.from_pylist(rows, schema=TRANSCRIPTS))

    def close(self) -> None:
        """End the processes that read."""
        self._guards.close()


def transcribe(
    videos: Sequence[Source],
    work: Path,
    options: TranscriptOptions = TranscriptOptions(),
    job: JobOptions = JobOptions(),
    progress: Progress = silent,
) -> Report:
    """Write DIR/transcripts/<video>.parquet for every video that has none yet.

    InputError if DIR/transcripts was made with other options; a video that fails is in the report and failures.jsonl.
    """
    refuse_unknown("--asr", options.asr, LISTENERS)
    stage = Stage(work / "transcripts")
    stage.claim({"schema": SCHEMA_VERSION, "asr": options.asr, **asdict(options.sentences)})
    return run_job(stage, videos, Transcriber(options, job.limits), job, progress)


def _row(video_id: str, index: int, sentence: Sentence, source: str, language: str | None) -> dict[str, object]:
    return {
        "video_id": video_id,
        "index": index,
        "start": sentence.start,
        "end": sentence.end,
        "text": sentence.text,
        "source": source,
        "language": language,
        "words": [
            {"word": word.text, "start": word.start, "end": word.end, "probability": word.probability}
            for word in sentence.words
        ],
    }
