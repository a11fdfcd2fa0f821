"""Subtitles inside a video file to timed words, by the rules of caption files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import av
from av.stream import Disposition
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

from feature_extraction.containers import open_container, seconds_before
from feature_extraction.hearing.captions.cues import Notes
from feature_extraction.hearing.captions.formats import Captions, captions_of
from feature_extraction.hearing.captions.rolling import Block, unroll
from feature_extraction.hearing.languages import short_language
from feature_extraction.stream_clock import packets_on_one_clock

TEXT_CODECS = frozenset("subrip srt mov_text ass ssa webvtt text".split())
"""FFmpeg's names of subtitles that are text; pictures of text are not read."""
LONGEST_CUE = 10.0
"""Seconds that a subtitle stands if its file does not say; less if the next one comes sooner."""

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
    """Read the text subtitles of a video file.

    Of several streams the default one is taken, and one that is not only for foreign speech.

    Returns:
        None if it has none, or none in ``language`` where that is given.

    Raises:
        InputError: if the file cannot be opened.
    """
    with closing(open_container(path)) as container:
        stream = _text_stream(container, language)
        if stream is None:
            return None
        reading = _Reading(container, stream)
        notes = Notes(path)
        captions = captions_of(unroll(reading.blocks(), notes), notes)
        captions = replace(captions, language=short_language(stream.metadata.get("language")))
        return Subtitles(stream.index, captions, reading.damage) if reading.cues else None


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
        disposition = stream.disposition
        return not disposition & Disposition.forced, bool(disposition & Disposition.default)

    return max(streams, key=rank, default=None)


class _Reading:
    """A subtitle stream as it is read.

    Attributes:
        cues: how many there were so far.
        damage: why reading stopped before the end, if it did.
    """

    def __init__(self, container: av.container.InputContainer, stream: SubtitleStream) -> None:
        self._container, self._stream = container, stream
        self.cues = 0
        self.damage: str | None = None

    def blocks(self) -> Iterator[Block]:
        """Yield the cues as they stand, their times to the millisecond."""
        start = seconds_before(self._container)
        latest = 0.0
        try:
            for packet in packets_on_one_clock(self._container, self._stream):
                text = _packet_lines(packet) if packet.size else []
                if not text or packet.pts is None:
                    continue
                self.cues += 1
                latest = float(packet.pts * packet.time_base) - start
                lasts = (
                    float(packet.duration * packet.time_base) if packet.duration else LONGEST_CUE
                )
                begin, end = (max(round(time, 3), 0.0) for time in (latest, latest + lasts))
                yield Block(begin, max(begin, end), text)
        except MemoryError:
            raise
        except av.FFmpegError as error:
            self.damage = f"is damaged after {latest:.1f} s of subtitles ({error.strerror})"


def _packet_lines(packet: av.Packet) -> list[str]:
    """Return the lines of a packet, without blank ones."""
    lines: list[str] = []
    for subtitle in cast("list[AssSubtitle]", packet.decode()):
        spoken = subtitle.dialogue or subtitle.text
        text = spoken.decode("utf-8", "replace").replace("\\N", "\n").replace("\\n", "\n")
        if not _DRAWING.search(text):
            lines += [line for line in text.splitlines() if line.strip()]
    return lines
