"""How much an answer moves with the template it is asked by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sensitivity:
    """How much the answer for a mask moves with the template.

    Attributes:
        agreement: How often a single template's likeliest word is that of the templates' average,
            over all clips and templates, in [0, 1]; 1 is best.
        distance: Total variation: half the sum of absolute differences between a template's
            probabilities and the average's. The mean over clips and templates, in [0, 1]; 0 if no
            word's probability moves.
    """

    agreement: float
    distance: float

    def __str__(self) -> str:
        return (
            f"{self.agreement:.0%} of single templates' first words are those of their average; "
            f"{self.distance:.0%} of the probability moves with the template"
        )


def sensitivity(probabilities: np.ndarray) -> Sensitivity:
    """Measure how far templates are apart, from probabilities, [templates, clips, labels]."""
    average = probabilities.mean(axis=0)
    agreement = (probabilities.argmax(axis=-1) == average.argmax(axis=-1)).mean()
    distance = np.abs(probabilities - average).sum(axis=-1).mean() / 2
    return Sensitivity(float(agreement), float(distance))
