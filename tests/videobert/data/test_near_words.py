"""A clip's word is drawn among those near it, the nearer the likelier."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.toys.work_folder import add_features, add_sentence
from tokenization.codebook import Codebook, cluster
from tokenization.options import ClusterOptions, TokenizeOptions
from tokenization.tokens import tokenize
from videobert.data.near_words import NearWords, chances, read_near_words
from videobert.data.work import read_examples
from workfolder.errors import InputError
from workfolder.stage import Stage


def test_the_nearer_is_the_likelier_by_the_gap_of_the_squares() -> None:
    distances = np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 5.0]])  # the mean square of the first is 1
    found = chances(distances, stray=2.0)
    by_hand = np.exp(-np.array([[0, 3, 8], [0, 0, 24]]) / 4)
    assert np.allclose(found, by_hand / by_hand.sum(axis=1, keepdims=True), atol=1e-12)
    assert np.allclose(chances(distances, 1e-6)[0], [1, 0, 0])
    missed = chances(np.array([[2.0, 1.0]]), 1.0)  # the way down the tree missed the nearest
    assert missed[0, 1] > missed[0, 0]


def test_clips_that_lie_on_their_centroids_keep_their_words() -> None:
    assert chances(np.array([[0.0, 0.0, 1.0]] * 2), 9.0).tolist() == [[1, 0, 0]] * 2


def test_draws_have_these_chances() -> None:
    up_to = np.array([[0.7, 0.9, 1.0]] * 20_000, dtype=np.float32)
    words = np.array([[4, 7, 2]] * 20_000, dtype=np.int32)
    near = NearWords(words, up_to, np.array([0, 5, 20_000]))
    drawn = near.draw(1, np.random.default_rng(0))
    assert len(near.draw(0, np.random.default_rng(0))) == 5 and len(drawn) == 19_995
    assert np.allclose([(drawn == word).mean() for word in (4, 7, 2)], [0.7, 0.2, 0.1], atol=0.015)
    assert near.strayed == pytest.approx(0.3, abs=1e-6)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Two videos; one of them has a sentence that is too short for a clip, and one of no letter."""
    Stage(tmp_path / "features").claim({"weights_digest": "a"})
    Stage(tmp_path / "transcripts").claim({"asr": "captions"})
    for video in ("a", "b"):
        add_features(tmp_path, video, clips=20)
    add_sentence(tmp_path, "a", "cut it", 10.1, 10.2)
    add_sentence(tmp_path, "b", "", 3.0, 9.0)
    cluster(tmp_path, ClusterOptions(branching=3, depth=2))
    tokenize(tmp_path)
    return tmp_path


def test_every_word_of_the_examples_has_its_own_clips_neighbours(work: Path) -> None:
    tokenize(work, options=TokenizeOptions(near_words=4))
    examples, digest = read_examples(work), Codebook.load(work / "codebook").digest
    near = read_near_words(work, examples, digest, 0.5)
    visual = np.concatenate([np.array(v) for v in examples.column("visual").to_pylist()])
    assert near.words[:, 0].tolist() == visual.tolist() and near.words.shape == (len(visual), 4)
    assert (np.diff(near.up_to, axis=1) >= 0).all() and np.allclose(near.up_to[:, -1], 1)
    assert near.begins[-1] == len(visual) and len(near.begins) == len(examples) + 1
    assert 0 < near.strayed < 1


def test_what_was_not_kept_or_is_not_of_these_examples_is_refused(work: Path) -> None:
    examples, digest = read_examples(work), Codebook.load(work / "codebook").digest
    again = r"run videobert tokenize --near-words 8 --work"
    with pytest.raises(InputError, match=f"--sample-words needs the words near each clip: {again}"):
        read_near_words(work, examples, digest, 0.5)
    tokenize(work, options=TokenizeOptions(near_words=2))
    with pytest.raises(
        InputError, match=f"near_words is of another codebook: delete it and {again}"
    ):
        read_near_words(work, examples, "another", 0.5)
    stage = Stage(work / "near_words")
    stage.path("b").write_bytes(stage.path("a").read_bytes())
    with pytest.raises(InputError, match=f"has not the clips of video b as .*: {again}"):
        read_near_words(work, examples, digest, 0.5)
    stage.path("b").unlink()
    with pytest.raises(InputError, match="has not the clips of video b"):
        read_near_words(work, examples, digest, 0.5)
