"""A model's folder: where its network goes, and what is said of one that is damaged."""

from __future__ import annotations

import re
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
from workfolder.digests import write_digests
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
    ("file", "content"), [("tokenizer.json", "[]"), ("tokenizer_config.json", None)]
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
    with pytest.raises(InputError, match="weights are missing or not finite"):
        load_model(mine)


def test_a_flipped_bit_is_found_by_the_digests(folder: Path, tmp_path: Path) -> None:
    mine = Path(shutil.copytree(folder, tmp_path / "model"))
    write_digests(mine)
    load_model(mine)
    weights = mine / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1  # still a finite number
    weights.write_bytes(content)
    with pytest.raises(InputError, match=f"^{weights} is not as it was written: copy the whole"):
        load_model(mine)
    (mine / "digests.json").unlink()  # as in a folder that save_pretrained made
    load_model(mine)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("config.json", "holds no model, as it has no config.json: copy the whole folder"),
        ("model.safetensors", "is not whole, it has no model*.safetensors: copy the whole folder"),
        ("tokenizer.json", "is not whole, it has no tokenizer.json: copy the whole folder"),
        ("codebook", "is not whole, it has no codebook: copy the whole folder"),
    ],
)
def test_a_half_copied_folder_names_what_is_missing(
    folder: Path, tmp_path: Path, missing: str, said: str
) -> None:
    mine = Path(shutil.copytree(folder, tmp_path / "model"))
    (mine / missing).rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=re.escape(f"{mine} {said}")):
        load_model(mine)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b"video"), "is a file, .* it seems to be swapped with the"),
        (lambda path: path.mkdir(), "holds no model: make one with videobert pretrain --out"),
        (lambda path: None, "holds no model: make one with videobert pretrain --out"),
        (lambda path: (path / "tokens").mkdir(parents=True), "is a work folder and holds no model"),
        (lambda path: write_json({"model_type": "bert"}, path / "config.json"), "kind 'bert', not"),
        (lambda path: write_json({"layers": 2}, path / "config.json"), "something else, not a Vid"),
        (lambda path: write_json([], path / "config.json"), "holds something else, not a VideoBE"),
    ],
)
def test_what_is_not_a_models_folder_is_refused_by_what_it_is(
    tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    make(tmp_path / "given")
    with pytest.raises(InputError, match=f"^{tmp_path / 'given'} .*{said}") as error:
        load_model(tmp_path / "given")
    assert "\n" not in str(error.value)


def test_a_damaged_config_is_one_line(folder: Path, tmp_path: Path) -> None:
    mine = Path(shutil.copytree(folder, tmp_path / "model"))
    (mine / "config.json").write_text("{")
    with pytest.raises(InputError, match=f"^{mine / 'config.json'} cannot be read"):
        load_model(mine)
