"""The rules by which real kitchens are labelled and held out, and what the page makes of figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.real_kitchens.by_sentences import SHARPNESS, votes
from benchmarks.real_kitchens.corpus import (
    CHOICE,
    COOKS,
    FOLDS,
    RECORDINGS,
    UNLABELLED,
    Fold,
    Kitchens,
    is_measure,
    noun_of,
    said_verb,
    stretches,
    verb_of,
)
from benchmarks.real_kitchens.learning import Variant, as_bert
from benchmarks.real_kitchens.pairs import find_clips, find_texts, moved_on
from benchmarks.real_kitchens.study import MAIN, Study, job_name
from benchmarks.real_kitchens.summary import pool
from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.data.clips import Clips
from videobert.modeling_videobert import VideoBertForPreTraining
from workfolder.files import write_json

VERBS = ["slicing", "slice", "chop or grate", "chop", "mixing"]


@pytest.fixture
def kitchens(tmp_path: Path) -> Kitchens:
    """Twenty recordings of six cooks; the last five are not called train."""
    steps = [
        {"start": 1.0, "end": 4.0, "verb": verb, "done": "Slice the tomato"}
        for verb in ("slicing", "slice")
    ]
    recordings = [
        {
            "video_id": f"{number:02}",
            "recipe": "salad",
            "person": number % 6,
            "count": 10,
            "split": "train" if number < 15 else "val",
            "steps": steps[number % 2 :][:1],
        }
        for number in range(20)
    ]
    write_json({"recordings": recordings, "seconds_a_row": 1.0}, tmp_path / "index.json")
    return Kitchens(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("named", "verb"),
    [("slicing", "slice"), ("chop or grate", "chop"), ("mixing", "mixing"), ("Chop", "chop")],
)
def test_a_verb_is_the_imperative_where_a_step_has_it(named: str, verb: str) -> None:
    assert verb_of(named, VERBS) == verb


def test_a_verb_is_read_in_a_sentence_only_where_it_is_said() -> None:
    listed = ["slice", "chop", "mix"]
    assert said_verb("Now slicing the roll, then mix", listed) == "slice"
    assert said_verb("CHOP one tomato", listed) == "chop"
    assert said_verb("1 teaspoon of pepper to the bowl", listed) is None


def test_a_measure_follows_numbers() -> None:
    texts = ["1/4 tsp salt", "2 tsps of oil", "peel 1 onion", "onions and an onion"]
    assert is_measure("tsp", texts)
    assert not is_measure("onion", texts)
    assert not is_measure("egg", texts)


def test_a_noun_before_of_is_passed_over() -> None:
    listed = ["piece", "tomato", "bowl"]
    assert noun_of("put a piece of Tomatoes into the bowl", listed) == "tomato"
    assert noun_of("stir", listed) is None


@pytest.mark.parametrize("way", [RECORDINGS, COOKS])
def test_every_recording_is_held_out_once(kitchens: Kitchens, way: str) -> None:
    folds = [Fold(kitchens, way, number) for number in range(FOLDS)]
    measured = [video for fold in folds for video in fold.measured]
    assert sorted(measured) == sorted(kitchens.recordings)
    for fold in folds:
        assert not set(fold.measured) & set(fold.learnt)
        cooks = [
            {kitchens.recordings[video]["person"] for video in videos}
            for videos in (fold.measured, fold.learnt)
        ]
        assert way != COOKS or not cooks[0] & cooks[1]


def test_choices_see_no_recording_outside_train(kitchens: Kitchens) -> None:
    for seed in range(3):
        fold = Fold(kitchens, CHOICE, seed)
        seen = {kitchens.recordings[video]["split"] for video in (*fold.measured, *fold.learnt)}
        assert seen == {"train"}
        assert len(fold.measured) == 15 // 4


def test_a_step_shows_its_own_words(kitchens: Kitchens) -> None:
    (step,) = kitchens.steps["00"]
    assert (kitchens.verbs[step.verb], kitchens.nouns[step.noun]) == ("slice", "tomato")
    assert step.place == 0.25
    clips = Clips(np.arange(10.0), np.arange(1.0, 11.0), np.arange(10), np.ones((10, 2)))
    (found,) = stretches([step], {"00": clips})
    assert found.words.tolist() == [1, 2, 3]


def test_variants_leave_words_out() -> None:
    words = np.array([5, 5, 5, 7, 7, 5])
    assert Variant(runs=True).shown(words).tolist() == [5, 7, 5]
    assert Variant(stride=4).shown(words).tolist() == [5, 7]
    assert Variant(runs=True).shown(words[:0]).tolist() == []


def test_the_text_of_a_model_stays_when_its_visual_words_go() -> None:
    import torch

    config = VideoBertConfig.of_size("tiny", Vocabulary(20, 5), max_position_embeddings=16)
    network = VideoBertForPreTraining(config).eval()
    ids = torch.tensor([[2, 7, 11, 3]])
    with torch.no_grad():
        ours = network(input_ids=ids).prediction_logits[..., :20]
        theirs = as_bert(network).eval()(input_ids=ids).prediction_logits
    torch.testing.assert_close(ours, theirs)


def test_folds_are_put_together_only_when_all_are_there(kitchens: Kitchens) -> None:
    study = Study(kitchens, Path(), updates=1, text_updates=1, seeds=(0, 1), folds=2)

    def keep(number: int, seed: int, hits: list[bool]) -> None:
        name = job_name("actions", study.fold(RECORDINGS, number), MAIN, seed)
        kept = {"ours": {"1": hits}}
        write_json({"verb": {"videos": ["a", "b"], "hits": kept}}, study.path(name))

    keep(0, 0, [True, True])
    assert pool(study, "actions", RECORDINGS, MAIN, "verb") is None
    keep(1, 0, [True, False])
    keep(0, 1, [False, False])
    found = pool(study, "actions", RECORDINGS, MAIN, "verb")
    assert found is not None and found.figure("ours", "1").seeds == (0.75,)
    keep(1, 1, [False, False])
    found = pool(study, "actions", RECORDINGS, MAIN, "verb")
    assert found is not None
    figure = found.figure("ours", "1")
    assert figure.seeds == (0.75, 0.0) and figure.worst == 0.0
    assert figure.value.value == 0.375
    assert found.figure("ours", "1", {"a"}).seeds == (1.0, 0.0)


def test_a_step_is_found_among_its_own_recording_only_where_that_is_asked() -> None:
    owner = np.array([0, 1, 0])
    scores = np.array([[0.0, 5.0, 1.0], [0.0, 9.0, 0.0]])
    everywhere, alone = np.ones((3, 3), bool), np.eye(3, dtype=bool)
    assert find_clips(scores, owner, everywhere) == [2.0, 1.0, 2.0]
    assert find_clips(scores, owner, alone) == [1.0, 1.0, 1.0]
    assert find_texts(scores, owner, everywhere) == [1.5, 1.0, 1.0]
    assert find_texts(scores, owner, alone) == [1.0, 1.0, 1.0]


def test_two_sentences_that_agree_outvote_a_better_one() -> None:
    fits = np.array([[np.log(4), np.log(3), np.log(2), np.log(9)]]) / SHARPNESS
    found = votes(fits, np.array([[1, 0, 0, UNLABELLED]]), 3)
    assert found == pytest.approx(np.array([[5.0, 4.0, 0.0]]))


def test_windows_move_on_by_a_part_of_their_length() -> None:
    bounds = np.array([(0, 6), (1, 7), (2, 8), (0, 12), (2, 14), (4, 16)])
    assert moved_on(bounds).tolist() == [[0, 6], [2, 8], [0, 12], [4, 16]]
