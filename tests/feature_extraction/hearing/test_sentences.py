"""Sentences keep every word in order, end where people end them, and stay within their bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_extraction.hearing.sentences import SentenceOptions, ends_sentence, split_sentences
from feature_extraction.schema import Sentence, Word
from tests.toys.growth import assert_not_quadratic
from workfolder.errors import InputError

LONE = SentenceOptions(min_words=1)


def spoken(text: str, pauses: dict[int, float] | None = None) -> list[Word]:
    """A word every 0.4 s that takes 0.3 s; ``pauses[n]`` more seconds come before word n."""
    words, now = [], 0.0
    for index, word in enumerate(text.split()):
        now += (pauses or {}).get(index, 0.0)
        words.append(Word(word, round(now, 3), round(now + 0.3, 3)))
        now += 0.4
    return words


def texts(sentences: list[Sentence]) -> list[str]:
    return [sentence.text for sentence in sentences]


def counted(*sizes: int) -> str:
    return " ".join(f"w{index}" for index in range(sum(sizes)))


# punctuation


@pytest.mark.parametrize(
    "text",
    [
        "Add the salt. | Stir it well! | Is it hot? | It is.",
        "Dr. Brown adds 1.5 oz. of butter and 1/2 cup milk. | Then 2 tbsp. sugar go in.",
        "Bake for 10 min. at 350 degrees. | Rest it for 5 min. | Then serve.",
        "Ask J. Child about it, e.g. in a letter. | She lives in the U.S. with us.",
        "Wait... it is not done yet... | Now it is.",
        'She said "stir it." | Then she left (at last!) | And so do I. | We ate.',
        "It starts at 5 p.m. and goes on. | We leave at 9 p.m. | Come early.",
        "No. | Do not use No. 5 flour here.",
        "It is itself a power, | 2. It is high time, | 3. And now stir it.",
        "Use 2. | Then add 12. | Stir it.",
        "Boil it. | 2. It is high time. | 3. Serve it at 350. | Then go.",
        "क्या? | नमक डालो। | अब मिलाओ।",
    ],
)
def test_sentences_end_where_people_end_them(text):
    expected = text.split(" | ")
    assert texts(split_sentences(spoken(text.replace("| ", "")), LONE)) == expected


def test_a_number_after_a_pause_counts_what_follows():
    said = "it is itself a power 2. It is high time. And so on."
    after, before = ({place: 0.5} for place in (5, 6))
    assert texts(split_sentences(spoken(said, after), LONE))[:2] == [
        "it is itself a power",
        "2. It is high time.",
    ]
    assert texts(split_sentences(spoken(said, before), LONE))[0] == "it is itself a power 2."


def test_a_title_ends_a_sentence_only_at_the_end_of_all():
    assert not ends_sentence("Mr.", "Smith")
    assert ends_sentence("Mr.", None)


def test_punctuated_words_are_not_split_at_a_breath_but_at_a_long_silence():
    words = spoken("We add the salt. Then we stir it all and now it is done.", {6: 1.0, 9: 10.0})
    assert texts(split_sentences(words)) == [
        "We add the salt.",
        "Then we stir it all",
        "and now it is done.",
    ]


def test_a_stretch_without_marks_in_punctuated_speech_is_split_at_pauses():
    said = (
        "We add the salt. " + " ".join(f"w{n}" for n in range(27)) + " Then we stir it. It is done."
    )
    sentences = texts(split_sentences(spoken(said, {12: 0.8, 23: 2.6})))
    assert [len(sentence.split()) for sentence in sentences] == [4, 8, 11, 12, 3]
    short = " ".join(f"w{n}" for n in range(19))
    kept = split_sentences(spoken(f"We add it. {short} now. It is done.", {10: 0.8}))
    assert [len(sentence.words) for sentence in kept] == [3, 20, 3]


# pauses


def test_words_without_punctuation_are_split_at_pauses():
    words = spoken("add the salt then stir it well now serve", {3: 0.4, 7: 0.8})
    assert texts(split_sentences(words)) == ["add the salt", "then stir it well", "now serve"]
    assert texts(split_sentences(words, SentenceOptions(pause=1.0))) == [
        "add the salt then stir it well now serve"
    ]


def test_a_stray_full_stop_does_not_make_words_punctuated():
    words = spoken(counted(60) + " dr. " + counted(20), {10: 0.7})
    assert len(split_sentences(words)[0].words) == 10


def test_a_long_run_is_cut_at_its_longest_pauses():
    words = spoken(counted(60), {15: 0.2, 50: 0.4})
    assert [
        len(sentence.words) for sentence in split_sentences(words, SentenceOptions(pause=1.0))
    ] == [15, 35, 10]


def test_a_long_run_without_any_pause_is_cut_evenly():
    assert [len(sentence.words) for sentence in split_sentences(spoken(counted(100)))] == [
        34,
        34,
        32,
    ]
    assert [len(sentence.words) for sentence in split_sentences(spoken(counted(41)))] == [21, 20]


# captions without times of words, scripts without spaces


def cues(*said: str) -> list[Word]:
    """Cues of a second that follow one another, their words without times of their own."""
    return [
        Word(word, second + 0.1 * place, second + 0.1 * place + 0.1, begins_cue=not place)
        for second, cue in enumerate(said)
        for place, word in enumerate(cue.split())
    ]


def test_without_marks_and_times_of_words_a_caption_is_a_sentence():
    options = SentenceOptions(pause=3.0)
    said = cues("add the salt", "now", "then stir it well")
    assert texts(split_sentences(said, options)) == ["add the salt now", "then stir it well"]
    marked = cues("add the", "salt. Then", "stir it.")
    assert texts(split_sentences(marked, options)) == ["add the salt.", "Then stir it."]


def test_each_character_counts_where_words_have_no_spaces():
    said = cues("把鸡蛋打进碗里", "加一点盐", "好")
    assert texts(split_sentences(said)) == ["把鸡蛋打进碗里", "加一点盐 好"]
    long = [Word("盐", n * 0.2, n * 0.2 + 0.2) for n in range(60)]
    assert [len(sentence.words) for sentence in split_sentences(long)] == [30, 30]
    phrases = cues(*["把鸡蛋打进碗里。"] * 3)
    assert len(split_sentences(phrases)) == 3


# words alone


def test_a_lone_word_joins_its_nearer_neighbour():
    before = spoken("add the salt yes then stir it", {3: 0.6, 4: 1.0})
    after = spoken("add the salt yes then stir it", {3: 1.0, 4: 0.6})
    assert texts(split_sentences(before)) == ["add the salt yes", "then stir it"]
    assert texts(split_sentences(after)) == ["add the salt", "yes then stir it"]


def test_words_that_all_stand_alone_join_each_other():
    assert texts(split_sentences(spoken("Yes. No. Well."))) == ["Yes. No. Well."]


def test_a_lone_word_that_makes_its_neighbour_too_long_shares_its_words():
    sizes = [len(sentence.words) for sentence in split_sentences(spoken(counted(41), {40: 0.7}))]
    assert sum(sizes) == 41 and min(sizes) >= 2


def test_a_word_between_two_long_silences_is_dropped():
    words = spoken("add the salt yes then stir it", {3: 20.0, 4: 20.0})
    assert texts(split_sentences(words)) == ["add the salt", "then stir it"]
    assert split_sentences(spoken("hello")) == []
    assert texts(split_sentences(spoken("hello"), LONE)) == ["hello"]


def test_no_words_make_no_sentences():
    assert split_sentences([]) == []


# a restorer


def test_a_restorer_is_asked_only_where_there_is_no_punctuation():
    def restore(words):
        return [
            replace(word, text=f"{word.text}." if index % 3 == 2 else word.text)
            for index, word in enumerate(words)
        ]

    assert texts(split_sentences(spoken("a b c d e f"), restore=restore)) == ["a b c.", "d e f."]
    assert texts(split_sentences(spoken("a b c d e f."), restore=restore)) == ["a b c d e f."]


def test_a_restorer_may_not_lose_words():
    with pytest.raises(ValueError, match="5 words of 6"):
        split_sentences(spoken("a b c d e f"), restore=lambda words: words[1:])


# always


SPEECH = st.lists(
    st.tuples(
        st.sampled_from("salt stir. oz. e.g. Dr. Yes? 1.5 1/2 ... A. okay, “Oh!”".split()),
        st.sampled_from([0.0, 0.0, 0.1, 0.3, 0.6, 2.0, 5.0]),
        st.sampled_from([0.0, 0.2, 0.2, 9.0]),
    ),
    max_size=120,
)


@settings(deadline=None, max_examples=300)
@given(
    speech=SPEECH,
    least=st.integers(1, 4),
    spare=st.integers(0, 10),
    share=st.sampled_from([0.0, 0.025, 1.0]),
)
def test_words_are_kept_in_order_and_sentences_within_bounds(speech, least, spare, share):
    words, now = [], 0.0
    for index, (text, pause, length) in enumerate(speech):
        now += pause
        words.append(
            Word(text, now, now + length, index / 1000)
        )  # the probability tells equal words apart
        now += 0.2
    options = SentenceOptions(min_words=least, max_words=2 * least + spare, punctuated=share)
    sentences = split_sentences(words, options)
    kept = [word for sentence in sentences for word in sentence.words]
    assert all(least <= len(sentence.words) <= options.max_words for sentence in sentences)
    assert [word.probability for word in kept] == sorted({word.probability for word in kept})
    for sentence in sentences:
        first, last = words.index(sentence.words[0]), words.index(sentence.words[-1])
        assert list(sentence.words) == words[first : last + 1]
        assert sentence.start == sentence.words[0].start and sentence.end >= sentence.words[-1].end
        assert all(
            b.start - a.end <= options.silence
            for a, b in zip(sentence.words, sentence.words[1:], strict=False)
        )
    for word in set(words) - set(kept):
        assert is_isolated(words, words.index(word), options)


def is_isolated(words: list[Word], index: int, options: SentenceOptions) -> bool:
    """Whether fewer than min_words stand there between two long silences, or the ends of all."""
    breaks = [
        n for n in range(1, len(words)) if words[n].start - words[n - 1].end > options.silence
    ]
    first = max([n for n in breaks if n <= index], default=0)
    last = min([n for n in breaks if n > index], default=len(words))
    return last - first < options.min_words


def test_the_time_to_split_unbroken_growing_pauses_grows_with_their_number():
    def split(count: int) -> None:
        words = [Word("on", index + index**2 * 1e-9, index + 0.9) for index in range(count)]
        assert sum(len(sentence.words) for sentence in split_sentences(words)) == count

    assert_not_quadratic(split, 1_000)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pause": -1},
        {"pause": 4},
        {"pause": float("nan")},
        {"min_words": 0},
        {"max_words": 3},
        {"punctuated": 2},
    ],
)
def test_options_that_contradict_one_another_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        SentenceOptions(**wrong)
