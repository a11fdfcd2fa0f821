"""What the demo types for a user."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from demos import street
from demos.kitchen.recipes import plan
from demos.kitchen.truth import write_truth
from workfolder.errors import InputError


def commands(monkeypatch: pytest.MonkeyPatch, out: Path, size: street.Size) -> list[str]:
    """Every command that the demo would run."""
    typed: list[str] = []
    monkeypatch.setattr(
        street, "_step", lambda _, *command: typed.append(" ".join(map(str, command)))
    )
    monkeypatch.setattr(street, "_predict_command", lambda *_: ["videobert", "predict"])
    street.street(out, size)
    return typed


def test_the_demo_reads_captions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    typed = commands(monkeypatch, tmp_path, street.Size())
    assert not any("--speech" in command for command in typed)
    assert any(
        command.startswith("videobert transcribe") and command.endswith("--asr captions")
        for command in typed
    )


def test_with_a_recogniser_the_cook_speaks_and_it_listens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    typed = commands(monkeypatch, tmp_path, street.Size(asr="whisper:tiny.en"))
    assert typed[0].startswith("python -m demos.kitchen") and typed[0].endswith("--speech")
    assert any(
        command.startswith("videobert transcribe") and command.endswith("--asr whisper:tiny.en")
        for command in typed
    )


def test_a_folder_with_a_space_in_its_name_is_one_argument(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run: list[list[str]] = []
    monkeypatch.setattr(
        "subprocess.run", lambda command, **_: run.append(command) or CompletedProcess(command, 0)
    )
    monkeypatch.setattr(street, "_predict_command", lambda *_: ["videobert", "predict"])
    out = tmp_path / "a b"
    street.street(out, street.Size())
    assert (
        str(out / "kitchen") in run[0]
        and str(out / "work") in run[1]
        and run[1][1:3] == ["-m", "videobert"]
    )
    assert f"--out '{out / 'kitchen'}'" in capsys.readouterr().out


def test_every_option_says_what_it_is_and_its_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["street", "--help"])
    with pytest.raises(SystemExit):
        street.main()
    said = " ".join(capsys.readouterr().out.split())
    assert "videos to film (default: 72)" in said and said.count("(default: ") == 7


def test_a_kitchen_of_another_size_stops_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "kitchen").mkdir()
    write_truth(plan(3, 0), tmp_path / "kitchen" / "truth.json")
    with pytest.raises(
        InputError,
        match=r"truth\.json has 3 videos, not 72: give --videos 3, or another --out",
    ):
        commands(monkeypatch, tmp_path, street.Size())
    assert not any(
        "demos.kitchen " in command
        for command in commands(monkeypatch, tmp_path, street.Size(videos=3))
    )
