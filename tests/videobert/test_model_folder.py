"""A model's folder, as transformers and another machine see it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    AutoProcessor,
)

import videobert
from tests.toys.street import Street
from videobert.learning.dropout import ATTENTION
from videobert.loading import load_model

AUTO = (AutoModel, AutoModelForMaskedLM, AutoModelForPreTraining, AutoConfig, AutoProcessor)
NAMES = [
    "VideoBertModel",
    "VideoBertForMaskedLM",
    "VideoBertForPreTraining",
    "VideoBertConfig",
    "VideoBertProcessor",
]
STRANGER = """
import json, os, sys, torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoModelForPreTraining, AutoProcessor
import videobert
AUTO = (AutoModel, AutoModelForMaskedLM, AutoModelForPreTraining, AutoConfig, AutoProcessor)
model, answers = sys.argv[1:]
torch.set_num_threads(1)
for name in videobert.__all__:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    getattr(videobert, name)
    made = [auto.from_pretrained(model) for auto in AUTO]
    inputs = made[-1](["now we [MASK] the square"], [[1, 2, 3]], max_length=32)
    with torch.inference_mode():
        save_file({"hidden": made[0](**inputs)[0], "words": made[1](**inputs)[0], "all": made[2](**inputs)[0]}, answers)
    print(json.dumps([name, [type(thing).__name__ for thing in made]]), flush=True)
    os._exit(0)
"""
"""In a fresh process for each name of the package: use it, then load all of a folder by transformers' Auto classes."""


def answers_of(folder: Path) -> dict[str, torch.Tensor]:
    processor = AutoProcessor.from_pretrained(folder)
    inputs = processor(["now we [MASK] the square"], [[1, 2, 3]], max_length=32)
    with torch.inference_mode():
        found = {
            name: auto.from_pretrained(folder).eval()(**inputs)[0]
            for name, auto in zip(("hidden", "words", "all"), AUTO, strict=False)
        }
    return found


@pytest.fixture(autouse=True)
def registered() -> None:
    for name in videobert.__all__:
        getattr(videobert, name)


def test_one_folder_is_every_class_by_the_auto_classes(street: Street) -> None:
    assert [type(auto.from_pretrained(street.model)).__name__ for auto in AUTO] == NAMES


def test_it_is_safetensors_and_json_alone(street: Street) -> None:
    suffixes = {
        path.suffix
        for path in street.model.rglob("*")
        if path.is_file() and path.parent.name != "tensorboard"
    }
    assert suffixes == {".safetensors", ".json", ".parquet", ".png", ".md"}
    weights = load_file(street.model / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    assert ATTENTION not in (street.model / "config.json").read_text()


def test_saved_again_each_class_says_the_same(street: Street, tmp_path: Path) -> None:
    before = answers_of(street.model)
    for auto, name in zip(AUTO[:3], ("hidden", "words", "all"), strict=True):
        folder = tmp_path / name
        auto.from_pretrained(street.model).save_pretrained(folder)
        AutoProcessor.from_pretrained(street.model).save_pretrained(folder)
        inputs = AutoProcessor.from_pretrained(folder)(
            ["now we [MASK] the square"], [[1, 2, 3]], max_length=32
        )
        with torch.inference_mode():
            assert torch.equal(auto.from_pretrained(folder).eval()(**inputs)[0], before[name])


def test_a_stranger_who_uses_any_name_gets_the_same_numbers_from_a_moved_folder(
    street: Street, tmp_path: Path
) -> None:
    shutil.copytree(street.model, tmp_path / "elsewhere")
    command = [
        sys.executable,
        "-c",
        STRANGER,
        str(tmp_path / "elsewhere"),
        str(tmp_path / "answers"),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    found = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert [json.loads(line) for line in found.stdout.splitlines()] == [
        [name, NAMES] for name in videobert.__all__
    ], found.stderr[-300:]
    for name, answer in load_file(tmp_path / "answers").items():
        assert torch.allclose(answer, answers_of(street.model)[name], atol=1e-5)


def test_importing_the_package_imports_no_torch() -> None:
    script = "import sys, videobert, videobert.cli.main; assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0


def test_load_model_gives_what_the_auto_classes_give(street: Street) -> None:
    trained = load_model(street.model)
    inputs = trained.processor(["now we [MASK] the square"], [[1, 2, 3]], max_length=32)
    with torch.inference_mode():
        assert torch.equal(
            trained.network(**inputs).prediction_logits, answers_of(street.model)["all"]
        )
