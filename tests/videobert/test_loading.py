"""A model's folder: where its network goes, and what is said of one that is damaged."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from tests.toys.codebook import toy_codebook
from tests.toys.model import toy_model
from videobert import loading, plain_network
from videobert.loading import TrainedModel, load_model, load_to_ask
from videobert.plain_network import is_plain
from workfolder.digests import write_digests
from workfolder.errors import InputError
from workfolder.files import write_json

Load = Callable[[Path], TrainedModel]


@pytest.fixture(params=[load_model, load_to_ask])
def load(request: pytest.FixtureRequest) -> Load:
    return request.param


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, model = tmp_path_factory.mktemp("model"), toy_model(["cut the onion"] * 2)
    model.network.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


def test_the_network_goes_where_it_answers_fastest(
    load: Load, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = load is load_to_ask and not plain_network.may_have_gpu()
    here = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    assert load(folder).network.device == (None if small else here)
    monkeypatch.setattr(plain_network, "may_have_gpu", lambda: True)
    monkeypatch.setattr(
        torch.accelerator, "current_accelerator", lambda check_available: torch.device("meta")
    )
    assert load(folder).network.device == torch.device("meta")


@pytest.mark.parametrize("noted", [{}, {"examples": {}}, None])
def test_a_model_has_the_codebook_it_learnt_with_as_far_as_it_notes(
    load: Load, folder: Path, tmp_path: Path, noted: dict[str, object] | None
) -> None:
    mine = tmp_path / "model"
    shutil.copytree(folder, mine)
    if noted is not None:
        write_json(noted, mine / "options.json")
    digest = load(mine).processor.codebook.digest
    write_json({"examples": {"codebook": digest}}, mine / "options.json")
    load(mine)
    toy_codebook(seed=1).save(mine / "codebook")
    with pytest.raises(InputError, match=rf"^{mine} was made with another codebook: copy"):
        load(mine)


@pytest.mark.parametrize("kept", [0, 5, 1000])
def test_torn_weights_are_refused_by_name(load: Load, folder: Path, kept: int) -> None:
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:kept])
    try:
        with pytest.raises(InputError, match=rf"{folder} holds a model that cannot be read"):
            load(folder)
    finally:
        weights.write_bytes(whole)


@pytest.mark.parametrize(
    ("file", "content"), [("tokenizer.json", "[]"), ("tokenizer_config.json", None)]
)
def test_a_tokenizer_that_is_not_whole_is_refused_by_name(
    load: Load, folder: Path, tmp_path: Path, file: str, content: str | None
) -> None:
    shutil.copytree(folder, tmp_path / "model")
    (tmp_path / "model" / file).unlink()
    if content is not None:
        (tmp_path / "model" / file).write_text(content)
    with pytest.raises(
        InputError, match=f"^{tmp_path / 'model'} has no tokenizer that can be read"
    ):
        load(tmp_path / "model")


@pytest.mark.parametrize(
    "spoil", [lambda weights: None, lambda weights: weights * np.float32("nan")]
)
def test_weights_that_are_missing_or_no_numbers_are_refused(
    load: Load, folder: Path, tmp_path: Path, spoil: Callable[[np.ndarray], np.ndarray | None]
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
        load(mine)


def test_a_flipped_bit_is_found_by_the_digests(load: Load, folder: Path, tmp_path: Path) -> None:
    mine = Path(shutil.copytree(folder, tmp_path / "model"))
    write_digests(mine)
    load(mine)
    weights = mine / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1  # still a finite number
    weights.write_bytes(content)
    with pytest.raises(InputError, match=f"^{weights} is not as it was written: copy the whole"):
        load(mine)
    (mine / "digests.json").unlink()  # as in a folder that save_pretrained made
    load(mine)


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
    load: Load, folder: Path, tmp_path: Path, missing: str, said: str
) -> None:
    mine = Path(shutil.copytree(folder, tmp_path / "model"))
    (mine / missing).rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=re.escape(f"{mine} {said}")):
        load(mine)


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
    load: Load, tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    make(tmp_path / "given")
    with pytest.raises(InputError, match=f"^{tmp_path / 'given'} .*{said}") as error:
        load(tmp_path / "given")
    assert "\n" not in str(error.value)


def test_a_damaged_config_is_one_line(load: Load, folder: Path, tmp_path: Path) -> None:
    mine = Path(shutil.copytree(folder, tmp_path / "model"))
    (mine / "config.json").write_text("{")
    with pytest.raises(InputError, match=f"^{mine / 'config.json'} cannot be read"):
        load(mine)


@pytest.mark.parametrize(
    "change", [{"hidden_act": "relu"}, {"text_size": None}, {"is_decoder": True}]
)
def test_a_network_that_is_not_plain_is_left_to_transformers(
    folder: Path, change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert is_plain(folder, config)
    changed = {name: value for name, value in {**config, **change}.items() if value is not None}
    assert not is_plain(folder, changed)
    monkeypatch.setattr(loading, "is_plain", lambda *_: False)
    assert isinstance(load_to_ask(folder).network, torch.nn.Module)


def test_asking_imports_no_transformers(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from videobert.loading import load_to_ask;"
        "from videobert.answers.zero_shot import predict;"
        f"print(predict(load_to_ask(Path({str(folder)!r})), [1], ['cut the [MASK]']).guesses[0][0].word);"
        "assert 'transformers' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip(), done.stderr
