"""Tuning that begins with what another task taught."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.toys.labels import QUICK, SHOWN, Labelled
from tests.toys.training_processes import assert_same_bytes_when_killed
from videobert.evaluation.tasks import OURS, evaluate_task
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import load_tuned
from videobert.finetune.two_stage import begin, home_of
from videobert.loading import load_model
from workfolder.errors import InputError

TRAIN = "videobert.finetune.training.finetune_tasks"
FIRST = replace(QUICK, task=("classify",), epochs=4)


def weights_of(model: Path, name: str) -> dict[str, torch.Tensor]:
    return dict(load_tuned(model, name).network.encoder.named_parameters())


@pytest.mark.parametrize("train", ["all", "top:1", "lora:2"])
def test_the_second_stage_begins_with_the_weights_of_the_first(
    labelled: Labelled, train: str
) -> None:
    finetune_tasks(labelled.model, labelled.work, replace(FIRST, train=train))
    first = labelled.model / "tasks" / "classify"
    begun = dict(begin(labelled.model, "classify").model.network.named_parameters())
    plain = dict(load_model(labelled.model).network.named_parameters())
    tuned = load_tuned(labelled.model, "classify").network.encoder
    query = tuned.bert.encoder.layer[1].attention.self.query
    if train == "lora:2":  # by hand: alpha is twice the rank, so what LoRA adds counts twice
        added = 2 * query.lora_B["default"].weight @ query.lora_A["default"].weight
        wanted = query.base_layer.weight + added
    else:
        wanted = query.weight
    name = "bert.encoder.layer.1.attention.self.query.weight"
    torch.testing.assert_close(begun[name], wanted, atol=1e-6, rtol=0)
    assert not torch.equal(begun[name], plain[name])
    # A rate of 0 leaves the second where it began.
    still = replace(FIRST, task=("tag",), learning_rate=0.0, epochs=1)
    finetune_tasks(first, labelled.work, still)
    shutil.rmtree(first)  # it is needed no longer
    second = weights_of(labelled.model, "tag")
    assert all(torch.equal(second[name], begun[name]) for name in begun)


def test_it_says_with_which_weights_it_began_and_keeps_none_twice(labelled: Labelled) -> None:
    finetune_tasks(labelled.model, labelled.work, FIRST)
    first = labelled.model / "tasks" / "classify"
    finetune_tasks(first, labelled.work, replace(QUICK, epochs=2, train="top:1"))
    home = labelled.model / "tasks" / "tag"
    noted = json.loads((home / "options.json").read_text())["began"]
    assert noted["task"] == "classify"
    began, learnt = load_file(home / "began.safetensors"), load_file(home / "encoder.safetensors")
    assert began and not {f"encoder.{name}" for name in began} & set(learnt)
    shutil.rmtree(first)
    finetune_tasks(labelled.model, labelled.work, replace(FIRST, seed=1))
    with pytest.raises(InputError, match=r"weights'?: .*; delete .*tag, or give another --name"):
        finetune_tasks(first, labelled.work, replace(QUICK, epochs=2, train="top:1"))


def test_a_head_of_the_same_labels_goes_on_and_another_begins_anew(labelled: Labelled) -> None:
    both = replace(QUICK, task=("tag", "classify"), epochs=3, name="both")
    finetune_tasks(labelled.model, labelled.work, both)
    first = labelled.model / "tasks" / "both"
    still = replace(QUICK, learning_rate=0.0, epochs=1)
    finetune_tasks(first, labelled.work, still)
    before = load_tuned(labelled.model, "both").network.heads["tag"].state_dict()
    after = load_tuned(labelled.model, "tag").network.heads["tag"].state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    finetune_tasks(first, labelled.work, replace(still, annotations=SHOWN, name="other"))
    other = load_tuned(labelled.model, "other").network.heads["tag"]
    assert other.classifier.out_features == 5 != before["classifier.weight"].shape[0]


def test_killed_and_started_again_it_ends_with_the_same_bytes(labelled: Labelled) -> None:
    finetune_tasks(labelled.model, labelled.work, replace(FIRST, train="lora:2"))
    first, home = (labelled.model / "tasks" / name for name in ("classify", "tag"))
    given = (first, labelled.work, replace(QUICK, epochs=4))
    assert_same_bytes_when_killed(TRAIN, given, 7, home)


def test_it_is_measured_beside_random_weights(labelled: Labelled) -> None:
    finetune_tasks(labelled.model, labelled.work, FIRST)
    first = labelled.model / "tasks" / "classify"
    finetune_tasks(first, labelled.work, QUICK)
    (table,) = evaluate_task(labelled.model, labelled.work, "tag")
    assert table.rows[OURS]["accuracy"].value > 0.5


def test_what_cannot_be_begun_with_is_said(labelled: Labelled) -> None:
    finetune_tasks(labelled.model, labelled.work, replace(FIRST, train="adapter:4"))
    first = labelled.model / "tasks" / "classify"
    with pytest.raises(InputError, match="has its adapters beside the network"):
        finetune_tasks(first, labelled.work, QUICK)
    with pytest.raises(InputError, match="cannot lie there as well: give another --name"):
        finetune_tasks(first, labelled.work, FIRST)
    assert home_of(labelled.model) == (labelled.model, None)
    assert home_of(labelled.model / "tasks" / "other")[1] is None
