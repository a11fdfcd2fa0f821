"""A restorer learns where marks belong, keeps every word, and does not care how its words come in windows and batches."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from feature_extraction.hearing.punctuation import training
from feature_extraction.hearing.punctuation.__main__ import main
from feature_extraction.hearing.punctuation.evaluation import evaluate
from feature_extraction.hearing.punctuation.restorer import (
    COMMA,
    NONE,
    PACKAGED,
    QUESTION,
    STOP,
    PunctuationRestorer,
    Vocabulary,
    plain,
    tag_of,
    window_shares,
    window_starts,
)
from feature_extraction.hearing.sentences import split_sentences
from feature_extraction.schema import Word
from workfolder.errors import InputError

SENTENCES = (
    "today , we 're going to make some soup .",
    "first , add the salt .",
    "do you see that ?",
    "then stir it well .",
    "is n't it good ?",
    "now pour the oil in .",
)
TOY = training.TrainingOptions(
    steps=120,
    batch_size=8,
    learning_rate=3e-3,
    dropout=0.0,
    forgotten=0.0,
    layers=2,
    width=32,
    heads=2,
    window=31,
)


def write_corpus(folder: Path, files: int = 30) -> Path:
    """Transcripts of the sentences in an order drawn for each."""
    folder.mkdir(parents=True)
    dice = random.Random(0)
    for number in range(files):
        (folder / f"video_{number}.txt").write_text(
            "\n".join(dice.choices(SENTENCES, k=20)) + "\n", encoding="utf-8"
        )
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("punctuation") / "texts")


@pytest.fixture(scope="module")
def model(corpus: Path) -> Path:
    """The folder of a restorer that has learnt the sentences."""
    training.train([corpus], corpus.parent / "model", TOY)
    return corpus.parent / "model"


@pytest.fixture(scope="module")
def restorer(model: Path) -> PunctuationRestorer:
    return PunctuationRestorer.load(model)


def many_words(count: int) -> list[str]:
    dice = random.Random(1)
    words = [plain(word) for sentence in SENTENCES for word in sentence.split() if plain(word)]
    return [dice.choice([*words, "whisking", "350", "&"]) for _ in range(count)]


def timed(text: str) -> list[Word]:
    return [
        Word(word, 0.4 * index, 0.4 * index + 0.4, 0.5) for index, word in enumerate(text.split())
    ]


# learning


def test_it_learns_where_the_marks_of_its_sentences_belong(restorer):
    said = "first add the salt do you see that then stir it well isn't it good now pour the oil in".split()
    wanted = "First, add the salt. Do you see that? Then stir it well. Isn't it good? Now pour the oil in"
    assert " ".join(restorer.punctuate(said)).rstrip(".") == wanted


def test_held_out_transcripts_are_restored(corpus, restorer):
    found = evaluate([corpus], restorer)
    assert 1 <= found.files < 30
    assert (found.figures("restorer")[:, 2] > 0.9).all()
    assert found.figures("restorer, then sentences")[3, 2] > 0.9
    assert (found.figures("pauses and length")[[0, 2]] == 0).all()
    assert "sentence end" in str(found)


def test_the_split_is_by_the_name_of_the_file(corpus, tmp_path):
    names = [path.name for path in training.find_texts([corpus])]
    held_out = {name for name in names if training.is_held_out(Path(name))}
    assert held_out == {
        path.name for path in training.find_texts([corpus]) if training.is_held_out(path)
    }
    others = sum(training.is_held_out(Path(f"{number}.txt")) for number in range(2000))
    assert 150 < others < 250
    for name in held_out:
        (tmp_path / name).write_text("Add the salt.", encoding="utf-8")
    with pytest.raises(InputError, match="held out"):
        training.train([tmp_path], tmp_path / "model", TOY)


def test_the_same_options_make_the_same_model(corpus, tmp_path):
    short = replace(TOY, steps=3, dropout=0.1, forgotten=0.1)
    models = [
        training.train([corpus], tmp_path / str(number), replace(short, seed=seed))
        for number, seed in enumerate((0, 0, 1))
    ]
    weights = [made.model.classifier.weight.detach().numpy() for made in models]
    assert (weights[0] == weights[1]).all() and (weights[0] != weights[2]).any()
    assert json.loads((tmp_path / "0" / "options.json").read_text())["step"] == 3


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


def test_treebank_tokens_become_words_as_captions_have_them(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("it 's not too.\nsalty , do n't you\nthink ? , OK.", encoding="utf-8")
    assert training.read_words(path) == [
        "it's",
        "not",
        "too.",
        "salty,",
        "don't",
        "you",
        "think?",
        "OK.",
    ]


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
    said = "first; add the salt! then stir it well… do you see that? yes: (now pour the oil in)".split()
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


# the command


def test_the_command_evaluates_transcripts_and_captions(corpus, model, tmp_path, capsys):
    captions = tmp_path / "clip.vtt"
    captions.write_text(
        "WEBVTT\n\n00:01.000 --> 00:05.000\nFirst, add the salt. Do you see that? Yes.\n",
        encoding="utf-8",
    )
    assert main(["evaluate", str(captions), "--model", str(model)]) == 0
    assert "1 files, 9 words" in capsys.readouterr().out
    assert main(["evaluate", str(corpus), str(captions), "--model", str(model)]) == 0


REFUSED = (
    "train {0}/nowhere --out {0}/out",
    "train {0} --out {0}",
    "train {0} --out {0}/out",
    "train {0} --out {0}/out --steps 0",
    "evaluate {0} --model {0}",
)


@pytest.mark.parametrize("arguments", REFUSED)
def test_the_command_refuses_in_one_line(tmp_path, capsys, arguments):
    assert main(arguments.format(tmp_path).split()) == 2
    refusal = capsys.readouterr().err
    assert ("--steps" if "--steps" in arguments else str(tmp_path)) in refusal and refusal.count(
        "\n"
    ) == 1


# the model of the package


NARRATION = (
    "first we chop the onions and the garlic then we heat two tablespoons of olive oil in a pan now add the onions and cook "
    "them until they are soft after that we add the tomatoes and the salt let it simmer for twenty minutes"
)


@pytest.fixture(scope="module")
def packaged() -> PunctuationRestorer:
    if not PACKAGED.is_dir():
        pytest.skip(
            f"{PACKAGED} is not there: make it with python -m feature_extraction.hearing.punctuation train"
        )
    return PunctuationRestorer.load()


def test_the_packaged_model_splits_a_narration(packaged):
    ends = [
        sentence.words[-1].text for sentence in split_sentences(timed(NARRATION), restore=packaged)
    ]
    assert len({"pan.", "soft.", "salt."} & set(ends)) >= 2 and len(ends) <= 6


def test_the_packaged_model_is_small():
    if PACKAGED.is_dir():
        assert sum(path.stat().st_size for path in PACKAGED.iterdir()) < 5_000_000
