"""Copies ask for words after those before them in the order, and after nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.toys.model import toy_model
from tests.toys.training_processes import TINY
from tests.toys.work_folder import VERBS, make_work
from tokenization.vocabulary import Vocabulary
from videobert.answers.forecasting import forecast, words_ahead
from videobert.answers.options import Asking
from videobert.answers.zero_shot import predict
from videobert.configuration_videobert import VideoBertConfig
from videobert.inference import in_batches
from videobert.loading import load_model, load_to_ask
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.orders import CAUSAL, PERMUTATION, visible
from videobert.pretraining.batches import JOINT, REGIMES, TEXT, Batch
from videobert.pretraining.learner import pack_batch
from videobert.pretraining.loop import pretrain
from videobert.pretraining.masking.copies import Copied, Copier
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.start import start_run
from workfolder.errors import InputError
from workfolder.files import read_table

VOCABULARY = Vocabulary(text_size=30, visual_size=8)
CLS, SEP, MASK, JOIN, FIRST = 2, 3, 4, VOCABULARY.joiner, VOCABULARY.first_visual
SPECIAL = (0, 1, 2, 3, 4, JOIN)
ROW = [CLS, 10, 11, 12, JOIN, FIRST, FIRST + 1, FIRST + 1, SEP]


def copied(kind: str, seed: int = 0, share: float = 1 / 3, rows: int = 1) -> Copied:
    ids = np.array([[*ROW, 0, 0]] * rows)
    copier = Copier(MASK, SPECIAL, share, kind)
    return copier(ids, (ids > 0).astype(int), np.ones(rows, bool), np.random.default_rng(seed))


def model() -> VideoBertForPreTraining:
    torch.manual_seed(0)
    config = VideoBertConfig.of_size("tiny", VOCABULARY)
    return VideoBertForPreTraining(config).eval().double()


def states(network: VideoBertForPreTraining, found: Copied) -> tuple[torch.Tensor, torch.Tensor]:
    """The embeddings that go in, with gradient, and the states that come out."""
    kept: list[torch.Tensor] = []

    def keep(_: object, __: object, output: torch.Tensor) -> None:
        output.retain_grad()
        kept.append(output)

    handle = network.bert.embeddings.register_forward_hook(keep)
    ids, source, rank, reach = (
        torch.from_numpy(array)
        for array in (found.input_ids, found.source, found.rank, found.reach)
    )
    seen = visible(rank, reach)[:, None]
    out = network.bert(ids, attention_mask=seen, position_ids=source)[0]
    handle.remove()
    return kept[0], out


@pytest.mark.parametrize("kind", [PERMUTATION, CAUSAL])
def test_the_influence_of_each_place_is_that_of_the_order_exactly(kind: str) -> None:
    network = model()
    for seed in range(20 if kind == PERMUTATION else 1):
        found = copied(kind, seed)
        given, out = states(network, found)
        influence = torch.zeros(out.shape[1], out.shape[1], dtype=torch.bool)
        for place in range(out.shape[1]):
            (gradient,) = torch.autograd.grad(
                out[0, place].square().sum(), given, retain_graph=True
            )
            influence[place] = gradient[0].abs().sum(dim=1) > 0
        rank, source = found.rank[0], found.source[0]
        for asker in range(len(ROW), out.shape[1]):
            order = rank[source[asker]]  # of the word that it asks for
            earlier = [place for place in range(1, len(ROW)) if rank[place] < order]
            assert influence[asker].nonzero().flatten().tolist() == [*earlier, asker]
        for place in range(1, len(ROW)):
            upto = [other for other in range(1, len(ROW)) if rank[other] <= rank[place]]
            assert influence[place].nonzero().flatten().tolist() == upto
        assert influence[0].nonzero().flatten().tolist() == list(range(len(ROW)))


def test_the_last_third_of_the_order_is_asked_and_signs_come_first() -> None:
    found = copied(PERMUTATION, rows=300)
    words = np.isin(found.input_ids[:, : len(ROW)], SPECIAL, invert=True)
    asked = (found.labels != IGNORED).sum(axis=1)
    assert (asked == 2).all()  # of six words
    ranks = found.rank[:, : len(ROW)]
    assert np.sort(ranks[:, 1:][~words[:, 1:]].reshape(300, -1), axis=1).tolist() == [[1, 2]] * 300
    for row in range(300):
        copies = found.source[row, len(ROW) : len(ROW) + 2]
        assert sorted(ranks[row, copies]) == [7, 8]
        assert found.labels[row, len(ROW) : len(ROW) + 2].tolist() == [ROW[n] for n in copies]
    shares = np.bincount(found.source[:, len(ROW) :].ravel(), minlength=9)[[1, 2, 3, 5, 6, 7]] / 600
    assert shares == pytest.approx(np.full(6, 1 / 6), abs=0.05)  # any word is as likely the last


def test_from_left_to_right_every_word_is_asked_after_those_before_it() -> None:
    found = copied(CAUSAL)
    assert found.source[0, len(ROW) :].tolist() == [1, 2, 3, 5, 6, 7]
    assert found.labels[0, len(ROW) :].tolist() == [10, 11, 12, FIRST, FIRST + 1, FIRST + 1]
    assert (found.input_ids[0, len(ROW) :] == MASK).all() and found.attention_mask.all()


def test_the_loss_of_an_order_is_the_mean_over_its_copies_each_asked_alone() -> None:
    network, found = model(), copied(PERMUTATION)
    _, out = states(network, found)
    alone = []
    for asker in (len(ROW), len(ROW) + 1):
        rank = found.rank[0]
        kept = [n for n in range(1, len(ROW)) if rank[n] < found.reach[0, asker]] + [asker]
        part = Copied(**{name: array[:, kept] for name, array in vars(found).items()})
        _, each = states(network, part)
        assert torch.allclose(out[0, asker], each[0, -1], atol=1e-9)
        logits = network.cls.predictions(each[0, -1:])
        alone.append(-logits.log_softmax(dim=1)[0, found.labels[0, asker]].item())
    logits = network.cls.predictions(out[0, len(ROW) : len(ROW) + 2])
    labels = torch.from_numpy(found.labels[0, len(ROW) : len(ROW) + 2])
    assert torch.nn.functional.cross_entropy(logits, labels).item() == pytest.approx(
        np.mean(alone), abs=1e-9
    )


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"))


def options(kind: str, **changes: object) -> PretrainOptions:
    return replace(TINY, objective=kind, dropout=0.0, **changes)


@pytest.mark.parametrize("kind", [PERMUTATION, CAUSAL])
def test_packed_rows_give_what_each_sequence_alone_gives(work: Path, kind: str) -> None:
    run = start_run(work, options(kind))
    network, batch = run.model.eval(), run.batch(0)
    assert isinstance(batch, Batch) and (batch.labels[batch.alignment == 1] == IGNORED).all()

    def logits(chosen: np.ndarray) -> dict[int, torch.Tensor]:
        rows = pack_batch(batch, chosen)
        at = rows["labels"] != IGNORED
        given = {
            name: rows[name]
            for name in ("token_type_ids", "position_ids", "sequence_ids", "rank", "reach")
        }
        found = network(rows["input_ids"], predict_at=at, **given).prediction_logits
        which = rows["sequence_ids"][at]
        return {int(n): found[which == n] for n in chosen if (which == n).any()}

    with torch.inference_mode():
        together = logits(np.arange(len(batch)))
        assert len(together) >= len(batch) * 2 // 3 and {TEXT, JOINT} <= {*batch.regime}
        for sequence, expected in together.items():
            alone = logits(np.array([sequence]))[sequence]
            assert torch.allclose(alone, expected, atol=1e-5)


def test_a_mask_in_place_is_answered_as_the_copy_that_training_asked(work: Path) -> None:
    trained = toy_model([f"{verb} the pan" for verb in VERBS * 3])
    trained.network.config.objective = CAUSAL
    vocabulary, tokenizer = trained.processor.vocabulary, trained.processor.tokenizer
    words = [3, 1, 4, 1]
    (batch,) = in_batches(trained, [[]], [words[:3]], masks=1)
    asked = batch.logits(batch.last(1))[0, 0]
    ids = np.array([[2, *(vocabulary.first_visual + np.array(words)), 3]])
    special = (*tokenizer.all_special_ids, vocabulary.joiner)
    found = Copier(tokenizer.mask_token_id, special, 1.0, CAUSAL)(
        ids, np.ones_like(ids), np.ones(1, bool), np.random.default_rng(0)
    )
    types = torch.from_numpy(found.source > 0).long()
    seen = visible(torch.from_numpy(found.rank), torch.from_numpy(found.reach))[:, None]
    with torch.inference_mode():
        out = trained.network.bert(
            torch.from_numpy(found.input_ids), seen, types, torch.from_numpy(found.source)
        )[0]
        assert np.allclose(trained.network.cls.predictions(out[0, -1]).numpy(), asked, atol=1e-4)


@pytest.mark.parametrize("kind", [PERMUTATION, CAUSAL])
def test_a_model_remembers_its_order_and_answers_in_it(
    work: Path, tmp_path: Path, kind: str
) -> None:
    pretrain(work, tmp_path / "model", options(kind))
    history = read_table(tmp_path / "model" / "history.parquet").column_names
    assert {f"{kind}_{regime}_loss" for regime in REGIMES} <= set(history)
    models = load_model(tmp_path / "model"), load_to_ask(tmp_path / "model")
    found = []
    for each in models:
        assert each.network.config.objective == kind
        (_, ahead) = next(words_ahead(each, [[3, 1, 4], [2]], 2, context=4))
        found.append(ahead)
    assert np.allclose(*found, atol=1e-4)
    ask = models[1]
    if kind == PERMUTATION:
        assert predict(ask, [1, 2], asking=Asking()).guesses[0]
    else:
        with pytest.raises(InputError, match=r"from left to right.* --objective masked"):
            predict(ask, [1, 2])
        first = forecast(ask, [3, 1, 4], steps=[1], top=1)[0].guesses[0].word
        two, after = forecast(ask, [3, 1, 4], steps=[2]), forecast(ask, [3, 1, 4, first], [1])
        assert [guess.word for guess in two[0].guesses] == [g.word for g in after[0].guesses]


def test_what_hides_nothing_takes_no_masking() -> None:
    for changes in ({"masking": "runs"}, {"boundary": True}):
        with pytest.raises(InputError, match="--objective causal hides nothing: leave out"):
            options(CAUSAL, **changes)
