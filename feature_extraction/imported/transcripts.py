"""Transcripts that other programs made: tables of texts with times become DIR/transcripts.

A row is kept as a sentence, or taken as a caption whose words are joined with those of its
neighbours and split into sentences, as ``transcribe`` does; see TranscriptImportOptions.rows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from feature_extraction.hearing.captions.cues import (
    EMPTY_CUES,
    NO_CAPTIONS,
    Cue,
    Notes,
    Token,
    tokens_of,
)
from feature_extraction.hearing.captions.formats import Captions, captions_of, read_captions
from feature_extraction.hearing.captions.word_times import saying_time, timed_words
from feature_extraction.hearing.sentences import split_sentences
from feature_extraction.imported.named_videos import NamedVideos
from feature_extraction.imported.options import TranscriptImportOptions
from feature_extraction.imported.tables import SUFFIXES, Columns, Row, VideoRows, read_rows
from feature_extraction.options import SentenceOptions
from feature_extraction.schema import SCHEMA_VERSION, TRANSCRIPTS, Sentence, Word
from feature_extraction.transcripts import (
    HONEST,
    LONE_WORDS,
    find_restorer,
    restorer_provenance,
)
from workfolder.build_once import Once
from workfolder.errors import InputError
from workfolder.guard import Guards, Limits
from workfolder.maker import Made, Maker
from workfolder.options import JobOptions
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.runner import begin, run_job
from workfolder.sources import Source, Sources, find_videos, named_id
from workfolder.stage import VERSIONS, Stage, versions
from workfolder.video_ids import same_id

WITHOUT_FEATURES = "videos without features"
"""Why videos of a table are passed over."""

logger = logging.getLogger(__name__)


@dataclass
class Told:
    """What the files tell of one video.

    Attributes:
        path: the file.
        captions: whether the rows are captions, to be split into sentences.
        rows: texts and times.
        heard: the words of a recogniser's file, in place of rows.
        problem: why the video cannot be used; None if it can.
    """

    path: Path
    captions: bool = False
    rows: list[Row] = field(default_factory=list)
    heard: Captions | None = None
    problem: str | None = None


class TranscriptImporter(Maker):
    """Turns what a table tells of a video into its sentences."""

    def __init__(self, options: TranscriptImportOptions, told: dict[str, Told]) -> None:
        """Store the options, and what is told by video."""
        self.options, self._told = options, told
        self._restorer = Once(lambda: find_restorer(options.punctuation))

    def provenance(self) -> dict[str, Any]:
        """Return everything that decides what is written, as JSON can hold it."""
        names = {name: getattr(self.options, name) for name in ("video", "start", "end", "text")}
        return {
            "schema": SCHEMA_VERSION,
            "imported": True,
            "rows": self.options.rows,
            **{name: column for name, column in names.items() if column},
            **({"language": self.options.language} if self.options.language else {}),
            **restorer_provenance(self.options.punctuation),
            **asdict(SentenceOptions()),
            VERSIONS: versions("pyarrow"),
        }

    def prepare(self) -> None:
        """Load the restorer."""
        self._restorer()

    def __call__(self, source: Source) -> Made:
        """Make the rows of a video, see schema.TRANSCRIPTS.

        Raises:
            InputError: if a row cannot be read, or all words are lost.
        """
        told = self._told[source.video_id]
        if told.problem:
            raise InputError(told.problem)
        captions = told.captions or told.heard is not None
        sentences, dropped = self._split(told) if captions else _kept(told.rows)
        lost = dropped.keys() - HONEST
        if not sentences and lost:
            reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
            raise InputError(f"{told.path} has no words left for {source.video_id} ({reasons})")
        name, language = f"imported:{told.path.name}", self.options.language
        if language is None and told.heard is not None:
            language = told.heard.language
        rows = [
            _row(source.video_id, index, times, sentence, name, language)
            for index, (times, sentence) in enumerate(sentences)
        ]
        return Made(pa.Table.from_pylist(rows, schema=TRANSCRIPTS), dropped=dropped)

    def _split(self, told: Told) -> tuple[list[_Timed], dict[str, int]]:
        """Join captions and split them into sentences."""
        heard = told.heard
        if heard is None:
            notes = Notes(told.path)
            heard = captions_of(_cues(told.rows, notes), notes)
        sentences = split_sentences(heard.words, SentenceOptions(), self._restorer())
        alone = len(heard.words) - sum(len(sentence.words) for sentence in sentences)
        dropped = {**heard.dropped, **({LONE_WORDS: alone} if alone else {})}
        return [((each.start, each.end), each) for each in sentences], dropped


_Timed = tuple[tuple[float, float], Sentence]
"""Start and end in seconds, and a sentence."""


def import_transcripts(
    paths: Sequence[Path],
    work: Path,
    options: TranscriptImportOptions = TranscriptImportOptions(),
    job: JobOptions = JobOptions(),
    progress: Progress = silent,
) -> Report:
    """Write DIR/transcripts/<video>.parquet for every video that the files tell of.

    Where DIR/features has videos, others are passed over and counted.

    Args:
        paths: tables, folders of them, and .txt lists of them.
        work: the folder DIR.
        options: what the columns are called, and what a row is.
        job: how to go through many videos.
        progress: is told how far it is.

    Raises:
        InputError: if no file tells of a video, or DIR/transcripts was made with other options.
    """
    files = find_videos(paths, SUFFIXES, job.follow_links)
    stage, features = Stage(work / "transcripts"), Stage(work / "features")
    known = None if options.all_videos else features.done() or None
    reading = _Reading(NamedVideos(known), options, job.limits)
    for count, file in enumerate(files, 1):
        reading.read(file)
        progress("read", count, len(files))
    sources = reading.sources(files)
    if absent := len(set(known or ()) - reading.told.keys()):
        logger.warning("%s videos of %s are in none of the files", absent, features.folder)
    importer = TranscriptImporter(options, reading.told)
    begin(stage, sources, importer, importer.provenance(), job)
    return run_job(stage, sources, importer, job, progress)


class _Reading:
    """Reads files one after the other, and gathers what they tell by video."""

    def __init__(
        self, videos: NamedVideos, options: TranscriptImportOptions, limits: Limits
    ) -> None:
        self.told: dict[str, Told] = {}
        self._refused: dict[str, Source] = {}
        self._unknown: dict[str, set[str]] = {}
        self._videos, self._options, self._limits = videos, options, limits

    def read(self, file: Source) -> None:
        """Read a file; one that cannot be read is refused under its own name."""
        guards = Guards(self._limits, returns=[VideoRows, Row, Captions, Word])
        try:
            if file.refusal:
                raise InputError(file.refusal)
            columns = (self._options.video, self._options.start)
            named = Columns(*columns, self._options.end, self._options.text)
            may_be_captions = file.path.suffix.lower() == ".json"
            for found in guards.stream(read_rows, file.path, named):
                if found.video is None and may_be_captions:
                    if self._take_captions(file, guards):
                        return
                    may_be_captions = False
                self._take(file, found)
        except InputError as error:
            self._refused[file.video_id] = replace(file, refusal=str(error))
        finally:
            guards.close()

    def sources(self, files: Sources) -> Sources:
        """List the videos that were found, and the files that could not be read.

        Raises:
            InputError: if there is no video at all.
        """
        if not self.told:
            unknown = sum(map(len, self._unknown.values()))
            raise InputError(
                next((str(each.refusal) for each in self._refused.values()), "")
                or f"the files tell of {unknown} videos, none of which has features: give "
                "--all-videos to take them all the same"
            )
        found = {
            **self._refused,
            **{video: Source(video, told.path) for video, told in self.told.items()},
        }
        passed = {path: {WITHOUT_FEATURES: len(names)} for path, names in self._unknown.items()}
        return Sources([found[video] for video in sorted(found)], {**files.passed_over, **passed})

    def _take(self, file: Source, found: VideoRows) -> None:
        """Take some rows; those without a name are about the video of the file's own."""
        name = file.video_id if found.video is None else found.video
        try:
            video = self._videos.find_id(name) if found.video is None else self._videos.find(name)
        except InputError as error:
            self.told[named_id(name)] = Told(file.path, problem=str(error))
            return
        if video is None:
            self._unknown.setdefault(str(file.path), set()).add(name)
            return
        kind = self._options.rows
        captions = kind == "captions" or (kind == "auto" and found.in_lists)
        told = self.told.setdefault(video, Told(file.path, captions))
        if told.path != file.path:
            told.problem = told.problem or same_id((told.path, file.path), {video})
        told.rows += found.rows
        if found.problem:
            told.problem = told.problem or f"{file.path}, {found.problem}: mend it"

    def _take_captions(self, file: Source, guards: Guards) -> bool:
        """Read what a recogniser wrote of the video of the file's name; False if it is no such."""
        heard = guards.call(read_captions, file.path, None)
        if NO_CAPTIONS in heard.dropped:
            return False
        video = self._videos.find_id(file.video_id)
        if video is None:
            self._unknown.setdefault(str(file.path), set()).add(file.video_id)
            return True
        other = self.told.setdefault(video, Told(file.path, heard=heard))
        if other.path != file.path:
            other.problem = other.problem or same_id((other.path, file.path), {video})
        return True


def _cues(rows: Sequence[Row], notes: Notes) -> Iterator[Cue]:
    for row in _with_ends(rows):
        tokens = tokens_of(row.text, (), notes.dropped)
        if not tokens:
            notes.dropped[EMPTY_CUES] += 1
        yield Cue(row.start, row.end if row.end is not None else row.start, tokens)


def _kept(rows: Sequence[Row]) -> tuple[list[_Timed], dict[str, int]]:
    """Keep each row as a sentence; its words share its time in proportion to their length."""
    found: list[_Timed] = []
    for row in _with_ends(rows):
        if row.text:
            end = row.end if row.end is not None else row.start
            tokens = [Token(word) for word in row.text.split()]
            words = tuple(timed_words([Cue(row.start, end, tokens)]))
            found.append(((row.start, end), Sentence(words)))
    empty = len(rows) - len(found)
    return found, {EMPTY_CUES: empty} if empty else {}


def _with_ends(rows: Sequence[Row]) -> list[Row]:
    """Put rows in the order of time, and end those without an end.

    Such a row ends where the next begins, or after the time that saying it takes, whichever is
    sooner.
    """
    ordered: list[Row | None] = [*sorted(rows, key=lambda row: row.start), None]
    ended = []
    for row, following in pairwise(ordered):
        assert row is not None
        if row.end is None:
            end = row.start + sum(map(saying_time, row.text.split()))
            row = row._replace(end=end if following is None else min(end, following.start))
        ended.append(row)
    return ended


def _row(
    video: str,
    index: int,
    times: tuple[float, float],
    sentence: Sentence,
    source: str,
    language: str | None,
) -> dict[str, object]:
    words = (asdict(word) for word in sentence.words)
    return {
        "video_id": video,
        "index": index,
        "start": times[0],
        "end": times[1],
        "text": sentence.text,
        "source": source,
        "language": language,
        "words": [
            {"word": w["text"], **{name: w[name] for name in ("start", "end", "probability")}}
            for w in words
        ],
    }
