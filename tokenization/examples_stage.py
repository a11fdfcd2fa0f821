"""The second half of ``tokenize``: the training examples of each video."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tokenization.examples import SILENT_WORDS, TimedText, video_examples, within_video
from tokenization.outdated import remove_outdated
from tokenization.schema import EXAMPLES
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.options import JobOptions
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.runner import begin, run_job
from workfolder.sources import Source
from workfolder.stage import Stage

OUTSIDE = "sentences after the end of the video"
"""Why sentences are dropped."""

logger = logging.getLogger(__name__)


def write_examples(
    work: Path, job: JobOptions = JobOptions(), progress: Progress = silent
) -> Report:
    """Write the examples of every video that has visual words and a transcript.

    A video whose transcript failed is refused here, until it has one. A video that was never
    transcribed is waiting for it.

    Raises:
        InputError: if no video has a transcript.
    """
    tokens, transcripts = Stage(work / "tokens"), Stage(work / "transcripts")
    examples = Stage(work / "examples")
    sources = [Source(video, tokens.path(video)) for video in tokens.done()]
    heard = set(transcripts.done())
    if not any(source.video_id in heard for source in sources):
        raise InputError(
            f"{transcripts.folder} has no transcript of these videos: "
            f"run videobert transcribe VIDEOS --work {work}"
        )
    made_with = {**tokens.options(), "silent_words": SILENT_WORDS}
    maker = ExampleMaker(transcripts)
    begin(examples, sources, maker, {**made_with, "transcripts": transcripts.options()}, job)
    Ledger(examples).expect(sources)
    remove_outdated(examples, tokens, transcripts)
    unheard = Ledger(transcripts).read(source.video_id for source in sources).failed
    if unheard:
        logger.warning(
            "%s of %s videos become no examples, as they have no transcript: "
            "see videobert status --work %s",
            *(len(unheard), len(sources), work),
        )
    ready = [
        Source(source.video_id, source.path, _refusal(unheard.get(source.video_id)))
        for source in sources
        if source.video_id in heard or source.video_id in unheard
    ]
    return run_job(examples, ready, maker, job, progress)


def _refusal(reason: str | None) -> str | None:
    return reason and f"no transcript: {reason}"


@dataclass(frozen=True)
class ExampleMaker(Maker):
    """Turns the visual words and the transcript of a video into its examples.

    Attributes:
        transcripts: the stage of the transcripts.
    """

    transcripts: Stage

    def __call__(self, source: Source) -> Made:
        """Make the rows of a video, see schema.EXAMPLES."""
        transcript = read_table(self.transcripts.path(source.video_id), ["start", "end", "text"])
        sentences = [TimedText(**row) for row in transcript.to_pylist()]
        words = read_table(source.path)
        starts, ends, tokens = (words.column(name).to_numpy() for name in ("start", "end", "token"))
        inside = within_video(sentences, starts, ends)
        examples = video_examples(inside, starts, ends, tokens)
        rows = [{"video_id": source.video_id, **vars(example)} for example in examples]
        outside = len(sentences) - len(inside)
        return Made(
            pa.Table.from_pylist(rows, schema=EXAMPLES),
            dropped={OUTSIDE: outside} if outside else {},
        )
