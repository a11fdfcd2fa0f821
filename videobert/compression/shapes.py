"""A BERT's weights in a smaller shape: fewer heads, one layer for all, narrow embeddings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch

from videobert.joint_network import JointNetwork
from videobert.model_sizes import BERT
from workfolder.errors import InputError

LAYER = "bert.encoder.layer."
ROWS, WIDE = "bert.embeddings.word_embeddings.weight", "bert.embeddings.word_embeddings"
HEAD = "cls.predictions."


def least_important(importance: np.ndarray, share: float, together: bool) -> list[list[int]]:
    """Choose the heads that stay.

    Those that the loss hangs on least go first, wherever they are (Michel et al., 2019, "Are
    Sixteen Heads Really Better than One?"); the last head of a layer stays.

    Args:
        importance: float [layers, heads].
        share: of all heads, how many go at most.
        together: whether all layers lose the same ones, by their mean importance.

    Returns:
        For each layer the numbers of its heads that stay.

    Raises:
        InputError: if the share is of none.
    """
    asked = importance.mean(axis=0, keepdims=True) if together else importance
    count = int(share * asked.size + 1e-9)
    if not count:
        raise InputError(
            f"--heads {share:g} of {asked.size} heads is none: give {1 / asked.size:.2g} or more"
        )
    stay = np.ones(asked.shape, dtype=bool)
    for place in np.argsort(asked, axis=None, kind="stable"):
        layer, head = np.unravel_index(place, asked.shape)
        if count and stay[layer].sum() > 1:
            stay[layer, head] = False
            count -= 1
    every = np.broadcast_to(stay, importance.shape)
    return [np.flatnonzero(heads).tolist() for heads in every]


def with_heads(network: JointNetwork, kept: Sequence[Sequence[int]]) -> JointNetwork:
    """Copy a BERT with some of the heads of each layer alone.

    Args:
        network: with all its heads.
        kept: for each layer the numbers of those that stay, one at least.

    Raises:
        InputError: if heads cannot be taken from it.
    """
    _refuse_others(network, "--heads", "heads", "shared")
    config, state = deepcopy(network.config), dict(network.state_dict())
    config.heads = [len(heads) for heads in kept]
    size = config.hidden_size // config.num_attention_heads
    for layer, heads in enumerate(kept):
        at = torch.tensor([head * size + place for head in heads for place in range(size)])
        for part in ("query", "key", "value"):
            for kind in ("weight", "bias"):
                name = f"{LAYER}{layer}.attention.self.{part}.{kind}"
                state[name] = state[name].cpu()[at]
        name = f"{LAYER}{layer}.attention.output.dense.weight"
        state[name] = state[name].cpu()[:, at]
    return _made(network, config, state)


def with_one_layer(network: JointNetwork) -> JointNetwork:
    """Copy a BERT whose layers are one, the mean of those that it has.

    Raises:
        InputError: if its layers cannot be one.
    """
    _refuse_others(network, "--share", "shared")
    config, state = deepcopy(network.config), dict(network.state_dict())
    if config.heads and len(set(config.heads)) > 1:
        raise InputError(
            "--share wants layers with equally many heads: give --share and --heads together, of "
            "the model that has all its heads"
        )
    config.shared = True
    ends = [name.removeprefix(f"{LAYER}0.") for name in state if name.startswith(f"{LAYER}0.")]
    means = {
        f"{LAYER}0.{end}": torch.stack(
            [state[f"{LAYER}{layer}.{end}"] for layer in range(config.num_hidden_layers)]
        ).mean(dim=0)
        for end in ends
    }
    others = {name: its for name, its in state.items() if not name.startswith(LAYER)}
    return _made(network, config, others | means)


def with_narrow_rows(network: JointNetwork, width: int) -> JointNetwork:
    """Copy a BERT whose embeddings are narrow rows and a matrix that widens them.

    The two are the nearest to its embeddings: the first ``width`` singular values and vectors
    (Eckart and Young, 1936). The matrix has orthonormal columns, so its transpose narrows what the
    masked head compares with the rows.

    Raises:
        InputError: if its embeddings cannot be narrower.
    """
    _refuse_others(network, "--embedding", "embedding_size")
    config, state = deepcopy(network.config), dict(network.state_dict())
    if width >= config.hidden_size:
        raise InputError(
            f"--embedding {width}: the model's embeddings are {config.hidden_size} wide, give less"
        )
    config.embedding_size = width
    left, values, right = np.linalg.svd(state.pop(ROWS).double().cpu().numpy(), full_matrices=False)
    rows = torch.from_numpy(left[:, :width] * values[:width]).float()
    state[f"{WIDE}.0.weight"] = rows
    state[f"{WIDE}.1.weight"] = torch.from_numpy(right[:width].T.copy()).float()
    state[f"{HEAD}decoder.weight"] = rows
    turned = re.compile(rf"^({re.escape(HEAD)}transform)\.")
    state = {turned.sub(r"\1.0.", name): its for name, its in state.items()}
    return _made(network, config, state)


def _refuse_others(network: JointNetwork, option: str, *already: str) -> None:
    if network.kind != BERT:
        raise InputError(f"{option} is for a BERT, and the model is of the kind {network.kind!r}")
    if any(getattr(network.config, name) for name in already):
        raise InputError(
            f"{option}: the model was made smaller so before, give the one that it was made from"
        )


def _made(network: JointNetwork, config: Any, state: dict[str, torch.Tensor]) -> JointNetwork:
    """Make a network of another shape; what does not learn in the first does not in it."""
    learns = {name: weight.requires_grad for name, weight in network.named_parameters()}
    made: JointNetwork = type(network)(config)
    made.load_state_dict(state)
    for name, weight in made.named_parameters():
        weight.requires_grad = learns.get(name, True)
    return made.to(network.device).eval()  # type: ignore[arg-type]
