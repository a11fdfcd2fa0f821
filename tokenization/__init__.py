"""From features and sentences to words of one vocabulary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans

__all__ = ["HierarchicalKMeans"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tokenization' has no attribute {name!r}")
    # Imported when first used, as it imports scikit-learn.
    from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans

    return HierarchicalKMeans
