"""Where a text is shown or said: what ``find`` asks, and how it judges, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.toys.label_rows import STEPS, Make, row, spelt
from videobert.data.said import Said
from videobert.finetune.examples import Example
from videobert.finetune.tasks.find import Find, best_threshold, word_scores
from workfolder.errors import InputError


def find_logits(task: Find, example: Example, first: int, last: int) -> list[np.ndarray]:
    found = []
    for question in task.asked(example):
        logits = np.zeros((len(question.places), 2))
        logits[question.units == first, 0] = 5.0
        logits[question.units == last, 1] = 5.0
        found.append(logits)
    return found


@pytest.mark.parametrize("first", [0, 6, 13, 22, 26])
def test_a_span_is_found_in_whichever_window_it_is(make: Make, first: int) -> None:
    task = make("find", STEPS, max_length=24)
    example = task.examples(STEPS)[0]
    assert len(task.asked(example)) == 3
    answer = task.answer(example, find_logits(task, example, first, first + 3))
    assert answer.tolist() == [first, first + 3, 10.0]
    told = task.told(example, answer)
    assert told["shown"] and told["when"] == [1.5 * first, 1.5 * (first + 4)]
    task.about = {**task.about, "threshold": 11.0}
    assert not task.told(example, answer)["shown"]


def test_find_asks_of_windows_that_hold_the_answer_and_of_other_texts(make: Make) -> None:
    task = make("find", STEPS, max_length=24)
    assert task.about["longest"] == 4
    example = task.examples(STEPS)[0]
    assert example.truth.tolist() == [[0, 1]] and example.text == "cut the bread"
    rng = np.random.default_rng(0)
    drawn = [task.drawn(example, rng) for _ in range(300)]
    asked = np.array(["cut" in spelt(task, question) for question in drawn])
    there = np.array([question.truth[0] > 0 for question in drawn])
    assert asked.mean() == pytest.approx(0.5, abs=0.1) and not there[~asked].any()
    assert there[asked].mean() > 0.9
    for question in np.array(drawn, dtype=object)[there]:
        assert question.units[question.truth].tolist() == [0, 1]


def test_a_text_that_is_shown_twice_has_two_right_answers(make: Make) -> None:
    rows = [*STEPS, row("a", 30, 33, "Flip it", "flip")]
    task = make("find", rows)
    example = next(each for each in task.examples(rows) if each.text.lower() == "flip it")
    assert example.truth.tolist() == [[4, 7], [20, 21]]
    assert task.marks(np.array([20, 21, 1.0]), example)[0].tolist() == [1.0, 1.0, 1.0, 1.0, 1.0]
    assert task.marks(np.array([18, 21, 1.0]), example)[0, 2] == pytest.approx(0.5)


SAID = {
    video: Said(
        ("hello", f"now {first} the bread", "and eat it", f"then {then} it"),
        np.array([[0.0, 2.0], [2.0, 5.0], [5.0, 8.0], [8.0, 12.0]]),
    )
    for video, first, then in (("a", "cut", "flip"), ("b", "spread", "cut"))
}


@pytest.mark.parametrize("max_length", [64, 24])
def test_find_searches_what_is_said_where_no_video_has_clips(make: Make, max_length: int) -> None:
    rows = [row("a", 1, 6, "cut the bread"), row("a", 7, 9, "flip it"), row("b", 9, 11, "eat it")]
    task = make("find", rows, max_length, SAID)
    assert task.of_sentences and task.about["longest"] == 2
    cut, flip = task.examples(rows)  # no sentence of b begins between 9 and 11
    assert (cut.truth.tolist(), flip.truth.tolist()) == ([[1, 2]], [[3, 3]])
    questions = task.asked(cut)
    assert (len(questions) == 1) == (max_length == 64)
    assert {n for question in questions for n in question.units.tolist()} == {-1, 0, 1, 2, 3}
    ids = questions[0].rows[0].ids
    assert (ids[questions[0].places] == task.reader.layout.cls).all()
    assert spelt(task, questions[0]).startswith("[CLS] cut the bread [SEP] [CLS] h")
    for question in questions:
        (row_,), ends = question.rows, question.ends
        assert ends[0] == 1 and row_.types.tolist() == (row_.parts == 1).tolist()
        assert ends[1:-1].tolist() == question.places[2:].tolist()  # to the next sentence
        assert ends[-1] == np.flatnonzero(row_.parts == 1)[-1] + 1
    answer = task.answer(cut, find_logits(task, cut, 1, 2))
    assert task.told(cut, answer)["when"] == [2.0, 8.0]
    figures = task.figures(task.marks(np.array([2, 3, 1.0]), cut))
    assert figures["begins inside"] == 1.0 and figures["mean IoU"] == pytest.approx(3 / 10)
    with pytest.raises(InputError, match="give --work DIR"):
        task.of_clip(Example("x", words=np.zeros(3, dtype=int)), ["cut"])


def test_find_can_say_yes_and_no_and_none(make: Make) -> None:
    rows = [
        *STEPS,
        row("a", None, None, "is there bread", "yes"),
        row("b", 3, 9, "is it flat", "no"),
        row("b", None, None, "boil it", "none"),
    ]
    task = make("find", rows)
    kinds = {each.text: each for each in task.examples(rows)}
    truths = {text: task.asked(each)[0].truth.tolist() for text, each in kinds.items()}
    assert truths["is there bread"] == [0, 0, 2]
    assert truths["is it flat"] == [3, 6, 3]
    assert truths["boil it"] == [0, 0, 1] and truths["cut the bread"] == [1, 2, 0]
    rng = np.random.default_rng(0)
    drawn = [task.drawn(kinds["is there bread"], rng) for _ in range(20)]
    assert {question.truth[2] for question in drawn} == {2}  # nobody knows of another video
    example = kinds["is there bread"]
    logits = [np.zeros((len(q.places), 6)) for q in task.asked(example)]
    logits[0][:, 4] = 9.0
    answer = task.answer(example, logits)
    assert task.told(example, answer)["answer"] == "yes"
    figures = task.figures(
        np.concatenate(
            [
                task.marks(answer, example),
                task.marks(np.array([20, 23, 1.0, 0, 0]), kinds["flip it"]),
                task.marks(np.array([0, 0, -1.0, 0, 0]), kinds["boil it"]),
                task.marks(np.array([0, 0, -1.0, 0, 0]), kinds["is it flat"]),
            ]
        )
    )
    assert figures["kind"] == 3 / 4 and figures["no answer, right"] == 1.0
    assert figures["mean IoU"] == 1 and make("find", STEPS).head(8, 0.0).kinds is None


def test_the_threshold_is_the_one_that_answers_most_rightly() -> None:
    marks = np.array([[3.0, 1, 0.5], [2.0, 1, 0.5], [1.0, 0, 0], [-1.0, 0, 0]])
    assert best_threshold(marks) == 2.0


def test_words_count_for_half_where_sentences_are_searched(make: Make) -> None:
    rows = [row("a", 1, 6, "cut the bread"), row("a", 7, 9, "flip it"), row("b", 1, 6, "eat it")]
    task = make("find", rows, 64, SAID)
    cut, flip, _ = task.examples(rows)
    scores = word_scores("cut the bread", SAID["a"].texts)
    assert scores.argmax() == 1 and scores[[0, 2, 3]].tolist() == [0, 0, 0]
    alike = [np.zeros((len(question.places), 2)) for question in task.asked(cut)]
    assert task.answer(cut, alike)[0] == 1  # the network knows nothing, the words decide
    assert word_scores("stir", SAID["a"].texts).tolist() == [0, 0, 0, 0]
    other = replace(flip, text="stir")  # the words know nothing, the network decides
    assert task.answer(other, find_logits(task, other, 2, 2)).tolist() == [2, 2, 10]
    assert word_scores("stir", ["...", ""]).tolist() == [0, 0]


def test_nothing_is_found_in_a_clip_that_is_too_short_for_a_feature(make: Make) -> None:
    task = make("find", STEPS)
    (short,) = task.of_clip(Example("x"), ["cut the bread"])
    answer = task.answer(short, [])
    assert answer.tolist() == [0, 0, -np.inf] and not task.told(short, answer)["shown"]
