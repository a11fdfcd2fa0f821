"""Where the words of a video come from: caption files beside it, subtitles inside, a recogniser."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path, PurePath
from threading import Lock
from typing import Any
from urllib.parse import unquote

from feature_extraction.hearing.alignment import UNHEARD, lack_times
from feature_extraction.hearing.audio import declared_seconds, stream_sound
from feature_extraction.hearing.captions.beside import captions_in, stem_key
from feature_extraction.hearing.captions.formats import read_captions
from feature_extraction.hearing.captions.subtitle_streams import read_subtitles
from feature_extraction.hearing.languages import SPOKEN, short_language
from feature_extraction.hearing.recognisers.one_model import OneModel
from feature_extraction.hearing.recognisers.recogniser import Recogniser
from feature_extraction.pace import CLIP_SECONDS
from feature_extraction.schema import Word
from workfolder.errors import InputError
from workfolder.guard import Guards
from workfolder.sources import Source


@dataclass(frozen=True)
class Heard:
    """The words of one video from one source.

    Attributes:
        words: with their times.
        language: a tag such as en; None if nobody says.
        source: who wrote them: captions:FILE, subtitles:STREAM, or a recogniser's name.
        note: what a user should know, such as why they are not all; begins with a verb.
        dropped: how much was left out, by reason.
        seconds: how long it took, by part.
    """

    words: Sequence[Word]
    language: str | None
    source: str
    note: str | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


class WordSources:
    """Finds the words of videos. Files are read in processes of their own."""

    def __init__(
        self,
        guards: Guards,
        reads: bool,
        recogniser: Recogniser | None,
        language: str | None = None,
        encoding: str | None = None,
        follow_links: bool = False,
        elsewhere: Path | None = None,
        aligner: OneModel[Any] | None = None,
    ) -> None:
        """Store what is asked.

        Args:
            guards: the processes that read.
            reads: whether captions and subtitles are read.
            recogniser: listens where they give nothing.
            language: of the captions, subtitles and sound to choose; None takes the default ones.
            encoding: of caption files that are not in Unicode; None guesses.
            follow_links: whether a caption file may be a link that leads out of its folder.
            elsewhere: folder of captions that is looked into before that of a video. It has the
                subfolders that the videos are in.
            aligner: finds the times of words where captions have none.

        Raises:
            InputError: if ``elsewhere`` is no folder.
        """
        self._guards, self._reads, self.recogniser = guards, reads, recogniser
        self._language, self._encoding = language, encoding
        # A folder may hold 300,000 videos: it is listed once.
        self._captions = cache(lambda folder: captions_in(folder, language, follow_links))
        self._elsewhere, self._aligner = elsewhere, aligner
        if elsewhere and not elsewhere.is_dir():
            raise InputError(
                f"--captions {elsewhere} is not a folder: give the one of the captions"
            )
        self._turn = Lock()

    def readers(self, source: Source) -> Iterator[Callable[[], Heard | None]]:
        """Yield what reads a source, the best first; it returns None where there is no such source.

        A reader raises InputError if its source cannot be read.
        """
        video = source.path
        if self._reads:
            for folder in self._folders(source):
                with self._turn:
                    found = self._captions(folder)
                for path in found.get(stem_key(video.stem), ()):
                    yield partial(self._read_file, video, path)
            yield partial(self._read_subtitles, video)
        if self.recogniser:
            yield partial(self._listen, video, self.recogniser)

    def _folders(self, source: Source) -> Iterator[Path]:
        """Yield where captions of a video may lie."""
        if self._elsewhere:
            below = PurePath(unquote(source.video_id)).parent
            # An id was made of a path below a folder, and names nothing outside it.
            if (folder := self._elsewhere / below).is_dir() and ".." not in below.parts:
                yield folder
        yield source.path.parent

    def _read_file(self, video: Path, path: Path) -> Heard:
        captions = self._guards.call(read_captions, path, self._encoding)
        # A table takes no name that is not in Unicode.
        name = os.fsencode(path.name).decode("utf-8", "replace")
        notes = [_after_the_end(captions.words, self._duration(video))]
        if captions.assumed:
            notes.append(
                f"has captions that are not in Unicode and are read as {captions.assumed}: say "
                "--encoding if that is wrong"
            )
        note = "; ".join(filter(None, notes)) or None
        source = f"captions:{name}"
        read = Heard(captions.words, captions.language, source, note, captions.dropped)
        return self._aligned(video, read)

    def _duration(self, video: Path) -> float | None:
        with suppress(InputError):  # captions can be read beside a video that cannot
            return self._guards.call(declared_seconds, video)
        return None

    def _read_subtitles(self, video: Path) -> Heard | None:
        found = self._guards.call(read_subtitles, video, self._language)
        if found is None:
            return None
        captions, source = found.captions, f"subtitles:{found.stream}"
        read = Heard(captions.words, captions.language, source, found.damage, captions.dropped)
        return self._aligned(video, read)

    def _aligned(self, video: Path, read: Heard) -> Heard:
        """Find the times of words that share those of their captions; without sound they stay."""
        if self._aligner is None or not lack_times(read.words):
            return read
        begin = time.perf_counter()
        self._aligner.prepare()  # what it lacks is no fault of the sound
        reading = self._guards.stream(stream_sound, video, self._language)
        spoken = short_language(read.language or self._language)
        try:
            known = spoken if spoken in SPOKEN else None
            words, unheard = self._aligner.align(read.words, reading, known)
            for _ in reading:  # the sound may go on after the last caption
                continue
        except InputError as error:
            told = f"has words that keep the times of their captions, as {error}"
            return replace(read, note="; ".join(filter(None, (read.note, told))))
        note = "; ".join(filter(None, (read.note, reading.result))) or None
        dropped = +Counter({**read.dropped, UNHEARD: unheard})
        seconds = {"read": reading.seconds, "align": time.perf_counter() - begin}
        return replace(read, words=words, note=note, dropped=dropped, seconds=seconds)

    def _listen(self, video: Path, recogniser: Recogniser) -> Heard:
        begin = time.perf_counter()
        reading = self._guards.stream(stream_sound, video, self._language)
        speech = recogniser(reading, short_language(self._language))
        for _ in reading:  # a recogniser may leave early; the end tells why the sound is partial
            continue
        seconds = {"read": reading.seconds, "speech": time.perf_counter() - begin}
        note, name = reading.result, recogniser.name
        return Heard(speech.words, speech.language, name, note, speech.dropped, seconds)


def _after_the_end(words: Sequence[Word], seconds: float | None) -> str | None:
    """Say how many words come after the end of a video, if any do."""
    late = [word for word in words if seconds and word.start > seconds + CLIP_SECONDS]
    if not late:
        return None
    most = len(late) > len(words) / 2
    advice = ": are these the captions of another video?" if most else ""
    return (
        f"lasts {seconds:,.1f} s and has captions up to {late[-1].start:,.1f} s, {len(late):,} of "
        f"{len(words):,} words after its end{advice}"
    )
