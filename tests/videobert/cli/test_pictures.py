"""The answer to a clip as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from tests.toys.videos import coloured_recipe
from tokenization.schema import PICTURES
from videobert.answers.options import DRAWN
from videobert.answers.zero_shot import Guess
from videobert.cli.pictures import (
    BLUE,
    CELL,
    GREEN,
    GREY,
    Beside,
    WordColumn,
    draw_prediction,
    draw_words,
)
from videobert.data.clip_encoder import EncodedClip
from videobert.data.clips import Clips
from workfolder.errors import InputError
from workfolder.guard import Guards

GUESSES = [[Guess("paint", 0.5), Guess("wash", 0.2)]]


def clip_of(path: Path, words: int) -> EncodedClip:
    starts = 1.5 * np.arange(words)
    return EncodedClip(path, Clips(starts, starts + 1.5, np.arange(words)))


@pytest.mark.parametrize("words", [1, 4, 6])
def test_the_frames_fill_the_picture_from_side_to_side(tmp_path: Path, words: int) -> None:
    video = coloured_recipe(tmp_path / "a.mp4", ["red", "green"], spoken=False)
    draw_prediction(
        clip_of(video, words),
        PICTURES.empty_table(),
        "we [MASK] it",
        GUESSES,
        tmp_path / "drawn.png",
    )
    image = np.asarray(Image.open(tmp_path / "drawn.png").convert("RGB")).astype(int)
    coloured = np.flatnonzero((np.ptp(image, axis=2) > 150).any(axis=0))  # bars are paler
    left, right = coloured[0], image.shape[1] - coloured[-1]
    assert abs(left - right) < 120 and (words < 4 or left < 120)


def test_nothing_runs_on_after_a_frame_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Guards] = []
    close = Guards.close
    monkeypatch.setattr(Guards, "close", lambda guards: closed.append(guards) or close(guards))
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match="cannot be read as a video"):
        draw_prediction(
            clip_of(tmp_path / "a.mp4", 2),
            PICTURES.empty_table(),
            "[MASK]",
            GUESSES,
            tmp_path / "drawn.png",
        )
    assert closed and not (tmp_path / "drawn.png").exists()


def test_answers_beyond_the_first_are_not_drawn(tmp_path: Path) -> None:
    many = WordColumn("many", [0] * 400, ["word"] * 400)
    draw_words(PICTURES.empty_table(), [many], "a title", tmp_path / "drawn.png")
    assert Image.open(tmp_path / "drawn.png").height < 110 * CELL[1] * (DRAWN + 1)
    video = coloured_recipe(tmp_path / "a.mp4", ["red"], spoken=False)
    for count in (DRAWN, 400):
        draw_prediction(
            clip_of(video, 1),
            PICTURES.empty_table(),
            "[MASK]",
            [GUESSES[0][:1] * count],
            tmp_path / f"{count}.png",
        )
    assert (tmp_path / f"{DRAWN}.png").read_bytes() == (tmp_path / "400.png").read_bytes()


@pytest.mark.filterwarnings("error")
def test_titles_are_drawn_as_they_were_typed(tmp_path: Path) -> None:
    for title in ("the 鍋 boils", r"it costs $\pounds 5$"):
        draw_words(
            PICTURES.empty_table(),
            [WordColumn("one", [0], ["word"])],
            title,
            tmp_path / "drawn.png",
        )


def test_what_stands_beside_an_answer_is_drawn_and_the_right_word_is_green(tmp_path: Path) -> None:
    video = coloured_recipe(tmp_path / "a.mp4", ["red"], spoken=False)
    counts = []
    for really in ("wash", "cut"):
        drawn = tmp_path / f"{really}.png"
        draw_prediction(
            clip_of(video, 1),
            PICTURES.empty_table(),
            "we [MASK] it",
            GUESSES,
            drawn,
            Beside([really], [[Guess("cut", 0.9)]]),
        )
        image = Image.open(drawn).convert("RGB")
        counts.append([count_of(image, colour) for colour in (BLUE, GREY, GREEN)])
    (blue, grey, green), (all_blue, no_grey, green_too) = counts
    assert min(blue, grey, green, all_blue, green_too) > 1000
    assert blue < all_blue and no_grey < grey  # "cut" is the answer without the clip


def count_of(image: Image.Image, colour: str) -> int:
    """How many pixels have a colour."""
    pixels = np.asarray(image).reshape(-1, 3)
    return int((pixels == ImageColor.getrgb(colour)).all(axis=1).sum())
