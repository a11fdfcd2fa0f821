"""What each task asks, and how it judges answers, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.toys.label_rows import CLIPS, STEPS, Make, row, spelt
from videobert.finetune.examples import Example
from videobert.finetune.heads import IGNORED, ClozeHead
from videobert.finetune.tasks import TASKS
from videobert.finetune.tasks.classify import Classify
from videobert.finetune.tasks.moments import Moments
from workfolder.errors import InputError

LONG = "butterbread"
"""A word of several pieces."""


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


def test_a_mask_stands_for_each_piece_of_a_label(make: Make) -> None:
    rows = [*STEPS, row("b", 12, 18, "bread and bread", "cut the bread")]
    task = make("classify", rows, sentence="the {aspect} is to [MASK] it")
    (question,) = task.asked(replace(task.examples(rows)[0], text=""))
    pieces = [len(task.reader.ids(label)) for label in task.labels]
    masks = sorted(set(pieces))
    assert len(masks) > 1 and len(question.rows) == len(masks)
    for number, count in enumerate(masks):
        said = spelt(task, question, number)
        assert f"to {' '.join(['[MASK]'] * count)} it [>] v" in said
        places = question.places[number]
        assert (places[:count] == places[0] + np.arange(count)).all()
        assert (places[count:] == IGNORED).all()
    assert isinstance(task, Classify) and isinstance(task.head(8, 0.0), ClozeHead)


def test_a_mask_that_is_cut_off_is_refused(make: Make) -> None:
    sentence = " ".join(["bread"] * 12) + " [MASK]"
    task = make("classify", STEPS, max_length=16, sentence=sentence)
    with pytest.raises(InputError, match=r"is cut before its \[MASK\], as a row has 16 ids"):
        task.asked(replace(task.examples(STEPS)[0], text="bread bread"))


def test_a_class_head_knows_no_other_labels(make: Make) -> None:
    task = make("classify", STEPS)
    assert isinstance(task, Classify)
    with pytest.raises(InputError, match="knows the labels that it was taught and no others"):
        task.asking_for(["boil", "flip"])
    by_label = make("classify", STEPS, sentence="it is {label}")
    assert isinstance(by_label, Classify)
    other = by_label.asking_for(["bread", "flip"])
    assert other.labels == ["bread", "flip"] and by_label.labels != other.labels
    with pytest.raises(InputError, match="are one to the model"):
        by_label.asking_for(["flip", "flip"])


def test_a_head_that_reads_other_labels_leaves_the_first_one_as_it_was(make: Make) -> None:
    task = make("classify", STEPS, sentence="it is [MASK]")
    assert isinstance(task, Classify)
    head = task.head(8, 0.0)
    assert isinstance(head, ClozeHead)
    before = [list(pieces) for pieces in head.labels]
    other = task.asking_for(["bread", "flip"]).labels_on(head)
    assert isinstance(other, ClozeHead) and len(other.labels) == 2
    assert [list(pieces) for pieces in head.labels] == before and len(before) > 2
    assert other.sharpness is head.sharpness


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
