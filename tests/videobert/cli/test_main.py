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
        ("extract", "videos", "--work", "s3://bucket/work"),
        ("status", "--work=gs://bucket/work"),
        ("run", "videos", "--work", "work", "--out", "hf://models/soup"),
        ("predict", "soup.mp4", "--model", "s3:/bucket/model"),
        ("inspect", "features", "file:///home/cook/work"),
        ("predict", "soup.mp4", "--model", "model", "--picture", "s3://bucket/p.png"),
        ("predict", "soup.mp4", "--model", "model", "--weights", "s3://bucket/s3d.pt"),
        ("extract", "videos", "--work", "work", "--weights", "s3://bucket/s3d.pt"),
        ("transcribe", "videos", "--work", "work", "--punctuation", "gs://bucket/restorer"),
        ("pretrain", "--work", "work", "--out", "model", "--init", "hf://models/bert"),
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


def test_sound_is_transcribed_from_a_folder_and_what_is_not_read_is_told(
    videobert: Run, tmp_path: Path
) -> None:
    folder, work = tmp_path / "sound", tmp_path / "work"
    folder.mkdir()
    for name in ("a.wav", "b.FLAC", "c.m3u8", "d.jpg", "e.jpg"):
        (folder / name).write_bytes(b"not looked into")
    told = videobert("transcribe", folder, "--work", work, "--asr", "none").out
    assert "transcripts: 2 done now" in told and "; passed over 2 .jpg, 1 .m3u8" in told
    assert "transcripts: passed over 2 .jpg, 1 .m3u8" in videobert("status", "--work", work).out
    account = json.loads(videobert("status", "--work", work, "--json").out)["transcripts"]
    assert account["passed_over"] == {str(folder): {".jpg": 2, ".m3u8": 1}}
    assert account["done"] == ["a", "b"]
    refused = videobert("extract", folder, "--work", work, "--weights", "random:0")
    assert refused.status == 2 and ".flac" in refused.err and "holds no video" in refused.err


def test_a_folder_of_links_is_read_where_the_user_says_so(videobert: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "links").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "data" / name).write_bytes(b"not looked into")
        (tmp_path / "links" / name).symlink_to(tmp_path / "data" / name)
    transcribe = ("transcribe", tmp_path / "links", "--work", tmp_path / "work", "--asr", "none")
    refused = videobert(*transcribe)
    assert refused.status == 1 and refused.err.count("give --follow-links") == 2
    followed = videobert(*transcribe, "--follow-links")  # and no --retry-failed
    assert followed.status == 0 and "2 done now" in followed.out
