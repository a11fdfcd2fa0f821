"""What tuning changed: how alike the layers of two models are on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from videobert.probes.states import States, unit
from workfolder.errors import InputError


@dataclass(frozen=True)
class Likeness:
    """By layer, 1 for equal layers.

    Attributes:
        cosine: the mean cosine of the two states of a token; 0 is what unlike ones have.
        cka: linear centred kernel alignment (Kornblith et al., 2019, "Similarity of Neural Network
            Representations Revisited"), 0 to 1; it does not see turns of the whole space.
    """

    cosine: list[float]
    cka: list[float]

    def __str__(self) -> str:
        least = int(np.argmin(self.cka))
        cka, cosine = self.cka[least], self.cosine[least]
        return f"Layer {least} changed most: CKA {cka:.3f}, cosine {cosine:.3f}."


def compare_layers(states: States, other: States) -> Likeness:
    """Compare two models layer by layer.

    Args:
        states: of one model.
        other: those of the other for the same rows.

    Raises:
        InputError: if their shapes differ.
    """
    if states.layers.shape != other.layers.shape:
        ours, theirs = (each.layers.shape for each in (states, other))
        raise InputError(
            f"--other has {theirs[0] - 1} layers of {theirs[2]}, the model {ours[0] - 1} of "
            f"{ours[2]}: give a model that was tuned from it"
        )
    cosine = [
        float((unit(one) * unit(two)).sum(axis=1).mean())
        for one, two in zip(states.layers, other.layers, strict=True)
    ]
    pairs = zip(states.layers, other.layers, strict=True)
    return Likeness(cosine, [linear_cka(one, two) for one, two in pairs])


def linear_cka(one: np.ndarray, other: np.ndarray) -> float:
    """Return the centred kernel alignment of two layers' states, [tokens, width] each."""
    x, y = (each.astype(np.float64) - each.mean(axis=0) for each in (one, other))
    across, own, others = (np.linalg.norm(a.T @ b) for a, b in ((x, y), (x, x), (y, y)))
    return float(across**2 / max(own * others, np.finfo(np.float64).tiny))
