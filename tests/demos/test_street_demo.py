"""What the demo types for a user."""

from pathlib import Path

import pytest

from demos import street


def commands(monkeypatch: pytest.MonkeyPatch, out: Path, size: street.Size) -> list[str]:
    """Every command that the demo would run."""
    typed: list[str] = []
    monkeypatch.setattr(street, "_step", lambda _, command: typed.append(command))
    monkeypatch.setattr(street, "_predict_command", lambda *_: "videobert predict")
    street.street(out, size)
    return typed


def test_the_demo_reads_captions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    typed = commands(monkeypatch, tmp_path, street.Size())
    assert not any("--speech" in command for command in typed)
    assert any(command.startswith("videobert transcribe") and command.endswith("--asr captions") for command in typed)


def test_with_a_recogniser_the_cook_speaks_and_it_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    typed = commands(monkeypatch, tmp_path, street.Size(asr="whisper:tiny.en"))
    assert typed[0].startswith("python -m demos.kitchen") and typed[0].endswith("--speech")
    assert any(command.startswith("videobert transcribe") and command.endswith("--asr whisper:tiny.en") for command in typed)
