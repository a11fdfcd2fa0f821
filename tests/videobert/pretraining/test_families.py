"""A run begins with a checkpoint of any family, and its model answers in that family's words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.toys.checkpoints import TOKENIZERS, write_checkpoint
from tests.toys.tokenizers import NOUNS, VERBS, WORDS
from tests.toys.training_processes import TINY
from tests.toys.work_folder import make_work
from videobert.answers.forecasting import forecast
from videobert.answers.zero_shot import predict
from videobert.finetune.captions.captioner import TEMPLATE
from videobert.learning.optimizer import depth
from videobert.loading import load_model, load_to_ask
from videobert.model_sizes import FAMILIES
from videobert.pretraining.loop import check, pretrain
from videobert.pretraining.start import start_run
from workfolder.errors import InputError
from workfolder.files import read_json

families = pytest.mark.parametrize("kind", FAMILIES)
SHORT = replace(TINY, steps=4, validate_every=4, checkpoint_every=4, max_length=32)
STACKED = "32:12:3:2,32:12:3:4"
ASKED = "we [MASK] the [MASK]"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("checkpoints")
    return {kind: write_checkpoint(home / kind, kind) for kind in TOKENIZERS}


@families
def test_a_checkpoint_learns_and_answers_in_words_and_learns_on(
    work: Path, folders: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    options = replace(SHORT, init=str(folders[kind]), masking="spans", boundary=True)
    pretrain(work, tmp_path / "model", options)
    model = load_to_ask(tmp_path / "model")
    assert model.network.config.objective == "masked"
    found = predict(model, np.array([0, 4]), [ASKED], top=20)
    words = [guess.word for guesses in found.guesses for guess in guesses]
    assert {"the", *VERBS, *NOUNS} == set(WORDS) and len(set(words) & set(WORDS)) >= 5
    assert all(word.isalpha() for word in words)
    named = predict(model, np.array([0]), [ASKED.replace("[MASK]", "[mask]")], labels=NOUNS)
    assert {guess.word for guess in named.guesses[1]} <= set(NOUNS)
    assert model.processor.text_ids([TEMPLATE])[0].count(model.processor.tokenizer.mask_token_id)
    assert forecast(model, np.array([0, 4]))
    # Every text is spelt, its words read as they were said.
    assert model.bank is not None and model.bank.pieces.sum() > 0
    again = replace(SHORT, init=str(tmp_path / "model"), train="norms")
    run, before = start_run(work, again), load_model(tmp_path / "model").network
    assert all(
        torch.equal(weight, run.model.state_dict()[name])
        for name, weight in before.state_dict().items()
    )


@families
def test_lower_layers_stay_and_rates_fall_where_layers_have_weights_of_their_own(
    work: Path, folders: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    options = replace(SHORT, init=str(folders[kind]), train="top:1", layer_decay=0.5)
    if kind == "albert":
        for refused in (options, replace(options, train="all")):
            with pytest.raises(InputError, match="cannot be had of a 'albert', whose layers share"):
                start_run(work, refused)
        return
    first = {name: each.clone() for name, each in start_run(work, options).model.named_parameters()}
    pretrain(work, tmp_path / "model", options)
    after = dict(load_model(tmp_path / "model").network.named_parameters())
    depths = {name: depth(name) for name in after}
    assert set(depths.values()) == {0, 1, 2, None}
    below = [name for name, own in depths.items() if own in (0, 1)]
    assert all(torch.equal(first[name], after[name]) for name in below)
    changed = [name for name in after if not torch.equal(first[name], after[name])]
    assert {depths[name] for name in changed} == {2, None}
    before_layers = ("relative_attention_bias", "embeddings_project")
    assert all(depths[name] == 0 for name in after if any(part in name for part in before_layers))


@families
def test_layers_are_stacked_where_one_can_stand_for_another(
    work: Path, folders: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    options = replace(SHORT, init=str(folders[kind]), phases=STACKED)
    if kind in ("albert", "modernbert"):
        with pytest.raises(InputError, match=f"layers of a '{kind}' cannot be stacked"):
            start_run(work, options)
        return
    pretrain(work, tmp_path / "model", options)
    network = load_model(tmp_path / "model").network
    inputs = load_model(tmp_path / "model").processor(["chop the onion"], [[0]], max_length=16)
    assert network.config.num_hidden_layers == 4 and len(network.states(**inputs)) == 5


@families
def test_orders_are_read_where_attention_goes_by_position_ids_alone(
    work: Path, folders: dict[str, Path], kind: str
) -> None:
    options = replace(SHORT, init=str(folders[kind]), objective="permutation", dropout=0.0)
    if kind in ("mpnet", "modernbert"):
        for objective in ("permutation", "causal"):
            with pytest.raises(InputError, match=f"{objective} cannot be had of a '{kind}'"):
                start_run(work, replace(options, objective=objective))
        return
    run = start_run(work, options)
    batch = run.batch(0)
    scores = run.scores(run.model.eval(), batch, np.arange(len(batch)), torch.device("cpu"))
    losses = [score.loss for score in scores.values()]
    assert all(loss.isfinite() for loss in losses)


@pytest.mark.parametrize("kind", ["albert", "modernbert"])
def test_a_family_is_made_from_nothing_and_noted(work: Path, tmp_path: Path, kind: str) -> None:
    options = replace(SHORT, family=kind)
    pretrain(work, tmp_path / "model", options)
    assert load_model(tmp_path / "model").network.kind == kind
    assert read_json(tmp_path / "model" / "options.json")["family"] == kind
    check(work, tmp_path / "model", options)
    with pytest.raises(InputError, match=f"family was '{kind}' and is now None"):
        check(work, tmp_path / "model", SHORT)


def test_a_bert_is_noted_as_before_there_were_families(work: Path, tmp_path: Path) -> None:
    pretrain(work, tmp_path / "model", replace(SHORT, steps=1))
    assert "family" not in read_json(tmp_path / "model" / "options.json")
    check(work, tmp_path / "model", replace(SHORT, steps=1))


def test_a_tokenizer_with_gaps_is_refused(work: Path, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "gaps", "electra")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["onion"] = 90
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(
        InputError, match=r"gaps has ids beyond its .* give a tokenizer without gaps"
    ):
        check(work, tmp_path / "model", replace(SHORT, init=str(folder)))
