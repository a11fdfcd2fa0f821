"""What is said: the timed sentences of one video, and of many."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from feature_extraction.hearing.audio import stream_sound
from feature_extraction.hearing.captions.files import Captions, captions_in, read_captions
from feature_extraction.hearing.captions.streams import Subtitles, read_subtitles
from feature_extraction.hearing.languages import SPOKEN, short_language
from feature_extraction.hearing.punctuation.restorer import PunctuationRestorer
from feature_extraction.hearing.sentences import split_sentences
from feature_extraction.hearing.speech import DEFAULT_MODEL, Recogniser
from feature_extraction.options import LISTENERS, TranscriptOptions
from feature_extraction.schema import SCHEMA_VERSION, TRANSCRIPTS, Sentence, Word
from workfolder.errors import InputError, refuse_unknown
from workfolder.guard import Guards, Limits
from workfolder.maker import Made, Maker
from workfolder.once import Once
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.runner import JobOptions, make_ready, run_job
from workfolder.sources import Source
from workfolder.stage import VERSIONS, Stage, versions


@dataclass(frozen=True)
class Heard:
    """The words of one video.

    Attributes:
        source: who wrote them: captions:FILE, subtitles:STREAM, or a recogniser's name.
        partial: why they are not all, if they are not.
        seconds: how long it took, by part.
    """

    words: Sequence[Word]
    language: str | None
    source: str
    partial: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)


class Transcriber(Maker):
    """A video in, its timed sentences out. Files are read in processes of their own; the recogniser is here, for all videos."""

    def __init__(
        self,
        options: TranscriptOptions,
        limits: Limits = Limits(),
        recogniser: Recogniser | None = None,
    ) -> None:
        """``recogniser``: who listens in the stead of the one that ``options.asr`` names.

        InputError if the options cannot be.
        """
        self.options = options
        self.recogniser = _recogniser(options.asr, recogniser)
        if self.recogniser is not recogniser and short_language(options.language) not in (
            None,
            *SPOKEN,
        ):
            raise InputError(
                f"--language {options.language!r} is none that Whisper knows: give a code such as en or deu"
            )
        self._reads = options.asr in ("auto", "captions")
        self._limits = limits
        self._guards = Guards(limits, returns=[Captions, Subtitles, Word])
        self._captions = cache(
            lambda folder: captions_in(folder, options.language)
        )  # a folder may hold 300,000 videos
        self._restorer = Once(lambda: _restorer(options.punctuation))

    def __reduce__(self) -> tuple[type[Transcriber], tuple[Any, ...]]:
        """The processes stay behind."""
        return Transcriber, (self.options, self._limits, self.recogniser)

    def provenance(self) -> dict[str, Any]:
        """Everything that decides what is written, as JSON can hold it."""
        language = short_language(self.options.language)
        return {
            "schema": SCHEMA_VERSION,
            "asr": self.options.asr,
            **({"language": language} if language else {}),
            **_restorer_provenance(self.options.punctuation),
            **(self.recogniser.provenance() if self.recogniser else {}),
            **asdict(self.options.sentences),
            VERSIONS: versions("av", "ctranslate2", "faster-whisper", "openai-whisper", "torch"),
        }

    def prepare(self) -> None:
        """Load the restorer, and the recogniser where every video needs it: else its absence is that of some videos."""
        self._restorer()
        if self.recogniser and self.options.asr != "auto":
            self.recogniser.prepare()

    def __call__(self, source: Source) -> Made:
        """The rows of a video, see schema.TRANSCRIPTS; InputError if there is nothing that can be read or heard."""
        if self.options.asr == "none":
            return Made(TRANSCRIPTS.empty_table())
        heard = (self._read(source.path) if self._reads else None) or self._listen(source.path)
        sentences = split_sentences(heard.words, self.options.sentences, self._restorer())
        rows = [
            _row(source.video_id, index, sentence, heard)
            for index, sentence in enumerate(sentences)
        ]
        return Made(pa.Table.from_pylist(rows, schema=TRANSCRIPTS), heard.partial, heard.seconds)

    def close(self) -> None:
        """End the processes that read."""
        self._guards.close()

    def _read(self, video: Path) -> Heard | None:
        """What the captions beside a video say, or else the subtitles in it; None if it has neither."""
        path = self._captions(video.parent).get(video.stem)
        if path is not None:
            captions = self._guards.call(read_captions, path)
            name = os.fsencode(path.name).decode(
                "utf-8", "replace"
            )  # in a table, which takes no other
            return Heard(captions.words, captions.language, f"captions:{name}")
        subtitles = self._guards.call(read_subtitles, video, self.options.language)
        if subtitles is None:
            return None
        captions = subtitles.captions
        return Heard(
            captions.words, captions.language, f"subtitles:{subtitles.stream}", subtitles.damage
        )

    def _listen(self, video: Path) -> Heard:
        """What the recogniser hears; InputError if there is none."""
        if self.recogniser is None:
            raise InputError(
                f"{video} has no captions beside it, such as {video.stem}.en.vtt, and no subtitles: put them there, say "
                "--asr auto to have Whisper listen to it, or --asr none to learn from pictures alone"
            )
        begin = time.perf_counter()
        reading = self._guards.stream(stream_sound, video, self.options.language)
        speech = self.recogniser(reading, short_language(self.options.language))
        for (
            _
        ) in reading:  # a recogniser may leave early; why the sound is partial is told at its end
            continue
        seconds = {"read": reading.seconds, "speech": time.perf_counter() - begin}
        return Heard(speech.words, speech.language, self.recogniser.name, reading.result, seconds)


def transcribe(
    videos: Sequence[Source],
    work: Path,
    options: TranscriptOptions = TranscriptOptions(),
    job: JobOptions = JobOptions(),
    progress: Progress = silent,
    recogniser: Recogniser | None = None,
) -> Report:
    """Write DIR/transcripts/<video>.parquet for every video that has none yet.

    ``recogniser`` listens in the stead of Whisper. InputError if the options cannot be, the model that they name cannot
    be had, or DIR/transcripts was made with other options; a video that fails is in the report and failures.jsonl.
    """
    stage = Stage(work / "transcripts")
    transcriber = Transcriber(options, job.limits, recogniser)
    provenance = transcriber.provenance()
    make_ready(transcriber, stage, videos, job)
    stage.claim(provenance)
    return run_job(stage, videos, transcriber, job, progress)


def _recogniser(asr: str, given: Recogniser | None) -> Recogniser | None:
    """Who listens under ``--asr``, if anybody does; InputError if it is not known."""
    if given is not None and asr in ("auto", given.name):
        return given
    kind, colon, model = asr.partition(":")
    refuse_unknown("--asr", asr if colon and "whisper" not in kind else kind, LISTENERS)
    if kind in ("auto", "whisper"):
        from feature_extraction.hearing.recognisers.openai_whisper import OpenAIWhisper

        return OpenAIWhisper(model or DEFAULT_MODEL)
    if kind == "faster-whisper":
        from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper

        return FasterWhisper(model or DEFAULT_MODEL)
    return None


def _restorer(punctuation: str) -> PunctuationRestorer | None:
    return (
        None if punctuation == "none" else PunctuationRestorer.load(_restorer_folder(punctuation))
    )


def _restorer_provenance(punctuation: str) -> dict[str, str]:
    """Nothing where nothing is restored; InputError if there is no such restorer."""
    return (
        {}
        if punctuation == "none"
        else {"punctuation": PunctuationRestorer.digest(_restorer_folder(punctuation))}
    )


def _restorer_folder(punctuation: str) -> Path | None:
    """None is the one that comes with the package."""
    return None if punctuation == "restore" else Path(punctuation)


def _row(video_id: str, index: int, sentence: Sentence, heard: Heard) -> dict[str, object]:
    return {
        "video_id": video_id,
        "index": index,
        "start": sentence.start,
        "end": sentence.end,
        "text": sentence.text,
        "source": heard.source,
        "language": heard.language,
        "words": [
            {
                "word": word.text,
                "start": word.start,
                "end": word.end,
                "probability": word.probability,
            }
            for word in sentence.words
        ],
    }
