"""Models on the Hub of Hugging Face: fetched, and put there.

A model is fetched into the Hub's cache, which goes on where a download was cut off. What is put
there is the model's folder without what only this machine needs or should know.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TypeVar

import pyarrow as pa

from tokenization.codebook import CODEBOOK_FOLDER, PICTURES_FILE
from videobert.loading import load_to_ask
from workfolder.errors import InputError
from workfolder.files import read_json, read_table, table_bytes, write_folder

NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
NOT_FETCHED = ["*.py", "*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "tensorboard/*"]
"""What no verb reads; some of it could run."""
NOT_PUT = ("tensorboard",)
"""Its files name the machine."""
BANK, CARD = "bank", "README.md"
MODEL = "model"
"""What the Hub calls a repository of this kind."""
RETRY = "the same command goes on from there"

Value = TypeVar("Value")


@dataclass(frozen=True)
class Pushed:
    """What was put on the Hub.

    Attributes:
        url: where it is.
        files: how many.
        bytes: how large they are.
    """

    url: str
    files: int
    bytes: int


def is_hub_name(given: str | Path) -> bool:
    """Whether OWNER/NAME is meant, not a folder: none of that name is here, nor a folder OWNER."""
    path = Path(given)
    return bool(NAME.fullmatch(str(given))) and not path.exists() and not path.parent.exists()


def fetch_model(name: str, revision: str | None = None) -> Path:
    """Fetch a model from the Hub, or find it in the Hub's cache.

    Args:
        name: OWNER/NAME.
        revision: a branch, a tag or a commit; None is the newest.

    Returns:
        Its folder, which must not be written to.

    Raises:
        InputError: if it cannot be had, or is no VideoBERT.
    """
    from huggingface_hub import snapshot_download

    folder = _asked(
        name,
        f"could not be fetched; {RETRY}",
        lambda: snapshot_download(name, revision=revision, ignore_patterns=NOT_FETCHED),
    )
    load_to_ask(Path(folder))
    return Path(folder)


def pull(name: str, out: Path, revision: str | None = None) -> None:
    """Write a model of the Hub to a folder, whole or not at all.

    Raises:
        InputError: if it cannot be had, or ``out`` is there.
    """
    if out.exists():
        raise InputError(f"{out} is there already: give another --out, or remove it")
    there = fetch_model(name, revision)
    with write_folder(out) as part:
        shutil.copytree(there, part, dirs_exist_ok=True)  # the cache has links, a copy has files
        load_to_ask(part)


def push(
    model: Path, name: str, licence: str, public: bool = False, training_data: bool = True
) -> Pushed:
    """Put a model on the Hub, in one commit.

    Args:
        model: its folder.
        name: OWNER/NAME.
        licence: as the Hub names it, such as ``apache-2.0`` or ``other``.
        public: whether everybody may read it, where the Hub has nothing of that name yet.
        training_data: whether what it remembers of its training goes with it: sentences in bank/,
            and frames in the codebook's pictures.

    Raises:
        InputError: if it is no whole model, or the Hub refuses it.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    if not NAME.fullmatch(name):
        raise InputError(f"{name} is no name on the Hub: give OWNER/NAME")
    load_to_ask(model)
    parts = dict(_parts(model, name, licence, training_data))
    operations = [CommitOperationAdd(path, content) for path, content in parts.items()]
    sizes = [
        len(each) if isinstance(each, bytes) else each.stat().st_size for each in parts.values()
    ]
    api = HfApi()

    def put() -> str:
        url = api.create_repo(name, repo_type=MODEL, private=not public, exist_ok=True)
        api.create_commit(name, operations, commit_message="A VideoBERT", repo_type=MODEL)
        return str(url)

    url = _asked(name, "could not be put on the Hub", put)
    return Pushed(url, len(operations), sum(sizes))


def _parts(
    model: Path, name: str, licence: str, training_data: bool
) -> Iterator[tuple[str, bytes | Path]]:
    """Yield what is put on the Hub: the path there, and the content or the file that has it."""
    for path in sorted(model.rglob("*")):
        below = path.relative_to(model)
        left_out = NOT_PUT if training_data else (*NOT_PUT, BANK)
        if path.is_dir() or below.parts[0] in left_out or below.name.startswith("."):
            continue
        if below.as_posix() == CARD:
            yield CARD, _card(path, name, licence)
        elif below.suffix == ".json" and "options" in below.stem:
            yield below.as_posix(), _without_places(path)
        elif below.as_posix() == f"{CODEBOOK_FOLDER}/{PICTURES_FILE}" and not training_data:
            yield below.as_posix(), _without_frames(path)
        else:
            yield below.as_posix(), path


def _card(path: Path, name: str, licence: str) -> bytes:
    """Return a model's card with its name and its licence."""
    from huggingface_hub import ModelCard

    card = ModelCard.load(path)
    card.data.license = licence
    if card.data.eval_results:
        card.data.model_name = name
    return str(card).encode()


def _without_places(path: Path) -> bytes:
    """Return a JSON file in which absolute paths are names: they tell of the machine."""

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: told(each) for key, each in value.items()}
        if isinstance(value, list):
            return [told(each) for each in value]
        is_place = isinstance(value, str) and PurePath(value).is_absolute()
        return PurePath(value).name if is_place else value

    return (json.dumps(told(read_json(path)), indent=2, ensure_ascii=False) + "\n").encode()


def _without_frames(path: Path) -> bytes:
    """Return the table of the codebook's pictures without the pictures."""
    table = read_table(path)
    place = table.schema.get_field_index("jpeg")
    empty = pa.nulls(table.num_rows, table.schema.field(place).type)
    return table_bytes(table.set_column(place, table.schema.field(place), empty))


def _asked(name: str, failure: str, ask: Callable[[], Value]) -> Value:
    """Ask the Hub.

    Raises:
        InputError: if it fails; the message has no address and no token.
    """
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return ask()
    except GatedRepoError as error:
        raise InputError(
            f"{name} is gated: ask for access on the Hub, then hf auth login"
        ) from error
    except RevisionNotFoundError as error:
        raise InputError(f"{name} has no such revision on the Hub") from error
    except RepositoryNotFoundError as error:
        raise InputError(
            f"{name} is neither a folder here nor a model on the Hub that you may use: give the "
            "folder that videobert pretrain wrote, or OWNER/NAME; hf auth login if it is private"
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        login = ": hf auth login, with a token that may write" if status in (401, 403) else ""
        raise InputError(f"{name} {failure} (the Hub answered {status}){login}") from error
    except HFValidationError as error:
        raise InputError(f"{name} is no name on the Hub: give OWNER/NAME") from error
    except LocalEntryNotFoundError as error:
        raise InputError(f"{name} {failure} (the Hub cannot be reached)") from error
    except Exception as error:  # whatever its client raises
        raise InputError(f"{name} {failure} ({type(error).__name__})") from error
