from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_extraction.errors import InputError
from tokenization.schema import EXAMPLES
from tokenization.vocabulary import Vocabulary
from videobert.modeling_videobert import ALIGNED, MISALIGNED
from videobert.pretraining.batches import JOINT, TEXT, VIDEO, Batches
from videobert.pretraining.corpus import NOBODY, Corpus, make_corpus
from videobert.pretraining.masking import IGNORED, Masker
from videobert.pretraining.options import PretrainOptions
from videobert.sequences import SequenceLayout

VOCABULARY = Vocabulary(text_size=400, visual_size=300)
OPTIONS = PretrainOptions(batch_size=12, join_probability=0.5, max_length=64)


def corpus_of(videos: int, sentences: int = 5, distinct: int = 1000) -> Corpus:
    """Sentence n of a video says word n and shows visual words 10 n ...; every third has no speech, every seventh no clip."""
    rows = []
    for video in range(videos):
        for place in range(sentences):
            number = (video * sentences + place) % distinct
            text = "" if place % 3 == 2 else f"{number}"
            visual = [] if place % 7 == 6 else [number % 250, number % 250 + 1, number % 250 + 2]
            start = 20.0 * place
            rows.append({"video_id": f"v{video}", "start": start, "end": start + 5, "text": text, "visual": visual})
    return make_corpus(
        pa.Table.from_pylist(rows, schema=EXAMPLES), lambda texts: [[int(t) % 390 + 6] if t else [] for t in texts]
    )


def batches_of(corpus: Corpus, **changes: object) -> Batches:
    masker = Masker(VOCABULARY, mask=4, special=(0, 1, 2, 3, 4, VOCABULARY.joiner))
    return Batches(corpus, SequenceLayout(VOCABULARY, 2, 3, 0, 64), masker, replace(OPTIONS, **changes))


def test_a_batch_has_every_regime_and_half_of_its_pairs_are_misaligned() -> None:
    batch = batches_of(corpus_of(6)).batch(0)
    assert np.bincount(batch.regime).tolist() == [4, 4, 4]
    pairs = batch.alignment[batch.regime == JOINT]
    assert sorted(pairs) == [ALIGNED, ALIGNED, MISALIGNED, MISALIGNED]
    assert (batch.alignment[batch.regime != JOINT] == IGNORED).all()
    seen = (batch.input_ids >= VOCABULARY.first_visual) | (batch.labels >= VOCABULARY.first_visual)
    assert not seen[batch.regime == TEXT].any() and seen[batch.regime == VIDEO].any(axis=1).all()


def test_nothing_is_asked_of_misaligned_pairs_but_they_are_masked_like_the_others() -> None:
    batches = batches_of(corpus_of(6))
    masked = {ALIGNED: 0, MISALIGNED: 0}
    for step in range(40):
        batch = batches.batch(step)
        assert (batch.labels[batch.alignment == MISALIGNED] == IGNORED).all()
        for label in masked:
            masked[label] += int((batch.input_ids[batch.alignment == label] == 4).sum())
    assert abs(masked[ALIGNED] / masked[MISALIGNED] - 1) < 0.25


def test_joint_masking_can_be_left_out() -> None:
    batch = batches_of(corpus_of(6), joint_masking=False).batch(0)
    assert (batch.labels[batch.regime == JOINT] == IGNORED).all()
    assert (batch.labels[batch.regime == TEXT] != IGNORED).any()


def test_a_step_gives_the_same_batch_again_and_another_step_another() -> None:
    corpus = corpus_of(6)
    first, again, other = batches_of(corpus).batch(3), batches_of(corpus).batch(3), batches_of(corpus).batch(4)
    assert (first.input_ids == again.input_ids).all() and (first.labels == again.labels).all()
    assert first.input_ids.shape != other.input_ids.shape or (first.input_ids != other.input_ids).any()


def test_each_example_comes_once_an_epoch_in_another_order_each_time() -> None:
    batches = batches_of(corpus_of(8))
    pool = batches.pools[VIDEO]
    steps = 3 * len(pool)  # four sequences a step: twelve epochs
    drawn = np.concatenate([batches._drawn(VIDEO, step) for step in range(steps)]).reshape(-1, len(pool))
    assert (np.sort(drawn, axis=1) == np.sort(pool)).all()
    assert (drawn[0] != drawn[1]).any()


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.integers(3, 8), st.integers(4, 40), st.integers(0, 2**31))
def test_a_negative_is_never_an_aligned_pair(videos: int, sentences: int, distinct: int, seed: int) -> None:
    corpus = corpus_of(videos, sentences, distinct)
    batches = batches_of(corpus)
    rng = np.random.default_rng(seed)
    example = int(rng.choice(batches.pools[JOINT]))
    allowed = [int(other) for other in batches.pools[JOINT] if unrelated(corpus, example, int(other))]
    if allowed:
        assert batches.negative(example, rng) in allowed
    else:  # so few sentences that each shares one with this
        with pytest.raises(InputError, match="misaligned"):
            batches.negative(example, rng)


def test_most_examples_have_a_negative() -> None:
    corpus = corpus_of(4)
    pool = batches_of(corpus).pools[JOINT]
    assert all(any(unrelated(corpus, int(i), int(j)) for j in pool) for i in pool)


def unrelated(corpus: Corpus, example: int, other: int) -> bool:
    """Whether no sentence that either may take in is the other's, or lies near it in one video."""
    both = [{i, int(corpus.following[i])} - {NOBODY} for i in (example, other)]
    return all(
        corpus.sentence[i] != corpus.sentence[j]
        and (
            corpus.video[i] != corpus.video[j]
            or max(corpus.start[i] - corpus.end[j], corpus.start[j] - corpus.end[i]) >= OPTIONS.negative_margin
        )
        for i in both[0]
        for j in both[1]
    )


def test_joining_takes_the_next_sentence_of_the_same_video() -> None:
    corpus = corpus_of(2)
    assert corpus.following.tolist() == [1, 3, NOBODY, 4, NOBODY, 6, 8, NOBODY, 9, NOBODY]
    rng = np.random.default_rng(0)
    joined = [batches_of(corpus)._joined(0, rng) for _ in range(200)]
    assert {tuple(pair) for pair in joined} == {(0,), (0, 1)}
    assert 60 < sum(len(pair) == 2 for pair in joined) < 140


def test_subsampling_keeps_order_and_at_least_half_of_a_pair() -> None:
    batches = batches_of(corpus_of(2))
    rng = np.random.default_rng(0)
    for _ in range(100):
        words = batches._visual([0, 1], rng)  # six words
        steps = np.diff(np.searchsorted([0, 1, 2, 1, 2, 3], words))
        assert 2 <= len(words) <= 6 and len(set(steps.tolist())) <= 6
    lengths = {len(batches._visual([0, 1], rng)) for _ in range(100)}
    assert lengths == {2, 3, 6}


def test_a_regime_without_examples_is_refused_before_training() -> None:
    rows = [{"video_id": "v", "start": 0.0, "end": 5.0, "text": "", "visual": [1, 2]}]
    corpus = make_corpus(pa.Table.from_pylist(rows, schema=EXAMPLES), lambda texts: [[] for _ in texts])
    with pytest.raises(InputError, match="text regime"):
        batches_of(corpus).batch(0)
    alone = batches_of(corpus, text_weight=0.0, joint_weight=0.0).batch(0)
    assert (alone.regime == VIDEO).all()


def test_one_sentence_alone_cannot_be_misaligned() -> None:
    with pytest.raises(InputError, match="misaligned"):
        for step in range(2):
            batches_of(corpus_of(1, 2)).batch(step)
