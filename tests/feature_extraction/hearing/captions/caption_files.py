"""What the tests of captions share: files of text, and what is read from them."""

from __future__ import annotations

import math
from pathlib import Path

from feature_extraction.hearing.captions.formats import Captions, read_captions


def read(folder: Path, content: str | bytes, name: str = "talk.vtt", **more: str) -> Captions:
    """Read captions from text or bytes, as a file of that name."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_captions(path, **more)


def texts(found: Captions) -> list[str]:
    return [word.text for word in found.words]


def times(found: Captions) -> list[tuple[float, float]]:
    return [(round(word.start, 3), round(word.end, 3)) for word in found.words]


def assert_sound(found: Captions) -> None:
    """Assert what holds of any captions: finite times in order, words without spaces."""
    last = 0.0
    for word in found.words:
        assert math.isfinite(word.end) and last <= word.start <= word.end
        assert word.text and word.text.split() == [word.text]
        word.text.encode()
        last = word.start


def clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest / 1000:06.3f}"


def srt(*cues: tuple[float, float, str]) -> str:
    """A SubRip file of cues: start, end, text."""
    blocks = (
        f"{number}\n{clock(start)} --> {clock(end)}\n{text}\n"
        for number, (start, end, text) in enumerate(cues, 1)
    )
    return "\n".join(blocks)


def vtt(*cues: tuple[float, float, str]) -> str:
    """A WebVTT file of cues: start, end, text."""
    blocks = (f"{clock(start)} --> {clock(end)}\n{text}\n" for start, end, text in cues)
    return "\n".join(["WEBVTT\n", *blocks])


def rolling(rows: list[list[str]]) -> str:
    """Captions as YouTube writes them: a row a second, held for 0.01 s, then rolled up."""
    cues, above = [], " "
    for index, row in enumerate(rows):
        start, end = float(index), index + 0.99
        later = [
            f"<{clock(index + 0.9 * n / len(row))}><c> {word}</c>"
            for n, word in enumerate(row)
            if n
        ]
        position = "align:start position:0%"
        cues.append(
            f"{clock(start)} --> {clock(end)} {position}\n{above}\n{row[0]}{''.join(later)}\n"
        )
        above = " ".join(row)
        cues.append(f"{clock(end)} --> {clock(index + 1)} {position}\n{above}\n \n")
    return "WEBVTT\nKind: captions\nLanguage: en\n\n" + "\n".join(cues)
