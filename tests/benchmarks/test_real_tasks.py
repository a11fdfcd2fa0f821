from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.real_tasks import RUNS
from benchmarks.real_tasks_baselines import ALONE, DISH, KEY, SLOTS, WHEN
from benchmarks.real_tasks_tables import seconds, slots_of, tables, transcript


def row(sentence: str, verb: str, noun: str) -> dict[str, str]:
    return {"Sentence": sentence, "Verb": verb, "Object(directly related with Verb)": noun}


@pytest.mark.parametrize(
    ("given", "tags"),
    [
        (row("we put on the cheese.", "put on", "cheese"), "O B-VERB I-VERB O B-NOUN"),
        (row("Rotate it, then rotate", "rotate;rotate ", "pizza"), "B-VERB O O B-VERB"),
        (row("and stir", "put;stir", "dough;dough"), "O B-VERB"),
        (row("nothing here", "", ""), "O O"),
    ],
)
def test_the_words_that_verbs_and_objects_name_are_tagged(given: dict[str, str], tags: str) -> None:
    assert slots_of(given) == tags.split()


def test_the_real_labels_are_all_there_and_split_by_video(shared_data: Path) -> None:
    found = dict(tables(shared_data / "annotations", None))
    assert [len(found[name]) for name in (DISH, KEY)] == [1736, 15_511]
    for table in (KEY, ALONE):
        assert sum(row["label"] == "step" for row in found[table]) == len(found[SLOTS]) == 3569
    assert sum(row["subset"] == "testing" for row in found[DISH]) == 443
    asked = sum(row["subset"] == "testing" for row in found[WHEN])  # every second of 501
    assert (asked, len(found[WHEN]) - asked) == (269, 1940)
    apart = {row["video"] for row in found[KEY] if row["subset"] == "testing"}
    learnt = {row["video"] for row in found[KEY] if row["subset"] == "training"}
    assert (len(apart), len(learnt)) == (70, 282) and not apart & learnt
    assert {row["video"] for row in found[SLOTS] if row["subset"] == "testing"} <= apart
    assert {row["video"] for row in found[WHEN] if row["subset"] == "testing"} < apart
    assert {options.annotations for options in RUNS.values()} == {DISH, KEY, ALONE, SLOTS, WHEN}


def test_a_sentence_ends_where_the_next_one_begins() -> None:
    assert [seconds("01:27.5"), seconds("1:00:02.0")] == [87.5, 3602.0]
    rows = [
        {"TimeStamp": "00:09.0", "Sentence": "and stir"},
        {"TimeStamp": "00:01.5", "Sentence": "hi"},
    ]
    said = transcript(rows).select(["start", "end", "text"]).to_pylist()
    assert [tuple(row.values()) for row in said] == [(1.5, 9.0, "hi"), (9.0, 14.0, "and stir")]
