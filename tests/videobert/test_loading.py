"""A model's folder: where its network goes, and what is said of one that is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from feature_extraction.errors import InputError
from tests.videobert.toy import toy_model
from videobert.loading import load_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, model = tmp_path_factory.mktemp("model"), toy_model(["cut the onion"] * 2)
    model.network.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


def test_the_network_goes_where_it_answers_fastest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_model(folder).network.device == (
        torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    )
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: torch.device("meta"))
    assert load_model(folder).network.device == torch.device("meta")


@pytest.mark.parametrize("kept", [0, 5, 1000])
def test_torn_weights_are_refused_by_name(folder: Path, kept: int) -> None:
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:kept])
    try:
        with pytest.raises(InputError, match=rf"{folder} holds a model that cannot be read"):
            load_model(folder)
    finally:
        weights.write_bytes(whole)
