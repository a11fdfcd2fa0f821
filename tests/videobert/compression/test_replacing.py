"""Layers that stand in: none is the teacher, all are the student, and draws follow from the step."""

from __future__ import annotations

import signal
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.toys.training_processes import Death, call_and_die
from tests.videobert.compression.conftest import Taught
from tokenization.vocabulary import Vocabulary
from videobert.compression.compress import as_before
from videobert.compression.layers import chosen_layers, with_layers
from videobert.compression.options import REPLACING, CompressOptions
from videobert.compression.replacing import ReplacingLearner, groups, probability, standing_in
from videobert.model_sizes import FAMILIES
from videobert.networks import new_network
from videobert.pretraining.start import start_run

QUICK = CompressOptions(
    layers=3,
    by=REPLACING,
    steps=12,
    batch_size=12,
    learning_rate=1e-3,
    validate_every=6,
    checkpoint_every=4,
)
COMPRESS = "videobert.compression.compress.compress"
CPU = torch.device("cpu")


def test_the_probability_rises_in_a_line_and_stays() -> None:
    found = [probability(step, 100) for step in (0, 25, 50, 75, 99)]
    assert found == pytest.approx([0.3, 0.65, 1, 1, 1])


def test_groups_by_hand() -> None:
    assert [list(group) for group in groups(6, [0, 2, 4])] == [[0, 1], [2, 3], [4, 5]]
    assert [list(group) for group in groups(5, [0, 2, 3])] == [[0, 1], [2], [3, 4]]


@pytest.mark.parametrize("family", [one for one in FAMILIES if one not in ("albert", "modernbert")])
def test_none_is_the_teacher_and_all_are_the_student(family: str) -> None:
    torch.manual_seed(0)
    teacher = new_network("tiny", family, Vocabulary(50, 20), 0, 48, 0.0, layers=4).eval()
    student = with_layers(teacher, [0, 2])
    with torch.no_grad():
        for weight in student.parameters():
            if weight.ndim == 2 and weight.shape[0] == weight.shape[1]:
                weight += 0.1 * torch.randn(weight.shape)
    ids, alone = torch.randint(5, 70, (2, 9)), student
    before, its = alone.encode(ids), teacher.encode(ids)
    with standing_in(student, teacher, [0, 2], np.array([False, False])):
        assert (student.encode(ids) - its).abs().max() < 1e-6
    with standing_in(student, teacher, [0, 2], np.array([True, True])):
        assert (student.encode(ids) - before).abs().max() < 1e-6
    with standing_in(student, teacher, [0, 2], np.array([True, False])):
        mixed = student.encode(ids)
    assert min((mixed - each).abs().max() for each in (before, its)) > 1e-3
    assert torch.equal(student.encode(ids), before)


def learner_of(taught: Taught) -> ReplacingLearner:
    began = start_run(taught.work, as_before(taught.model, replace(QUICK, steps=40)))
    chosen = chosen_layers(6, 3)
    its = {each.name: getattr(began, each.name) for each in fields(began) if each.init}
    its |= {"model": with_layers(began.model, chosen), "stage": "compress"}
    teacher = began.model.eval().requires_grad_(False)
    return ReplacingLearner(**its, teacher=teacher, chosen=chosen, steps=40, seed=0)


def test_draws_follow_from_the_step_and_become_more(taught: Taught) -> None:
    learner = learner_of(taught)
    drawn = [learner.batch(step).own for step in range(40)]
    assert all(np.array_equal(own, learner.batch(step).own) for step, own in enumerate(drawn))
    assert np.mean(drawn[:10]) < 0.8 and np.mean(drawn[20:]) == 1
    assert len({tuple(own) for own in drawn[:10]}) > 2


def test_only_what_stands_in_has_a_gradient_and_all_have_one(taught: Taught) -> None:
    learner = learner_of(taught)
    step = next(n for n in range(20) if not learner.batch(n).own.all())
    batch = learner.batch(step)
    scores = learner.scores(learner.model, batch, np.arange(len(batch)), CPU)
    learner.total_loss(scores, learner.asked(batch)).backward()
    for layer, stands in zip(learner.model.bert.encoder.layer, batch.own, strict=True):
        assert (layer.output.dense.weight.grad.abs().max() > 0) == stands
    assert all(weight.grad is None for weight in learner.teacher.parameters())


def test_a_run_that_was_killed_goes_on_to_the_same_bytes(taught: Taught, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "student"
    assert call_and_die(COMPRESS, (taught.model, taught.work, whole, QUICK)) == 0
    arguments = (taught.model, taught.work, out, QUICK)
    death = Death("videobert.learning.trainer.Trainer.update", 6)
    assert call_and_die(COMPRESS, arguments, death) == -signal.SIGKILL and not out.exists()
    assert call_and_die(COMPRESS, arguments) == 0
    for name in ("model.safetensors", "history.parquet"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
