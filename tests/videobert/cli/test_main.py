"""What the command line says where a run ends early."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.toys.command_line import Run
from tests.toys.street import Street
from videobert import pipeline


def test_a_stop_by_hand_is_answered(
    videobert: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(work: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "status", stop)
    result = videobert("status", "--work", tmp_path)
    assert result.status == 130
    assert (
        result.err
        == "videobert: stopped; whatever is finished is kept, and the same command goes on from there\n"
    )


@pytest.mark.parametrize("as_json", [False, True])
def test_where_no_video_is_left_each_ones_reason_is_told(
    videobert: Run, tmp_path: Path, as_json: bool
) -> None:
    for name in ("one", "two"):
        (tmp_path / "videos").mkdir(exist_ok=True)
        (tmp_path / "videos" / f"{name}.mp4").write_text("no video")
    folders = ("--work", tmp_path / "work", "--out", tmp_path / "model")
    result = videobert(
        "run",
        tmp_path / "videos",
        *folders,
        "--weights",
        "random:0",
        "--init",
        "none",
        *["--json"] * as_json,
    )
    *reasons, last = [line for line in result.err.splitlines() if line.startswith("videobert: ")]
    assert result.status == 2 and "holds no features, as every video failed" in last
    assert not (tmp_path / "work" / "transcripts").exists()
    assert all(any(f"{name}.mp4" in reason for reason in reasons) for name in ("one", "two"))
    if as_json:
        assert len(json.loads(result.out)[0]["failures"]) == 2
    else:
        assert "features: 0 done now" in result.out


def test_templates_are_looked_at_before_videos(
    street: Street, videobert: Run, tmp_path: Path
) -> None:
    (tmp_path / "templates.txt").write_text("how to [MASK] it")
    arguments = (
        "--annotations",
        tmp_path / "none.json",
        "--work",
        tmp_path,
        "--model",
        street.model,
    )
    result = videobert(
        "evaluate", "youcook2", *arguments, "--templates", tmp_path / "templates.txt"
    )
    assert result.status == 2 and "templates.txt: write two [MASK]s in each line" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("extract", "s3://bucket/videos", "--work", "work"),
        ("extract", "videos", "--work", "s3://bucket/work"),
        ("transcribe", "https://host/soup.mp4", "--work", "work"),
        ("status", "--work=gs://bucket/work"),
        ("run", "videos", "--work", "work", "--out", "hf://models/soup"),
        ("predict", "soup.mp4", "--model", "s3:/bucket/model"),
        ("inspect", "features", "file:///home/cook/work"),
        ("predict", "soup.mp4", "--model", "model", "--picture", "s3://bucket/p.png"),
    ],
)
def test_an_address_is_refused_before_anything_is_made(
    videobert: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    result = videobert(*arguments)
    assert result.status == 2 and result.err.count("\n") == 1
    assert "is an address" in result.err and "://" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["videos"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("transcribe", "{videos}", "--work", "work", "--asr", "whisper:/no/model.pt"), "Whisper"),
        (("imagine", "https://host says chop", "--model", "nowhere"), "nowhere"),
    ],
)
def test_what_is_not_a_path_is_not_taken_for_an_address(
    street: Street, videobert: Run, arguments: tuple[str, ...], reason: str
) -> None:
    result = videobert(*(each.format(videos=street.videos) for each in arguments))
    assert result.status == 2 and reason in result.err and "address" not in result.err
