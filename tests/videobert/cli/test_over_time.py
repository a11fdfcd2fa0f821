"""Answers along a whole video: a picture, and a film that a player shows."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from feature_extraction.media import even_frames
from tests.toys.command_line import Run
from tests.toys.street import Street
from tests.toys.videos import COLOURS, coloured_recipe
from videobert.answers.zero_shot import Guess
from videobert.cli.over_time import COLOURS as MOST_COLOURS
from videobert.cli.over_time import Moment, draw_over_time
from videobert.data.clip_encoder import EncodedClip
from videobert.data.clips import Clips

ASKED = ("--template", "the [MASK] square", "--window", 4.5, "--over-time")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine seconds, blue and then red."""
    return coloured_recipe(
        tmp_path_factory.mktemp("video") / "new.mp4", ["blue", "red"], spoken=False
    )


def test_each_window_is_answered_and_drawn(
    street: Street, video: Path, tmp_path: Path, videobert: Run
) -> None:
    picture = tmp_path / "p.png"
    result = videobert(
        *("predict", video, "--model", street.model, *ASKED, "--picture", picture, "--json")
    )
    found = json.loads(result.out)
    assert [(one["start"], one["end"]) for one in found["windows"]] == [(0, 4.5), (4.5, 9)]
    parts = [("--end", 4.4), ("--start", 4.6)]
    for window, part in zip(found["windows"], parts, strict=True):
        alone = videobert(
            *("predict", video, "--model", street.model, *ASKED[:2], *part, "--json"),
            *("--picture", tmp_path / "one.png"),
        )
        assert json.loads(alone.out)["masks"] == window["masks"]
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    strip = pixels[: len(pixels) // 2]
    for colour, half in (("blue", strip[:, :600]), ("red", strip[:, -600:])):
        near = np.abs(half.astype(int) - COLOURS[colour]).max(axis=-1) < 40
        assert near.mean() > 0.05, f"the frames show no {colour}"


def test_a_film_lasts_as_long_as_the_video(
    street: Street, video: Path, tmp_path: Path, videobert: Run
) -> None:
    path = tmp_path / "film.mp4"
    result = videobert("predict", video, "--model", street.model, *ASKED, "--picture", path)
    assert result.status == 0 and f"drawn: {path}" in result.out and "square" in result.out
    with av.open(str(path)) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert len(frames) == 90 and film.streams.video[0].average_rate == 10
    stage, below = (
        np.stack(part) for part in zip(*((f[:360], f[360:]) for f in frames), strict=True)
    )
    middle = stage[:, 180, 360].astype(int)
    assert np.abs(middle[20] - COLOURS["blue"]).max() < 60
    assert np.abs(middle[70] - COLOURS["red"]).max() < 60
    red = (below[..., 0] > 150) & (below[..., 1] < 90) & (below[..., 2] < 90)
    at = [np.flatnonzero(red[n].sum(axis=0) > 40).mean() for n in (5, 45, 85)]
    assert at[0] < at[1] < at[2], "the cursor moves"


def test_many_words_and_narrow_windows_are_drawn(video: Path, tmp_path: Path) -> None:
    count = 3 * MOST_COLOURS
    moments = [
        Moment(n, n + 1.0, [[Guess(f"longest$word{n}", 0.5)], [Guess("same", 0.9)]])
        for n in range(count)
    ]
    none = np.empty(0)
    clip = EncodedClip(video, Clips(none, none, none), has_frames=False)
    draw_over_time(clip, moments, "[MASK] the [MASK]", tmp_path / "p.png")
    assert Image.open(tmp_path / "p.png").width > 1000


def test_over_time_is_of_one_video(
    street: Street, video: Path, videobert: Run, tmp_path: Path
) -> None:
    for given in ((video, video.parent), ("--work", street.work)):
        result = videobert("predict", *given, "--model", street.model, "--over-time")
        assert result.status == 2 and "--over-time is drawn of one video" in result.err


def test_even_frames_are_those_shown_at_even_times(video: Path) -> None:
    frames = list(even_frames(video, 60, 2, 3.0, 6.0))
    assert len(frames) == 6 and all(frame.shape[0] == 60 for frame in frames)
    colours = [frame[30, frame.shape[1] // 2].astype(int) for frame in frames]
    names = [
        min(COLOURS, key=lambda name: np.abs(colour - COLOURS[name]).sum()) for colour in colours
    ]
    assert names == ["blue"] * 3 + ["red"] * 3
    assert len(list(even_frames(video, 60, 1, 8.0, 12.0))) == 4, "the last frame stays"
