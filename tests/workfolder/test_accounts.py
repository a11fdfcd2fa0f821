from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_extraction.schema import TRANSCRIPTS, feature_column, features_schema
from workfolder.accounts import FAILED, PARTIAL, Accounts, damaged
from workfolder.errors import InputError
from workfolder.files import read_table, write_table
from workfolder.maker import Made, Maker
from workfolder.runner import JobOptions, run_job
from workfolder.sources import Source
from workfolder.stage import Stage


def features_file(stage: Stage, video: str, rows: int = 20) -> pa.Table:
    rng = np.random.default_rng(rows)
    start = np.arange(rows) * 1.5
    columns = [[video] * rows, np.arange(rows, dtype=np.int32), start, start + 1.5]
    features = feature_column(rng.normal(size=(rows, 64)).astype(np.float16))
    table = pa.Table.from_arrays([*map(pa.array, columns), features], schema=features_schema(64))
    write_table(table.replace_schema_metadata({b"source": b"/videos/soup.mp4"}), stage.path(video))
    return read_table(stage.path(video))


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
        account = Accounts(stage).read()
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
        account = Accounts(stage).read()
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
    assert Accounts(stage).notes()["a"]["times"] == 3
    run_job(stage, source, Fated({"a": "partial"}), JobOptions(retry_failed=True))
    assert Accounts(stage).notes()["a"]["times"] == 4
    assert "1 partial in all" in str(
        run_job(stage, source, Fated({"a": "partial"}))
    )  # nothing is done, and that is told
    assert run_job(stage, source, Fated({"a": "whole"}), JobOptions(retry_failed=True)).now == 1
    assert not Accounts(stage).read().partial


def test_partial_rows_never_seem_whole_when_a_second_try_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, source = Stage(tmp_path / "stage"), [Source("a", Path("a"))]
    run_job(stage, source, Fated({"a": "partial"}))
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run_job(stage, source, Fated({"a": "whole"}), JobOptions(retry_failed=True))
    monkeypatch.undo()
    assert Accounts(stage).read().partial and read_table(stage.path("a"))["fate"].to_pylist() == [
        "partial"
    ]


def test_rows_that_were_partial_and_are_made_anew_are_whole(tmp_path: Path) -> None:
    stage, source = Stage(tmp_path / "stage"), [Source("a", Path("a"))]
    run_job(stage, source, Fated({"a": "partial"}))
    stage.path("a").unlink()
    assert Accounts(stage).read().waiting == {"a"}
    run_job(stage, source, Fated({"a": "whole"}))
    assert not Accounts(stage).read().partial


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
    assert Accounts(stage).read().waiting == {"b"}
    assert run_job(stage, sources, Fated({"a": "partial", "b": "whole"})).now == 1


@pytest.mark.parametrize("name", [os.fsdecode(b"caf\xe9.mp4"), "a\nb.mp4", "süß.mp4"])
def test_any_name_can_be_entered_and_fail(tmp_path: Path, name: str) -> None:
    stage, source = Stage(tmp_path / "stage"), [Source("a", tmp_path / name)]
    report = run_job(stage, source, Fated({"a": "failed"}))
    assert list(report.failures) == ["a"] and "\n" not in report.failures["a"]
    assert list(Accounts(stage)._inputs) == [{"video": "a", "path": str(tmp_path / name)}]


def test_an_input_is_entered_once(tmp_path: Path) -> None:
    accounts = Accounts(Stage(tmp_path / "stage"))
    for _ in range(3):
        accounts.expect([Source("a", Path("a")), Source("b", Path("b"))])
    assert [row["video"] for row in accounts._inputs] == ["a", "b"] and accounts.read().waiting == {
        "a",
        "b",
    }


def test_another_video_of_an_id_that_is_done_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path / "stage")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "soup.mp4").write_bytes(b"soup" * ord(folder))
    monkeypatch.chdir(tmp_path)
    run_job(stage, [Source("soup", Path("a/soup.mp4"))], Fated({"soup": "whole"}))
    for path in (Path("b/soup.mp4"), tmp_path / "b" / "soup.mp4", Path("absent/soup.mp4")):
        with pytest.raises(
            InputError,
            match=r"a/soup\.mp4 and .*/soup\.mp4 have the same video id 'soup': rename one",
        ):
            run_job(stage, [Source("soup", path)], Fated({"soup": "whole"}))
    monkeypatch.chdir(tmp_path / "a")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for path in (Path("soup.mp4"), Path("../link/soup.mp4")):
        assert (
            str(run_job(stage, [Source("soup", path)], Fated({"soup": "whole"})))
            == "stage: done already, nothing to do"
        )
    assert [row["path"] for row in Accounts(stage)._inputs] == [str(tmp_path / "a" / "soup.mp4")]


def test_videos_that_moved_or_were_copied_are_entered_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = Accounts(Stage(tmp_path / "stage"))
    accounts._inputs.add([{"video": "soup", "path": "a/soup.mp4"}])  # as the version before did
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "soup.mp4").write_bytes(b"soup" * ord(folder))
    monkeypatch.chdir(tmp_path)
    accounts.expect([Source("soup", tmp_path / "b" / "soup.mp4")])
    assert (
        accounts.noted("soup")
        == Accounts(accounts.stage).noted("soup")
        == str(tmp_path / "b" / "soup.mp4")
    )
    with pytest.raises(InputError, match="have the same video id"):
        Accounts(accounts.stage).expect([Source("soup", tmp_path / "a" / "soup.mp4")])
    (tmp_path / "b").rename(tmp_path / "c")
    shutil.copytree(tmp_path / "c", tmp_path / "d")
    for folder in "cd":
        accounts.expect([Source("soup", tmp_path / folder / "soup.mp4")])
        assert (
            accounts.noted("soup") == str(tmp_path / folder / "soup.mp4")
            and accounts.noted("stew") is None
        )
    assert accounts.read().waiting == {"soup"}


def test_a_copied_work_folder_is_a_work_folder(tmp_path: Path) -> None:
    for work in ("work", "copy"):
        (tmp_path / work / "features").mkdir(parents=True)
        (tmp_path / work / "features" / "soup.parquet").write_text(work)
    stage = Stage(tmp_path / "tokens")
    for work in ("work", "copy"):
        Accounts(stage).expect([Source("soup", tmp_path / work / "features" / "soup.parquet")])
        assert Accounts(stage).noted("soup") == str(tmp_path / work / "features" / "soup.parquet")


def test_the_latest_note_counts(tmp_path: Path) -> None:
    accounts = Accounts(Stage(tmp_path / "stage"))
    accounts.expect([Source("a", Path("a"))])
    accounts.note("a", FAILED, "first")
    accounts.note("a", FAILED, "second")
    assert accounts.read().failed == {"a": "second"}
    accounts.note("a", PARTIAL, "third")
    assert not accounts.read().failed and not accounts.read().partial  # its rows are not there


def test_an_undamaged_stage_has_no_damage(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    for video, rows in (("a", 1), ("b", 20), ("c%20d", 3000)):
        features_file(stage, video, rows)
    texts = [pa.array([text], pa.string()) for text in ("soup", None, "süß")]
    write_table(pa.table({"video_id": ["e"] * 3, "text": pa.chunked_array(texts)}), stage.path("e"))
    write_table(TRANSCRIPTS.empty_table(), stage.path("silent"))
    words = pa.array(
        [[{"word": "soup", "probability": None}], [], None], TRANSCRIPTS.field("words").type
    )
    write_table(pa.table({"video_id": ["f"] * 3, "words": words}), stage.path("f"))
    assert damaged(stage) == {}


def test_a_file_cut_anywhere_is_found(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    features_file(stage, "soup")
    content = stage.path("soup").read_bytes()
    for length in [0, 1, 4, 8, *range(12, len(content), 97), len(content) - 1]:
        stage.path("soup").write_bytes(content[:length])
        assert "soup" in damaged(stage), length


def test_a_file_with_rows_of_another_video_is_found(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    features_file(stage, "soup")
    features_file(stage, "stew")
    stage.path("soup").replace(stage.path("roast"))
    assert damaged(stage).keys() == {"roast"} and "another video" in damaged(stage)["roast"]


def test_rows_that_are_there_twice_or_not_at_all_are_found(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    table = features_file(stage, "soup")
    write_table(pa.concat_tables([table, table]), stage.path("soup"))
    features_file(stage, "stew")
    write_table(read_table(stage.path("stew")).slice(1), stage.path("stew"))
    assert (
        damaged(stage).keys() == {"soup", "stew"}
        and "rows twice, or not all" in damaged(stage)["soup"]
    )


def test_a_file_that_is_no_table_of_ours_is_found(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "features")
    write_table(pa.table({"a": [1]}), stage.path("soup"))
    stage.path("stew").write_text("PAR1 hello PAR1")
    stage.path("roast").mkdir()
    assert damaged(stage).keys() == {"soup", "stew", "roast"}
    assert all(str(stage.path(video)) in reason for video, reason in damaged(stage).items())


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bits_are_found_wherever_they_are(tmp_path: Path, seed: int) -> None:
    """Half of them in the footer, which Parquet protects by no checksum."""
    rng = random.Random(seed)
    stage = Stage(tmp_path / "features")
    table = features_file(stage, "soup")
    content = stage.path("soup").read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    places = [rng.randrange(len(content)) for _ in range(75)] + [
        rng.randrange(footer, len(content)) for _ in range(75)
    ]
    for place in places:
        flipped = bytearray(content)
        flipped[place] ^= 1 << rng.randrange(8)
        stage.path("soup").write_bytes(flipped)
        if not damaged(stage):
            assert read_table(stage.path("soup")).equals(table, check_metadata=True), place
