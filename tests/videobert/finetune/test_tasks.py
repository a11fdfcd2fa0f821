"""What each task asks, and how it judges answers, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.toys.model import captioning_model
from videobert.data.annotations import Annotation
from videobert.data.clips import Clips
from videobert.data.said import Said
from videobert.finetune.examples import Example
from videobert.finetune.options import FinetuneOptions
from videobert.finetune.tasks import TASKS
from videobert.finetune.tasks.find import Find, best_threshold
from videobert.finetune.tasks.moments import Moments
from videobert.finetune.tasks.task import Task
from videobert.finetune.tuned import make_reader
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError

CLIPS = 30
LONG = "butterbread"
"""A word of several pieces."""
Make = Callable[..., Any]


@pytest.fixture(scope="module")
def processor() -> VideoBertProcessor:
    return captioning_model().processor


@pytest.fixture
def make(processor: VideoBertProcessor) -> Make:
    """Make a task that learns from rows, on two videos of thirty clips of 1.5 s.

    With ``said`` the videos have no clips, but these sentences.
    """

    def make(
        name: str,
        rows: list[Annotation],
        max_length: int = 64,
        said: dict[str, Said] | None = None,
        **options: Any,
    ) -> Task:
        start = 1.5 * np.arange(CLIPS)
        footage = {
            v: Clips(start, start + 1.5, (np.arange(CLIPS) + n) % 9)
            for n, v in enumerate("" if said else "ab")
        }

        class Config:
            max_position_embeddings = max_length

        own = FinetuneOptions(task=(name,), annotations="verb", **options)
        reader = make_reader(processor, Config(), footage, own, said or {})
        return TASKS[name](reader, TASKS[name].learn_about(rows, reader))

    return make


def row(
    video: str,
    start: float | None,
    end: float | None,
    text: str = "",
    label: str | None = None,
    tags: str = "",
) -> Annotation:
    return Annotation(video, start, end, text, label, tuple(tags.split()), "training")


STEPS = [
    row("a", 0, 3, "cut the bread", "cut"),
    row("a", 6, 12, "flip it", "flip"),
    row("b", 3, 9, "spread butter on the bread", "spread"),
    row("b", 30, 36, "flip it", "flip"),
]


def spelt(task: Task, question: Any, row: int = 0) -> str:
    ids = question.rows[row].ids
    text = [n if n < task.reader.processor.vocabulary.first_visual else "v" for n in ids.tolist()]
    decode = task.reader.processor.tokenizer.convert_ids_to_tokens
    return " ".join("v" if n == "v" else decode(n) for n in text)


def test_tag_writes_steps_as_bio_over_clips(make: Make) -> None:
    task = make("tag", STEPS)
    first, second = task.examples(STEPS)
    assert task.classes == ["O", "B-cut", "I-cut", "B-flip", "I-flip", "B-spread", "I-spread"]
    assert [
        task.classes[n] for n in first.truth[:9]
    ] == "B-cut I-cut O O B-flip I-flip I-flip I-flip O".split()
    assert [task.classes[n] for n in second.truth[20:25]] == "B-flip I-flip I-flip I-flip O".split()
    (question,) = task.asked(first)
    assert question.units.tolist() == list(range(CLIPS)) and (question.truth == first.truth).all()


def test_tag_never_thins_but_reads_windows_and_averages_them(make: Make) -> None:
    task = make("tag", STEPS, max_length=12)
    example = task.examples(STEPS)[0]
    questions = task.asked(example)
    assert len(questions) > 3
    seen = np.concatenate([question.units for question in questions])
    assert set(seen.tolist()) == set(range(CLIPS)) and all(len(q.units) <= 10 for q in questions)
    for question in questions:
        first = task.reader.processor.vocabulary.first_visual
        assert (
            question.rows[0].ids[question.places] - first == example.words[question.units]
        ).all()
    flat = [np.zeros((len(question.units), 7)) for question in questions]
    for question, logits in zip(questions, flat, strict=True):
        logits[question.units == 5, 3] = 9.0 if question is questions[0] else 0.0
    answer = task.answer(example, flat)
    both = sum(5 in question.units for question in questions)
    chance = np.exp(9) / (np.exp(9) + 6)
    assert answer[5, 3] == pytest.approx((chance + (both - 1) / 7) / both)


def test_words_are_tagged_at_their_first_piece(make: Make) -> None:
    rows = [row("x", None, None, f"{LONG} the bread {LONG}", None, "B-VERB O B-NOUN O")]
    task = make("tag", rows)
    (example,) = task.examples(rows)
    (question,) = task.asked(example)
    pieces = task.reader.processor.tokenizer.convert_ids_to_tokens(
        question.rows[0].ids[question.places]
    )
    assert question.units.tolist() == [0, 1, 2, 3] and len(question.rows[0].ids) > 6
    assert not any(piece.startswith("##") for piece in pieces) and pieces[2] == "bread"
    logits = np.full((4, 5), -9.0)
    logits[np.arange(4), [3, 0, 1, 0]] = 9.0
    answer = task.answer(example, [logits])
    assert task.tags(answer) == ["B-VERB", "O", "B-NOUN", "O"]
    assert task.figures(task.marks(answer, example))["span F1"] == 1.0
    told = task.told(example, answer)["spans"]
    assert [(span["label"], span["words"]) for span in told] == [
        ("VERB", LONG),
        ("NOUN", "bread"),
    ]


@pytest.mark.parametrize(
    ("sentence", "text"),
    [  # the four forms of Sun et al. (2019), table 1, in words of a kitchen
        ("what is the {aspect} ?", "what is the verb ?"),
        ("the {aspect}", "the verb"),
        ("the {aspect} is {label}", "the verb is flip"),
        ("{aspect} - {label}", "verb - flip"),
    ],
)
def test_a_sentence_asks_of_classes_or_for_each_label(make: Make, sentence: str, text: str) -> None:
    task = make("classify", STEPS, sentence=sentence)
    example = replace(task.examples(STEPS)[1], text="")
    questions = task.asked(example)
    pieces = task.reader.processor.tokenizer.tokenize(text)
    place = task.labels.index("flip") if "{label}" in sentence else 0
    assert len(questions) == (3 if "{label}" in sentence else 1)
    assert spelt(task, questions[place]).startswith(f"[CLS] {' '.join(pieces)} [>] v")


def test_labels_that_were_never_taught_can_be_asked_for(make: Make) -> None:
    task = make("classify", STEPS, sentence="the {aspect} is {label}")
    assert task.head(8, 0.0).classifier.out_features == 2
    other = TASKS["classify"](task.reader, {"labels": ["boil", "flip"]})
    example = other.examples([row("a", 0, 3, "", "boil")])[0]
    yes = np.array([[0.0, 2.0], [0.0, 1.0]])
    assert other.told(example, other.answer(example, list(yes)))["label"] == "boil"
    rng = np.random.default_rng(0)
    drawn = [task.drawn(task.examples(STEPS)[0], rng) for _ in range(400)]
    assert np.mean([question.truth for question in drawn]) == pytest.approx(0.5, abs=0.1)
    assert all((" cut " in spelt(task, q)) == bool(q.truth) or not q.truth for q in drawn[:40])


@pytest.mark.parametrize("pool", ["none", "mean"])
def test_a_long_text_is_cut_or_read_in_windows(make: Make, pool: str) -> None:
    long = " ".join(["bread"] * 40)
    rows = [
        row("x", None, None, f"{long} cut", "cut"),
        row("y", None, None, f"{long} flip", "flip"),
    ]
    task = make("classify", rows, max_length=16, pool=pool)
    (question,) = task.asked(task.examples(rows)[0])
    cut = [number for number in range(len(question.rows)) if "cut" in spelt(task, question, number)]
    assert (
        (len(question.rows) == 1 and not cut)
        if pool == "none"
        else (len(question.rows) > 3 and cut)
    )


@pytest.mark.parametrize("negatives", ["random", "candidates"])
def test_a_false_text_is_never_one_of_the_video(make: Make, negatives: str) -> None:
    rows = [
        *STEPS,
        row("b", 12, 18, "Cut the bread", "cut"),
        row("b", 18, 21, "let's eat the bread", "eat"),
    ]
    task = make("align", rows, negatives=negatives)
    example = task.examples(rows)[0]
    rng, texts = np.random.default_rng(0), set()
    for _ in range(200):
        question = task.drawn(example, rng)
        if question.truth == 1:
            texts.add(spelt(task, question).split(" [>]")[0])
    assert len(texts) == 2  # butter, and eating; "flip it" and "Cut the bread" are said in a, too
    false = task.with_false_ones(task.examples(rows), 0)
    # Whatever is said in a is said in b, so the clips of b have no text that does not fit.
    assert len(false) == len(rows) + 2 and sum(int(each.truth) for each in false) == 2


def test_both_orders_are_read_and_their_sum_is_symmetric(make: Make) -> None:
    task = make("align", STEPS, both_orders=True)
    (question,) = task.asked(task.examples(STEPS)[0])
    assert spelt(task, question, 0).startswith("[CLS] cut") and spelt(task, question, 1).startswith(
        "[CLS] v"
    )
    assert sorted(question.rows[0].ids) == sorted(question.rows[1].ids)


def test_choose_takes_others_of_the_video_and_fewer_where_there_are_fewer(make: Make) -> None:
    task = make("choose", STEPS, choices=4)
    example = task.examples(STEPS)[0]
    (question,) = task.asked(example)
    assert len(question.rows) == 2 and example.others == ("flip it",)
    right = spelt(task, question, int(question.truth))
    assert "cut" in right
    logits = np.array([0.0, 0.0, -9e9])
    logits[int(question.truth)] = 2.0
    answer = task.answer(example, [logits])
    assert answer.tolist() == [2.0, 0.0] and task.told(example, answer)["text"] == "cut the bread"


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


def test_moments_are_clips_in_rows_or_sentences_with_a_label(make: Make) -> None:
    task: Moments = make("moments", STEPS)
    assert task.examples(STEPS)[0].truth[:9].tolist() == [1, 1, 0, 0, 1, 1, 1, 1, 0]
    said = [
        row("x", n, n + 1, text, label)
        for n, (text, label) in enumerate(
            [("hello", None), ("cut the bread", "step"), ("wait", None)]
        )
    ]
    task = make("moments", said)
    (example,) = task.examples(said)
    (question,) = task.asked(example)
    assert example.truth.tolist() == [0, 1, 0] and question.truth.tolist() == [0, 1, 0]
    ids, cls = question.rows[0].ids, task.reader.layout.cls
    assert (ids[question.places] == cls).all() and (ids == cls).sum() == 4  # that of the row, too
    types = question.rows[0].types[question.places]
    assert types.tolist() == [0, 1, 0]
    answer = task.answer(example, [np.array([-1.0, 2.0, 3.0])])
    told = task.told(example, answer)["moments"]
    assert [each["text"] for each in told] == ["wait", "cut the bread"]
    figures = task.figures(task.marks(answer, example))
    assert figures["average precision"] == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["align", "find"])
def test_what_asks_about_a_text_says_so(make: Make, name: str) -> None:
    with pytest.raises(InputError, match="give --text"):
        make(name, STEPS).of_clip(Example("x"), ())
