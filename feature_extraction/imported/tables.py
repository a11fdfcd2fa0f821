"""Rows of a table that say what is said or done in which video, and when.

A row has a text and the second at which it begins. Its video is what the row names, or what an
object around it does, or the key under which that object stands. A row that names no video is
about the video of the file's own name.

So one rule reads a CSV or Parquet table, YouCook2's annotations (objects with a ``segment`` and a
``sentence`` below a key), HowTo100M's raw_caption.json (lists of texts, starts and ends below a
key), and lists of objects.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from feature_extraction.hearing.captions.json_values import ENDS, STARTS, seconds
from feature_extraction.hearing.spoken import clean
from feature_extraction.imported.json_stream import json_members
from workfolder.errors import InputError

VIDEO_NAMES = ("video", "video_id", "videoid", "vid", "video_name", "youtube_id", "videourl")
START_NAMES = (*STARTS, "start_sec", "start_s", "begin", "timestamp_start")
END_NAMES = (*ENDS, "end_sec", "end_s", "stop", "timestamp_end")
TEXT_NAMES = ("text", "sentence", "caption", "narration", "utterance", "transcript", "sentences")
PAIR_NAMES = ("segment", "timestamp", "timestamps")
"""Names of a start and an end together."""
NO_VIDEO = frozenset(
    "annotations captions chunks data database events items recordings result results rows "
    "segments sentences timestamps transcription videos words".split()
)
"""Keys of lists that are no names of videos."""
_YOUTUBE = re.compile(r"^https?://[^\s]*(?:[?&]v=|youtu\.be/|/embed/|/shorts/)([\w-]{11})")
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2}(?:[.,]\d{1,6})?)")


class Row(NamedTuple):
    """A text and when it is said; ``end`` is None where the file does not tell."""

    start: float
    end: float | None
    text: str


class VideoRows(NamedTuple):
    """Some rows about one video.

    Attributes:
        video: as the file names it; None if it does not.
        rows: in the order of the file.
        in_lists: whether the texts and times stand in lists, as in HowTo100M's file.
        problem: what is wrong with a row; None if nothing is.
    """

    video: str | None
    rows: list[Row]
    in_lists: bool = False
    problem: str | None = None


@dataclass(frozen=True)
class Columns:
    """What the user calls the columns; None where they have one of the usual names."""

    video: str | None = None
    start: str | None = None
    end: str | None = None
    text: str | None = None

    def names(self, column: str) -> tuple[str, ...]:
        """Return the names that a column may have."""
        given = getattr(self, column)
        return USUAL[column] if given is None else (given,)


USUAL: Mapping[str, tuple[str, ...]] = {
    "video": VIDEO_NAMES,
    "start": START_NAMES,
    "end": END_NAMES,
    "text": TEXT_NAMES,
}


def read_rows(path: Path, columns: Columns) -> Generator[VideoRows]:
    """Yield the rows of a file, some of one video at a time.

    Args:
        path: a file with one of the suffixes in SUFFIXES.
        columns: what the columns are called.

    Raises:
        InputError: if the file cannot be read, or has no column of texts or of starts.
    """
    entries = READERS[path.suffix.lower()](path)
    first = next(entries, None)
    if first is None:
        raise InputError(f"{path} holds no rows: get it again")
    if path.suffix.lower() in NESTED:
        found = (_walk(entry, columns, None, place) for place, entry in chain([first], entries))
        yield from _gathered(chain.from_iterable(found))
        return
    _refuse_absent(path, first[1], columns)
    yield from _gathered(_line(entry, columns, place) for place, entry in chain([first], entries))


def _gathered(found: Iterator[VideoRows]) -> Iterator[VideoRows]:
    """Join neighbours that are about the same video."""
    for (video, in_lists), group in groupby(found, key=lambda each: (each.video, each.in_lists)):
        parts = list(group)
        problem = next((part.problem for part in parts if part.problem), None)
        yield VideoRows(video, [row for part in parts for row in part.rows], in_lists, problem)


def _refuse_absent(path: Path, entry: Mapping[str, Any], columns: Columns) -> None:
    """Refuse a table without a column of texts, or of starts."""
    lower = {_plain(name) for name in entry}
    for column, others in (("text", ()), ("start", PAIR_NAMES)):
        wanted = {_plain(name) for name in columns.names(column)}.union(others)
        if not wanted & lower:
            raise InputError(
                f"{path} has no column {' or '.join(columns.names(column))}: give --{column}, one "
                f"of {', '.join(map(str, entry))}"
            )


def _walk(value: Any, columns: Columns, video: str | None, place: str) -> Iterator[VideoRows]:
    """Yield the rows in a value of JSON, which may lie deep in it."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from _walk(each, columns, video, f"{place}, entry {number} (the first is 0)")
    if not isinstance(value, dict):
        return
    entry = {_plain(str(name)): each for name, each in value.items()}
    video = _video(entry, columns) or video
    text = _first(entry, columns.names("text"), str | list)
    if isinstance(text, list) and all(isinstance(each, str) for each in text):
        yield _listed(entry, text, columns, video, place)
    elif isinstance(text, str) and _has_start(entry, columns):
        yield _row(entry, text, columns, video, place)
    else:
        for key, each in value.items():
            named = isinstance(each, dict) or (isinstance(each, list) and key not in NO_VIDEO)
            around = (_video(entry, columns) or str(key)) if named else video
            yield from _walk(each, columns, around, f"{place}, {key}" if place else str(key))


def _line(value: Mapping[str, Any], columns: Columns, place: str) -> VideoRows:
    """Read a line of a table; one without a text is kept, to be counted."""
    entry = {_plain(str(name)): each for name, each in value.items()}
    video = _video(entry, columns)
    text = _first(entry, columns.names("text"), str | list)
    if isinstance(text, list) and all(isinstance(each, str) for each in text):
        return _listed(entry, text, columns, video, place)
    return _row(entry, text if isinstance(text, str) else "", columns, video, place)


def _row(
    entry: dict[str, Any], text: str, columns: Columns, video: str | None, place: str
) -> VideoRows:
    start, end = _times(entry, columns)
    return _checked(video, [(start, end, text)], False, place)


def _listed(
    entry: dict[str, Any], texts: list[str], columns: Columns, video: str | None, place: str
) -> VideoRows:
    """Read texts, starts and ends that stand in lists."""
    pairs = _first(entry, PAIR_NAMES, list)
    starts = _first(entry, columns.names("start"), list)
    ends = _first(entry, columns.names("end"), list)
    if isinstance(pairs, list) and all(isinstance(p, list) and len(p) == 2 for p in pairs):
        starts, ends = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    ends = [None] * len(texts) if ends is None else ends
    if not (isinstance(starts, list) and len(starts) == len(texts) == len(ends)):
        return VideoRows(video, [], True, f"{place}: its texts, starts and ends are not as many")
    times = ((to_seconds(a), to_seconds(b)) for a, b in zip(starts, ends, strict=True))
    return _checked(
        video, [(*pair, text) for pair, text in zip(times, texts, strict=True)], True, place
    )


def _checked(
    video: str | None,
    rows: list[tuple[float | None, float | None, str]],
    in_lists: bool,
    place: str,
) -> VideoRows:
    found: list[Row] = []
    for number, (start, end, text) in enumerate(rows):
        where = f"{place}, row {number} (the first is 0)" if in_lists else place
        if start is None:
            return VideoRows(video, found, in_lists, f"{where}: its start is not a time")
        if start < 0 or (end is not None and end < start):
            return VideoRows(
                video, found, in_lists, f"{where}: it goes from {start:g} s to {end or 0:g} s"
            )
        found.append(Row(start, end, " ".join(clean(text).split())))
    return VideoRows(video, found, in_lists)


def _video(entry: Mapping[str, Any], columns: Columns) -> str | None:
    """Return the video that an object names, if it does; of an address of YouTube the id."""
    kinds = str if columns.video is None else str | int
    named = _first(entry, columns.names("video"), kinds)
    if named is None or not str(named).strip():
        return None
    address = _YOUTUBE.match(str(named).strip())
    return address[1] if address else str(named).strip()


def _has_start(entry: Mapping[str, Any], columns: Columns) -> bool:
    return any(_plain(name) in entry for name in (*columns.names("start"), *PAIR_NAMES))


def _times(entry: Mapping[str, Any], columns: Columns) -> tuple[float | None, float | None]:
    pair = _first(entry, PAIR_NAMES, list)
    if columns.start is None and isinstance(pair, list) and len(pair) == 2:
        return to_seconds(pair[0]), to_seconds(pair[1])
    start = to_seconds(_first(entry, columns.names("start")))
    end = to_seconds(_first(entry, columns.names("end")))
    lasts = None if end is not None else to_seconds(entry.get("duration"))
    return start, start + lasts if start is not None and lasts is not None else end


def _first(entry: Mapping[str, Any], names: tuple[str, ...], kinds: Any = object) -> Any:
    """Return the value of the first of the names that has one of these kinds."""
    found = (entry.get(_plain(name)) for name in names)
    return next((each for each in found if each is not None and isinstance(each, kinds)), None)


def _plain(name: str) -> str:
    """Spell a column's name in one way: 'Start Time' is start_time."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def to_seconds(value: Any) -> float | None:
    """Convert a time: a number of seconds, or text such as 83.5, 1:23.5 or 0:01:23,5."""
    if isinstance(value, str):
        value = value.strip()
        if clock := _CLOCK.fullmatch(value):
            hours, minutes, rest = clock.groups()
            return int(hours or 0) * 3600 + int(minutes) * 60 + float(rest.replace(",", "."))
    found = seconds(value)
    return None if found is None or math.isnan(found) else found


def _read_csv(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            for row in reader:
                # None stands for values beyond the header's columns.
                yield f"line {reader.line_num}", {k: v for k, v in row.items() if k is not None}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table ({error}): get it again") from error


def _read_parquet(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        count = 0
        for batch in pq.ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                yield f"row {count} (the first is 0)", row
                count += 1
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as Parquet ({error}): get it again") from error


def _read_json(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the members of a list, or those of an object that hold more than one value.

    The single values before them, such as the name of a video, go with each.
    """
    single: dict[str, Any] = {}
    passed = True
    for number, (key, value) in enumerate(json_members(path)):
        passed = passed and key is not None and not isinstance(value, dict | list)
        if key is None:
            yield f"entry {number} (the first is 0)", value
        elif isinstance(value, dict | list):
            yield "", {**single, key: value}
        else:
            single[key] = value
    if single and passed:
        yield "", single


def _read_json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"line {number}", json.loads(line)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path} cannot be read as lines of JSON ({error}): get it again"
        ) from error


READERS: Mapping[str, Callable[[Path], Iterator[tuple[str, Any]]]] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".json": _read_json,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}
NESTED = frozenset({".json", ".jsonl"})
SUFFIXES = frozenset(READERS)
