from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.toys.command_line import Run
from videobert.data.annotation_files import FORMATS
from videobert.data.annotations import Annotation, import_annotations, read_annotation_table
from videobert.data.options import ANNOTATION_FORMATS
from workfolder.errors import InputError
from workfolder.files import read_table, write_table

FIRST, SECOND = "abcdefghijk", "lmnopqrstuv"
MUTANTS = 20


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder that has two videos; one is of a recipe's folder."""
    folder = tmp_path / "work"
    for video in (FIRST, f"soups%2Fleek [{SECOND}]"):
        write_table(pa.table({"x": [1]}), folder / "tokens" / f"{video}.parquet")
    return folder


def youcook2(videos: dict[str, list[Any]], subset: Any = "training") -> dict[str, Any]:
    return {
        "database": {
            video: {
                "subset": subset,
                "recipe_type": "101",
                "annotations": [
                    {"segment": [n * 5, n * 5 + 4.5], "id": n, "sentence": text}
                    for n, text in enumerate(texts)
                ],
            }
            for video, texts in videos.items()
        }
    }


def coin(videos: dict[str, list[Any]]) -> dict[str, Any]:
    return {
        "database": {
            video: {
                "class": "MakeSoup",
                "subset": "testing",
                "annotation": [
                    {"segment": [n * 5, n * 5 + 4.5], "id": "7", "label": text}
                    for n, text in enumerate(texts)
                ],
            }
            for video, texts in videos.items()
        }
    }


def write_crosstask(folder: Path, lines: str, video: str = FIRST) -> Path:
    (folder / "annotations").mkdir(parents=True)
    (folder / "tasks_primary.txt").write_text(
        "23521\nMake Soup\nhttps://x\n2\npeel leek,fry leek\n\n105222\nMake Tea\nhttps://y\n1\nboil\n\n"
    )
    (folder / "videos_val.csv").write_text(f"23521,{video},https://z\n")
    (folder / "annotations" / f"23521_{video}.csv").write_text(lines)
    return folder


def write(path: Path, value: Any) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_youcook2_is_read_with_its_recipes_and_what_is_missing_is_listed(
    work: Path, tmp_path: Path, videobert: Run
) -> None:
    texts = {FIRST: ["peel the leek", "fry it"], SECOND: ["boil"], "not_there_1": ["wash"]}
    file = write(tmp_path / "captions.json", youcook2(texts))
    write(tmp_path / "label_foodtype.csv", "101,BLT\n102,onion rings\n")
    told = videobert("import", "annotations", file, "--format", "youcook2", "--work", work)
    assert told.status == 0 and "3 rows of 2 videos, 1 labels" in told.out
    assert "missing videos, 1: not_there_1" in told.out
    first, _, third = read_annotation_table(work, "captions")
    assert first == Annotation(FIRST, 0.0, 4.5, "peel the leek", "BLT", (), "training")
    assert third.video == f"soups%2Fleek [{SECOND}]"
    again = videobert("import", "annotations", file, "--format", "youcook2", "--work", work)
    assert again.status == 0 and again.out.startswith("done already: ")


def test_coin_crosstask_and_activitynet_are_read(work: Path, tmp_path: Path) -> None:
    import_annotations(write(tmp_path / "coin.json", coin({FIRST: ["peel leek"]})), work, "coin")
    (row,) = read_annotation_table(work, "coin")
    assert (row.text, row.label, row.subset) == ("peel leek", "peel leek", "testing")

    folder = write_crosstask(tmp_path / "crosstask", "2,1.5,4\n1,0,1.25\n")
    import_annotations(folder, work, "crosstask")
    fry, peel = read_annotation_table(work, "crosstask")
    assert fry == Annotation(FIRST, 1.5, 4.0, "fry leek", "fry leek", (), "validation")
    assert peel.label == "peel leek" and peel.end == 1.25

    about = {"duration": 9, "timestamps": [[0, 3], [3, 9]], "sentences": ["One.", " Two. "]}
    import_annotations(write(tmp_path / "val_1.json", {f"v_{FIRST}": about}), work, "activitynet")
    rows = read_annotation_table(work, "val_1")
    assert [(row.start, row.text, row.label, row.subset) for row in rows] == [
        (0.0, "One.", None, "validation"),
        (3.0, "Two.", None, "validation"),
    ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_table_of_ones_own_is_read(work: Path, tmp_path: Path, suffix: str) -> None:
    rows = [
        {"video": FIRST, "start": 1.0, "end": 2.0, "text": "peel it", "label": "peel"},
        {"video": FIRST, "text": "fry the leek", "tags": "B-VERB O B-NOUN", "subset": "val"},
    ]
    path = tmp_path / f"mine{suffix}"
    columns = ("video", "start", "end", "text", "label", "tags", "subset")
    if suffix == ".csv":
        cells = [",".join(str(row.get(name, "")) for name in columns) for row in rows]
        write(path, "\n".join([",".join(columns), *cells]))
    elif suffix == ".jsonl":
        write(path, "\n".join(map(json.dumps, rows)))
    else:
        write_table(pa.Table.from_pylist([{n: row.get(n) for n in columns} for row in rows]), path)
    import_annotations(path, work, "table")
    one, other = read_annotation_table(work, "mine")
    assert one == Annotation(FIRST, 1.0, 2.0, "peel it", "peel", (), None)
    assert other.start is None and other.label is None
    assert other.tags == ("B-VERB", "O", "B-NOUN") and other.subset == "validation"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"end": 1.0}, "it goes from 1 s to 1 s"),
        ({"start": -1}, "it goes from -1 s to 2 s"),
        ({"start": "soon"}, "'soon' and 2.0 are no two numbers"),
        ({"end": None}, "1.0 and None are no two numbers"),
        ({"start": True}, "are no two numbers"),
        ({"label": "  "}, "its label is '  '"),
        ({"text": 7}, "its text is 7"),
        ({"tags": ["O"]}, "it has 1 tags and 2 words"),
        ({"tags": ["O", "X-A"]}, "the tag 'X-A' is neither O, B-NAME nor I-NAME"),
        ({"subset": "later"}, "its subset is 'later'"),
        ({"video": ""}, "its video is ''"),
        ({"text": "", "label": None}, "it has neither a text nor a label"),
    ],
)
def test_a_row_is_refused_by_its_number_and_the_others_are_kept(
    work: Path, tmp_path: Path, videobert: Run, changes: dict[str, Any], reason: str
) -> None:
    good = {"video": FIRST, "start": 1.0, "end": 2.0, "text": "peel it", "label": "peel"}
    file = write(
        tmp_path / "mine.jsonl", "\n".join(map(json.dumps, [good, {**good, **changes}, good]))
    )
    told = videobert("import", "annotations", file, "--work", work)
    assert told.status == 1 and "2 rows of 1 videos" in told.out
    assert told.err.count("\n") == 1 and f"{file}, line 2: {reason}"[:60] in told.err
    assert reason in told.err
    assert len(read_annotation_table(work, "mine")) == 2


def test_other_rows_under_the_same_name_are_refused(work: Path, tmp_path: Path) -> None:
    import_annotations(write(tmp_path / "a.json", coin({FIRST: ["peel"]})), work, "coin")
    other = write(tmp_path / "b.json", coin({FIRST: ["fry"]}))
    with pytest.raises(InputError, match=r"has other rows than .*b.json: give another --name"):
        import_annotations(other, work, "coin", "a")
    assert [row.label for row in read_annotation_table(work, "a")] == ["peel"]
    with pytest.raises(InputError, match=r"give one of a$"):
        read_annotation_table(work, "b")
    with pytest.raises(InputError, match="cannot be the name of a file"):
        import_annotations(other, work, "coin", "../b")


def test_the_options_name_what_can_be_read() -> None:
    assert tuple(FORMATS) == ANNOTATION_FORMATS


WRONG = [None, -3, "x", [], {}, True, [5, 2], ["a", 3], 1e400]


def mutated(value: Any, rng: random.Random) -> Any:
    """Replace one of the values that an import reads, somewhere below, by something wrong."""
    read = ("segment", "sentence", "label", "annotations", "annotation", "timestamps", "sentences")
    places = [(holder, key) for holder, key in _members(value) if key in (*read, "database")]
    holder, key = rng.choice(places)
    if rng.random() < 0.3:
        del holder[key]
    else:
        holder[key] = rng.choice([wrong for wrong in WRONG if type(wrong) is not type(holder[key])])
    return value


def _members(value: Any) -> list[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found = [(value, key) for key, _ in items]
    below = value.values() if isinstance(value, dict) else value
    return found + [m for each in below if isinstance(each, dict | list) for m in _members(each)]


def torn(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text) - 1)]


def json_mutant(made: Any) -> Callable[[Path, random.Random], Path]:
    def mutant(folder: Path, rng: random.Random) -> Path:
        if rng.random() < 0.3:
            return write(folder / "mutant.json", torn(json.dumps(made), rng))
        return write(folder / "mutant.json", mutated(json.loads(json.dumps(made)), rng))

    return mutant


def table_mutant(folder: Path, rng: random.Random) -> Path:
    good = {"video": FIRST, "start": 1, "end": 2, "text": "peel it", "label": "a", "tags": "O O"}
    wrong = {"video": "", "start": "x", "end": "0.5", "text": "peel", "label": " ", "tags": "O"}
    name = rng.choice(list(good))
    row = {**good, name: wrong[name]}
    return write(folder / "mutant.csv", f"{','.join(row)}\n{','.join(map(str, row.values()))}\n")


def crosstask_mutant(folder: Path, rng: random.Random) -> Path:
    line = rng.choice(["3,1,2", "0,1,2", "x,1,2", "1,2,1", "1,a,2", "1,,2", "1", ";", "1,-1,2"])
    made = write_crosstask(folder / "mutant", f"{line}\n")
    if rng.random() < 0.3:
        (made / "tasks_primary.txt").write_text(rng.choice(["", "23521\nMake", "9\na\nb\n1\nc\n"]))
    return made


MUTANT = {
    "youcook2": json_mutant(youcook2({FIRST: ["peel"]})),
    "coin": json_mutant(coin({FIRST: ["peel"]})),
    "activitynet": json_mutant({FIRST: {"timestamps": [[0, 3]], "sentences": ["One."]}}),
    "crosstask": crosstask_mutant,
    "table": table_mutant,
}


@pytest.mark.parametrize("seed", range(MUTANTS))
@pytest.mark.parametrize("format", MUTANT)
def test_a_mutated_file_is_one_line_and_nothing_is_written(
    work: Path, tmp_path: Path, format: str, seed: int
) -> None:
    file = MUTANT[format](tmp_path, random.Random(seed))
    with pytest.raises(InputError) as refused:
        import_annotations(file, work, format)
    assert str(file) in str(refused.value) and "\n" not in str(refused.value)
    assert not (work / "annotations").exists()


def test_the_official_captions_are_read_whole(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "annotations/youcook2/youcookii_annotations_trainval.json"
    database = json.loads(file.read_text())["database"]
    for video in database:
        path = tmp_path / "tokens" / f"{video}.parquet"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    report = import_annotations(file, tmp_path, "youcook2", "captions")
    assert (report.rows, report.videos, len(report.labels)) == (13_829, 1_790, 89)
    assert not report.refused and not report.missing
    assert read_table(Path(report.path)).num_rows == report.rows
