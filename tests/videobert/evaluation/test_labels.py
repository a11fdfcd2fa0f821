"""The lists of verbs and nouns, how they are made, and which of them a caption names."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks import youcook2_machine_labels
from benchmarks.label_lists import differences, label_lists, under_singular
from videobert.evaluation.labels import (
    ActionFinder,
    nouns,
    plurals,
    read_label_list,
    verbs,
    words_of,
)
from workfolder.errors import InputError


def test_the_lists_are_as_long_as_the_papers_and_in_the_order_of_their_counts() -> None:
    for labels, size, first in ((verbs(), 45, "add"), (nouns(), 100, "pan")):
        assert len(labels.words) == len(set(labels.words)) == len(labels.counts) == size
        assert labels.words[0] == first and list(labels.counts) == sorted(
            labels.counts, reverse=True
        )
    assert set(verbs().words) & set(nouns().words) == {"slice"}


def test_no_list_has_a_plural_beside_its_singular_or_a_noun_among_its_verbs() -> None:
    listed = set(nouns().words)
    assert not [noun for noun in listed if set(plurals(noun)) & listed]
    assert not {"cloves", "pepper", "water", "potatos"} & set(verbs().words)


def test_the_counts_are_those_of_the_training_captions(shared_data: Path) -> None:
    from videobert.data.youcook2 import TRAINING, read_annotations

    path = shared_data / "annotations/youcook2/youcookii_annotations_trainval.json"
    counted = Counter(w for s in read_annotations(path)[TRAINING] for w in words_of(s.text))
    for noun, count in zip(nouns().words, nouns().counts, strict=True):
        assert 0 < count <= sum(counted[form] for form in {noun, *plurals(noun)}), noun
    for verb, count in zip(verbs().words, verbs().counts, strict=True):
        assert 0 < count <= counted[verb], verb


@pytest.mark.parametrize(
    ("caption", "verb", "noun"),
    [
        ("cut the sandwich in half diagonally", "cut", "sandwich"),
        ("place the onions on top of the bread", "place", "onion"),
        ("in a bowl mix flour and eggs", "mix", "flour"),
        ("finely chop some tomatoes", "chop", "tomato"),
        ("Fry the potatos, then serve.", "fry", "potato"),
        ("in the oven let it bake", "let", "oven"),
        ("melt butter in a frying pan", None, None),  # melt is no listed verb, frying no order
        ("the mix of flour is put aside with the dough", "put", "dough"),
        ("mash the boiled potatoes well", "mash", "potato"),
        ("place a slice of cheese on the bread", "place", "slice"),
        ("slice the bread", "slice", "bread"),
        ("stir", None, None),
        ("", None, None),
    ],
)
def test_the_action_of_a_caption(caption: str, verb: str | None, noun: str | None) -> None:
    find = ActionFinder(verbs().words, nouns().words)
    found = find(caption)
    assert (found and (find.verbs[found[0]], find.nouns[found[1]])) == (
        (verb, noun) if verb else None
    )


def test_most_real_captions_have_an_action(shared_data: Path) -> None:
    from videobert.data.youcook2 import read_annotations

    path = shared_data / "annotations/youcook2/youcookii_annotations_trainval.json"
    captions = [stretch.text for subset in read_annotations(path).values() for stretch in subset]
    find = ActionFinder(verbs().words, nouns().words)
    assert sum(find(caption) is not None for caption in captions) > 0.8 * len(captions)


def test_plurals_are_counted_under_the_commonest_singular_that_fits() -> None:
    singular = Counter({"leaf": 5, "potato": 3, "berry": 2, "loaf": 1, "bay": 4})
    plural = Counter(
        {"leaves": 7, "potatos": 2, "potatoes": 1, "berries": 1, "loaves": 1, "chives": 6}
    )
    assert under_singular(singular, plural) == {
        "leaf": 12,
        "potato": 6,
        "berry": 3,
        "loaf": 2,
        "bay": 4,
        "chives": 6,
    }


def test_a_list_is_made_of_what_the_tagger_says() -> None:
    tags = {
        "you": "PNP",
        "should": "VM0",
        "stir": "VVI",
        "onions": "NN2",
        "onion": "NN1",
        "chopped": "AJ0",
        "tofu": "UNC",
    }

    def tag(words: list[str]) -> list[tuple[str, str, str]]:
        assert words[:2] == ["you", "should"]
        return [(word, word, tags.get(word, "NN1")) for word in words]

    captions = ["stir the chopped onions, stir tofu", "stir an onion and tofu then stir"]
    verb_list, noun_list = label_lists(captions, tag)
    assert verb_list == [("stir", 4)]
    assert dict(noun_list) == {"onion": 2, "tofu": 2, "an": 1, "the": 1}


def test_differences_name_plurals_apart_from_other_words() -> None:
    lines = differences(["pan", "potato"], ["pan", "potatos", "potatoes", "whisk"])
    assert lines == [
        "2 here, 4 there, 1 in both",
        "only here: ",
        "only there: whisk",
        "there in another form: potatos (potato), potatoes (potato)",
    ]


@pytest.mark.parametrize("content", ["label\tcount\nadd\tmany\n", "label\tcount\nadd\n", None])
def test_a_list_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "verbs.tsv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=path.name):
        read_label_list(path)


@pytest.mark.parametrize(
    ("out", "said"),
    [("there", "there is there already: give a new folder"), ("new", "No such file")],
)
def test_the_benchmark_of_machine_labels_refuses_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    out: str,
    said: str,
) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.setattr("sys.argv", ["it", "--data", str(tmp_path), "--out", str(tmp_path / out)])
    with pytest.raises(SystemExit) as stop:
        youcook2_machine_labels.main()
    error = capsys.readouterr().err
    assert stop.value.code == 2 and said in error and error.count("\n") == 1
