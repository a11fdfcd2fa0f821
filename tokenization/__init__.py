"""From features and sentences to words of one vocabulary."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
    from tokenization.residual_kmeans.estimator import ResidualKMeans

__all__ = ["HierarchicalKMeans", "ResidualKMeans"]

_MODULES = {
    "HierarchicalKMeans": "tokenization.hierarchical_kmeans.estimator",
    "ResidualKMeans": "tokenization.residual_kmeans.estimator",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'tokenization' has no attribute {name!r}")
    # Imported when first used, as they import scikit-learn.
    return getattr(import_module(_MODULES[name]), name)
