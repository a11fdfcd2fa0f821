"""A hidden word is asked of the sides of its span, and of nothing between them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.toys.training_processes import TINY
from tests.toys.work_folder import make_work
from videobert.learning.packing import PADDING
from videobert.loading import load_model
from videobert.pretraining.boundary import BoundaryHead
from videobert.pretraining.learner import pack_batch
from videobert.pretraining.loop import pretrain
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.masking.spans import sides
from videobert.pretraining.start import start_run
from workfolder.files import read_table

SPANS = replace(TINY, masking="spans", boundary=True, masked_share=0.4)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"))


@pytest.mark.parametrize("made", [8, 5])
def test_the_formula_by_hand(made: int) -> None:
    torch.manual_seed(0)
    head = BoundaryHead(8, made, 0.5, 1e-12).double()
    states = torch.randn(1, 6, 8, dtype=torch.float64)
    chosen = np.array([[0, 0, 1, 1, 0, 0]], dtype=bool)
    before, after = map(torch.from_numpy, sides(chosen))
    found = head(states, torch.from_numpy(chosen), before, after)
    for place, state in enumerate(found):
        beside = torch.cat([states[0, 1], states[0, 4], head.places.weight[place]])
        first = torch.nn.functional.gelu(head.first.weight @ beside)
        first = torch.nn.functional.layer_norm(first, (8,), eps=1e-12)
        second = torch.nn.functional.gelu(head.second.weight @ first)
        by_hand = torch.nn.functional.layer_norm(second, (made,), eps=1e-12)
        assert torch.allclose(state, by_hand, atol=1e-10)


def test_in_packed_rows_the_states_of_hidden_words_get_no_gradient_from_their_boundaries(
    work: Path,
) -> None:
    run = start_run(work, replace(SPANS, dropout=0.0))
    batch = run.batch(0)
    rows = pack_batch(batch, np.arange(len(batch)))
    states: list[torch.Tensor] = []

    def keep(_: object, __: object, output: tuple[torch.Tensor]) -> None:
        output[0].retain_grad()
        states.append(output[0])

    run.model.bert.register_forward_hook(keep)
    hidden = rows["labels"] != IGNORED
    output = run.model.eval()(
        rows["input_ids"],
        token_type_ids=rows["token_type_ids"],
        position_ids=rows["position_ids"],
        sequence_ids=rows["sequence_ids"],
        predict_at=hidden,
        before=rows["before"],
        after=rows["after"],
    )
    output.boundary_logits.square().sum().backward()
    touched = states[0].grad.abs().sum(dim=2) > 0
    assert not touched[hidden].any() and not touched[rows["sequence_ids"] == PADDING].any()
    shown, places = hidden.nonzero(as_tuple=True)
    beside = torch.zeros_like(hidden)
    beside[shown, places - rows["before"][hidden]] = True
    beside[shown, places + rows["after"][hidden]] = True
    assert torch.equal(touched, beside)
    same = rows["sequence_ids"][shown, places - rows["before"][hidden]]
    assert torch.equal(same, rows["sequence_ids"][hidden])


def test_it_is_learnt_and_left_out_of_the_model(work: Path, tmp_path: Path) -> None:
    pretrain(work, tmp_path / "model", replace(SPANS, steps=200))
    history = read_table(tmp_path / "model" / "history.parquet")
    losses = history.column("boundary_loss").drop_null().to_pylist()
    assert losses[-1] < 0.8 * losses[0]
    weights = load_file(tmp_path / "model" / "model.safetensors")
    assert not any(name.startswith("boundary") for name in weights)
    assert load_model(tmp_path / "model").network.boundary is None
