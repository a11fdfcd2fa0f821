from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from feature_extraction.imported.options import TranscriptImportOptions
from feature_extraction.imported.transcripts import WITHOUT_FEATURES, import_transcripts
from tests.toys.command_line import Run
from tests.toys.work_folder import add_features
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.ledger import Ledger
from workfolder.options import JobOptions
from workfolder.report import Report
from workfolder.stage import Stage


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def run(path: Path, work: Path, **options: Any) -> Report:
    return import_transcripts([path], work, TranscriptImportOptions(**options))


def sentences(work: Path, video: str) -> list[tuple[float, float, str]]:
    table = read_table(Stage(work / "transcripts").path(video))
    return [(row["start"], row["end"], row["text"]) for row in table.to_pylist()]


def test_rows_of_a_table_are_kept_as_sentences(tmp_path: Path) -> None:
    table = "video,start,end,text\nb,9,10,now\na,3,5,fry it. (Slowly)\na,0,4,Cut an onion\na,6,7,\n"
    report = run(write(tmp_path / "in" / "t.csv", table), tmp_path)
    assert report.now == 2 and report.dropped == {"cues without words": 1}
    assert sentences(tmp_path, "a") == [(0, 4, "Cut an onion"), (3, 5, "fry it. (Slowly)")]
    assert sentences(tmp_path, "b") == [(9, 10, "now")]
    row = read_table(Stage(tmp_path / "transcripts").path("a")).to_pylist()[0]
    assert (row["source"], row["language"], row["index"]) == ("imported:t.csv", None, 0)
    times = [(word["word"], word["start"], word["end"]) for word in row["words"]]
    assert times == [("Cut", 0, 1.2), ("an", 1.2, 2), ("onion", 2, 4)]


def test_the_file_of_howto100m_becomes_sentences(tmp_path: Path) -> None:
    raw = {
        "-tCQ4tCQdWE": {
            "text": ["now we fry", "the onion"],
            "start": [0.08, 3661.5],
            "end": [3663.96, 3664.0],
        },
        "nVbIUDjzWY4": {"text": [], "start": [], "end": []},
    }
    path = write(tmp_path / "in" / "raw_caption.json", raw)
    run(path, tmp_path, language="en")
    found = sentences(tmp_path, "-tCQ4tCQdWE")
    assert [text for *_, text in found] == ["now we fry", "the onion"]
    assert found[0][:2] == (0.08, 3661.5) and sentences(tmp_path, "nVbIUDjzWY4") == []
    run(path, tmp_path / "restored", punctuation="restore")
    assert sentences(tmp_path / "restored", "-tCQ4tCQdWE")


def test_a_file_of_a_recogniser_keeps_the_times_of_its_words(tmp_path: Path) -> None:
    words = [{"word": "add", "start": 1.0, "end": 1.5}, {"word": "eggs.", "start": 3.0, "end": 3.5}]
    segment = {"start": 1.0, "end": 4.0, "text": "add eggs.", "words": words}
    path = write(tmp_path / "in" / "soup.json", {"segments": [segment], "language": "en"})
    run(path, tmp_path)
    (row,) = read_table(Stage(tmp_path / "transcripts").path("soup")).to_pylist()
    assert (row["start"], row["end"], row["language"]) == (1.0, 3.5, "en")
    assert [word["start"] for word in row["words"]] == [1.0, 3.0]


def test_only_videos_with_features_are_taken_and_found_by_their_last_name(tmp_path: Path) -> None:
    add_features(tmp_path, "a")
    (tmp_path / "features" / "a.parquet").rename(tmp_path / "features" / "x%2Fa.parquet")
    table = write(tmp_path / "in" / "t.csv", "video,start,text\na,0,one two\nb,0,three four\n")
    report = run(table, tmp_path)
    assert report.now == 1 and report.passed_over == {WITHOUT_FEATURES: 1}
    assert [text for *_, text in sentences(tmp_path, "x%2Fa")] == ["one two"]
    add_features(tmp_path, "b")
    assert (report := run(table, tmp_path)).now == 1 and report.before == 1
    with pytest.raises(InputError, match="made with other options"):
        run(table, tmp_path, language="de")
    with pytest.raises(InputError, match="--all-videos"):
        run(write(tmp_path / "in" / "u.csv", "video,start,text\nq,0,x y\n"), tmp_path)
    table.write_text("video,start,text\nq,0,x y\n")
    assert run(table, tmp_path, all_videos=True).now == 1


def test_what_cannot_be_used_is_accounted_for_and_costs_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write(folder / "good.csv", "video,start,end,text\na,0,1,one two\nb,5,1,late\nc,0,1,x y\n")
    write(folder / "other.jsonl", {"video": "c", "start": 0, "text": "again"})
    write(folder / "broken.json", "{")
    write(folder / "sounds.json", {"segments": [{"start": 0, "end": 1, "text": "[Music]"}]})
    report = import_transcripts([folder], tmp_path)
    assert report.now == 2 and report.failures.keys() == {"b", "c", "broken"}
    assert "good.csv, line 3: it goes from 5 s to 1 s" in report.failures["b"]
    assert "have the same video id 'c'" in report.failures["c"]
    assert "broken.json" in report.failures["broken"]
    assert sentences(tmp_path, "sounds") == [] and sum(report.dropped.values()) == 1
    account = Ledger(Stage(tmp_path / "transcripts")).read()
    assert account.done == {"a", "sounds"} and not account.waiting
    write(folder / "good.csv", "video,start,end,text\na,0,1,one two\nb,5,6,late\nc,0,1,x y\n")
    again = import_transcripts([folder], tmp_path, job=JobOptions(retry_failed=True))
    assert again.now == 1 and again.failures.keys() == {"c", "broken"}


def test_files_without_any_video_claim_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t\.csv has no column"):
        run(write(tmp_path / "in" / "t.csv", "a,b\n1,2\n"), tmp_path)
    assert not (tmp_path / "transcripts").exists()


def test_the_annotations_of_youcook2_are_taken_whole(
    shared_data: Path, tmp_path: Path, videobert: Run
) -> None:
    path = shared_data / "annotations" / "youcook2" / "youcookii_annotations_trainval.json"
    done = videobert("import", "transcripts", path, "--work", tmp_path)
    assert done.status == 0 and done.out.startswith("transcripts: 1790 done now")
    found = sentences(tmp_path, "GLd3aX16zBg")
    assert found[0] == (90, 102, "spread margarine on two slices of white bread")
    rows = (read_table(path).num_rows for path in (tmp_path / "transcripts").glob("*.parquet"))
    assert sum(rows) == 13_829


def test_a_table_with_addresses_and_clocks_is_taken(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "annotations" / "frankxu_cooking_procedural" / "youcook2"
    named = {"video": "VideoUrl", "start": "TimeStamp", "text": "Sentence"}
    report = run(folder / "reviewed_0812.csv", tmp_path, **named)
    assert report.complete and report.now == 352
    first = sentences(tmp_path, "FHvZgt3ExDI")[0]
    assert first == (0.1, 1.5, "guys , jason hill here today.")
