"""A generator and a discriminator: what is drawn, what is told, what is learnt."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import ElectraForPreTraining

from tests.toys.training_processes import PRETRAIN, TINY, assert_same_bytes_when_killed, run
from tests.toys.work_folder import make_work
from videobert.answers.zero_shot import predict
from videobert.joint_network import within_sequences
from videobert.loading import load_answering, load_model, load_to_ask
from videobert.pretraining.batches import ORIGINAL, SAMPLED, TOLD
from videobert.pretraining.learner import rows_on
from videobert.pretraining.loop import pretrain
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.replaced import WEIGHT, Detected, ReplacedLearner, replaced_score
from videobert.pretraining.start import start_run
from videobert.sequences import MISALIGNED
from workfolder.errors import InputError

REPLACED = replace(TINY, objective="replaced", family="electra", dropout=0.0)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"))


@pytest.fixture
def learner(work: Path) -> ReplacedLearner:
    found = start_run(work, REPLACED)
    assert isinstance(found, ReplacedLearner)
    return found


def rows_of(learner: ReplacedLearner, step: int = 0) -> dict[str, torch.Tensor]:
    batch = learner.batch(step)
    return rows_on(CPU, batch, np.arange(len(batch)))


def test_logits_are_those_of_transformers(learner: ReplacedLearner) -> None:
    network: Any = learner.model.eval()
    theirs = ElectraForPreTraining(network.discriminator.encoder.config).eval()
    theirs.electra.load_state_dict(network.discriminator.encoder.electra.state_dict())
    theirs.discriminator_predictions.load_state_dict(network.head.state_dict())
    rows = rows_of(learner)
    torch.manual_seed(0)
    found = network(rows)
    torch.manual_seed(0)
    sampled = rows[SAMPLED] == 1
    logits = network.generator(
        rows["input_ids"],
        **{n: rows[n] for n in ("token_type_ids", "position_ids", "sequence_ids")},
        predict_at=sampled,
        judge_at=sampled & False,
    ).prediction_logits
    ids = rows[ORIGINAL].masked_scatter(sampled, network.draw(logits, rows[ORIGINAL][sampled]))
    said = theirs(
        ids,
        attention_mask=within_sequences(rows["sequence_ids"], None, None),
        token_type_ids=rows["token_type_ids"],
        position_ids=rows["position_ids"],
    ).logits
    there = rows[TOLD] == 1
    torch.testing.assert_close(found.replaced_logits, said[there], atol=1e-5, rtol=0)
    assert torch.equal(found.replaced, (ids != rows[ORIGINAL])[there])
    assert found.replaced.any() and not found.replaced.all()


def test_a_drawn_word_that_is_the_right_one_counts_as_original(learner: ReplacedLearner) -> None:
    network: Any = learner.model.eval()
    rows = rows_of(learner)
    network.draw = lambda logits, original: original  # always right
    assert not network(rows).replaced.any()
    first = network.discriminator.config.vocabulary.first_visual
    network.draw = lambda logits, original: torch.where(original == first, first + 1, first)
    found = network(rows)
    sampled, told = rows[SAMPLED] == 1, rows[TOLD] == 1
    assert int(found.replaced.sum()) == int((sampled & told).sum())


def test_words_are_drawn_as_likely_as_the_generator_says_and_of_their_modality(
    learner: ReplacedLearner,
) -> None:
    network: Any = learner.model
    vocabulary, special = learner.processor.vocabulary, learner.processor.tokenizer.all_special_ids
    logits = torch.full((4000, vocabulary.size), -30.0)
    word, first = max(set(range(vocabulary.text_size)) - set(special)), vocabulary.first_visual
    logits[:, [word, first, first + 2]] = torch.tensor([2.0, 1.0, 1.0 + float(np.log(3.0))]).float()
    logits[:, special[0]], logits[:, vocabulary.joiner] = 50.0, 50.0
    original = torch.full((4000,), first + 1)
    original[:2000] = word
    torch.manual_seed(0)
    drawn = network.draw(logits, original)
    assert (drawn[:2000] == word).all() and set(drawn[2000:].tolist()) == {first, first + 2}
    share = (drawn[2000:] == first + 2).double().mean().item()
    assert share == pytest.approx(0.75, abs=0.04)  # four standard errors


def test_nothing_is_told_of_mismatched_pairs_and_no_mask_is_read(learner: ReplacedLearner) -> None:
    batch = learner.batch(0)
    wrong = batch.alignment == MISALIGNED
    assert wrong.any() and not batch.order[TOLD][wrong].any()
    assert batch.order[SAMPLED][wrong].any(axis=1).all()  # but it is hidden like the others
    assert (batch.labels[wrong] == IGNORED).all()
    matched = batch.attention_mask[~wrong] == 1
    assert (batch.order[TOLD][~wrong][matched] == 1).all()
    masks = batch.order[ORIGINAL] == learner.processor.tokenizer.mask_token_id
    assert not masks.any()


def test_the_loss_by_hand() -> None:
    logits, truth = torch.tensor([0.0, np.log(3.0), -np.log(3.0)]), torch.tensor([True, True, True])
    found = replaced_score(Detected(None, logits, truth, torch.empty(0, 2)))  # type: ignore[arg-type]
    # Chances of 1/2, 3/4 and 1/4.
    assert found.loss.item() == pytest.approx(np.log(2) + np.log(4 / 3) + np.log(4), abs=1e-5)
    assert int(found.correct) == 1 and WEIGHT == 50


def test_the_total_is_the_generator_fifty_times_the_rest_and_both_share_embeddings(
    learner: ReplacedLearner,
) -> None:
    network: Any = learner.model.train()
    batch = learner.batch(0)
    asked = learner.asked(batch)
    torch.manual_seed(0)
    scores = learner.scores(network, batch, np.arange(len(batch)), CPU)
    total = learner.total_loss(scores, asked)
    words = [name for name in scores if name.startswith("masked")]
    hidden = sum(asked[name] for name in words)
    means = {name: score.loss.item() / asked[name] for name, score in scores.items() if asked[name]}
    by_hand = sum(scores[name].loss.item() for name in words) / hidden + means["alignment"]
    by_hand += 50 * means["replaced"] + means["discriminator_alignment"]
    assert total.item() == pytest.approx(by_hand, rel=1e-5)
    total.backward()
    lacking = [n for n, w in network.named_parameters() if w.requires_grad and w.grad is None]
    assert not lacking  # another process would wait for it
    small, large = network.generator.config, network.discriminator.config
    assert 4 * small.hidden_size == large.hidden_size
    rows = network.generator.get_input_embeddings().weight
    assert rows is network.discriminator.get_input_embeddings().weight
    assert network.generator.get_output_embeddings().weight is rows


def test_killed_and_started_again_it_ends_with_the_same_bytes(work: Path, tmp_path: Path) -> None:
    given = (work, tmp_path / "model", REPLACED)
    assert_same_bytes_when_killed(PRETRAIN, given, 13, tmp_path / "model")


def test_two_processes_are_one(work: Path, tmp_path: Path) -> None:
    assert run(work, tmp_path / "two", replace(REPLACED, steps=3), processes=2) == [0, 0]
    pretrain(work, tmp_path / "one", replace(REPLACED, steps=3, accumulate=2))
    one, two = (load_file(tmp_path / each / "model.safetensors") for each in ("one", "two"))
    assert max((one[name] - two[name]).abs().max().item() for name in one) < 1e-3


def test_the_generator_answers_and_the_discriminator_is_tuned(work: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    pretrain(work, model, replace(REPLACED, steps=60, validation_share=0.0))
    answering, tuned = load_to_ask(model), load_model(model)
    assert answering.network.config.hidden_size * 4 == tuned.network.config.hidden_size
    assert answering.network.config.objective == "masked"
    assert tuned.network.config.objective == "replaced" and answering.bank is not None
    assert predict(answering, np.array([0, 1, 2]), top=3)
    shutil.rmtree(model / "generator")
    with pytest.raises(InputError, match=r"fills no masks, and .*generator, which does, is gone"):
        load_answering(model)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"family": "bert"}, "give --init none --family electra"),
        ({"init": "bert-base-uncased"}, "give --init none --family electra"),
        ({"boundary": True}, "goes without --boundary, --order-weight and layers"),
        ({"phases": "48:12:4:1,48:12:4:2"}, "goes without --boundary, --order-weight and layers"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        replace(REPLACED, **changes)
    assert PretrainOptions().objective == "masked"
