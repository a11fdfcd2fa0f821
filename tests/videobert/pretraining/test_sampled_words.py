"""With --sample-words training sees other words of its clips each epoch, and validation its own."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.toys.training_processes import TINY, Death, run
from tests.toys.work_folder import NOUNS, VERBS, add_features, add_sentence
from tokenization.codebook import cluster
from tokenization.options import ClusterOptions, TokenizeOptions
from tokenization.tokens import tokenize
from videobert.pretraining.batches import Batches
from videobert.pretraining.loop import pretrain
from videobert.pretraining.start import start_run
from workfolder.errors import InputError
from workfolder.files import read_json
from workfolder.stage import Stage

SAMPLED = replace(TINY, sample_words=0.5, negative_margin=5.0)
VIDEO = replace(
    SAMPLED, text_weight=0.0, joint_weight=0.0, longest_step=1, masked_share=0.0, batch_size=8
)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    Stage(folder / "features").claim({"weights_digest": "a"})
    Stage(folder / "transcripts").claim({"asr": "captions"})
    for video, verb, noun in zip("abcdef", VERBS, NOUNS, strict=False):
        add_features(folder, video)
        add_sentence(folder, video, f"{verb} the {noun}")
    cluster(folder, ClusterOptions(branching=3, depth=2))
    tokenize(folder, options=TokenizeOptions(near_words=4))
    return folder


def visual(batches: Batches, epoch: int) -> dict[int, np.ndarray]:
    """The visual words that an epoch shows of each example, by the example's number."""
    (pool, drawn), found = (batches.pools[1], batches._epochs[1]), {}
    first = batches.layout.vocabulary.first_visual
    for step in range(-(-len(pool) * (epoch + 1) // 8)):
        batch = batches.batch(step)
        examples = zip(pool[drawn.batch(step)], drawn.epochs(step), strict=True)
        for (example, when), ids, labels in zip(
            examples, batch.input_ids, batch.labels, strict=True
        ):
            ids = np.where(labels < 0, ids, labels)
            if when == epoch:
                found[int(example)] = ids[ids >= first] - first
    return found


def test_training_draws_words_near_its_clips_anew_each_epoch(work: Path) -> None:
    plain, sampled = (
        start_run(work, replace(VIDEO, sample_words=stray)).phases[0][0] for stray in (0.0, 0.5)
    )
    own = visual(plain, 0)
    assert all((words == plain.corpus.visual[n]).all() for n, words in own.items())
    one, other = visual(sampled, 0), visual(sampled, 1)
    assert one.keys() == other.keys() == own.keys()
    changed = np.mean(np.concatenate([one[n] != own[n] for n in own]))
    near = sampled.near_words
    assert changed == pytest.approx(near.strayed, abs=0.1) and 0 < changed < 1
    assert any((one[n] != other[n]).any() for n in own)
    for n, words in one.items():
        of_clips = near.words[near.begins[n] : near.begins[n + 1]]
        assert (of_clips == words[:, None]).any(axis=1).all()


def test_validation_asks_for_the_words_of_the_examples(work: Path) -> None:
    batches = [
        start_run(work, replace(TINY, sample_words=stray, negative_margin=5.0)).kept_apart.batch(0)
        for stray in (0.0, 0.5)
    ]
    assert (batches[0].input_ids == batches[1].input_ids).all()


def test_a_run_that_is_killed_goes_on_and_remembers_what_it_drew_from(
    work: Path, tmp_path: Path
) -> None:
    assert run(work, tmp_path / "whole", SAMPLED) == [0]
    death = Death("videobert.learning.trainer.Trainer.update", 13)
    assert run(work, tmp_path / "model", SAMPLED, death) == [-signal.SIGKILL]
    assert run(work, tmp_path / "model", SAMPLED) == [0]
    one, other = (tmp_path / name / "model.safetensors" for name in ("whole", "model"))
    assert one.read_bytes() == other.read_bytes()
    assert read_json(tmp_path / "model" / "options.json")["near_words"]["near_words"] == 4


def test_without_near_words_it_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    Stage(tmp_path / "examples").claim({})
    Stage(tmp_path / "examples").path("a").touch()
    with pytest.raises(InputError, match=r"--sample-words needs .*tokenize --near-words 8 --work"):
        pretrain(tmp_path, tmp_path / "out", SAMPLED)
