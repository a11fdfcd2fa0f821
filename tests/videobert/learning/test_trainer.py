from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from tests.toys.training_processes import TINY
from tests.toys.work_folder import make_work
from videobert.learning.checkpoints import TrainingFolder
from videobert.learning.trainer import DTYPES, Trainer
from videobert.pretraining.batches import Batch
from videobert.pretraining.learner import PretrainLearner
from videobert.pretraining.loop import recipe
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.start import start_run
from workfolder.errors import InputError
from workfolder.progress import silent

Made = tuple[Trainer[Batch], PretrainLearner]
Make = Callable[[PretrainOptions], Made]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"))


@pytest.fixture
def make(work: Path, tmp_path: Path) -> Make:
    def make(options: PretrainOptions) -> Made:
        learner, folder = start_run(work, options), TrainingFolder(tmp_path / "training")
        return Trainer(learner, recipe(options), Accelerator(cpu=True), folder), learner

    return make


def weights_after(made: Made, updates: int) -> dict[str, torch.Tensor]:
    trainer, learner = made
    for step in range(updates):
        trainer.update(step, learner.batch(step))
    return {
        name: weight.detach().clone()
        for name, weight in trainer.finished_model().named_parameters()
    }


def furthest(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return max((one[name] - other[name]).abs().max().item() for name in one)


def test_accumulated_gradients_are_those_of_the_large_batch(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64: AdamW turns a rounding error into a full step where a gradient is nearly 0.

    The weights are compared in float32, whose spacing below 1 is 6e-8.
    """
    monkeypatch.setitem(DTYPES, "fp32", torch.float64)
    torch.set_default_dtype(torch.float64)
    try:
        options = replace(TINY, dropout=0.0, learning_rate=2e-5)
        whole, parts = (
            weights_after(make(replace(options, accumulate=parts)), 5) for parts in (1, 4)
        )
        start = weights_after(make(options), 0)
    finally:
        torch.set_default_dtype(torch.float32)
    assert furthest(whole, start) > 5e-5
    assert furthest(whole, parts) < 1e-6


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_again_is_the_same_run(make: Make, accumulate: int, precision: str) -> None:
    options = replace(TINY, accumulate=accumulate, precision=precision)
    first, second = weights_after(make(options), 3), weights_after(make(options), 3)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert furthest(first, weights_after(make(replace(options, seed=1)), 3)) > 0


def test_parts_draw_their_own_dropout(make: Make) -> None:
    options = replace(TINY, accumulate=2, learning_rate=1e-4)
    still = replace(options, dropout=0.0)
    assert furthest(weights_after(make(options), 3), weights_after(make(still), 3)) > 1e-5


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_learns_and_says_so(make: Make, precision: str) -> None:
    trainer, _ = make(replace(TINY, steps=100, precision=precision, dropout=0.0))
    trainer.run(silent)
    rows = [row for row in trainer.history.rows if "masked_text_loss" in row]
    assert rows[-1]["masked_text_loss"] < rows[0]["masked_text_loss"] - 0.5
    assert {"masked_text", "masked_video", "masked_joint", "alignment"} <= {
        name[: -len("_loss")] for name in rows[-1]
    }
    assert all(0 <= rows[-1][name] <= 1 for name in rows[-1] if name.endswith("_accuracy"))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_frozen_embeddings_stay_as_they_started(make: Make, work: Path, precision: str) -> None:
    options = replace(TINY, freeze_embeddings=True, precision=precision)
    before = dict(start_run(work, options).model.named_parameters())
    after = weights_after(make(options), 3)
    words, dense = (
        "bert.embeddings.word_embeddings.weight",
        "bert.encoder.layer.0.output.dense.weight",
    )
    assert torch.equal(after[words], before[words]) and not torch.equal(after[dense], before[dense])


def test_a_batch_smaller_than_its_parts_is_refused(make: Make) -> None:
    with pytest.raises(InputError, match=r"batch of 12 .* 13 parts.*--batch-size"):
        make(replace(TINY, accumulate=13))


def test_the_pace_is_told_from_the_first_step_on_which_is_slow(make: Make) -> None:
    trainer, _ = make(replace(TINY, steps=3))
    told: list[tuple[int, int]] = []
    trainer.run(lambda stage, done, total, detail="": told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
