"""Frames: which sentences name what is done, by their text alone."""

from __future__ import annotations

from itertools import product

from videobert.pretraining.frames import action_in, mine_frames

VERBS = ("chop", "stir", "peel", "fry")
NOUNS = ("onion", "egg", "rice", "pan")


def said(frame: str, verbs: tuple[str, ...] = VERBS) -> list[str]:
    """Every verb and noun in the same frame."""
    return [frame.format(verb, noun) for verb, noun in product(verbs, NOUNS)]


def test_the_frames_are_what_stands_before_many_different_verbs_and_nouns() -> None:
    sentences = [
        *said("okay so it is time to {} the {} nice and slow"),
        *said("we need to {} the {}"),
        *said("just {} the {}"),
        *["put the lid on the pan"] * 50,
    ]
    assert sorted(mine_frames(sentences, 6)) == [
        "just [MASK] the [MASK]",
        "okay so it is time to [MASK] the [MASK]",
        "we need to [MASK] the [MASK]",
    ]


def test_a_longer_frame_stands_for_its_end_only_where_it_has_most_of_its_sentences() -> None:
    often = said("it is time to {} the {}")
    assert mine_frames(often, 6) == ["it is time to [MASK] the [MASK]"]
    endings = [said(f"{word} now we {{}} the {{}}") for word in ("so", "and", "well", "okay")]
    (frame,) = mine_frames([sentence for each in endings for sentence in each], 6)
    assert frame == "now we [MASK] the [MASK]"


def test_frames_that_want_other_forms_of_the_words_are_left_out() -> None:
    past = ("chopped", "stirred", "peeled", "fried")
    sentences = said("we need to {} the {}") + said("now you {} the {}")
    frames = mine_frames(sentences + said("we have now {} the {}", past), 6)
    assert sorted(frames) == ["now you [MASK] the [MASK]", "we need to [MASK] the [MASK]"]


def test_a_phrase_with_little_choice_is_no_frame() -> None:
    phrases = [f"add onions {word} the {noun}" for word in ("to", "into") for noun in NOUNS]
    assert mine_frames(phrases * 9 + said("we need to {} the {}"), 6) == [
        "we need to [MASK] the [MASK]"
    ]


def test_the_most_varied_come_first_and_no_more_than_are_wanted() -> None:
    sentences = said("we need to {} the {}") + said("now you {} the {}", VERBS[:3])
    assert mine_frames(sentences, 1) == ["we need to [MASK] the [MASK]"]
    assert mine_frames(sentences, 0) == []


def test_where_nothing_is_done_there_is_no_frame() -> None:
    assert mine_frames([], 6) == []
    assert mine_frames(["hello and welcome", "the onion", "the the the the"], 6) == []


def test_what_a_sentence_says_in_a_frame_is_its_verb_and_noun() -> None:
    frames = ["just [MASK] the [MASK]", "we need to [MASK] the [MASK]"]
    assert action_in("so now we need to stir the egg nice and slow", frames) == "stir the egg"
    assert action_in("just fry the rice", frames) == "fry the rice"
    for sentence in ("adjust fry the rice", "we need to stir an egg", "hello", ""):
        assert action_in(sentence, frames) is None
