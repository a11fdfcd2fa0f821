from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.runner import JobOptions, begin, run_job
from workfolder.sources import Source
from workfolder.stage import Stage


@dataclass(frozen=True)
class CountLetters(Maker):
    """Fails on files that say so, and notes each call in a file beside them."""

    def __call__(self, source: Source) -> Made:
        with (source.path.parent / "calls").open("a") as calls:
            calls.write(f"{source.video_id}\n")
        text = source.path.read_text()
        if text == "bad":
            raise InputError(f"{source.path} is bad: mend it")
        if text == "bug":
            raise ZeroDivisionError("a bug")
        table = pa.table({"video_id": [source.video_id], "letters": [len(text)]})
        return Made(table, "ends after its half" if text == "half" else None)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path / "stage")
    made.claim({})
    return made


def make_sources(folder: Path, **texts: str) -> list[Source]:
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [Source(name, folder / name) for name in texts]


def calls(folder: Path) -> list[str]:
    """Which videos were worked on since the last time this was asked."""
    noted = folder / "calls"
    names = noted.read_text().split() if noted.exists() else []
    noted.unlink(missing_ok=True)
    return sorted(names)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_input_is_done_or_failed_with_its_reason(
    stage: Stage, tmp_path: Path, workers: int
) -> None:
    sources = make_sources(tmp_path, a="one", b="bad", c="three", d="bug")
    report = run_job(stage, sources, CountLetters(), JobOptions(workers))
    assert (report.before, report.now, set(report.failures)) == (0, 2, {"b", "d"})
    assert "mend it" in report.failures["b"] and "ZeroDivisionError" in report.failures["d"]
    account = Ledger(stage).read()
    assert (account.done, set(account.failed), account.waiting) == (
        {"a", "c"},
        {"b", "d"},
        frozenset(),
    )
    assert read_table(stage.path("c"))["letters"].to_pylist() == [5]


@dataclass(frozen=True)
class Unready(CountLetters):
    """Its model cannot be had."""

    def prepare(self) -> None:
        raise InputError("no network")


def test_what_no_video_can_do_without_stops_the_job(stage: Stage, tmp_path: Path) -> None:
    sources = make_sources(tmp_path, a="one", b="two")
    with pytest.raises(InputError, match="no network"):
        run_job(stage, sources, Unready())
    assert not calls(tmp_path) and Ledger(stage).read().waiting == {"a", "b"}


def test_nothing_is_made_ready_for_what_is_not_tried_again(stage: Stage, tmp_path: Path) -> None:
    sources = make_sources(tmp_path, a="half", b="bad")
    run_job(stage, sources, CountLetters())
    begin(stage, sources, Unready(), {}, JobOptions())
    for runner, ready in (
        ("local", False),
        ("ray", True),
    ):  # actors have a machine, and a model, of their own
        with nullcontext() if ready else pytest.raises(InputError, match="no network"):
            begin(stage, sources, Unready(), {}, JobOptions(runner=runner, retry_failed=True))


def test_what_other_options_made_is_put_aside_and_made_anew(tmp_path: Path) -> None:
    stage, sources = Stage(tmp_path / "stage"), make_sources(tmp_path, a="one", b="two")
    begin(stage, sources, CountLetters(), {"asr": "captions"}, JobOptions())
    run_job(stage, sources, CountLetters())
    with pytest.raises(InputError, match=r"asr was 'captions' and is now 'whisper'.*--start-over"):
        begin(stage, sources, CountLetters(), {"asr": "whisper"}, JobOptions())
    over = JobOptions(start_over=True)
    with pytest.raises(InputError, match="no network"):
        begin(stage, sources, Unready(), {"asr": "whisper"}, over)
    assert stage.done() == ["a", "b"]  # nothing is put aside for what cannot be had
    for _ in range(2):  # the same command again puts nothing aside
        begin(stage, sources, CountLetters(), {"asr": "whisper"}, over)
        assert run_job(stage, sources, CountLetters(), over).complete
    aside = Stage(tmp_path / "stage.1")
    assert aside.done() == stage.done() == ["a", "b"]
    assert (aside.options(), stage.options()) == ({"asr": "captions"}, {"asr": "whisper"})
    begin(stage, sources, CountLetters(), {"asr": "none"}, over)
    assert Stage(tmp_path / "stage.2").options() == {"asr": "whisper"} and not stage.done()


def test_a_run_whose_folder_was_put_aside_stops_and_writes_nothing(tmp_path: Path) -> None:
    stage, sources = Stage(tmp_path / "stage"), make_sources(tmp_path, a="one", b="two")
    stage.claim({"asr": "captions"})

    class Overtaken(CountLetters):
        def __call__(self, source: Source) -> Made:
            begin(stage, sources, CountLetters(), {"asr": "whisper"}, JobOptions(start_over=True))
            return super().__call__(source)

    with pytest.raises(InputError, match="was put aside by another run"):
        run_job(stage, sources, Overtaken(), JobOptions(workers=1))
    assert stage.options() == {"asr": "whisper"} and not stage.done()


def test_a_second_run_does_only_what_is_missing(stage: Stage, tmp_path: Path) -> None:
    sources = make_sources(tmp_path, a="one")
    run_job(stage, sources, CountLetters())
    assert calls(tmp_path) == ["a"]
    report = run_job(stage, [*sources, *make_sources(tmp_path, b="two")], CountLetters())
    assert calls(tmp_path) == ["b"] and (report.before, report.now) == (1, 1)
    assert str(run_job(stage, sources, CountLetters())) == "stage: done already, nothing to do"


def test_failures_are_tried_again_only_when_asked_for(stage: Stage, tmp_path: Path) -> None:
    sources = make_sources(tmp_path, a="one", b="bad")
    run_job(stage, sources, CountLetters())
    (tmp_path / "b").write_text("mended")
    calls(tmp_path)
    report = run_job(stage, sources, CountLetters())
    assert not calls(tmp_path) and set(report.failures) == {"b"} and "--retry-failed" in str(report)
    report = run_job(stage, sources, CountLetters(), JobOptions(retry_failed=True))
    assert calls(tmp_path) == ["b"] and (report.before, report.now, report.complete) == (1, 1, True)
    assert not Ledger(stage).read().failed


def test_a_job_whose_books_do_not_add_up_says_so(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ledger, "note", lambda *row: None)
    with pytest.raises(
        RuntimeError, match=r"1 inputs are neither done nor failed, such as \['b'\]"
    ):
        run_job(stage, make_sources(tmp_path, a="one", b="bad"), CountLetters())


def test_what_is_partial_is_kept_marked_and_mended_when_asked_for(
    stage: Stage, tmp_path: Path
) -> None:
    sources = make_sources(tmp_path, a="half", b="whole")
    report = run_job(stage, sources, CountLetters())
    assert report.complete and set(report.partial) == {"a"} and "1 partial in all" in str(report)
    assert read_table(stage.path("a"))["letters"].to_pylist() == [4]
    assert "ends after its half" in Ledger(stage).read().partial["a"]
    (tmp_path / "a").write_text("entire")
    run_job(stage, sources, CountLetters())
    assert read_table(stage.path("a"))["letters"].to_pylist() == [4]
    run_job(stage, sources, CountLetters(), JobOptions(retry_failed=True))
    assert (
        read_table(stage.path("a"))["letters"].to_pylist() == [6]
        and not Ledger(stage).read().partial
    )


def test_a_job_stops_after_too_many_failures_and_the_rest_waits(
    stage: Stage, tmp_path: Path
) -> None:
    sources = make_sources(tmp_path, a="ok", **{f"b{n}": "bad" for n in range(5)}, c="ok")
    with pytest.raises(InputError, match=r"stopped after 3 failures.*is bad"):
        run_job(stage, sources, CountLetters(), JobOptions(workers=1, max_failures=2))
    account = Ledger(stage).read()
    assert (len(account.done), len(account.failed), len(account.waiting)) == (1, 3, 3)


def test_how_often_a_video_failed_is_counted(stage: Stage, tmp_path: Path) -> None:
    sources = make_sources(tmp_path, b="bad")
    for _ in range(3):
        run_job(stage, sources, CountLetters(), JobOptions(retry_failed=True))
    assert [row["times"] for row in Ledger(stage).notes().values()] == [3]


def test_what_another_run_did_meanwhile_is_not_done_again(stage: Stage, tmp_path: Path) -> None:
    first, second = make_sources(tmp_path, a="one", b="two")

    class Racing(CountLetters):
        def __call__(self, source: Source) -> Made:
            run_job(stage, [second], CountLetters())
            return super().__call__(source)

    report = run_job(stage, [first, second], Racing(), JobOptions(workers=1))
    assert calls(tmp_path) == ["a", "b"] and report.complete and report.now == 2


def test_a_source_that_must_not_be_opened_is_not(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    report = run_job(
        stage, [Source("a", tmp_path / "a", "a leads out of the folder")], CountLetters()
    )
    assert report.failures == {"a": "a leads out of the folder"} and not calls(tmp_path)


def test_progress_tells_every_video_and_the_pace(stage: Stage, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    details: list[str] = []

    def listen(_: str, done: int, total: int, detail: str = "") -> None:
        told.append((done, total))
        details.append(detail)

    run_job(stage, make_sources(tmp_path, a="1", b="2"), CountLetters(), progress=listen)
    assert (
        told == [(0, 2), (1, 2), (2, 2)]
        and "videos/s" in details[-1]
        and "x real time" in details[-1]
    )


@dataclass(frozen=True)
class DropDigits(CountLetters):
    """Counts letters; digits and spaces are thrown away."""

    def __call__(self, source: Source) -> Made:
        text = source.path.read_text()
        dropped = {
            "digits": sum(map(str.isdigit, text)),
            "spaces": text.count(" "),
        }
        table = pa.table({"video_id": [source.video_id]})
        return Made(table, dropped={reason: count for reason, count in dropped.items() if count})


def test_what_is_dropped_is_told_now_and_later(stage: Stage, tmp_path: Path) -> None:
    sources = make_sources(tmp_path, a="a12", b="b 3", c="clean")
    report = run_job(stage, sources, DropDigits(), JobOptions(2))
    assert report.dropped == {"digits": 3, "spaces": 1}
    assert "; dropped 3 digits, 1 spaces; " in str(report)
    assert Ledger(stage).read().dropped == {"a": {"digits": 2}, "b": {"digits": 1, "spaces": 1}}
    assert not run_job(stage, sources, DropDigits()).dropped  # nothing is made again
    assert Ledger(stage).read().dropped.keys() == {"a", "b"}


def test_what_is_made_anew_without_loss_is_noted_so(stage: Stage, tmp_path: Path) -> None:
    sources = make_sources(tmp_path, a="a12", b="b3")
    run_job(stage, sources, DropDigits())
    stage.path("a").unlink()
    assert Ledger(stage).read().dropped.keys() == {"b"}  # only what is done has lost something
    (tmp_path / "a").write_text("a")
    run_job(stage, sources, DropDigits())
    assert Ledger(stage).read().dropped == {"b": {"digits": 1}}
