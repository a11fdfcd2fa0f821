"""What cannot be used is refused in one line, which says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.toys.command_line import Run, assert_refused
from tests.toys.street import Street
from tests.toys.videos import coloured_recipe


@pytest.mark.parametrize("content", [b"", b"this is no video"])
def test_a_clip_that_is_no_video(
    street: Street, tmp_path: Path, videobert: Run, content: bytes
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(content)
    assert_refused(
        videobert("predict", clip, "--model", street.model, "--picture", tmp_path / "p.png"), clip
    )
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_folder_with_no_video(tmp_path: Path, videobert: Run) -> None:
    (tmp_path / "videos").mkdir()
    arguments = (
        "extract",
        tmp_path / "videos",
        "--work",
        tmp_path / "work",
        "--weights",
        "random:0",
    )
    assert_refused(videobert(*arguments), tmp_path / "videos", "holds no video")
    assert not (tmp_path / "work").exists()


def test_a_model_that_is_missing(tmp_path: Path, videobert: Run) -> None:
    clip = coloured_recipe(tmp_path / "clip.mp4", ["red"], spoken=False)
    assert_refused(
        videobert("predict", clip, "--model", tmp_path / "absent"), tmp_path / "absent", "pretrain"
    )


def test_a_template_without_a_mask(street: Street, tmp_path: Path, videobert: Run) -> None:
    clip = coloured_recipe(tmp_path / "clip.mp4", ["red"], spoken=False)
    assert_refused(
        videobert("predict", clip, "--model", street.model, "--template", "chop it"),
        "chop it",
        "[MASK]",
    )


def test_a_codebook_that_does_not_fit_the_features(
    street: Street, tmp_path: Path, videobert: Run
) -> None:
    clip = coloured_recipe(tmp_path / "clip.mp4", ["red"], spoken=False)
    result = videobert(
        "predict",
        clip,
        "--model",
        street.model,
        "--weights",
        "random:7",
        "--picture",
        tmp_path / "p.png",
    )
    assert_refused(result, "do not fit the codebook", "weights_digest")
    assert not (tmp_path / "p.png").exists()


@pytest.mark.parametrize("captions", ["", "WEBVTT\n\nnot a time --> at all\nwords\n"])
def test_captions_that_cannot_be_read(tmp_path: Path, videobert: Run, captions: str) -> None:
    coloured_recipe(tmp_path / "videos" / "good.mp4", ["red"])
    bad = coloured_recipe(tmp_path / "videos" / "bad.mp4", ["red"]).with_suffix(".en.vtt")
    bad.write_text(captions)
    result = videobert("transcribe", tmp_path / "videos", "--work", tmp_path / "work")
    assert result.status == 1 and "Traceback" not in result.err
    assert [
        bad.name in line for line in result.err.splitlines() if line.startswith("videobert:")
    ] == [True]
    assert [path.name for path in (tmp_path / "work" / "transcripts").glob("*.parquet")] == [
        "good.parquet"
    ]


@pytest.mark.parametrize("weights", ["random:x", "absent.pth"])
def test_weights_that_cannot_be_had(
    street: Street, tmp_path: Path, videobert: Run, weights: str
) -> None:
    assert_refused(
        videobert("extract", street.videos, "--work", tmp_path / "work", "--weights", weights),
        weights,
    )
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    "command",
    [
        "extract {videos} --work {new} --weights random:0 --engine abacus",
        "extract {videos} --work {new} --weights random:0 --decoder eyes",
        "extract {videos} --work {new} --weights random:0 --runner snail",
        "transcribe {videos} --work {new} --asr ears",
        "run {videos} --work {new} --out {new} --weights random:0 --asr ears",
        "run {videos} --work {new} --out {new} --weights random:0 --init none",
        "run {videos} --work {new} --out {videos} --weights random:0 --init none",
        "run {videos} --work {work} --out {work} --weights random:0 --init none",
        "run {videos} --work {new} --out {model} --weights random:0 --init none --size mini",
        "run {videos} --work {new} --out {new}.model --weights random:0 --init none --size giant",
        "run {videos} --work {new} --out {new}.model --weights random:0 --init {work}",
        "run {videos} --work {new} --out {new}.model --weights random:0 --init none --preparation peeled",
        "run {videos} --work {new} --out {new}.model --weights random:0 --init none --depth 9",
        "cluster --work {work} --preparation peeled",
        "pretrain --work {work} --out {new} --init none --size giant",
        "pretrain --work {work} --out {new} --precision fp7",
        "pretrain --work {work} --out {new} --init none --size tiny --text-weight 0 --video-weight 0 --joint-weight 0",
        "pretrain --work {work} --out {new} --init {work}",
    ],
)
def test_what_is_not_known_is_refused_before_anything_is_made(
    street: Street, tmp_path: Path, videobert: Run, command: str
) -> None:
    new = tmp_path / "new"
    assert_refused(videobert(*command.format(**vars(street), new=new).split()))
    assert not new.exists()


def test_stages_in_the_wrong_order_say_which_comes_first(tmp_path: Path, videobert: Run) -> None:
    (tmp_path / "work").mkdir()
    for verb, first in {"cluster": "videobert extract", "tokenize": "videobert cluster"}.items():
        assert_refused(videobert(verb, "--work", tmp_path / "work"), first)
    assert_refused(
        videobert("pretrain", "--work", tmp_path / "work", "--out", tmp_path / "m"), "examples"
    )
    assert_refused(videobert("status", "--work", tmp_path / "nowhere"), "nowhere")
