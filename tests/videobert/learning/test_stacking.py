"""A model that grows is stacked on itself, at its phase, and after a kill, too."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from tests.toys.training_processes import TINY, Death, run
from tests.toys.work_folder import make_work
from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.learning.learner import Recipe
from videobert.learning.stacking import layer_list, set_depth
from videobert.learning.trainer import Trainer
from videobert.loading import load_model
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.pretraining.loop import recipe
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.start import start_run
from workfolder.errors import InputError

GROWING = replace(TINY, phases="48:12:7:1,48:12:7:2,32:12:6:2,48:12:8:4")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("toy") / "work")


def test_layers_are_copied_on_top_and_taken_away() -> None:
    config = VideoBertConfig.of_size("tiny", Vocabulary(40, 9), num_hidden_layers=3)
    model = VideoBertForPreTraining(config)
    set_depth(model, 6)
    layers = layer_list(model, 6)
    for place in range(3):
        pairs = zip(layers[place].parameters(), layers[place + 3].parameters(), strict=True)
        assert all(one.equal(other) and one is not other for one, other in pairs)
    assert model.config.num_hidden_layers == 6
    set_depth(model, 2)
    assert len(layer_list(model, 2)) == 2


def test_a_depth_has_its_steps() -> None:
    depth = Recipe([7, 7, 6, 8], 12, 1e-3, layers=[1, 2, 2, 4]).depth
    assert [depth(done) for done in (0, 6, 7, 13, 14, 19, 20, 27)] == [
        (1, 0), (1, 6), (2, 0), (2, 6), (2, 7), (2, 12), (4, 0), (4, 7),
    ]  # fmt: skip
    assert Recipe([7, 7], 12, 1e-3).depth(9) == (None, 9)


def test_a_run_grows_where_its_phases_say(work: Path) -> None:
    learner = start_run(work, GROWING)
    trainer, depths, equal = Trainer(learner, recipe(GROWING), Accelerator(cpu=True)), [], []
    update = trainer.update

    def watched(step: int, batch: object) -> None:
        layers = learner.model.bert.encoder.layer
        depths.append(len(layers))
        pairs = zip(layers[0].parameters(), layers[-1].parameters(), strict=True)
        equal.append(len(layers) == 2 and all(one.equal(other) for one, other in pairs))
        update(step, batch)

    trainer.update = watched
    trainer.run(lambda *_: None)
    assert depths == [1] * 7 + [2] * 13 + [4] * 8
    assert [step for step, same in enumerate(equal) if same] == [
        7,
        8,
    ]  # the first step of a warm-up has a rate of 0


@pytest.mark.parametrize("call", [8, 9, 23])
def test_killed_at_any_depth_it_ends_in_the_same_bytes(
    work: Path, tmp_path: Path, call: int
) -> None:
    options = replace(GROWING, checkpoint_every=7, precision="bf16" if call == 23 else "fp32")
    assert run(work, tmp_path / "whole", options) == [0]
    death = Death("videobert.learning.trainer.Trainer.update", call)
    assert run(work, tmp_path / "model", options, death) == [-signal.SIGKILL]
    assert run(work, tmp_path / "model", options) == [0]
    one, other = (tmp_path / name / "model.safetensors" for name in ("whole", "model"))
    assert one.read_bytes() == other.read_bytes()
    network = load_model(tmp_path / "model").network
    assert network.config.num_hidden_layers == len(network.bert.encoder.layer) == 4
    assert all(torch.isfinite(weight).all() for weight in network.parameters())


@pytest.mark.parametrize("phases", ["48:8:5:1,48:8:5:3", "48:8:5:2,48:8:5:1", "48:8:5:2,48:8:5"])
def test_layers_that_do_not_double_are_refused(phases: str) -> None:
    with pytest.raises(InputError, match="layers must stay or double"):
        PretrainOptions(phases=phases)


def test_a_model_of_another_depth_is_refused(work: Path, tmp_path: Path) -> None:
    assert run(work, tmp_path / "model", replace(TINY, steps=1)) == [0]
    options = replace(TINY, init=str(tmp_path / "model"), phases="48:12:5:1,48:12:5:2")
    with pytest.raises(InputError, match="model has 2 layers, not 1: begin --phases with 2"):
        start_run(work, options)
    assert start_run(work, replace(options, phases="48:12:5:2,48:12:5:4")).phases
