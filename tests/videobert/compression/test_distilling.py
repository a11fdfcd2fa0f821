"""What a student is told: the two soft losses by hand, and what it begins as."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from tests.videobert.compression.conftest import Taught
from tokenization.vocabulary import Vocabulary
from videobert.compression.compress import as_before
from videobert.compression.distilling import (
    HARD_WEIGHT,
    SOFT,
    SOFT_WEIGHT,
    STATES,
    STATES_WEIGHT,
    DistilLearner,
    soft_scores,
)
from videobert.compression.layers import chosen_layers, with_layers
from videobert.compression.options import CompressOptions
from videobert.joint_network import VideoBertOutput
from videobert.learning.learner import Recipe
from videobert.learning.trainer import Trainer
from videobert.model_sizes import FAMILIES
from videobert.networks import new_network
from videobert.pretraining.start import start_run
from workfolder.errors import InputError

CPU = torch.device("cpu")


def output(logits: list[list[float]], states: list[list[float]]) -> VideoBertOutput:
    return VideoBertOutput(torch.tensor(logits), asked_states=torch.tensor(states))


def test_the_soft_losses_by_hand() -> None:
    ours = output([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]], [[1.0, 0.0], [0.0, 3.0]])
    theirs = output([[2.0, 0.0, 0.0], [2.0, 0.0, 0.0]], [[1.0, 1.0], [0.0, 1.0]])
    scores = soft_scores(ours, theirs)
    e = np.exp(1.0)  # at a temperature of 2, logits of 2, 0, 0 are 1, 0, 0
    p = np.array([e, 1, 1]) / (e + 2)
    assert scores[SOFT].loss.item() == pytest.approx(4 * (p * np.log(3 * p)).sum(), rel=1e-5)
    assert scores[STATES].loss.item() == pytest.approx(1 - 1 / np.sqrt(2), rel=1e-5)
    assert scores[SOFT].correct == 2 and scores[STATES].correct == 1


def learner_of(taught: Taught, layers: int) -> DistilLearner:
    began = start_run(
        taught.work, as_before(taught.model, CompressOptions(layers=3, batch_size=12))
    )
    model = began.model if layers == 6 else with_layers(began.model, chosen_layers(6, layers))
    given = (began.processor, model, began.phases, began.kept_apart, began.objectives)
    return DistilLearner(*given, teacher=began.model.eval())


def test_a_student_that_is_its_teacher_has_nothing_to_learn_from_it(taught: Taught) -> None:
    learner = learner_of(taught, 6)
    batch = learner.batch(0)
    scores = learner.scores(learner.model, batch, np.arange(len(batch)), CPU)
    assert scores[SOFT].loss.item() == pytest.approx(0, abs=1e-4)
    assert scores[STATES].loss.item() == pytest.approx(0, abs=1e-3)
    asked = learner.asked(batch)
    assert scores[SOFT].correct == scores[STATES].correct == asked[SOFT] > 0
    hard = super(DistilLearner, learner).total_loss(
        *({n: each[n] for n in asked if n not in (SOFT, STATES)} for each in (scores, asked))
    )
    found = learner.total_loss(scores, asked)
    assert found.item() == pytest.approx(HARD_WEIGHT * hard.item(), rel=1e-3)


def test_the_losses_are_joined_with_the_weights_of_the_authors(taught: Taught) -> None:
    learner = learner_of(taught, 3)
    batch = learner.batch(0)
    scores = learner.scores(learner.model, batch, np.arange(len(batch)), CPU)
    asked = learner.asked(batch)
    words = sum(n for name, n in asked.items() if name.startswith("masked_"))
    hard = sum(s.loss.item() for name, s in scores.items() if name.startswith("masked_")) / words
    hard += scores["alignment"].loss.item() / asked["alignment"]
    soft, states = (scores[name].loss.item() / asked[name] for name in (SOFT, STATES))
    assert soft > 0.001 and states > 0.001
    expected = SOFT_WEIGHT * soft + HARD_WEIGHT * hard + STATES_WEIGHT * states
    assert learner.total_loss(scores, asked).item() == pytest.approx(expected, rel=1e-5)
    assert (SOFT_WEIGHT, HARD_WEIGHT, STATES_WEIGHT) == (5, 2, 1)


def test_a_teacher_does_not_learn(taught: Taught) -> None:
    learner = learner_of(taught, 3)
    its = {name: weight.clone() for name, weight in learner.teacher.named_parameters()}
    trainer = Trainer(learner, Recipe([4], 12, 1e-2), Accelerator(cpu=True))
    before = learner.model.bert.encoder.layer[0].output.dense.weight.clone()
    for step in range(3):
        trainer.update(step, learner.batch(step))
    assert not torch.equal(before, learner.model.bert.encoder.layer[0].output.dense.weight)
    assert all(torch.equal(w, its[name]) for name, w in learner.teacher.named_parameters())


@pytest.mark.parametrize(
    ("there", "wanted", "chosen"),
    [
        (6, 3, [0, 2, 4]),
        (12, 6, [0, 2, 4, 6, 8, 10]),
        (12, 1, [0]),
        (5, 3, [0, 2, 3]),
        (4, 3, [0, 1, 3]),
    ],
)
def test_layers_are_chosen_evenly(there: int, wanted: int, chosen: list[int]) -> None:
    assert chosen_layers(there, wanted) == chosen


@pytest.mark.parametrize("family", FAMILIES)
def test_a_student_begins_as_the_layers_that_were_chosen(family: str) -> None:
    torch.manual_seed(0)
    network = new_network("tiny", family, Vocabulary(50, 20), 0, 48, 0.0, layers=4).eval()
    ids = torch.randint(5, 70, (2, 9))
    if family in ("albert", "modernbert"):
        with pytest.raises(InputError, match="--layers cannot be had"):
            with_layers(network, [0, 2])
        return
    student = with_layers(network, [0, 2])
    ours, theirs = student.state_dict(), network.state_dict()
    first, second = (
        {n.partition(f".layer.{at}.")[2]: w for n, w in theirs.items() if f".layer.{at}." in n}
        for at in (0, 2)
    )
    for at, its in enumerate((first, second)):
        mine = {n.partition(f".layer.{at}.")[2]: w for n, w in ours.items() if f".layer.{at}." in n}
        assert mine.keys() == its.keys() and its
        assert all(torch.equal(mine[name], its[name]) for name in its)
    assert student.config.num_hidden_layers == 2 and network.config.num_hidden_layers == 4
    assert len(network.states(ids)) == 5 and len(student.states(ids)) == 3
    assert torch.equal(network.states(ids)[1], student.states(ids)[1])
