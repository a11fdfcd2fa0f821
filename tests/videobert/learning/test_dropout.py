from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.learning.dropout import BitDropout, _attention, bit_dropout, use_fast_dropout
from videobert.modeling_videobert import VideoBertForPreTraining


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_a_share_is_put_out_and_the_mean_is_kept(share: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    found = bit_dropout(torch.ones(1000, 401, dtype=dtype), share)
    out = found == 0
    assert out.float().mean().item() == pytest.approx(share, abs=0.003)
    assert (
        out.float().mean(dim=0).std() < 0.03 and out.float().mean(dim=1).std() < 0.03
    )  # no stripes
    assert found.dtype == dtype and found[~out].unique().tolist() == pytest.approx(
        [1 / (1 - share)], rel=0.01
    )


def test_draws_follow_from_the_seed_and_differ_from_each_other() -> None:
    numbers = torch.ones(64, 64)
    torch.manual_seed(3)
    first, second = bit_dropout(numbers, 0.5), bit_dropout(numbers, 0.5)
    torch.manual_seed(3)
    assert torch.equal(first, bit_dropout(numbers, 0.5)) and not torch.equal(first, second)


def test_the_gradient_passes_where_the_number_did() -> None:
    numbers = torch.ones(50, 50, requires_grad=True)
    found = bit_dropout(numbers, 0.3)
    found.sum().backward()
    assert torch.equal(numbers.grad, found.detach())


def test_nothing_is_put_out_when_evaluating_or_where_there_is_nothing() -> None:
    numbers = torch.randn(5, 7)
    assert torch.equal(BitDropout(0.5).eval()(numbers), numbers) and torch.equal(
        BitDropout(0.0)(numbers), numbers
    )
    assert bit_dropout(torch.empty(0, 7), 0.5).shape == (0, 7)


def test_attention_is_torchs_on_average() -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 2, 12, 8)
    mask = torch.rand(2, 1, 12, 12) < 0.6
    mask |= torch.eye(12, dtype=torch.bool)
    module = torch.nn.Module()
    expected = scaled_dot_product_attention(query, key, value, mask).transpose(1, 2)
    nearly, _ = _attention(module, query, key, value, mask, dropout=1e-9)
    assert torch.allclose(nearly, expected, atol=1e-5)
    mean = torch.stack(
        [_attention(module, query, key, value, mask, dropout=0.2)[0] for _ in range(2000)]
    ).mean(dim=0)
    assert torch.allclose(mean, expected, atol=0.1)


def test_attention_in_bf16_without_dropout_is_torchs_with_its_gradient() -> None:
    torch.manual_seed(0)
    exact = torch.randn(3, 2, 2, 12, 8, requires_grad=True)
    mask = torch.rand(2, 1, 12, 12) < 0.6
    mask |= torch.eye(12, dtype=torch.bool)
    (
        expected := scaled_dot_product_attention(*exact, mask).transpose(1, 2)
    ).square().sum().backward()
    rounded = exact.detach().bfloat16().requires_grad_()
    found, _ = _attention(torch.nn.Module(), *rounded, mask)
    found.float().square().sum().backward()
    assert found.dtype == torch.bfloat16
    assert torch.allclose(found.float(), expected, atol=0.1)
    assert exact.grad is not None and rounded.grad is not None
    assert torch.allclose(
        rounded.grad.float(), exact.grad, atol=0.1 * exact.grad.abs().max().item()
    )


def test_a_model_takes_it_everywhere_and_evaluates_as_before() -> None:
    torch.manual_seed(0)
    model = VideoBertForPreTraining(VideoBertConfig.of_size("tiny", Vocabulary(50, 9))).eval()
    ids = torch.randint(5, 60, (2, 9))
    before = model(ids).prediction_logits
    use_fast_dropout(model)
    assert torch.allclose(model(ids).prediction_logits, before, atol=1e-6)
    assert not [name for name, module in model.named_modules() if type(module) is torch.nn.Dropout]
    model.train()
    assert not torch.allclose(model(ids).prediction_logits, model(ids).prediction_logits)
