"""A supervised, linear classifier of features: what they can tell at best of a simple question."""

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
        classifier: Knows the labels that a training example has.
        labels: How many labels there are in all.
    """

    classifier: Pipeline
    labels: int

    @classmethod
    def fit(cls, features: np.ndarray, truth: np.ndarray, labels: int) -> LinearProbe:
        """Learn from examples.

        Args:
            features: [examples, width].
            truth: Number of each example's label, int [examples]; two different ones at least.
            labels: How many labels there are.
        """
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
        return cls(classifier.fit(features, truth), labels)

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Compute probabilities, [examples, labels]; 0 for a label without a training example."""
        found = np.zeros((len(features), self.labels))
        found[:, self.classifier.classes_] = self.classifier.predict_proba(features)
        return found
