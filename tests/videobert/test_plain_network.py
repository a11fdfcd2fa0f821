"""The network in plain arrays says what transformers' says, to the bit or nearly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.toys.model import toy_model
from videobert import plain_network
from videobert.loading import TrainedModel, load_model, load_to_ask
from videobert.plain_network import PlainVideoBert

SENTENCES = ["cut the [MASK]", "", "cut", "Cut THE onion, now! [>] café 口"]
VISUAL = [[0, 8], [3], [], [1, 2, 3, 4]]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainedModel, TrainedModel]:
    folder, model = tmp_path_factory.mktemp("model"), toy_model(["cut the onion"] * 2)
    with torch.no_grad():  # a new network's biases are all zero
        for weights in model.network.parameters():
            weights += 0.1 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(0))
    model.network.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return load_to_ask(folder), load_model(folder)


@pytest.mark.parametrize("small", [True, False], ids=["numpy", "torch"])
@torch.no_grad()
def test_it_answers_as_the_other(
    both: tuple[TrainedModel, TrainedModel],
    small: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain, full = both
    if not small:
        monkeypatch.setattr(plain_network, "SMALL", 0)
        full.network.save_pretrained(tmp_path)
        full.processor.save_pretrained(tmp_path)
        plain = load_to_ask(tmp_path)
    as_read = np.asarray if small else torch.from_numpy
    assert isinstance(plain.network, PlainVideoBert)
    arrays, same = (model.processor(SENTENCES, VISUAL, 32) for model in (plain, full))
    assert all(torch.equal(arrays[name], same[name]) for name in same)
    inputs = {name: as_read(array.numpy()) for name, array in arrays.items()}
    found, expected = plain.network(**inputs), full.network(**same)
    seen = same["attention_mask"].bool().numpy()
    for name, where in (("prediction_logits", seen), ("alignment_logits", slice(None))):
        one, other = np.asarray(getattr(found, name)), getattr(expected, name).numpy()
        assert other[where].std() > 0.1 and one[where] == pytest.approx(other[where], abs=1e-4)
    layers = full.network.config.num_hidden_layers
    every, others = plain.network.states(**inputs), full.network.states(**same)
    assert len(every) == len(others) == layers + 1
    for mine, other in zip(every, others, strict=True):
        assert np.asarray(mine)[seen] == pytest.approx(other.numpy()[seen], abs=1e-4)
    last = np.asarray(plain.network.encode(**inputs))
    assert last[seen] == pytest.approx(np.asarray(every[-1])[seen])
    masked = (same["input_ids"] == plain.processor.tokenizer.mask_token_id).numpy()
    at = np.asarray(plain.network(**inputs, predict_at=as_read(masked)).prediction_logits)
    assert at.shape == (1, plain.network.config.vocab_size)
    assert at == pytest.approx(expected.prediction_logits.numpy()[masked], abs=1e-4)


def test_its_tokenizer_has_the_same_signs(both: tuple[TrainedModel, TrainedModel]) -> None:
    plain, full = (model.processor.tokenizer for model in both)
    assert len(plain) == len(full) and plain.get_added_vocab() == full.get_added_vocab()
    for kind in ("pad", "unk", "cls", "sep", "mask"):
        assert getattr(plain, f"{kind}_token_id") == getattr(full, f"{kind}_token_id")
    assert set(plain.all_special_ids) == set(full.all_special_ids)
    ids = list(range(len(full)))
    assert plain.convert_ids_to_tokens(ids) == full.convert_ids_to_tokens(ids)
    assert plain.convert_ids_to_tokens(3) == full.convert_ids_to_tokens(3)
    for text in SENTENCES:
        (one,) = plain([text])["input_ids"]
        assert one == full([text])["input_ids"][0]
        for skip in (False, True):
            assert plain.decode(one, skip_special_tokens=skip) == full.decode(
                one, skip_special_tokens=skip
            )


def test_the_vocabulary_is_the_same(both: tuple[TrainedModel, TrainedModel]) -> None:
    plain, full = both
    assert plain.processor.vocabulary == full.processor.vocabulary
    assert plain.network.config.vocabulary == full.network.config.vocabulary


def test_tensors_that_a_file_lacks_are_named(both: tuple[TrainedModel, TrainedModel]) -> None:
    network = both[0].network
    assert isinstance(network, PlainVideoBert) and not network.missing
    kept = {name: tensor for name, tensor in network.weights.items() if "layer.0" not in name}
    missing = PlainVideoBert(network.config, kept).missing
    assert len(missing) == 16 and all("layer.0" in name for name in missing)


def test_a_damaged_tokenizer_is_told(tmp_path: Path) -> None:
    from videobert.plain_tokenizer import PlainTokenizer

    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError):
        PlainTokenizer.read(tmp_path)
