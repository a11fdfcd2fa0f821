"""What the tables of smaller models and of tasks together rest on."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from benchmarks.whole_numbers import ROUNDS, in_turn, megabytes
from benchmarks.workbench_few import ciphered, commonest, drawn
from benchmarks.workbench_replay import EARLIER, LATER, half_of, halves
from benchmarks.workbench_small import WAYS, Way
from benchmarks.workbench_styles import TURNED, WHOLE, figures
from benchmarks.workbench_ways import PLAIN
from benchmarks.workbench_ways import WAYS as WAYS_TO_TEACH
from tokenization.vocabulary import Vocabulary
from videobert.compression.options import CompressOptions
from videobert.data.annotations import Annotation
from videobert.networks import new_network
from videobert.whole_numbers import to_int8


def test_runs_take_turns() -> None:
    told: list[str] = []
    seconds = in_turn([lambda: told.append("one"), lambda: told.append("other")])
    assert len(seconds) == 2 and min(seconds) >= 0
    assert told == ["one", "other"] * (ROUNDS + 1)


def test_whole_numbers_take_about_a_quarter() -> None:
    network = new_network("tiny", "bert", Vocabulary(500, 100), 0, 32, 0.0)
    whole = deepcopy(network)
    to_int8(whole)
    assert 0.24 < megabytes(whole) / megabytes(network) < 0.35


@pytest.mark.parametrize("way", WAYS[1:], ids=lambda way: way.name)
def test_a_way_is_what_compress_can_be_told(way: Way) -> None:
    assert CompressOptions(**way.changes).learns


def test_a_cipher_shares_no_word_and_is_always_the_same() -> None:
    said = "stir the onion and stir the rice"
    words = ciphered(said).split()
    assert not set(words) & set(said.split())
    assert words[0] == words[4] and words[1] == words[5] and len(set(words)) == 5


def test_so_many_labels_are_drawn_of_each_verb() -> None:
    labels = ["stir"] * 6 + ["bake"] * 2
    rows = [Annotation(f"v{n}", 0, 1, "", label, (), None) for n, label in enumerate(labels)]
    found = drawn(rows, 3, 0)
    assert sorted(str(row.label) for row in found) == ["bake"] * 2 + ["stir"] * 3
    assert found != drawn(rows, 3, 1) and commonest(rows) == "stir"


@pytest.mark.parametrize("task", WAYS_TO_TEACH)
def test_one_row_is_plain_and_every_other_one_differs(task: str) -> None:
    plain = PLAIN[task]
    ways = [replace(plain, **changes) for changes in WAYS_TO_TEACH[task].values()]
    assert ways[0] == plain and len({repr(way) for way in ways}) == len(ways)


def test_each_sentence_is_learnt_in_one_half() -> None:
    verbs = ["bake", "cut", "stir"]
    assert halves(verbs) == {EARLIER: {"bake", "stir"}, LATER: {"cut"}}
    assert half_of("now Cut the rice", verbs) == LATER
    assert half_of("hello everyone", verbs) == half_of("stir the rice", verbs) == EARLIER


def test_a_turned_text_says_the_verb_and_a_whole_one_its_noun() -> None:
    pairs = [
        ("stir the rice", "cut the rice"),
        ("stir the rice", "cut the onion"),
        ("stir the rice", "stir a rice"),
        ("now stir the onion", "now cut the onion"),
    ]
    assert figures(pairs, "cut", frozenset({"rice", "onion"})) == {TURNED: 0.75, WHOLE: 0.5}
    assert figures([], "cut", frozenset()) == {TURNED: 0, WHOLE: 0}
