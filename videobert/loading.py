"""A trained model, from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError

from tokenization.codebook import Codebook
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.processing_videobert import VideoBertProcessor
from workfolder.digests import check_digests
from workfolder.errors import InputError
from workfolder.files import read_json
from workfolder.stage import OPTIONS_FILE


@dataclass(frozen=True)
class TrainedModel:
    """The network, in evaluation mode on the best device of the machine, with the tokenizer and the codebook it learnt with."""

    network: VideoBertForPreTraining
    processor: VideoBertProcessor


def load_model(folder: Path) -> TrainedModel:
    """Read a model's folder; InputError if it is missing, damaged, or its codebook is not the one it learnt with."""
    if not (folder / "config.json").is_file():
        raise InputError(
            f"{folder} holds no model: make one with videobert pretrain --out {folder}"
        )
    check_digests(folder, "copy the whole folder again, or make the model again")
    processor = VideoBertProcessor.from_pretrained(folder)
    network = _network(folder)
    _refuse_another_codebook(folder, processor.codebook)
    if network.config.vocabulary != processor.vocabulary:
        raise InputError(
            f"{folder} holds a codebook or tokenizer that its model did not learn with: {processor.vocabulary}, "
            f"not {network.config.vocabulary}; copy the whole folder that videobert pretrain wrote"
        )
    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    network.to(device)  # type: ignore[arg-type]  # transformers hides the method's own types
    return TrainedModel(network.eval(), processor)


def _network(folder: Path) -> VideoBertForPreTraining:
    read: Any = (
        VideoBertForPreTraining.from_pretrained
    )  # its type knows nothing of output_loading_info
    try:
        network, found = read(folder, local_files_only=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{folder} holds a model that cannot be read ({str(error).splitlines()[0]}): make it again"
        ) from error
    if found["missing_keys"] or not all(
        weights.isfinite().all() for weights in network.parameters()
    ):
        raise InputError(
            f"{folder} holds a model of which weights are missing or no finite numbers: train it again"
        )
    return cast(VideoBertForPreTraining, network)


def _refuse_another_codebook(folder: Path, codebook: Codebook) -> None:
    """InputError if the folder notes that the examples its model learnt from were made with another codebook than its own."""
    noted = read_json(folder / OPTIONS_FILE) if (folder / OPTIONS_FILE).exists() else {}
    digest = noted.get("examples", {}).get("codebook", codebook.digest)
    codebook.refuse_other_digest(
        digest, folder, "copy the whole folder that videobert pretrain wrote"
    )
