"""A model goes to a server of the Hub's API and comes back; commands run as a user runs them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from tests.toys.hub_server import Hub, ask_hub, hub_server
from tests.toys.model import captioning_model, with_bank
from videobert.hub import is_hub_name
from videobert.loading import COPY
from videobert.pretraining.model_card import model_card
from workfolder.digests import write_digests
from workfolder.files import write_json

ROOT = Path(__file__).resolve().parents[2]
NAME = "kitchen/red"
SAID = ("imagine", "now let me show you how to boil the egg", "--json")

Ask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kitchen") / "model"
    trained = with_bank(captioning_model())
    trained.network.save_pretrained(folder)
    trained.processor.save_pretrained(folder)
    assert trained.bank
    trained.bank.save(folder)
    write_digests(folder)
    made_with = {"init": "bert-base-uncased", "videos": 4, "replay": str(folder / "earlier")}
    write_json({**made_with, "examples": {}}, folder / "options.json")
    found = {"step": 40, "validation_text_loss": 2.5}
    card = model_card(made_with, trained.network.config, found)
    (folder / "README.md").write_text(card, encoding="utf-8")
    (folder / "tensorboard").mkdir()
    (folder / "tensorboard" / "events.out.tfevents.1.somehost").write_text("x")
    return folder


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as running:
        yield running


@pytest.fixture
def ask(hub: Hub, tmp_path: Path) -> Ask:
    """Run Python with the server as its Hub."""
    return partial(ask_hub, hub, tmp_path)


def below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


LOADED = """
import sys
from videobert import VideoBertModel
from transformers import AutoModel
network, found = AutoModel.from_pretrained(
    sys.argv[1], trust_remote_code=False, output_loading_info=True)
assert isinstance(network, VideoBertModel) and not found["missing_keys"], found
"""


def test_a_model_goes_there_and_back(model: Path, hub: Hub, ask: Ask, tmp_path: Path) -> None:
    done = ask("-m", "videobert", "push", model, NAME, "--license", "apache-2.0")
    assert done.returncode == 0, done.stderr
    files = hub.repositories[NAME]
    assert files.keys() == {name for name in below(model) if not name.startswith("tensorboard/")}
    assert hub.visibility[NAME] == "private" and "--no-training-data" in done.stdout
    card = ModelCard(files["README.md"].decode()).data
    assert (card.license, card.base_model) == ("apache-2.0", "bert-base-uncased")
    assert card.model_name == NAME and card.eval_results[0].metric_value == 2.5
    assert json.loads(files["options.json"])["replay"] == "earlier"
    assert not any(str(model.parent).encode() in content for content in files.values())
    near, far = (ask("-m", "videobert", *SAID, "--model", at) for at in (model, NAME))
    assert near.returncode == 0 and near.stdout == far.stdout, far.stderr
    out = tmp_path / "out" / "model"
    assert ask("-m", "videobert", "pull", NAME, "--out", out).returncode == 0
    assert below(out) == files.keys()
    assert all((out / name).read_bytes() == content for name, content in files.items())
    assert not any(path.is_symlink() for path in out.rglob("*"))
    assert ask("-m", "videobert", "pull", NAME, "--out", out).returncode == 2
    done = ask("-c", LOADED, NAME)
    assert done.returncode == 0, done.stderr


def test_training_data_can_stay_at_home(model: Path, hub: Hub, ask: Ask) -> None:
    done = ask("-m", "videobert", "push", model, NAME, "--public", "--no-training-data", "--json")
    assert done.returncode == 0, done.stderr
    files = hub.repositories[NAME]
    assert json.loads(done.stdout)["files"] == len(files) and hub.visibility[NAME] == "public"
    assert not any(name.startswith("bank/") for name in files)
    done = ask("-m", "videobert", *SAID, "--model", NAME, token=None)
    assert done.returncode == 0, done.stderr


def test_a_torn_download_goes_on_and_never_becomes_a_model(
    model: Path, hub: Hub, ask: Ask, tmp_path: Path
) -> None:
    assert ask("-m", "videobert", "push", model, NAME).returncode == 0
    out = tmp_path / "out"
    hub.cuts["model.safetensors"] = 10**6
    done = ask("-m", "videobert", "pull", NAME, "--out", out)
    assert done.returncode == 2 and "could not be fetched" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not out.exists()
    hub.cuts["model.safetensors"] = 1
    done = ask("-m", "videobert", "pull", NAME, "--out", out)
    assert done.returncode == 0, done.stderr
    assert (out / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()
    rotten = bytearray(hub.repositories[NAME]["model.safetensors"])
    rotten[-1] ^= 1
    hub.repositories[NAME]["model.safetensors"] = bytes(rotten)
    done = ask("-m", "videobert", "pull", NAME, "--out", tmp_path / "rotten")
    assert (
        done.returncode == 2 and "is not as it was written" in done.stderr and COPY in done.stderr
    )
    assert not (tmp_path / "rotten").exists()


def test_what_cannot_be_had_is_a_line(model: Path, hub: Hub, ask: Ask, tmp_path: Path) -> None:
    done = ask("-m", "videobert", *SAID, "--model", "nobody/nothing")
    assert done.returncode == 2 and "neither a folder here nor a model on the Hub" in done.stderr
    done = ask("-m", "videobert", "push", model, NAME, token=None)
    assert done.returncode == 2 and "hf auth login" in done.stderr and not hub.repositories
    done = ask("-m", "videobert", "finetune", "caption", "--model", NAME, "--work", tmp_path)
    assert done.returncode == 2 and f"videobert pull {NAME} --out MODEL first" in done.stderr
    done = ask("-m", "videobert", "push", tmp_path, NAME)
    assert done.returncode == 2 and "holds no model" in done.stderr


@pytest.mark.parametrize(
    ("given", "is_name"),
    [("nobody/nothing", True), ("a/b/c", False), ("/a/b", False), ("b", False), ("tests/x", False)],
)
def test_a_folder_is_never_taken_for_a_name(
    given: str, is_name: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert is_hub_name(given) == is_name
