"""A trained model, from its folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from safetensors import SafetensorError

from tokenization.codebook import CODEBOOK_FOLDER, Codebook
from videobert.bank import Bank
from videobert.orders import REPLACED
from videobert.plain_network import PlainVideoBert, is_plain
from videobert.processing_videobert import VideoBertProcessor
from workfolder.digests import check_digests
from workfolder.errors import InputError
from workfolder.files import read_json
from workfolder.paths import refuse_address
from workfolder.stage import OPTIONS_FILE

if TYPE_CHECKING:
    import torch

    from videobert.joint_network import JointNetwork

MODEL_TYPES = ("videobert", "videobert-encoder")
"""What the configuration of a VideoBERT calls its kind: one around a BERT, or any other encoder."""
CONFIG_FILE, WEIGHTS_FILES = "config.json", "model*.safetensors"
PARTS = (CONFIG_FILE, WEIGHTS_FILES, "tokenizer.json", CODEBOOK_FOLDER)
"""What a model's folder has at least; large models have their weights in several files."""
GENERATOR = "generator"
"""Of a model that was trained with --objective replaced: the network that fills masks."""
COPY = "copy the whole folder that videobert pretrain wrote"


@dataclass(frozen=True)
class TrainedModel:
    """A model that can be asked.

    Attributes:
        network: In evaluation mode, on the best device of the machine.
        processor: The tokenizer and the codebook that it learnt with.
        bank: What it remembers of its training; without one it is asked as the paper asks.
    """

    network: JointNetwork
    processor: VideoBertProcessor
    bank: Bank | None = None


def load_model(folder: Path, dropout: float | None = None) -> TrainedModel:
    """Read a model's folder.

    Args:
        folder: what videobert pretrain wrote.
        dropout: of hidden states and of attention; None for that of the folder.

    Raises:
        InputError: if it is something else, is not whole, has a damaged file, or has a codebook or
            tokenizer that its model did not learn with.
    """
    return _load(folder, VideoBertProcessor.from_pretrained, partial(_network, dropout=dropout))


def load_to_ask(folder: Path) -> TrainedModel:
    """Read a model's folder to ask it alone, without transformers, which takes seconds to import.

    Its network is a PlainVideoBert and its tokenizer a PlainTokenizer: they answer the same, and
    cannot be trained or saved. A folder with a network that plain_network does not know is read as
    load_model reads it.

    Raises:
        InputError: as load_model does.
    """
    _refuse_other_paths(folder)
    config = read_json(folder / CONFIG_FILE)
    if not is_plain(folder, config):
        return load_answering(folder)

    def network(folder: Path) -> JointNetwork:
        # It has all that answering asks of the other.
        return cast("JointNetwork", _plain_network(folder, config))

    return _load(folder, VideoBertProcessor.read_plain, network)


def load_answering(folder: Path) -> TrainedModel:
    """Read what fills masks: a model's folder, or its generator after --objective replaced.

    Raises:
        InputError: as load_model does; or if the model fills none and its generator is gone.
    """
    home = folder / GENERATOR
    if not home.is_dir():
        trained = load_model(folder)
        if trained.network.config.objective == REPLACED:
            raise InputError(
                f"{folder} tells which words were replaced and fills no masks, and {home}, which "
                f"does, is gone: {COPY}"
            )
        return trained
    check_digests(home, f"{COPY} again")
    return _load(folder, VideoBertProcessor.from_pretrained, lambda folder: _network(home, None))


def _load(
    folder: Path,
    read_processor: Callable[[Path], VideoBertProcessor],
    read_network: Callable[[Path], JointNetwork],
) -> TrainedModel:
    _refuse_other_paths(folder)
    check_digests(folder, f"{COPY} again")
    processor = read_processor(folder)
    network = read_network(folder)
    _refuse_another_codebook(folder, processor.codebook)
    if network.config.vocabulary != processor.vocabulary:
        raise InputError(
            f"{folder} holds a codebook or tokenizer that its model did not learn with: "
            f"{processor.vocabulary}, not {network.config.vocabulary}; {COPY}"
        )
    return TrainedModel(network, processor, Bank.load(folder))


def _refuse_other_paths(folder: Path) -> None:
    """Refuse what is not the folder of a model, and say what it is instead.

    Raises:
        InputError: if it is an address, a file, another kind of folder, or lacks one of PARTS.
    """
    refuse_address(folder)
    if folder.is_file():
        raise InputError(
            f"{folder} is a file, not a model's folder: give --model the folder that videobert "
            "pretrain wrote; it seems to be swapped with the clip"
        )
    there = {part: any(folder.glob(part)) for part in PARTS}
    if not there[CONFIG_FILE]:
        raise InputError(f"{folder} {_kind_without_config(folder)}")
    config = read_json(folder / CONFIG_FILE)
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind not in MODEL_TYPES:
        raise InputError(
            f"{folder} holds {f'a model of the kind {kind!r}' if kind else 'something else'}, not "
            "a VideoBERT: give the folder that videobert pretrain wrote"
        )
    missing = [part for part in PARTS if not there[part]]
    if missing:
        raise InputError(f"{folder} is not whole, it has no {missing[0]}: {COPY}")


def _kind_without_config(folder: Path) -> str:
    """Tell what a folder without a configuration is, and what to give instead."""
    if any((folder / stage).is_dir() for stage in ("features", "tokens", "examples")):
        return (
            f"is a work folder and holds no model: make one with videobert pretrain --work "
            f"{folder} --out MODEL, and give MODEL"
        )
    if folder.is_dir() and any(folder.iterdir()):
        return f"holds no model, as it has no {CONFIG_FILE}: {COPY}"
    return f"holds no model: make one with videobert pretrain --out {folder}"


def _network(folder: Path, dropout: float | None) -> JointNetwork:
    from videobert.networks import read_network

    try:
        network, missing = read_network(folder, dropout)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise _unreadable(folder, error) from error
    _refuse_bad_weights(folder, missing, network.parameters())
    import torch

    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    placed = network.to(device)  # type: ignore[arg-type]  # transformers hides its own types
    return cast("JointNetwork", placed)


def _plain_network(folder: Path, config: dict[str, Any]) -> PlainVideoBert:
    try:
        network = PlainVideoBert.read(folder, config)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise _unreadable(folder, error) from error
    _refuse_bad_weights(folder, network.missing, network.weights.values())
    return network.placed()


def _unreadable(folder: Path, error: Exception) -> InputError:
    reason = str(error).splitlines()[0]
    return InputError(f"{folder} holds a model that cannot be read ({reason}): make it again")


def _refuse_bad_weights(
    folder: Path, missing: Collection[str], weights: Iterable[np.ndarray | torch.Tensor]
) -> None:
    if missing or not all(_is_finite(each) for each in weights):
        raise InputError(
            f"{folder} holds a model of which weights are missing or not finite: train it again"
        )


def _is_finite(weights: np.ndarray | torch.Tensor) -> bool:
    if isinstance(weights, np.ndarray):
        return bool(np.isfinite(weights).all())
    return bool(weights.isfinite().all())


def _refuse_another_codebook(folder: Path, codebook: Codebook) -> None:
    """Refuse a folder whose codebook is not the one that its model's examples were made with.

    Raises:
        InputError: if the folder notes another one; a folder without notes passes.
    """
    noted = read_json(folder / OPTIONS_FILE) if (folder / OPTIONS_FILE).exists() else {}
    digest = noted.get("examples", {}).get("codebook", codebook.digest)
    codebook.refuse_other_digest(digest, folder, COPY)
