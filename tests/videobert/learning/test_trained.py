"""What is chosen learns, and nothing else changes a bit."""

from __future__ import annotations

import pytest
import torch
from transformers import AlbertConfig, AlbertModel

from tokenization.vocabulary import Vocabulary
from videobert.configuration_videobert import VideoBertConfig
from videobert.learning.choices import refuse_unknown_choice
from videobert.learning.optimizer import MasterOptimizer
from videobert.learning.trained import choose_trained
from videobert.modeling_videobert import VideoBertForPreTraining
from workfolder.errors import InputError

ABOVE = {"bert.pooler", "cls.predictions", "cls.seq_relationship"}


def changed(what: str) -> set[str]:
    """The names of the weights that a step changes."""
    torch.manual_seed(0)
    model = VideoBertForPreTraining(VideoBertConfig.of_size("tiny", Vocabulary(40, 9)))
    choose_trained(model, what)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    optimizer = MasterOptimizer(model, 1e-2, 0.1)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight) if weight.requires_grad else None
    optimizer.step(1.0)
    return {name for name, weight in model.named_parameters() if not weight.equal(before[name])}


def test_top_layers_learn_with_the_heads_above_them() -> None:
    every = changed("all")
    assert len(every) > 30
    assert changed("top:2") == {name for name in every if ".embeddings." not in name}
    below = changed("top:0")
    assert {".".join(name.split(".")[:2]) for name in below} == ABOVE
    assert changed("top:1") == below | {name for name in every if ".layer.1." in name}


def test_norms_learn_alone() -> None:
    names = changed("norms")
    assert names == {name for name in changed("all") if "LayerNorm" in name} and len(names) == 12


@pytest.mark.parametrize("what", ["some", "top", "top:", "top:-1", "top:1.5", "norm"])
def test_another_choice_is_refused(what: str) -> None:
    with pytest.raises(InputError, match="give all, top:N or norms"):
        refuse_unknown_choice(what)


def test_more_layers_than_there_are_is_refused() -> None:
    with pytest.raises(InputError, match="--train top:3: the model has 2 layers, give top:2"):
        changed("top:3")


def test_layers_that_share_weights_have_no_top() -> None:
    config = AlbertConfig(
        vocab_size=9, embedding_size=8, hidden_size=8, num_attention_heads=2, intermediate_size=8
    )
    with pytest.raises(InputError, match="--train top:1: all layers of this model share weights"):
        choose_trained(AlbertModel(config), "top:1")
