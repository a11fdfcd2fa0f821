"""A network with fewer layers, which begins with some of those of another."""

from __future__ import annotations

from copy import deepcopy
from typing import TypeVar

from videobert.joint_network import JointNetwork
from videobert.learning.stacking import layer_list
from workfolder.errors import InputError

N = TypeVar("N", bound=JointNetwork)


def chosen_layers(there: int, wanted: int) -> list[int]:
    """Choose layers at equal distances, the first among them.

    Of 6 layers 3 are 0, 2 and 4 (Sanh et al., 2019, "DistilBERT"). Where ``wanted`` does not divide
    ``there``, each is the nearest to its even place.
    """
    return [int(place * there / wanted + 0.5) for place in range(wanted)]


def with_layers(network: N, chosen: list[int]) -> N:
    """Copy a network with these of its layers alone.

    Raises:
        InputError: if the network has not so many, or its layers do not stand for themselves.
    """
    there, kind = network.config.num_hidden_layers, network.kind
    heads = getattr(network.config, "heads", None)
    if not (network.own_layers and (network.stackable or heads)):
        raise InputError(f"--layers cannot be had of a {kind!r}, whose layers hang together")
    if len(chosen) >= there:
        raise InputError(f"the model has {there} layers: give fewer to --layers")
    student = deepcopy(network)
    layers = layer_list(student, there)
    kept = [layers[place] for place in chosen]
    del layers[:]
    layers.extend(kept)
    student.config.num_hidden_layers = len(kept)
    if heads:
        student.config.heads = [heads[place] for place in chosen]
    return student
