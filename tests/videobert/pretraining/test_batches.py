from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenization.schema import EXAMPLES
from tokenization.vocabulary import Vocabulary
from videobert.data.corpus import NOBODY, Corpus, make_corpus
from videobert.learning.split import kept_apart
from videobert.pretraining.batches import JOINT, TEXT, VIDEO, Batch, Batches
from videobert.pretraining.masking.masker import IGNORED, Masker
from videobert.pretraining.negatives import Negatives
from videobert.pretraining.options import PretrainOptions
from videobert.sequences import ALIGNED, MISALIGNED, SequenceLayout
from workfolder.errors import InputError

VOCABULARY = Vocabulary(text_size=400, visual_size=300)
OPTIONS = PretrainOptions(join_probability=0.5)


def corpus_of(videos: int, sentences: int = 5, distinct: int = 1000) -> Corpus:
    """Sentence n of a video says word n and shows visual words 10 n ...

    Every third has no speech, every seventh no clip.
    """
    rows = []
    for video in range(videos):
        for place in range(sentences):
            number = (video * sentences + place) % distinct
            text = "" if place % 3 == 2 else f"{number}"
            visual = [] if place % 7 == 6 else [number % 250, number % 250 + 1, number % 250 + 2]
            start = 20.0 * place
            rows.append(
                {
                    "video_id": f"v{video}",
                    "start": start,
                    "end": start + 5,
                    "text": text,
                    "visual": visual,
                }
            )
    return make_corpus(
        pa.Table.from_pylist(rows, schema=EXAMPLES),
        lambda texts: [[int(t) % 390 + 6] if t else [] for t in texts],
    )


def batches_of(
    corpus: Corpus,
    size: int = 12,
    stream: int = 1,
    members: np.ndarray | None = None,
    **changes: object,
) -> Batches:
    masker = Masker(VOCABULARY, mask=4, special=(0, 1, 2, 3, 4, VOCABULARY.joiner))
    everyone = np.ones(len(corpus), dtype=bool)
    layout, options = SequenceLayout(VOCABULARY, 2, 3, 0, 64), replace(OPTIONS, **changes)
    return Batches(
        corpus, everyone if members is None else members, layout, masker, options, size, stream
    )


def sentences_of(batch: Batch, regime: int) -> list[int]:
    """The one word of each sentence of a regime, wherever it is hidden."""
    words = np.where(batch.labels == IGNORED, batch.input_ids, batch.labels)[batch.regime == regime]
    return words[(words > 5) & (words < VOCABULARY.joiner)].tolist()


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


def test_without_alignment_no_pair_is_mismatched_and_all_are_asked() -> None:
    alone = corpus_of(1, 2)  # nothing could be mismatched with it
    batch = batches_of(alone, alignment_weight=0.0).batch(0)
    joint = batch.regime == JOINT
    assert joint.sum() == 4 and (batch.alignment == IGNORED).all()
    assert (batch.labels[joint] != IGNORED).any(axis=1).all()


def test_joint_masking_can_be_left_out() -> None:
    batch = batches_of(corpus_of(6), joint_masking=False).batch(0)
    assert (batch.labels[batch.regime == JOINT] == IGNORED).all()
    assert (batch.labels[batch.regime == TEXT] != IGNORED).any()


def test_a_step_gives_the_same_batch_again_and_another_step_stream_or_seed_another() -> None:
    corpus = corpus_of(6)
    first, again = batches_of(corpus).batch(3), batches_of(corpus).batch(3)
    assert (first.input_ids == again.input_ids).all() and (first.labels == again.labels).all()
    others = [
        batches_of(corpus).batch(4),
        batches_of(corpus, stream=2).batch(3),
        batches_of(corpus, seed=1).batch(3),
    ]
    assert all(not np.array_equal(first.input_ids, other.input_ids) for other in others)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 5), st.integers(0, 2**31))
def test_each_example_comes_once_an_epoch_in_another_order_each_time(
    size: int, first: int, seed: int
) -> None:
    corpus = corpus_of(5)
    options = {
        "text_weight": 1.0,
        "video_weight": 0.0,
        "joint_weight": 0.0,
        "join_probability": 0.0,
        "masked_share": 0.0,
    }
    batches = batches_of(corpus, size, seed=seed, **options)
    pool = sorted(int(corpus.texts[i][0]) for i in batches.pools[TEXT])
    begin, end = first * len(pool), (first + 2) * len(pool)
    drawn = [
        word for step in range(-(-end // size)) for word in sentences_of(batches.batch(step), TEXT)
    ]
    assert len(drawn) >= end
    one, other = drawn[begin : begin + len(pool)], drawn[begin + len(pool) : end]
    assert sorted(one) == sorted(other) == pool and one != other


def test_masks_and_negatives_are_drawn_anew_each_epoch() -> None:
    corpus = corpus_of(8)
    batches = batches_of(
        corpus, 3 * len(batches_of(corpus).pools[JOINT]), join_probability=0.0, longest_step=1
    )
    rng = np.random.default_rng(0)
    assert len({batches.negatives.draw(0, rng) for _ in range(200)}) > 5
    masks = [
        sorted(map(tuple, np.argwhere(batches.batch(step).labels != IGNORED).tolist()))
        for step in range(2)
    ]
    assert masks[0] != masks[1]


@pytest.mark.parametrize(
    "weights", [(1, 1, 1, 0), (2, 1, 0, 0), (0, 0, 1, 0), (5, 3, 3, 3), (0, 1, 0.01, 1)]
)
@pytest.mark.parametrize("size", [2, 7, 12])
def test_regimes_share_a_batch_by_their_weights(weights: tuple[float, ...], size: int) -> None:
    names = ("text_weight", "video_weight", "joint_weight", "order_weight")
    counts = batches_of(corpus_of(6), size, **dict(zip(names, weights, strict=True))).counts
    exact = np.array(weights) / sum(weights) * size
    assert sum(counts) == size and (np.abs(counts - exact) < 1).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.integers(3, 8), st.integers(4, 40), st.integers(0, 2**31))
def test_a_negative_is_never_an_aligned_pair(
    videos: int, sentences: int, distinct: int, seed: int
) -> None:
    corpus = corpus_of(videos, sentences, distinct)
    rng = np.random.default_rng(seed)
    negatives = Negatives(
        corpus, np.flatnonzero(corpus.spoken & corpus.seen), OPTIONS.negative_margin
    )
    example = int(rng.choice(negatives.pool))
    allowed = [int(other) for other in negatives.pool if unrelated(corpus, example, int(other))]
    if allowed:
        assert negatives.draw(example, rng) in allowed
    else:  # so few sentences that each shares one with this
        with pytest.raises(InputError, match="mismatched"):
            negatives.draw(example, rng)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(2, 8), st.integers(2, 30))
def test_who_has_no_negative_is_found_before_training(
    videos: int, sentences: int, distinct: int
) -> None:
    corpus = corpus_of(videos, sentences, distinct)
    negatives = Negatives(
        corpus, np.flatnonzero(corpus.spoken & corpus.seen), OPTIONS.negative_margin
    )
    pool = negatives.pool.tolist()
    lacking = [i for i in pool if not any(unrelated(corpus, i, j) for j in pool)]
    assert negatives.lacking() == (lacking[0] if lacking else None)


def unrelated(corpus: Corpus, example: int, other: int) -> bool:
    """Whether no sentence that either may take in is the other's, or lies near it in one video."""
    both = [{i, int(corpus.following[i])} - {NOBODY} for i in (example, other)]
    return all(
        corpus.sentence[i] != corpus.sentence[j]
        and (
            corpus.video[i] != corpus.video[j]
            or max(corpus.start[i] - corpus.end[j], corpus.start[j] - corpus.end[i])
            >= OPTIONS.negative_margin
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


def test_a_stream_of_text_goes_on_until_it_is_full_or_the_video_ends() -> None:
    corpus = corpus_of(3, sentences=9)  # six of them spoken, a word each
    batches = batches_of(corpus)
    streamed = replace(batches, options=replace(batches.options, stream=True, masked_share=0.0))
    lengths = {}
    for room in (5, 64):
        layout = replace(streamed.layout, max_length=room)
        batch = replace(streamed, layout=layout).batch(0)
        text = batch.attention_mask[batch.regime == TEXT].sum(axis=1) - 2
        lengths[room] = text.tolist()
    assert max(lengths[5]) == 3 and max(lengths[64]) == 6
    assert [min(length, 3) for length in lengths[64]] == lengths[5]


def test_subsampling_keeps_order_and_at_least_half_of_a_pair() -> None:
    batches = batches_of(corpus_of(2))
    rng = np.random.default_rng(0)
    for _ in range(100):
        words = batches._visual([0, 1], rng)  # six words
        steps = np.diff(np.searchsorted([0, 1, 2, 1, 2, 3], words))
        assert 2 <= len(words) <= 6 and len(set(steps.tolist())) <= 6
    lengths = {len(batches._visual([0, 1], rng)) for _ in range(100)}
    assert lengths == {2, 3, 6}


def test_a_regime_without_examples_is_refused_when_its_batches_are_made() -> None:
    rows = [{"video_id": "v", "start": 0.0, "end": 5.0, "text": "", "visual": [1, 2]}]
    corpus = make_corpus(
        pa.Table.from_pylist(rows, schema=EXAMPLES), lambda texts: [[] for _ in texts]
    )
    with pytest.raises(InputError, match=r"text regime.*--text-weight 0"):
        batches_of(corpus)
    alone = batches_of(corpus, text_weight=0.0, joint_weight=0.0).batch(0)
    assert (alone.regime == VIDEO).all()


def test_visual_words_are_held_once_as_they_lie_on_the_disk() -> None:
    rows = [
        {"video_id": "v", "start": 0.0, "end": 5.0, "text": "", "visual": words}
        for words in ([], [7, 8], [9], [])
    ]
    some, others = (pa.Table.from_pylist(part, schema=EXAMPLES) for part in (rows, rows[1:]))
    visual = make_corpus(pa.concat_tables([some, others]), lambda texts: [[] for _ in texts]).visual
    assert [words.tolist() for words in visual] == [[], [7, 8], [9], [], [7, 8], [9], []]
    assert visual[1].dtype == np.int32 and visual[1].base is visual[2].base
    assert len(make_corpus(some[:0], lambda texts: []).visual) == 0


def test_one_sentence_alone_cannot_be_mismatched() -> None:
    with pytest.raises(InputError, match=r"mismatched.*--joint-weight 0"):
        batches_of(corpus_of(1, 2))


def test_only_members_are_drawn_negatives_and_neighbours_included() -> None:
    corpus = corpus_of(12)
    apart = kept_apart(corpus.video, 0.5, seed=3)
    assert len(np.unique(corpus.video[apart])) == 6 and not set(corpus.video[apart]) & set(
        corpus.video[~apart]
    )
    theirs = {
        int(text[0])
        for text, member in zip(corpus.texts, apart, strict=True)
        if member and len(text)
    }
    batches = batches_of(corpus, members=~apart)
    drawn = {
        word
        for step in range(40)
        for regime in (TEXT, JOINT)
        for word in sentences_of(batches.batch(step), regime)
    }
    mine = {
        int(text[0])
        for text, member in zip(corpus.texts, ~apart, strict=True)
        if member and len(text)
    }
    assert (
        mine <= drawn and theirs - mine
    )  # a random replacement may be anything, so only sentences that are asked count
    pool = set(batches.negatives.pool.tolist())
    assert pool <= set(np.flatnonzero(~apart).tolist())
