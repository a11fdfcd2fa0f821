"""Batches of segments, and the figures that are worked out of them."""

from __future__ import annotations

import math

import torch

from videobert.finetune.captions.learner import CaptionLearner, Segments
from videobert.finetune.captions.network import CaptionerConfig, CaptionNetwork

PAD, START, END = 0, 1, 2


def segments(count: int) -> Segments:
    """Segment n says word 3 + n and [SEP]."""
    words = 3 + torch.arange(count)
    pieces = torch.stack([words, torch.full_like(words, END), torch.full_like(words, PAD)], dim=1)
    return Segments({"s3d": words[:, None].float()}, pieces, PAD)


def learner(learnt: int, held: int, batch_size: int = 4) -> CaptionLearner:
    torch.manual_seed(0)
    config = CaptionerConfig("s3d", {"s3d": 1}, 40, START, END, PAD, 3, 1, 64, 0.0)
    network = CaptionNetwork(config)
    return CaptionLearner(network, segments(learnt), segments(held), batch_size, seed=0)


def words_of(batch: Segments) -> list[int]:
    return batch.pieces[:, 0].tolist()


def test_each_segment_comes_once_an_epoch() -> None:
    found = learner(6, 0)
    drawn = [word for step in range(3) for word in words_of(found.batch(step))]
    assert sorted(drawn) == sorted([*range(3, 9)] * 2)


def test_a_batch_has_no_more_than_there_is() -> None:
    assert sorted(words_of(learner(3, 0).batch(7))) == [3, 4, 5]


def test_all_that_is_kept_apart_is_validated_on() -> None:
    found = learner(3, 6)
    assert [word for batch in found.validation() for word in words_of(batch)] == [*range(3, 9)]
    assert not list(learner(3, 0).validation())


def test_padding_is_not_asked() -> None:
    found = learner(4, 0)
    batch = found.batch(0)
    assert batch.tokens == 8 and found.asked(batch) == {"caption": 8}
    every = torch.arange(4).numpy()
    score = found.scores(found.model.eval(), batch, every, torch.device("cpu"))["caption"]
    assert 0 < score.loss.item() < 8 * 2 * math.log(40) and 0 <= score.correct <= 8


def test_the_prior_loss_is_the_entropy_of_the_pieces() -> None:
    # Four different words and four times [SEP]: 1/2 ln 2 + 4 x 1/8 ln 8 nats a piece.
    expected = 0.5 * math.log(2) + 0.5 * math.log(8)
    assert math.isclose(segments(4).prior_loss, expected)
