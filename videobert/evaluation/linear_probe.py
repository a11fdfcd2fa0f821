"""A supervised, linear classifier of features: what they could tell at best of something that they are asked simply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class LinearProbe:
    """Logistic regression on standardised features.

    Attributes:
        labels: how many labels there are, also those that no training example has.
    """

    classifier: Pipeline
    labels: int

    @classmethod
    def fit(cls, features: np.ndarray, truth: np.ndarray, labels: int) -> LinearProbe:
        """Learn from features, [examples, width], and the number of each one's label, two different ones at least."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return cls(
            make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500)).fit(
                features, truth
            ),
            labels,
        )

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Probabilities, [examples, labels]; 0 for a label that no training example had."""
        found = np.zeros((len(features), self.labels))
        found[:, self.classifier.classes_] = self.classifier.predict_proba(features)
        return found
