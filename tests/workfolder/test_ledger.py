from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.json_lines import read_rows
from workfolder.ledger import FAILED, PARTIAL, Ledger
from workfolder.maker import Made, Maker
from workfolder.runner import JobOptions, run_job
from workfolder.sources import Source
from workfolder.stage import Stage


@dataclass(frozen=True)
class Fated(Maker):
    """What becomes of each video is decided beforehand."""

    fates: dict[str, str]

    def __call__(self, source: Source) -> Made:
        fate = self.fates[source.video_id]
        if fate == "failed":
            raise InputError(f"{source.path} is bad: mend it")
        if fate == "bug":
            raise KeyError("a bug")
        table = pa.table({"video_id": [source.video_id], "fate": [fate]})
        return Made(table, "ends early" if fate == "partial" else None)


def entered(stage: Stage) -> list[dict[str, Any]]:
    """The rows of the books about inputs."""
    return list(read_rows(stage.folder / "inputs.jsonl"))


FATES = st.dictionaries(
    st.sampled_from("abcdef"), st.sampled_from(["whole", "partial", "failed", "bug"]), min_size=1
)
RUNS = st.lists(
    st.tuples(FATES, st.booleans(), st.sampled_from([None, None, 0, 1]), st.integers(1, 2)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(RUNS)
def test_after_any_history_the_books_add_up(tmp_path_factory: pytest.TempPathFactory, runs) -> None:
    """A model that knows only the rules goes through the same runs as the job."""
    stage = Stage(tmp_path_factory.mktemp("work") / "stage")
    stage.claim({})
    rows: dict[str, str] = {}  # what lies on the disk
    inputs: set[str] = set()
    for fates, retry, most, workers in runs:
        sources = [Source(name, Path(name)) for name in fates]
        inputs |= fates.keys()
        account = Ledger(stage).read()
        tried = {
            name for name in fates if name not in rows and (retry or name not in account.failed)
        }
        tried |= {name for name in fates if retry and rows.get(name) == "partial"}
        try:
            report = run_job(
                stage,
                sources,
                Fated(fates),
                JobOptions(workers, retry_failed=retry, max_failures=most),
            )
        except InputError:
            tried = {
                name
                for name in fates
                if stage.path(name).exists()
                and name in tried
                and fates[name] in ("whole", "partial")
            }
            report = None
        for name in tried:
            if fates[name] in ("whole", "partial") and read_table(stage.path(name))[
                "fate"
            ].to_pylist() == [fates[name]]:
                rows[name] = fates[name]
        account = Ledger(stage).read()
        assert account.done == rows.keys()
        assert account.partial.keys() == {name for name, fate in rows.items() if fate == "partial"}
        assert account.done | account.failed.keys() | account.waiting == inputs
        assert len(account.done) + len(account.failed) + len(account.waiting) == len(inputs)
        if report:
            assert not account.waiting & fates.keys()
            assert report.complete == (
                fates.keys() <= rows.keys()
                and not any(fates[name] in ("failed", "bug") for name in tried)
            )
            assert report.before + report.now + len(report.failures) == len(fates)


def test_a_partial_video_that_cannot_be_done_again_stays_partial(tmp_path: Path) -> None:
    stage, source = Stage(tmp_path / "stage"), [Source("a", Path("a"))]
    run_job(stage, source, Fated({"a": "partial"}))
    for _ in range(2):
        report = run_job(stage, source, Fated({"a": "failed"}), JobOptions(retry_failed=True))
        assert "mend it" in report.partial["a"] and "mend it" in report.failures["a"]
        assert (report.before, report.now, report.complete) == (
            0,
            0,
            False,
        ) and "nothing to do" not in str(report)
    assert Ledger(stage).notes()["a"]["times"] == 3
    run_job(stage, source, Fated({"a": "partial"}), JobOptions(retry_failed=True))
    assert Ledger(stage).notes()["a"]["times"] == 4
    assert "1 partial in all" in str(
        run_job(stage, source, Fated({"a": "partial"}))
    )  # nothing is done, and that is told
    assert run_job(stage, source, Fated({"a": "whole"}), JobOptions(retry_failed=True)).now == 1
    assert not Ledger(stage).read().partial


def test_partial_rows_never_seem_whole_when_a_second_try_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, source = Stage(tmp_path / "stage"), [Source("a", Path("a"))]
    run_job(stage, source, Fated({"a": "partial"}))
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run_job(stage, source, Fated({"a": "whole"}), JobOptions(retry_failed=True))
    monkeypatch.undo()
    assert Ledger(stage).read().partial and read_table(stage.path("a"))["fate"].to_pylist() == [
        "partial"
    ]


def test_rows_that_were_partial_and_are_made_anew_are_whole(tmp_path: Path) -> None:
    stage, source = Stage(tmp_path / "stage"), [Source("a", Path("a"))]
    run_job(stage, source, Fated({"a": "partial"}))
    stage.path("a").unlink()
    assert Ledger(stage).read().waiting == {"a"}
    run_job(stage, source, Fated({"a": "whole"}))
    assert not Ledger(stage).read().partial


def test_a_flipped_byte_in_the_books_costs_only_its_row(tmp_path: Path) -> None:
    stage, sources = Stage(tmp_path / "stage"), [Source("a", Path("a")), Source("b", Path("b"))]
    run_job(stage, sources, Fated({"a": "partial", "b": "failed"}))
    for name, before, after in (
        ("failures", b'"failed"', b'"fbiled"'),
        ("inputs", b'"video"', b'"viteo"'),
    ):
        path = stage.folder / f"{name}.jsonl"
        path.write_bytes(path.read_bytes().replace(before, after, 1))
    with (stage.folder / "inputs.jsonl").open("a") as file:
        file.write("[1]\n")
    assert Ledger(stage).read().waiting == {"b"}
    assert run_job(stage, sources, Fated({"a": "partial", "b": "whole"})).now == 1


@pytest.mark.parametrize("name", [os.fsdecode(b"caf\xe9.mp4"), "a\nb.mp4", "süß.mp4"])
def test_any_name_can_be_entered_and_fail(tmp_path: Path, name: str) -> None:
    stage, source = Stage(tmp_path / "stage"), [Source("a", tmp_path / name)]
    report = run_job(stage, source, Fated({"a": "failed"}))
    assert list(report.failures) == ["a"] and "\n" not in report.failures["a"]
    assert Ledger(stage).path_of("a") == str(tmp_path / name)


def test_an_input_is_entered_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "stage")
    for _ in range(3):
        Ledger(stage).expect([Source("a", Path("a")), Source("b", Path("b"))])
    assert [row["video"] for row in entered(stage)] == ["a", "b"]
    assert Ledger(stage).read().waiting == {"a", "b"}


def two_soups(folder: Path) -> tuple[Path, Path]:
    """Two videos of one name that are not the same."""
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "soup.mp4").write_bytes(b"soup" * ord(name))
    return folder / "a" / "soup.mp4", folder / "b" / "soup.mp4"


def test_another_video_of_an_id_that_is_done_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, fates = Stage(tmp_path / "stage"), Fated({"soup": "whole", "stew": "whole"})
    first, second = two_soups(tmp_path)
    monkeypatch.chdir(tmp_path)
    run_job(stage, [Source("soup", Path("a/soup.mp4"))], fates)
    for path in (Path("b/soup.mp4"), second, Path("absent/soup.mp4")):
        report = run_job(stage, [Source("soup", path), Source("stew", Path("stew"))], fates)
        assert report.before + report.now == 1 and report.failures.keys() == {"soup"}
        assert str(first) in report.failures["soup"]
        assert "have the same video id 'soup': rename one" in report.failures["soup"]
    account = Ledger(stage).read()
    assert account.done == {"soup", "stew"} and not account.failed
    assert Ledger(stage).path_of("soup") == str(first)


def test_the_same_video_by_another_way_is_done_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, fates = Stage(tmp_path / "stage"), Fated({"soup": "whole"})
    first, _ = two_soups(tmp_path)
    run_job(stage, [Source("soup", first)], fates)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    for path in (Path("soup.mp4"), Path("../link/soup.mp4")):
        report = run_job(stage, [Source("soup", path)], fates)
        assert str(report) == "stage: done already, nothing to do"
    assert [row["path"] for row in entered(stage)] == [str(first)]


def test_an_id_that_differs_only_in_case_from_one_of_an_earlier_run_fails(tmp_path: Path) -> None:
    stage, fates = Stage(tmp_path / "stage"), Fated({"soup": "whole", "Soup": "whole"})
    first, second = two_soups(tmp_path)
    run_job(stage, [Source("soup", first)], fates)
    report = run_job(stage, [Source("Soup", second)], fates)
    assert "'Soup' but for its case" in report.failures["Soup"]
    assert Ledger(stage).read().failed.keys() == {"Soup"}
    first.rename(tmp_path / "a" / "stew.mp4")
    assert run_job(stage, [Source("Soup", second)], fates).now == 1  # the way is clear


def test_videos_that_moved_or_were_copied_are_entered_where_they_are(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "stage")
    first, second = two_soups(tmp_path)
    Ledger(stage).expect([Source("soup", second)])
    assert Ledger(stage).path_of("soup") == str(second)
    assert Ledger(stage).refused([Source("soup", first)]).keys() == {"soup"}
    (tmp_path / "b").rename(tmp_path / "c")
    shutil.copytree(tmp_path / "c", tmp_path / "d")
    for folder in "cd":
        source, ledger = Source("soup", tmp_path / folder / "soup.mp4"), Ledger(stage)
        assert not ledger.refused([source])
        ledger.expect([source])
        assert ledger.path_of("soup") == str(source.path) and ledger.path_of("stew") is None
    assert Ledger(stage).read().waiting == {"soup"}


def test_files_that_were_passed_over_are_noted_once_a_change(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "stage")
    for count in (2, 2, 3):
        Ledger(stage).note_passed_over({"/videos": {".m3u8": count}, "/more": {}})
    assert len(entered(stage)) == 2
    assert Ledger(stage).read().passed_over == {"/videos": {".m3u8": 3}}
    Ledger(stage).note_passed_over({"/videos": {}})
    assert Ledger(stage).read().passed_over == {}


def test_a_copied_work_folder_is_a_work_folder(tmp_path: Path) -> None:
    for work in ("work", "copy"):
        (tmp_path / work / "features").mkdir(parents=True)
        (tmp_path / work / "features" / "soup.parquet").write_text(work)
    stage = Stage(tmp_path / "tokens")
    for work in ("work", "copy"):
        Ledger(stage).expect([Source("soup", tmp_path / work / "features" / "soup.parquet")])
        assert Ledger(stage).path_of("soup") == str(tmp_path / work / "features" / "soup.parquet")


def test_the_latest_note_counts(tmp_path: Path) -> None:
    ledger = Ledger(Stage(tmp_path / "stage"))
    ledger.expect([Source("a", Path("a"))])
    ledger.note(FAILED, {"a": "first"})
    ledger.note(FAILED, {"a": "second"})
    assert ledger.read().failed == {"a": "second"}
    ledger.note(PARTIAL, {"a": "third"})
    assert not ledger.read().failed and not ledger.read().partial  # its rows are not there


def test_the_pictures_of_a_video_may_lie_beside_a_file_made_of_it(tmp_path: Path) -> None:
    stage, source = Stage(tmp_path / "features"), Source("soup", tmp_path / "soup.npy")
    Ledger(stage).expect([source])
    assert Ledger(stage).path_of("soup") == str(tmp_path / "soup.npy")
    with_pictures = replace(source, pictures=tmp_path / "soup.mp4")
    for _ in range(2):
        Ledger(stage).expect([with_pictures])
        assert Ledger(stage).path_of("soup") == str(tmp_path / "soup.mp4")
    assert len((stage.folder / "inputs.jsonl").read_text().splitlines()) == 2
    assert not Ledger(stage).refused([with_pictures])
