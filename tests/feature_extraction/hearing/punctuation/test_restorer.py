"""A restorer keeps every word, whatever the windows and batches."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from feature_extraction.hearing.punctuation.restorer import (
    COMMA,
    NONE,
    PACKAGED,
    QUESTION,
    STOP,
    PunctuationRestorer,
    Vocabulary,
    tag_of,
    window_shares,
    window_starts,
    without_marks,
)
from feature_extraction.hearing.sentences import split_sentences
from feature_extraction.schema import Word
from tests.toys.punctuation import SENTENCES, TOY, write_corpus
from videobert.finetune.punctuation.training import finetune_punctuation
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("punctuation") / "texts")


@pytest.fixture(scope="module")
def model(corpus: Path) -> Path:
    """The folder of a restorer that has learnt the sentences."""
    finetune_punctuation([corpus], corpus.parent / "model", TOY)
    return corpus.parent / "model"


@pytest.fixture(scope="module")
def restorer(model: Path) -> PunctuationRestorer:
    return PunctuationRestorer.load(model)


def many_words(count: int) -> list[str]:
    dice = random.Random(1)
    words = [
        without_marks(word)
        for sentence in SENTENCES
        for word in sentence.split()
        if without_marks(word)
    ]
    return [dice.choice([*words, "whisking", "350", "&"]) for _ in range(count)]


def timed(text: str) -> list[Word]:
    return [
        Word(word, 0.4 * index, 0.4 * index + 0.4, 0.5) for index, word in enumerate(text.split())
    ]


# learning


def test_it_learns_where_the_marks_of_its_sentences_belong(restorer):
    said = (
        "first add the salt do you see that then stir it well isn't it good now pour the oil in"
    ).split()
    wanted = (
        "First, add the salt. Do you see that? Then stir it well. Isn't it good? Now pour "
        "the oil in"
    )
    assert " ".join(restorer.punctuate(said)).rstrip(".") == wanted


# words


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("salt", NONE),
        ("salt,", COMMA),
        ('salt."', STOP),
        ("1.5", NONE),
        ("what?!", STOP),
        ("what?", QUESTION),
        ("", NONE),
    ],
)
def test_the_tag_of_a_word_is_its_last_mark(word, tag):
    assert tag_of(word) == tag


def test_a_word_that_is_not_known_is_read_as_its_ending():
    vocabulary = Vocabulary(("[PAD]", "[CLS]", "[UNK]", "##g", "##ing", "two", "salt"))
    assert vocabulary.ids(["Salt,", "whisking", "bag", "350°F", "tofu", "&"]).tolist() == [
        6,
        4,
        3,
        5,
        2,
        2,
    ]


def test_a_vocabulary_holds_words_seen_often_and_endings_of_many_words():
    words = [f"{letter}ing" for letter in "abcdefghijk"] + ["salt"] * 4 + ["oil"] * 3 + ["add"] * 3
    vocabulary = Vocabulary.learn(words, 2)
    assert vocabulary.entries[3:] == ("##g", "##ing", "##ng", "salt", "add")
    assert Vocabulary.learn(sorted(words), 2) == vocabulary


# windows


@pytest.mark.parametrize("count", [1, 30, 31, 32, 47, 100, 2000])
def test_every_word_is_tagged_where_it_has_most_context(count, width=31):
    starts = window_starts(count, width)
    shares = window_shares(starts, count, width)
    for number, start in enumerate(starts):
        assert start <= shares[number] < shares[number + 1] <= min(start + width, count)

    def context(word: int, start: int) -> float:
        """Words on the poorer side; the end of the text is no lack."""
        before = word - start if start else float("inf")
        after = start + width - 1 - word if start + width < count else float("inf")
        return min(before, after) if start <= word < start + width else -1

    for word in range(count):
        owner = starts[np.searchsorted(shares, word, side="right") - 1]
        assert context(word, owner) == max(context(word, start) for start in starts)


def test_a_long_text_has_a_tag_for_each_word_whatever_the_batches(restorer):
    words = many_words(2000)
    tags = restorer.tags(words)
    assert tags.shape == (2000,) and set(tags) <= {NONE, COMMA, STOP, QUESTION}
    for batch_size in (1, 7, 1000):
        assert (restorer.tags(words, batch_size) == tags).all()


def test_a_short_text_beside_a_long_one_is_tagged_as_if_alone(restorer):
    ids = restorer.vocabulary.ids(many_words(31))
    together = restorer._tag([ids[:5], ids])
    assert (together[0, :5] == restorer._tag([ids[:5]])[0]).all()


# marks


def test_the_restorer_serves_the_splitter(restorer):
    words = timed("first add the salt then stir it well do you see that then stir it well")
    sentences = split_sentences(words, restore=restorer)
    assert [sentence.text.rstrip(".") for sentence in sentences] == [
        "First, add the salt", "Then stir it well", "Do you see that?", "Then stir it well"
    ]  # fmt: skip
    assert [replace(word, text="") for word in restorer(words)] == [
        replace(word, text="") for word in words
    ]


def test_marks_that_are_there_are_kept(restorer):
    said = (
        "first; add the salt! then stir it well… do you see that? yes: (now pour the oil in)"
    ).split()
    restored = restorer.punctuate(said)
    for before, after in zip(said, restored, strict=True):
        assert after.lower().startswith(before)
        assert after.lower() == before if tag_of(before) else len(after) <= len(before) + 1


def test_no_words_have_no_marks(restorer):
    assert restorer([]) == [] and restorer.punctuate([]) == [] and restorer.tags([]).shape == (0,)
    assert len(restorer.punctuate(["", "&", "–", "\U0001f373" * 500])) == 4


# files


def test_what_is_saved_is_what_is_loaded(restorer, tmp_path):
    restorer.save(tmp_path / "copy")
    words = many_words(500)
    assert (tmp_path / "copy" / "model.safetensors").stat().st_mode == (
        tmp_path / "copy" / "config.json"
    ).stat().st_mode
    assert (PunctuationRestorer.load(tmp_path / "copy").tags(words) == restorer.tags(words)).all()


DAMAGE = {
    "config.json": ["", "{", "[]", '{"model_type": "bert"}', '{"vocab_size": "many"}'],
    "vocabulary.txt": ["", "salt\n", "\n".join(map(str, range(20)))],
    "model.safetensors": ["", "no weights"],
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in DAMAGE.items() for text in [None, *texts]]
)
def test_a_damaged_model_is_refused_with_its_path(model, tmp_path, name, text):
    folder = tmp_path / "damaged"
    folder.mkdir()
    for path in model.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="damaged holds no whole punctuation model") as caught:
        PunctuationRestorer.load(folder)
    assert "\n" not in str(caught.value)


def test_a_model_that_is_not_there_is_refused_with_its_path(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        PunctuationRestorer.load(tmp_path / "nowhere")


# the model of the package


NARRATION = (
    "first we chop the onions and the garlic then we heat two tablespoons of olive oil in a "
    "pan now add the onions and cook them until they are soft after that we add the "
    "tomatoes and the salt let it simmer for twenty minutes"
)


@pytest.fixture(scope="module")
def packaged() -> PunctuationRestorer:
    if not PACKAGED.is_dir():
        pytest.skip(f"{PACKAGED} is not there: make it with videobert finetune punctuation")
    return PunctuationRestorer.load()


def test_the_packaged_model_splits_a_narration(packaged):
    ends = [
        sentence.words[-1].text for sentence in split_sentences(timed(NARRATION), restore=packaged)
    ]
    assert len({"pan.", "soft.", "salt."} & set(ends)) >= 2 and len(ends) <= 6


def test_the_packaged_model_is_small():
    if PACKAGED.is_dir():
        assert sum(path.stat().st_size for path in PACKAGED.iterdir()) < 5_000_000
