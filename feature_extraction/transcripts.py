"""What is said: the timed sentences of one video, and of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from feature_extraction.hearing.captions.cues import EMPTY_CUES, NO_CAPTIONS
from feature_extraction.hearing.captions.encodings import check_encoding
from feature_extraction.hearing.captions.formats import Captions
from feature_extraction.hearing.captions.subtitle_streams import Subtitles
from feature_extraction.hearing.hallucinations import SILENCE, SOUNDS
from feature_extraction.hearing.languages import SPOKEN, short_language
from feature_extraction.hearing.punctuation.restorer import PunctuationRestorer
from feature_extraction.hearing.recognisers.known import RECOGNISERS
from feature_extraction.hearing.recognisers.one_model import DEFAULT_MODEL, OneModel
from feature_extraction.hearing.recognisers.recogniser import Recogniser
from feature_extraction.hearing.sentences import split_sentences
from feature_extraction.hearing.word_sources import Heard, WordSources
from feature_extraction.options import ALIGNERS, LISTENERS, TranscriptOptions
from feature_extraction.schema import SCHEMA_VERSION, TRANSCRIPTS, Sentence, Word
from workfolder.build_once import Once
from workfolder.errors import InputError, refuse_unknown
from workfolder.guard import Guards, Limits
from workfolder.maker import Made, Maker
from workfolder.paths import refuse_address
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.runner import JobOptions, begin, run_job
from workfolder.shards import own_share
from workfolder.sources import Source
from workfolder.stage import VERSIONS, Stage, versions

HONEST = frozenset({SOUNDS, SILENCE, EMPTY_CUES})
"""Reasons for which nothing that was said is dropped."""
LONE_WORDS = "words alone between silences"
"""Reason for which words become no sentence."""
ALIGN = "align"
"""What options.json calls how words got their times."""


class Transcriber(Maker):
    """A video in, its timed sentences out. One recogniser serves all videos."""

    def __init__(
        self,
        options: TranscriptOptions,
        limits: Limits = Limits(),
        recogniser: Recogniser | None = None,
        follow_links: bool = False,
    ) -> None:
        """Check the options.

        Args:
            options: where the words come from, and how they become sentences.
            limits: what reading one file may take.
            recogniser: listens in place of the one that ``options.asr`` names.
            follow_links: whether captions may be links that lead out of their folder.

        Raises:
            InputError: if an option names what is not known.
        """
        self.options = options
        self.recogniser = _recogniser(options, recogniser)
        known = (None, *SPOKEN)
        if self.recogniser is not recogniser and short_language(options.language) not in known:
            raise InputError(
                f"--language {options.language!r} is not known to Whisper: give a code such as en "
                "or deu"
            )
        if options.encoding is not None:
            check_encoding(options.encoding)
        self._limits, self._follow_links = limits, follow_links
        self._guards = Guards(limits, returns=[Captions, Subtitles, Word])
        reads = options.asr in ("auto", "captions")
        self._aligner = _aligner(options, self.recogniser)
        choice = options.language, options.encoding, follow_links, options.captions, self._aligner
        self._sources = WordSources(self._guards, reads, self.recogniser, *choice)
        self._restorer = Once(lambda: find_restorer(options.punctuation))

    def __reduce__(self) -> tuple[type[Transcriber], tuple[Any, ...]]:
        """Leave the processes behind."""
        return Transcriber, (self.options, self._limits, self.recogniser, self._follow_links)

    @cached_property
    def gpus(self) -> float:  # type: ignore[override]
        """The share of a GPU that who listens or aligns needs."""
        asked = (self.recogniser, self._aligner)
        return max((each.gpus for each in asked if each), default=0.0)

    def provenance(self) -> dict[str, Any]:
        """Return everything that decides what is written, as JSON can hold it."""
        language = short_language(self.options.language)
        return {
            "schema": SCHEMA_VERSION,
            "asr": self.options.asr,
            **({"language": language} if language else {}),
            **({"encoding": self.options.encoding} if self.options.encoding else {}),
            **({"captions": str(self.options.captions)} if self.options.captions else {}),
            **restorer_provenance(self.options.punctuation),
            **(self.recogniser.provenance() if self.recogniser else {}),
            **({ALIGN: _aligns(self._aligner)} if self._aligner else {}),
            **asdict(self.options.sentences),
            VERSIONS: versions("av", "ctranslate2", "faster-whisper", "openai-whisper", "torch"),
        }

    def prepare(self) -> None:
        """Load the restorer, who aligns, and the recogniser where every video needs it.

        Under ``auto`` its absence is the failure of the videos without captions.
        """
        self._restorer()
        if self._aligner:
            self._aligner.prepare()
        if self.recogniser and self.options.asr != "auto":
            self.recogniser.prepare()

    def __call__(self, source: Source) -> Made:
        """Make the rows of a video, see schema.TRANSCRIPTS.

        The first source that does not lose all words is taken; why others were not is noted.

        Raises:
            InputError: if nothing can be read or heard, or all words were lost.
        """
        if self.options.asr == "none":
            return Made(TRANSCRIPTS.empty_table())
        passed: list[str] = []
        dropped = Counter[str]()
        for read in self._sources.readers(source):
            try:
                heard = read()
            except InputError as error:
                passed.append(str(error))
                continue
            if heard is None:
                continue
            sentences = split_sentences(heard.words, self.options.sentences, self._restorer())
            alone = len(heard.words) - sum(len(sentence.words) for sentence in sentences)
            lost = +Counter({**heard.dropped, LONE_WORDS: alone})
            dropped += lost
            if sentences or not self._has_lost(heard):
                return _made(source, heard, sentences, passed, dropped)
            if NO_CAPTIONS not in heard.dropped:  # else it is what downloaders write about a video
                reasons = ", ".join(f"{count} {reason}" for reason, count in lost.items())
                passed.append(f"{source.path} has no words left from {heard.source} ({reasons})")
        raise InputError("; ".join(dict.fromkeys(passed)) or _advice(source.path))

    def close(self) -> None:
        """End the processes that read."""
        self._guards.close()

    def _has_lost(self, heard: Heard) -> bool:
        """Say whether words were lost, where no sentence is left.

        A recogniser hears lone words in silence, which are not believed; in captions they are.
        """
        listened = self.recogniser is not None and heard.source == self.recogniser.name
        return bool(heard.dropped.keys() - HONEST) or (bool(heard.words) and not listened)


def check(options: TranscriptOptions) -> None:
    """Refuse what ``transcribe`` refuses for every video, as far as that can be told in seconds.

    Raises:
        InputError: if an option is not known, or names a model or a restorer that is not there.
    """
    Transcriber(options).provenance()


def transcribe(
    videos: Sequence[Source],
    work: Path,
    options: TranscriptOptions = TranscriptOptions(),
    job: JobOptions = JobOptions(),
    progress: Progress = silent,
    recogniser: Recogniser | None = None,
) -> Report:
    """Write DIR/transcripts/<video>.parquet for every video that has none yet.

    Args:
        videos: a video that fails is in the report and in failures.jsonl.
        work: the folder DIR.
        options: where the words come from, and how they become sentences.
        job: how many videos at a time, and where.
        progress: is told how far it is.
        recogniser: listens in place of Whisper.

    Raises:
        InputError: if the options contradict one another, the model that they name cannot be had or
            cannot work here, or DIR/transcripts was made with other options.
    """
    stage = Stage(work / "transcripts")
    transcriber = Transcriber(options, job.limits, recogniser, job.follow_links)
    share = own_share(videos, job)
    begin(stage, share, transcriber, transcriber.provenance(), job)
    return run_job(stage, share, transcriber, job, progress)


def _made(
    source: Source,
    heard: Heard,
    sentences: Sequence[Sentence],
    passed: Sequence[str],
    dropped: Mapping[str, int],
) -> Made:
    """Make the rows; ``passed`` says why better sources of words were not taken."""
    rows = [_row(source.video_id, index, said, heard) for index, said in enumerate(sentences)]
    table = pa.Table.from_pylist(rows, schema=TRANSCRIPTS)
    instead = f"is read from {heard.source}, as {'; '.join(passed)}" if passed else None
    note = "; ".join(filter(None, (heard.note, instead))) or None
    return Made(table, note, heard.seconds, dict(dropped))


def _advice(video: Path) -> str:
    return (
        f"{video} has no captions beside it, such as {video.stem}.en.vtt, and no subtitles: put "
        "them there, say --asr auto to have Whisper listen to it, or --asr none to learn from "
        "pictures alone"
    )


def _recogniser(options: TranscriptOptions, given: Recogniser | None) -> Recogniser | None:
    """Return who listens under ``--asr``, if anybody does.

    Raises:
        InputError: if it is not known, or its model is an address.
    """
    asr = options.asr
    if given is not None and asr in ("auto", given.name):
        return given
    kind, model = _kind_and_model("--asr", asr, LISTENERS)
    known = RECOGNISERS.get("whisper" if kind == "auto" else kind)
    return known(model or DEFAULT_MODEL, options) if known else None


def _kind_and_model(option: str, asked: str, known: Collection[str]) -> tuple[str, str]:
    """Split KIND:MODEL; InputError if there is no such kind, or the model is an address."""
    kind, colon, model = asked.partition(":")
    refuse_unknown(option, asked if colon and kind not in RECOGNISERS else kind, known)
    refuse_address(model)
    return kind, model


def _aligner(options: TranscriptOptions, recogniser: Recogniser | None) -> OneModel[Any] | None:
    """Return who aligns captions under ``--align``, if anybody does.

    Raises:
        InputError: if it is not known, its model is an address, or no captions are read.
    """
    kind, model = _kind_and_model("--align", options.align, ALIGNERS)
    if kind == "none":
        return None
    if options.asr not in ("auto", "captions"):
        raise InputError(
            f"--align is for captions, and --asr {options.asr} reads none: say --asr captions"
        )
    made = RECOGNISERS[kind](model or DEFAULT_MODEL, options)
    same = isinstance(recogniser, OneModel) and recogniser.name == made.name
    return cast("OneModel[Any]", recogniser) if same else made


def _aligns(aligner: OneModel[Any]) -> dict[str, Any]:
    """Return what decides the times of words; how many wordings are weighed does not."""
    told = {"by": aligner.name, **aligner.provenance()}
    return {name: value for name, value in told.items() if name not in ("beam", "prompt")}


def find_restorer(punctuation: str) -> PunctuationRestorer | None:
    """Load the restorer that ``--punctuation`` names; None where nothing is restored."""
    return (
        None if punctuation == "none" else PunctuationRestorer.load(_restorer_folder(punctuation))
    )


def restorer_provenance(punctuation: str) -> dict[str, str]:
    """Return the digest of a restorer; nothing where nothing is restored.

    Raises:
        InputError: if there is no such restorer.
    """
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
