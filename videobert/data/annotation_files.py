"""Annotations of others, row by row: which stretch of which video has which text and label.

| format | what is read |
| --- | --- |
| youcook2 | JSON: database > video > subset, recipe_type, annotations > segment, sentence |
| coin | JSON: database > video > subset, annotation > segment, label |
| crosstask | a folder: tasks_primary.txt, videos_val.csv, annotations/TASK_VIDEO.csv |
| activitynet | JSON: video > timestamps, sentences; the file's name tells the subset |
| table | CSV, TSV, JSON, JSON lines or Parquet with the columns of ``annotations.ANNOTATIONS`` |

A reader yields where a row stands and its raw values; ``checked`` says what is wrong with them.
Files are read in a process of their own, see workfolder/guard.py.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from feature_extraction.imported.tables import READERS, VIDEO_NAMES, to_seconds
from workfolder.errors import InputError

SUBSETS = TRAINING, VALIDATION, TESTING = ("training", "validation", "testing")
SAME_SUBSET = {
    **{name: TRAINING for name in ("train", TRAINING)},
    **{name: VALIDATION for name in ("val", "valid", "val_1", "val_2", VALIDATION)},
    **{name: TESTING for name in ("test", TESTING)},
}
OUTSIDE = "O"
"""The tag of a word outside of all spans; the others begin with B- or I-."""
TASKS_FILE, FOOD_FILE = "tasks_primary.txt", "label_foodtype.csv"

Raw = Mapping[str, Any]


class Annotated(NamedTuple):
    """A row of a file. Where it has a problem, the values say nothing.

    Attributes:
        place: where it stands in the file, for people.
        video: as the file names it.
        start, end: in seconds; None for the whole video.
        text: possibly empty.
        label: None without one.
        tags: BIO, one for each word of the text; None without.
        subset: one of SUBSETS; None where the file does not tell.
        problem: what is wrong with it; empty if nothing is.
    """

    place: str
    video: str = ""
    start: float | None = None
    end: float | None = None
    text: str = ""
    label: str | None = None
    tags: list[str] | None = None
    subset: str | None = None
    problem: str = ""


def read_annotated(path: Path, format: str) -> Generator[Annotated]:
    """Yield the rows of a file in its order, those with a problem among them.

    Args:
        path: a file, or a folder where the format is one.
        format: a key of FORMATS.

    Raises:
        InputError: if the file has another shape, or no row.
    """
    required, empty = () if format == TABLE else ("start", "end", "text"), True
    try:
        for place, row in FORMATS[format](path):
            empty = False
            yield checked(place, row, required)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): get it again") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = f"{type(error).__name__}: {error}"
        raise InputError(
            f"{path} has not the shape of {format} annotations ({what}): get it again, or give "
            "another --format"
        ) from error
    if empty:
        raise InputError(f"{path} has no annotation: get it again, or give another --format")


def checked(place: str, row: Any, required: Collection[str] = ()) -> Annotated:
    """Check the values of a row; what is wrong is told by its ``problem``.

    Args:
        place: where it stands.
        row: values by name, or the error that its reader had.
        required: names that must have a value.
    """
    try:
        if isinstance(row, ValueError):
            raise row
        if not isinstance(row, Mapping):
            raise ValueError(f"it is {row!r}, not a row")
        if missing := [name for name in required if row.get(name) in (None, "")]:
            raise ValueError(f"it has no {missing[0]}")
        start, end = _times(row.get("start"), row.get("end"))
        text = _text(row.get("text"))
        label, tags = _label(row.get("label")), _tags(row.get("tags"), text)
        if not text and label is None:
            raise ValueError("it has neither a text nor a label")
        return Annotated(
            place, _video(row.get("video")), start, end, text, label, tags, _subset(row)
        )
    except ValueError as error:
        return Annotated(place, problem=str(error))


def _video(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"its video is {value!r}")
    return value.strip()


def _times(start: Any, end: Any) -> tuple[float | None, float | None]:
    if start in (None, "") and end in (None, ""):
        return None, None
    began, ended = (
        None if isinstance(value, bool) else to_seconds(value) for value in (start, end)
    )
    if began is None or ended is None or not math.isfinite(began) or not math.isfinite(ended):
        raise ValueError(f"its times {start!r} and {end!r} are no two numbers of seconds")
    if not 0 <= began < ended:
        raise ValueError(f"it goes from {began:g} s to {ended:g} s")
    return began, ended


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"its text is {value!r}")
    return " ".join(value.split())


def _label(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"its label is {value!r}")
    return value.strip()


def _tags(value: Any, text: str) -> list[str] | None:
    """Check the tags of the words of a text."""
    tags = value.split() if isinstance(value, str) else value
    if not tags:
        return None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ValueError(f"its tags are {value!r}")
    words = len(text.split())
    if len(tags) != words:
        raise ValueError(f"it has {len(tags)} tags and {words} words")
    wrong = [tag for tag in tags if tag != OUTSIDE and (tag[:2] not in ("B-", "I-") or not tag[2:])]
    if wrong:
        raise ValueError(f"the tag {wrong[0]!r} is neither {OUTSIDE}, B-NAME nor I-NAME")
    return tags


def _subset(row: Raw) -> str | None:
    value = row.get("subset")
    if value in (None, ""):
        return None
    if not isinstance(value, str) or value.strip().lower() not in SAME_SUBSET:
        raise ValueError(f"its subset is {value!r}: {', '.join(SUBSETS)}, or none")
    return SAME_SUBSET[value.strip().lower()]


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8-sig"))


def _in_database(path: Path, rows: str) -> Iterator[tuple[str, Raw, Any]]:
    """Yield the rows of database > video > ``rows``: where, what is told of the video, the row."""
    for video, about in _json(path)["database"].items():
        listed = about[rows]
        if not isinstance(listed, list):
            raise TypeError(f"the {rows} of {video} are no list")
        for number, row in enumerate(listed):
            yield f"{video}, row {number} (the first is 0)", {**about, "video": video}, row


def _segment(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the start and the end of a row with both in its ``segment``."""
    segment = row.get("segment")
    if not isinstance(segment, list) or len(segment) != 2:
        return {"start": "none", "end": segment}
    return {"start": segment[0], "end": segment[1]}


def _youcook2(path: Path) -> Iterator[tuple[str, Any]]:
    """Its labels are the recipe types, by name where ``label_foodtype.csv`` is beside the file."""
    beside = path.with_name(FOOD_FILE)
    lines = beside.read_text(encoding="utf-8").splitlines() if beside.is_file() else []
    foods = dict(line.split(",", 1) for line in lines if "," in line)
    for place, about, row in _in_database(path, "annotations"):
        if not isinstance(row, dict):
            yield place, row
            continue
        kind = about.get("recipe_type")
        yield (
            place,
            {
                "video": about["video"],
                **_segment(row),
                "text": row.get("sentence"),
                "label": None if kind is None else foods.get(str(kind), str(kind)),
                "subset": about.get("subset"),
            },
        )


def _coin(path: Path) -> Iterator[tuple[str, Any]]:
    for place, about, row in _in_database(path, "annotation"):
        if not isinstance(row, dict):
            yield place, row
            continue
        label = row.get("label")
        values = {"text": label, "label": label, "subset": about.get("subset")}
        yield place, {"video": about["video"], **_segment(row), **values}


def _activitynet(path: Path) -> Iterator[tuple[str, Any]]:
    subset = next((name for name in SAME_SUBSET if path.stem.lower().startswith(name)), None)
    for video, about in _json(path).items():
        times, texts = about["timestamps"], about["sentences"]
        if not isinstance(times, list) or not isinstance(texts, list) or len(times) != len(texts):
            raise ValueError(f"{video} has not as many timestamps as sentences")
        for number, (pair, text) in enumerate(zip(times, texts, strict=True)):
            row = {"video": video.removeprefix("v_"), "text": text, "subset": subset}
            place = f"{video}, row {number} (the first is 0)"
            yield place, {**row, **_segment({"segment": pair})}


def _crosstask(folder: Path) -> Iterator[tuple[str, Any]]:
    """Read a folder as it is published; a step's label is its name in the list of tasks."""
    steps = _steps(folder / TASKS_FILE)
    listed = folder / "videos_val.csv"
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    apart = {line.split(",")[1] for line in lines if line.strip()}
    for path in sorted((folder / "annotations").glob("*.csv")):
        task, _, video = path.stem.partition("_")
        names = steps.get(task, [])
        subset = None if not apart else VALIDATION if video in apart else TRAINING
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, line in enumerate(csv.reader(file), 1):
                place = f"{path.name}, line {number}"
                step, start, end = (*line, "", "", "")[:3]
                if not step.isdecimal() or not 1 <= int(step) <= len(names):
                    yield place, ValueError(f"its step is {step!r}, and its task has {len(names)}")
                    continue
                label = names[int(step) - 1]
                times = {"start": start, "end": end, "text": label, "label": label}
                yield place, {"video": video, "subset": subset, **times}


def _steps(path: Path) -> dict[str, list[str]]:
    """Read the list of tasks: id, name, address, how many steps, the steps; an empty line."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    parts = [block.strip().splitlines() for block in blocks]
    return {lines[0].strip(): [step.strip() for step in lines[4].split(",")] for lines in parts}


def _table(path: Path) -> Iterator[tuple[str, Any]]:
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ValueError(f"a table ends in one of {' '.join(READERS)}")
    for place, entry in READERS[suffix](path):
        if isinstance(entry, dict):
            lower = {str(name).strip().lower(): value for name, value in entry.items()}
            entry = {**lower, "video": next((lower[n] for n in VIDEO_NAMES if n in lower), None)}
            if suffix in (".csv", ".tsv"):  # where nothing is an empty cell
                entry = {name: None if value == "" else value for name, value in entry.items()}
        yield place, entry


TABLE = "table"
FORMATS: Mapping[str, Callable[[Path], Iterator[tuple[str, Any]]]] = {
    "youcook2": _youcook2,
    "coin": _coin,
    "crosstask": _crosstask,
    "activitynet": _activitynet,
    TABLE: _table,
}
