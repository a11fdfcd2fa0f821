"""Subtitles inside a video file to timed words, by the rules of caption files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
from av.stream import Disposition
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

from feature_extraction.containers import open_container
from feature_extraction.hearing.captions.files import Captions
from feature_extraction.hearing.captions.text import ARROW, read_srt
from feature_extraction.hearing.languages import short_language
from feature_extraction.hearing.timed_words import Notes, timed_words
from workfolder.errors import InputError

TEXT_CODECS = frozenset("subrip srt mov_text ass ssa webvtt text".split())
"""FFmpeg's names of subtitles that are text; the others are pictures of text, which nobody here can read."""
LONGEST_CUE = 10.0
"""Seconds that a subtitle is taken to stand whose file does not say; it ends earlier where the next one begins."""

_DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")  # ASS: what follows is the outline of a shape


@dataclass(frozen=True)
class Subtitles:
    """The words of a subtitle stream.

    Attributes:
        stream: its index in the file.
        captions: its words and language.
        damage: why reading stopped before the end of the file, if it did.
    """

    stream: int
    captions: Captions
    damage: str | None = None


def read_subtitles(path: Path, language: str | None = None) -> Subtitles | None:
    """The words of a file's text subtitles; None if it has none, or none in ``language`` where that is given.

    Of several streams the default one is taken, and one that is not only for foreign speech. InputError if the file
    cannot be opened.
    """
    with closing(open_container(path)) as container:
        stream = _text_stream(container, language)
        if stream is None:
            return None
        reading = _Reading(container, stream)
        notes = Notes(path)
        try:
            words = sorted(
                timed_words(read_srt(reading.lines(), notes)), key=lambda word: word.start
            )
        except InputError:
            if not reading.cues:
                return None
            raise
        spoken = short_language(stream.metadata.get("language"))
        return Subtitles(
            stream.index, Captions(tuple(words), spoken, dict(+notes.dropped)), reading.damage
        )


def _text_stream(
    container: av.container.InputContainer, language: str | None
) -> SubtitleStream | None:
    wanted = short_language(language)
    streams = [
        stream
        for stream in container.streams.subtitles
        if stream.codec_context is not None  # FFmpeg has no decoder for it
        and stream.codec_context.name in TEXT_CODECS
        and (wanted is None or short_language(stream.metadata.get("language")) == wanted)
    ]

    def rank(stream: SubtitleStream) -> tuple[bool, bool]:
        return not stream.disposition & Disposition.forced, bool(
            stream.disposition & Disposition.default
        )

    return max(streams, key=rank, default=None)


class _Reading:
    """A subtitle stream as the lines of a SubRip file.

    Attributes:
        cues: how many there were so far.
        damage: why reading stopped before the end, if it did.
    """

    def __init__(self, container: av.container.InputContainer, stream: SubtitleStream) -> None:
        self._container, self._stream = container, stream
        self.cues = 0
        self.damage: str | None = None

    def lines(self) -> Iterator[tuple[int, str]]:
        """The lines, each with the number of its cue."""
        start = (self._container.start_time or 0) / av.time_base
        latest = 0.0
        try:
            for packet in self._container.demux(self._stream):
                text = _text(packet) if packet.size else []
                if not text or packet.pts is None:
                    continue
                self.cues += 1
                latest = float(packet.pts * packet.time_base) - start
                end = latest + (
                    float(packet.duration * packet.time_base) if packet.duration else LONGEST_CUE
                )
                for line in (f"{_clock(latest)} {ARROW} {_clock(end)}", *text, ""):
                    yield self.cues, line
        except MemoryError:
            raise
        except av.FFmpegError as error:
            self.damage = f"is damaged after {latest:.1f} s of subtitles ({error.strerror})"


def _text(packet: av.Packet) -> list[str]:
    """The lines of a packet without times or blanks."""
    lines = []
    for subtitle in cast("list[AssSubtitle]", packet.decode()):
        spoken = subtitle.dialogue or subtitle.text
        text = spoken.decode("utf-8", "replace").replace("\\n", "\n").replace("\\h", " ")
        if not _DRAWING.search(text):
            lines += [line for line in text.splitlines() if line.strip() and ARROW not in line]
    return lines


def _clock(seconds: float) -> str:
    """``seconds`` as a SubRip file has them."""
    milliseconds = max(round(seconds * 1000), 0)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"
