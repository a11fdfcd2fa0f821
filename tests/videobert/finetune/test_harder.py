"""What is learnt beside labels: hidden words, against an adversary, from a teacher."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.toys.labels import QUICK, Labelled
from tests.toys.training_processes import assert_same_bytes_when_killed
from videobert.evaluation.tasks import OURS, evaluate_task
from videobert.finetune.adversary import RADIUS, STEP, Adversary, climbed, drawn_like
from videobert.finetune.completion import COMPLETION
from videobert.finetune.data import read_data
from videobert.finetune.harder import HardLearner
from videobert.finetune.heads import SequenceHead, SpanHead, TokenHead, UnitHead, Where
from videobert.finetune.options import FinetuneOptions
from videobert.finetune.teacher import TEMPERATURE, beside, patient_losses, soft_losses
from videobert.finetune.training import finetune_tasks, start_run
from videobert.learning.learner import Score
from videobert.loading import load_model
from workfolder.errors import InputError

TRAIN = "videobert.finetune.training.finetune_tasks"
CPU = torch.device("cpu")
CLASSIFY = replace(QUICK, task=("classify",))
Start = Callable[[FinetuneOptions], Any]


@pytest.fixture
def start(labelled: Labelled) -> Start:
    def start(options: FinetuneOptions) -> Any:
        trained = load_model(labelled.model, dropout=0.0)
        learner = start_run(trained, read_data(labelled.work, trained, options), options)
        for module in learner.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        learner.model.double().train()
        return learner

    return start


def loss_of(learner: Any, chosen: Any = None) -> torch.Tensor:
    torch.manual_seed(0)
    batch = learner.batch(0)
    chosen = np.arange(len(batch)) if chosen is None else chosen
    scores = learner.scores(learner.model, batch, chosen, CPU)
    return learner.total_loss(scores, learner.asked(batch))


def gradient_of(learner: Any, loss: torch.Tensor) -> torch.Tensor:
    weights = [weight for weight in learner.model.parameters() if weight.requires_grad]
    found = torch.autograd.grad(loss, weights, retain_graph=True, materialize_grads=True)
    return torch.cat([each.flatten() for each in found])


# Hidden words of the same rows.


def test_gradients_of_the_task_and_of_hidden_words_add_up(start: Start) -> None:
    learner, plain = start(replace(CLASSIFY, completion_weight=0.5)), start(CLASSIFY)
    batch = learner.batch(0)
    for own, same in zip(batch.questions, plain.batch(0).questions, strict=True):
        assert (own.rows[0].ids == same.rows[0].ids).all()  # the task reads what it read before
    both = gradient_of(learner, loss_of(learner))
    alone = gradient_of(plain, loss_of(plain))
    scores = learner.scores(learner.model, batch, np.arange(len(batch)), CPU)
    hidden = learner.asked(batch)[COMPLETION]
    words = gradient_of(learner, scores[COMPLETION].loss / hidden)
    assert words.abs().max() > 1e-3
    torch.testing.assert_close(both, alone + 0.5 * words, atol=1e-6, rtol=0)


def test_words_are_hidden_anew_in_each_step_and_parts_of_a_batch_add_up(start: Start) -> None:
    learner = start(replace(CLASSIFY, completion_weight=1.0))
    first, later = learner.batch(0), learner.batch(learner.epoch)
    for batch in (first, later, learner.batch(0)):
        for question, rows in zip(batch.questions, batch.hidden, strict=True):
            (row,) = rows
            changed = np.flatnonzero(row.row.ids != question.rows[0].ids)
            assert row.asked >= 1 and set(changed) <= set(np.flatnonzero(row.labels != -100))
    same = learner.batch(0).hidden
    assert all((a[0].labels == b[0].labels).all() for a, b in zip(first.hidden, same, strict=True))
    whole, count = loss_of(learner), len(first)
    parts = [loss_of(learner, np.arange(part, count, 3)) for part in range(3)]
    torch.testing.assert_close(whole, torch.stack(parts).sum(), atol=1e-5, rtol=0)
    learner.model.eval()
    (kept, *_) = learner.validation()
    assert learner.asked(kept)[COMPLETION] == 0  # validation asks for labels


# An adversary.


def test_a_climb_ends_on_the_ball_by_hand() -> None:
    none, gradient = torch.zeros(1, 2, 2), torch.tensor([[[3.0, 0.0], [0.0, 4.0]]])
    one = climbed(none, gradient)
    assert STEP == 0.1 and RADIUS == 0.3
    torch.testing.assert_close(one, torch.tensor([[[0.06, 0.0], [0.0, 0.08]]]))
    three = climbed(climbed(one, gradient), gradient)
    torch.testing.assert_close(three, 3 * one)  # the ball's edge
    torch.testing.assert_close(climbed(three, 7 * gradient), three)  # and no further
    aside = climbed(three, torch.tensor([[[-4.0, 0.0], [0.0, 3.0]]]))
    # (.18, .24) + (-.08, .06) = (.1, .3), as long as .1 ^ .5, is drawn back to a length of .3
    shrunk = 0.3 / 0.1**0.5
    torch.testing.assert_close(aside, shrunk * torch.tensor([[[0.1, 0.0], [0.0, 0.3]]]))
    assert climbed(none, none).norm() == 0


def test_noise_begins_in_the_ball_and_not_on_padding() -> None:
    torch.manual_seed(0)
    there = torch.tensor([[True] * 5, [True, True, False, False, False]])
    drawn = torch.stack([drawn_like(torch.empty(2, 5, 4), there) for _ in range(200)])
    norms = drawn.flatten(2).norm(dim=2)
    assert norms.max() <= RADIUS and (drawn[:, 1, 2:] == 0).all()
    # The mean square of a number drawn from -1 to 1 is a third.
    torch.testing.assert_close(
        norms.square().mean(dim=0), torch.full((2,), RADIUS**2 / 3), atol=2e-3, rtol=0
    )


def test_the_loss_rises_along_each_climb_of_a_linear_toy() -> None:
    torch.manual_seed(0)
    rows, ids = torch.nn.Embedding(5, 3), torch.tensor([[1, 2, 0], [3, 4, 1]])
    slope, losses, norms = torch.randn(3), [], []
    adversary = Adversary(rows, 0, 4)

    def ask(turn: int) -> Score:
        loss = (rows(ids) @ slope)[ids != 0].sum()
        losses.append(loss.item())
        assert adversary.noise is not None
        norms.append(adversary.noise.flatten(1).norm(dim=1).max().item())
        return Score(loss, torch.tensor(1))

    score = adversary(ask)
    assert losses == sorted(losses) and losses[-1] > losses[0] + 0.1
    assert max(norms) <= RADIUS + 1e-6
    assert score.loss.item() == pytest.approx(np.mean(losses), abs=1e-5)
    assert not rows._forward_hooks


def test_without_a_climb_it_is_as_before_and_with_some_it_is_harder(start: Start) -> None:
    plain = loss_of(start(CLASSIFY)).item()
    assert type(start(replace(CLASSIFY, adversarial=0))) is not HardLearner
    several = [loss_of(start(replace(CLASSIFY, adversarial=n))).item() for n in (1, 3, 6)]
    assert plain < several[1] < several[2] and abs(several[0] - plain) < several[2] - plain
    learner = start(replace(CLASSIFY, adversarial=3))
    learner.model.eval()
    assert loss_of(learner).item() == pytest.approx(plain, abs=1e-9)  # nothing is disturbed then


# A teacher.


def test_the_patient_loss_of_two_times_three_numbers_by_hand() -> None:
    student = torch.tensor([[[3.0, 4.0, 0.0]], [[0.0, 0.0, 2.0]]])  # two layers, a row
    teacher = torch.tensor([[[0.0, 1.0, 0.0]], [[0.0, 0.0, 9.0]]])
    # Normalised: (.6, .8, 0) and (0, 1, 0), apart by .36 + .04; the second layers are alike.
    torch.testing.assert_close(patient_losses(student, teacher), torch.tensor([0.2]))
    assert patient_losses(student, 5 * student).abs().max() < 1e-12


def test_a_layer_learns_from_the_one_at_the_same_depth() -> None:
    assert beside(6, 12) == [(1, 2), (2, 4), (3, 6), (4, 8), (5, 10)]  # PKD-skip
    assert (
        beside(2, 2) == [(1, 1)]
        and beside(2, 5) == [(1, 2)]
        and beside(3, 1)
        == [
            (1, 1),
            (2, 1),
        ]
    )


def test_soft_losses_by_hand_and_none_of_the_same() -> None:
    places = torch.tensor([[0, 1], [0, -100]])
    where = Where(torch.tensor([0, 1]), places)
    ours, theirs = torch.tensor([[0.0, 2.0]]), torch.tensor([[4.0, 0.0]])
    p, q = np.exp([2.0, 0.0]), np.exp([0.0, 1.0])
    p, q = p / p.sum(), q / q.sum()
    wanted = TEMPERATURE**2 * (p * np.log(p / q)).sum()
    head = SequenceHead(4, 2, 0.0)
    found = soft_losses(head, ours, theirs, where)
    assert found.tolist() == pytest.approx([wanted], abs=1e-5)
    # Of a unit, yes and no have the logits l and 0.
    units = soft_losses(
        UnitHead(4, 0.0), -ours[:, :1].expand(2, 2), theirs[:, :1] + 0 * places, where
    )
    both = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 4.0]])
    same = soft_losses(head, *both, where)
    assert units.tolist() == pytest.approx([same.item()] * 3, abs=1e-5)
    logits = torch.randn(2, 2, 5)
    for kind, made in {TokenHead(4, 5, 0.0): logits, SpanHead(4, 0.0): logits[..., :2]}.items():
        found = soft_losses(kind, made, made, where)
        assert found.abs().max() < 1e-6 and len(found) == (3 if isinstance(kind, TokenHead) else 2)
        assert (soft_losses(kind, made, made.flip(1), where) >= 0).all()


def test_a_teacher_that_is_the_student_adds_nothing(labelled: Labelled, start: Start) -> None:
    finetune_tasks(labelled.model, labelled.work, replace(CLASSIFY, learning_rate=0.0, epochs=1))
    teacher = labelled.model / "tasks" / "classify"
    plain = start(CLASSIFY)
    learner = start(replace(CLASSIFY, teacher=teacher, patient=100.0))
    learner.teacher.network.double()
    learner.model.heads.load_state_dict(learner.teacher.network.heads.state_dict())
    plain.model.heads.load_state_dict(learner.teacher.network.heads.state_dict())
    assert loss_of(learner).item() == pytest.approx(loss_of(plain).item() / 2, abs=1e-6)
    with torch.no_grad():
        for weight in learner.model.encoder.bert.encoder.layer[0].parameters():
            weight.mul_(1.5)
            break
    assert loss_of(learner).item() > loss_of(plain).item() / 2 + 1e-3


HARD = {
    "completion": {"completion_weight": 0.5},
    "adversarial": {"adversarial": 3},
    "teacher": {"patient": 10.0},
}


@pytest.mark.parametrize("how", HARD)
def test_killed_and_started_again_it_ends_with_the_same_bytes(labelled: Labelled, how: str) -> None:
    options = replace(CLASSIFY, epochs=4, name="hard", **HARD[how])
    if how == "teacher":
        finetune_tasks(labelled.model, labelled.work, replace(CLASSIFY, epochs=2))
        options = replace(options, teacher=labelled.model / "tasks" / "classify")
    given = labelled.model, labelled.work, options
    assert_same_bytes_when_killed(TRAIN, given, 11, labelled.model / "tasks" / "hard")


def test_all_together_is_learnt_noted_and_measured(labelled: Labelled) -> None:
    finetune_tasks(labelled.model, labelled.work, CLASSIFY)
    teacher = labelled.model / "tasks" / "classify"
    every = {"completion_weight": 0.5, "adversarial": 2, "teacher": teacher, "patient": 10.0}
    options = replace(CLASSIFY, **every, name="hard", epochs=20)
    report = finetune_tasks(labelled.model, labelled.work, options)
    assert report.tasks["classify"]["figures"]["accuracy"] >= 0.8
    home = labelled.model / "tasks" / "hard"
    noted = (home / "options.json").read_text()
    assert json.loads(noted)["taught by"]["task"] == "classify"
    assert str(labelled.model) not in noted
    plain = json.loads((teacher / "options.json").read_text())
    assert not {"taught by", "teacher", "patient", "adversarial"} & set(plain)
    shutil.rmtree(teacher)  # answers need it no longer
    (table,) = evaluate_task(labelled.model, labelled.work, "hard")
    assert table.rows[OURS]["accuracy"].value >= 0.8


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"patient": 1.0}, "--patient compares the network with a teacher's: give --teacher"),
        ({"adversarial": 2, "train": "head"}, "which --train head leaves as it is"),
        ({"teacher": Path("/nowhere")}, "give MODEL/tasks/NAME, which finetune wrote"),
        ({"teacher": "tag"}, "was not taught classify: give one that was"),
        ({"teacher": "few"}, "taught classify with other --sentence"),
        ({"teacher": "tag", "task": ("tag",), "patient": 1.0}, "which tag does not read"),
        ({"completion_weight": -1.0}, "--completion-weight -1 will not do: give 0 or more"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    labelled: Labelled, changes: dict[str, Any], reason: str
) -> None:
    quick = replace(QUICK, epochs=1)
    if isinstance(changes.get("teacher"), str):
        finetune_tasks(labelled.model, labelled.work, quick)
        few = replace(quick, task=("classify",), sentence="it is {label}", name="few")
        finetune_tasks(labelled.model, labelled.work, few)
        changes = {**changes, "teacher": labelled.model / "tasks" / changes["teacher"]}
    with pytest.raises(InputError, match=reason) as caught:
        options = replace(CLASSIFY, name="refused", **changes)
        finetune_tasks(labelled.model, labelled.work, options)
    assert "\n" not in str(caught.value)
    assert not (labelled.model / "tasks" / "refused").exists()
