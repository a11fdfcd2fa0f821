from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tests.toys.command_line import Run
from videobert.cli import console
from workfolder.files import write_table
from workfolder.ledger import Ledger
from workfolder.stage import Stage


def test_where_there_is_no_terminal_a_line_is_printed_each_tenth(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with console.progress_bars() as progress:
        for done in range(0, 1001):
            progress("extract", done, 1000, "3 clips/s")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("extract: 100 of 1,000, 3 clips/s, ") and lines[0].endswith(" left")
    assert lines[-1] == "extract: 1,000 of 1,000, 3 clips/s"


def test_a_slow_stage_speaks_every_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 10_000, 40))
    monkeypatch.setattr(console.time, "monotonic", lambda: float(next(clock)))
    with console.progress_bars() as progress:
        for done in range(7):  # 40 s a piece, of very many
            progress("pretrain", done, 1_000_000)
    assert [line.split(",")[0] for line in capsys.readouterr().err.splitlines()] == [
        "pretrain: 2 of 1",
        "pretrain: 4 of 1",
        "pretrain: 6 of 1",
    ]


def test_what_earlier_runs_did_says_nothing_about_the_pace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 100.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    with console.progress_bars() as progress:
        progress("extract", 900, 1000)
        progress("extract", 950, 1000)
    assert (
        capsys.readouterr().err == "extract: 950 of 1,000, 0:01:40 left\n"
    )  # 50 in 100 s, 50 to go


def test_a_table_takes_no_bracket_for_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table("[/x]", ["[red]", "[1]"], [["[bold] 10%", "a[/]"]])
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("[/x]", "[red]", "[1]", "[bold] 10%", "a[/]"))


def test_a_folder_of_any_name_has_a_status(videobert: Run, tmp_path: Path) -> None:
    (tmp_path / "[" / "x]").mkdir(parents=True)
    result = videobert("status", "--work", tmp_path / "[" / "x]")
    assert result.status == 0 and "features" in result.out


def test_status_tells_what_was_dropped(videobert: Run, tmp_path: Path) -> None:
    stage = Stage(tmp_path / "transcripts")
    write_table(pa.table({"video_id": ["soup"]}), stage.path("soup"))
    Ledger(stage).note_dropped("soup", {"cues without a time": 2, "sound labels": 1200})
    shown = videobert("status", "--work", tmp_path).out
    assert "transcripts: dropped 1,200 sound labels, 2 cues without a time, of 1 videos" in shown
    read = json.loads(videobert("status", "--work", tmp_path, "--json").out)
    assert read["transcripts"]["dropped"] == {
        "soup": {"cues without a time": 2, "sound labels": 1200}
    }
