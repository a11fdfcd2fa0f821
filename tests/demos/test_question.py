"""The clip at the end of the demo: which it is, and what stands beside the answer."""

from __future__ import annotations

import pytest

from demos.kitchen.question import Answer, chosen_step, print_answer
from demos.kitchen.recipes import plan
from demos.kitchen.truth import HELD_OUT_VIDEOS
from videobert.answers.zero_shot import Guess

ANSWER = Answer(
    "just [MASK] the [MASK]",
    ("whisk", "egg"),
    [[Guess("whisk", 0.9), Guess("stir", 0.1)], [Guess("rice", 0.6), Guess("egg", 0.4)]],
    [[Guess("chop", 0.2)], [Guess("the", 0.3)]],
)


def test_the_clip_is_the_middle_step_of_the_first_held_out_video() -> None:
    truth = plan(40, 3)
    name, step = chosen_step(truth)
    video = next(video for video in truth.videos if video.video == name)
    assert name == min(v.video for v in truth.videos if v.split == HELD_OUT_VIDEOS)
    assert step == video.steps[len(video.steps) // 2]


def test_an_answer_is_right_where_its_first_guess_is() -> None:
    assert ANSWER.right == (True, False)


def test_the_answer_stands_beside_the_truth_and_beside_language_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_answer(ANSWER, "kitchen_0001.mp4, 3 to 7.5 s")
    said = capsys.readouterr().out
    assert said.startswith("really done in kitchen_0001.mp4, 3 to 7.5 s: whisk the egg\n")
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in said.splitlines()]
    assert ["whisk 90%", "chop 20%", "rice 60%", "the 30%"] in rows
    assert said.endswith("with the clip the verb is right, the noun wrong\n")
