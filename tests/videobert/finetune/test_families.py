"""Every family of encoders can be taught: a task reaches it through its states alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator

from tests.toys.labels import QUICK, STEPS, Labelled
from tests.toys.model import captioning_model
from videobert.finetune.data import read_data
from videobert.finetune.options import ALIGN, TAG
from videobert.finetune.training import recipe, start_run
from videobert.learning.trainer import Trainer
from videobert.loading import TrainedModel
from videobert.model_sizes import FAMILIES
from videobert.networks import new_network
from workfolder.errors import InputError


def untrained(family: str) -> TrainedModel:
    processor = captioning_model().processor
    torch.manual_seed(0)
    padding = processor.tokenizer.pad_token_id
    network = new_network("tiny", family, processor.vocabulary, padding, 48, 0.1)
    return TrainedModel(network.eval(), processor)


@pytest.mark.parametrize("train", ["all", "lora:2"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_learns_and_its_heads_of_pre_training_do_not(
    labelled: Labelled, family: str, train: str
) -> None:
    options = replace(QUICK, task=(TAG, ALIGN), annotations=STEPS, train=train)
    model = untrained(family)
    learner = start_run(model, read_data(labelled.work, model, options), options)
    names = set(learner.model.learnt())
    before = {name: weight.clone() for name, weight in learner.model.named_parameters()}
    trainer = Trainer(learner, recipe(learner, options), Accelerator(cpu=True))
    for step in range(1, 5):  # a warm-up begins at a rate of 0
        trainer.update(step, learner.batch(step))
    moved = {n for n, w in learner.model.named_parameters() if not torch.equal(w, before[n])}
    assert moved and moved <= names
    assert any(name.startswith("encoder.") for name in moved)
    assert (train == "all") != any("lora_" in name for name in names)


def test_adapters_go_into_a_bert_or_say_what_else_to_give(labelled: Labelled) -> None:
    options = replace(QUICK, train="adapter:4")
    for family in FAMILIES:
        model = untrained(family)
        try:
            start_run(model, read_data(labelled.work, model, options), options)
        except InputError as error:
            assert "does not fit this network: give all, lora or norms" in str(error)
            continue
        adapters = [n for n, _ in model.network.named_parameters() if ".adapter.up.weight" in n]
        assert len(adapters) >= 2
