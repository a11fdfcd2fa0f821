"""A model's folder: where its network goes, and what is said of one that is damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from tests.toys.codebook import toy_codebook
from tests.toys.model import toy_model
from videobert.loading import load_model
from workfolder.errors import InputError
from workfolder.files import write_json


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, model = tmp_path_factory.mktemp("model"), toy_model(["cut the onion"] * 2)
    model.network.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


def test_the_network_goes_where_it_answers_fastest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_model(folder).network.device == (
        torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    )
    monkeypatch.setattr(
        torch.accelerator, "current_accelerator", lambda check_available: torch.device("meta")
    )
    assert load_model(folder).network.device == torch.device("meta")


@pytest.mark.parametrize("noted", [{}, {"examples": {}}, None])
def test_a_model_has_the_codebook_it_learnt_with_as_far_as_it_notes(
    folder: Path, tmp_path: Path, noted: dict[str, object] | None
) -> None:
    mine = tmp_path / "model"
    shutil.copytree(folder, mine)
    if noted is not None:
        write_json(noted, mine / "options.json")
    digest = load_model(mine).processor.codebook.digest
    write_json({"examples": {"codebook": digest}}, mine / "options.json")
    load_model(mine)
    toy_codebook(seed=1).save(mine / "codebook")
    with pytest.raises(InputError, match=rf"^{mine} was made with another codebook: copy"):
        load_model(mine)


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


@pytest.mark.parametrize(
    ("file", "content"), [("config.json", "[]"), ("tokenizer_config.json", None)]
)
def test_a_tokenizer_that_is_not_whole_is_refused_by_name(
    folder: Path, tmp_path: Path, file: str, content: str | None
) -> None:
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / file).unlink()
    if content is not None:
        (tmp_path / "model" / file).write_text(content)
    with pytest.raises(
        InputError, match=f"^{tmp_path / 'model'} has no tokenizer that can be read"
    ):
        load_model(tmp_path / "model")


@pytest.mark.parametrize(
    "spoil", [lambda weights: None, lambda weights: weights * np.float32("nan")]
)
def test_weights_that_are_missing_or_no_numbers_are_refused(
    folder: Path, tmp_path: Path, spoil: Callable[[np.ndarray], np.ndarray | None]
) -> None:
    mine = tmp_path / "model"
    shutil.copytree(folder, mine)
    found = load_file(mine / "model.safetensors")
    name = next(name for name in found if "encoder.layer.0" in name)
    spoilt = spoil(found.pop(name))
    save_file(
        found if spoilt is None else {**found, name: spoilt},
        mine / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(InputError, match="weights are missing or no finite numbers"):
        load_model(mine)
