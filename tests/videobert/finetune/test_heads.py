"""Our heads answer as transformers' own classes with the same weights, in float64."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertForMultipleChoice,
    BertForNextSentencePrediction,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
)

from videobert.finetune.frozen import FrozenStates
from videobert.finetune.heads import (
    IGNORED,
    ClozeHead,
    SequenceHead,
    SpanHead,
    TokenHead,
    UnitHead,
    Where,
    sinusoids,
)

ROWS, LENGTH, CLASSES = 6, 11, 5
CONFIG = BertConfig(
    vocab_size=40,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    num_labels=CLASSES,
)
CLOSE = 1e-9


def layer_states(
    encoder: torch.nn.Module, given: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    return encoder(**given, output_hidden_states=True).hidden_states


@pytest.fixture(autouse=True)
def _in_float64() -> Iterator[None]:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def inputs(rows: int = ROWS) -> dict[str, torch.Tensor]:
    mask = torch.ones(rows, LENGTH, dtype=torch.int64)
    mask[0, -3:] = 0
    return {
        "input_ids": torch.randint(40, (rows, LENGTH)),
        "token_type_ids": torch.randint(2, (rows, LENGTH)),
        "attention_mask": mask,
    }


def everywhere(rows: int = ROWS, questions: int | None = None) -> Where:
    number = torch.arange(rows) // (rows // (questions or rows))
    return Where(number, torch.arange(LENGTH).expand(rows, -1))


def test_align_is_berts_next_sentence_prediction() -> None:
    theirs, given = BertForNextSentencePrediction(CONFIG).eval(), inputs()
    head = SequenceHead(16, 2, 0.1).eval()
    head.dense.load_state_dict(theirs.bert.pooler.dense.state_dict())
    head.classifier.load_state_dict(theirs.cls.seq_relationship.state_dict())
    truth = torch.randint(2, (ROWS,))
    expected = theirs(**given, labels=truth)
    logits = head(layer_states(theirs.bert, given)[-1], everywhere())
    torch.testing.assert_close(logits, expected.logits, atol=CLOSE, rtol=0)
    assert head.losses(logits, truth).mean().item() == pytest.approx(
        expected.loss.item(), abs=CLOSE
    )


def test_classify_is_berts_sequence_classification() -> None:
    theirs, given = BertForSequenceClassification(CONFIG).eval(), inputs()
    head = SequenceHead(16, CLASSES, 0.1).eval()
    head.dense.load_state_dict(theirs.bert.pooler.dense.state_dict())
    head.classifier.load_state_dict(theirs.classifier.state_dict())
    truth = torch.randint(CLASSES, (ROWS,))
    expected = theirs(**given, labels=truth)
    logits = head(layer_states(theirs.bert, given)[-1], everywhere())
    torch.testing.assert_close(logits, expected.logits, atol=CLOSE, rtol=0)
    assert head.losses(logits, truth).mean().item() == pytest.approx(
        expected.loss.item(), abs=CLOSE
    )


def test_tag_is_berts_token_classification() -> None:
    theirs, given = BertForTokenClassification(CONFIG).eval(), inputs()
    head = TokenHead(16, CLASSES, 0.1).eval()
    head.classifier.load_state_dict(theirs.classifier.state_dict())
    truth = torch.randint(CLASSES, (ROWS, LENGTH))
    truth[2, 4:] = IGNORED
    expected = theirs(**given, labels=truth)
    logits = head(layer_states(theirs.bert, given)[-1], everywhere())
    torch.testing.assert_close(logits, expected.logits, atol=CLOSE, rtol=0)
    assert head.losses(logits, truth).mean().item() == pytest.approx(
        expected.loss.item(), abs=CLOSE
    )


def test_find_is_berts_question_answering() -> None:
    theirs = BertForQuestionAnswering(BertConfig(**{**CONFIG.to_dict(), "num_labels": 2})).eval()
    head, given = SpanHead(16, 0.1).eval(), inputs()
    head.outputs.load_state_dict(theirs.qa_outputs.state_dict())
    truth = torch.randint(LENGTH, (ROWS, 2))
    expected = theirs(**given, start_positions=truth[:, 0], end_positions=truth[:, 1])
    logits = head(layer_states(theirs.bert, given)[-1], everywhere())
    torch.testing.assert_close(logits[..., 0], expected.start_logits, atol=CLOSE, rtol=0)
    torch.testing.assert_close(logits[..., 1], expected.end_logits, atol=CLOSE, rtol=0)
    assert head.losses(logits, truth).mean().item() == pytest.approx(
        expected.loss.item(), abs=CLOSE
    )


def test_choose_is_berts_multiple_choice() -> None:
    theirs, given = BertForMultipleChoice(CONFIG).eval(), inputs()
    head = SequenceHead(16, 1, 0.1, choices=True).eval()
    head.dense.load_state_dict(theirs.bert.pooler.dense.state_dict())
    head.classifier.load_state_dict(theirs.classifier.state_dict())
    truth = torch.tensor([0, 2])
    together = {name: values.view(2, 3, LENGTH) for name, values in given.items()}
    expected = theirs(**together, labels=truth)
    logits = head(layer_states(theirs.bert, given)[-1], everywhere(questions=2))
    torch.testing.assert_close(logits, expected.logits, atol=CLOSE, rtol=0)
    assert head.losses(logits, truth).mean().item() == pytest.approx(
        expected.loss.item(), abs=CLOSE
    )


def test_moments_without_layers_between_is_linear_on_each_unit() -> None:
    head, states = UnitHead(16, 0.1).eval(), torch.randn(ROWS, LENGTH, 16)
    where = Where(torch.arange(ROWS), torch.tensor([[0, 3, 7]] * ROWS))
    expected = states[:, [0, 3, 7]] @ head.output.weight[0] + head.output.bias
    torch.testing.assert_close(head(states, where), expected, atol=CLOSE, rtol=0)


def test_layers_between_see_other_units_and_their_order_but_no_padding() -> None:
    head, states = UnitHead(16, 0.1, between=2).eval(), torch.randn(1, LENGTH, 16)
    number = torch.zeros(1, dtype=torch.int64)
    plain = head(states, Where(number, torch.tensor([[1, 3, 7]])))
    padded = head(states, Where(number, torch.tensor([[1, 3, 7, IGNORED, IGNORED]])))
    torch.testing.assert_close(padded[:, :3], plain, atol=CLOSE, rtol=0)
    turned = head(states, Where(number, torch.tensor([[7, 3, 1]])))
    assert (turned.flip(1) - plain).abs().max() > 1e-3


def test_sinusoids_are_those_of_the_paper() -> None:
    waves = sinusoids(4, 6).numpy()
    assert waves[0].tolist() == [0, 1, 0, 1, 0, 1]
    assert waves[3, 4] == pytest.approx(np.sin(3 / 10_000 ** (4 / 6)), abs=1e-6)


@pytest.mark.parametrize("pool", ["mean", "max", "attention"])
def test_windows_of_a_question_are_pooled_before_the_classifier(pool: str) -> None:
    head, states = SequenceHead(16, CLASSES, 0.1, pool).eval(), torch.randn(5, LENGTH, 16)
    where = Where(torch.tensor([0, 0, 0, 1, 1]), torch.empty(5, 0, dtype=torch.int64))
    first = torch.tanh(head.dense(states[:, 0])).detach()
    for question, rows in enumerate(([0, 1, 2], [3, 4])):
        its = first[rows]
        if pool == "max":
            pooled = its.max(dim=0).values
        elif pool == "mean":
            pooled = its.sum(dim=0) / len(rows)
        else:
            assert head.attention is not None
            weights = np.exp((its @ head.attention.weight[0]).detach().numpy())
            pooled = torch.from_numpy(weights / weights.sum()) @ its
        torch.testing.assert_close(
            head(states, where)[question], head.classifier(pooled), atol=CLOSE, rtol=0
        )


def test_questions_with_fewer_choices_are_not_answered_by_what_is_not_there() -> None:
    head, states = SequenceHead(16, 1, 0.1, choices=True).eval(), torch.randn(5, LENGTH, 16)
    where = Where(torch.tensor([0, 0, 0, 1, 1]), torch.empty(5, 0, dtype=torch.int64))
    logits = head(states, where)
    assert logits.shape == (2, 3)
    losses = head.losses(logits, torch.tensor([0, 1]))
    alone = torch.log_softmax(logits[1, :2], dim=0)[1]
    assert losses[1].item() == pytest.approx(-alone.item(), abs=CLOSE)


def test_both_orders_of_a_pair_give_one_score_whichever_is_first() -> None:
    head, states = SequenceHead(16, 2, 0.1).eval(), torch.randn(2, LENGTH, 16)
    where = Where(torch.tensor([0, 0]), torch.empty(2, 0, dtype=torch.int64))
    assert torch.equal(head(states, where), head(states.flip(0), where))
    assert not torch.equal(head(states[[0, 0]], where), head(states, where))


def test_a_label_is_as_likely_as_its_pieces_at_the_masks() -> None:
    """Labels of one, two and one pieces: the first and last are read in the row of one mask."""
    head = ClozeHead([[3], [1, 2], [0]])
    words = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.5, 0.25, 2.0, 1.0]]).expand(2, 2, 4).clone()
    words[1] += torch.arange(4)
    where = Where(torch.tensor([0, 0]), torch.tensor([[2, IGNORED], [2, 3]]))
    (logits,) = head(words, where).tolist()
    one, (first, second) = words[0, 0].numpy(), words[1].numpy()

    def likely(logits: np.ndarray, piece: int) -> float:
        return logits[piece] - np.log(np.exp(logits).sum())

    by_hand = [likely(one, 3), (likely(first, 1) + likely(second, 2)) / 2, likely(one, 0)]
    assert logits == pytest.approx(by_hand, abs=CLOSE)
    head.labels = [[2], [1]]  # never taught
    assert head(words, where).argmax() == 0


def test_a_unit_of_several_ids_is_read_by_their_mean() -> None:
    states = torch.tensor([[[1.0], [2.0], [6.0], [100.0]]])
    ends = torch.tensor([[1, 3, IGNORED]])
    where = Where(torch.tensor([0]), torch.tensor([[0, 1, IGNORED]]), ends)
    assert where.states(states)[0, :, 0].tolist() == [1.0, 4.0, 0.0]  # 100 is padding


@pytest.mark.parametrize("layers", [(), (3,)])
def test_means_are_kept_of_a_network_that_does_not_learn(layers: tuple[int, ...]) -> None:
    states = torch.randn(*layers, 2, 6, 4)
    ids = torch.arange(2)[:, None].expand(2, 6)
    mask = torch.tensor([[1] * 6, [1] * 4 + [0] * 2])
    given = {"input_ids": ids, "token_type_ids": 0 * ids, "attention_mask": mask}
    places = torch.tensor([[0, 1, 3], [0, 1, IGNORED]])
    where = Where(torch.arange(2), places, torch.tensor([[1, 3, 6], [1, 4, IGNORED]]))

    def of_row(alone: Mapping[str, torch.Tensor]) -> torch.Tensor:
        row, length = int(alone["input_ids"][0, 0]), alone["input_ids"].shape[1]
        return states[..., row : row + 1, :length, :]

    found, there = FrozenStates()(of_row, given, where)
    assert there.ends is None and where.ends is not None
    for row in range(2):
        for turn, place in enumerate(there.places[row].tolist()):
            if place == IGNORED:
                continue
            first, behind = int(where.places[row, turn]), int(where.ends[row, turn])
            mean = states[..., row, first:behind, :].mean(dim=-2)
            torch.testing.assert_close(found[..., row, place, :], mean)
