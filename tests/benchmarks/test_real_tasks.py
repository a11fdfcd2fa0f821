from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.real_tasks import DISH, KEY, RUNS, SLOTS, slots_of, tables


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
    assert sum(row["label"] == "step" for row in found[KEY]) == len(found[SLOTS]) == 3569
    assert sum(row["subset"] == "validation" for row in found[DISH]) == 443
    apart = {row["video"] for row in found[KEY] if row["subset"] == "testing"}
    learnt = {row["video"] for row in found[KEY] if row["subset"] == "training"}
    assert (len(apart), len(learnt)) == (70, 282) and not apart & learnt
    assert {row["video"] for row in found[SLOTS] if row["subset"] == "testing"} <= apart
    assert {options.annotations for options in RUNS.values()} == {DISH, KEY, SLOTS}
