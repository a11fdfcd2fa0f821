"""What every estimator of visual words has in common: it finds the words of features by a tree."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import sklearn
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from tokenization.hierarchical_kmeans.checkpoint import Checkpoint
from tokenization.hierarchical_kmeans.feature_source import ArraySource, FeatureSource, FolderSource
from tokenization.hierarchical_kmeans.growing import Grown, Progress, words_of_rows
from tokenization.hierarchical_kmeans.projection import named_rows
from tokenization.hierarchical_kmeans.search import find_words
from tokenization.hierarchical_kmeans.threads import workers
from tokenization.hierarchical_kmeans.tree import Tree
from tokenization.options import FLAT, PREPARATIONS, SEARCHES, refuse_too_many_words
from workfolder.errors import InputError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import torch

    from tokenization.hierarchical_kmeans.torch_search import TorchSearch

SHARED_CONSTRAINTS: dict[str, list[Any]] = {
    "branching": [Interval(Integral, 2, None, closed="left")],
    "depth": [Interval(Integral, 1, None, closed="left")],
    "random_state": ["random_state"],
    "n_init": [Interval(Integral, 1, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "preparation": [StrOptions(set(PREPARATIONS))],
    "n_components": [Interval(Integral, 1, None, closed="left")],
    "search": [StrOptions(set(SEARCHES))],
    "beam": [Interval(Integral, 1, None, closed="left")],
    "n_jobs": [Integral, None],
    "device": [str, None],
}
"""The ranges of the parameters that all estimators have, as scikit-learn checks them."""


class WordFinder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator, ABC
):
    """Base of the estimators: all but how the tree is learnt and kept.

    A subclass has the parameters ``branching``, ``depth``, ``random_state``, ``search``, ``beam``,
    ``n_jobs`` and ``device``; HierarchicalKMeans describes them, and the attributes.
    """

    LEARNING: ClassVar[tuple[str, ...]] = ()
    """The parameters that decide what is learnt."""

    branching: int
    depth: int
    random_state: Any
    search: str
    beam: int
    n_jobs: int | None
    device: str | None

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]  # transform returns it for any input
        return tags

    @abstractmethod
    def _learn(
        self,
        source: FeatureSource,
        seed: int,
        pool: Executor,
        checkpoint: Checkpoint,
        progress: Progress | None,
    ) -> Grown:
        """Learn a tree from features."""

    @abstractmethod
    def save(self, folder: str | Path) -> None:
        """Write ``centroids.safetensors`` and ``codebook.json`` into a folder, which is made."""

    def fit(
        self,
        X: Any,
        y: None = None,
        *,
        checkpoint: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Learn the words.

        Args:
            X: an array or a memory map, [rows, n_features], or a FolderSource, or the folder of
                DIR/features/*.parquet; float16 is fine.
            y: not used.
            checkpoint: a folder that keeps what is finished, so that a fit that was killed
                continues to the same bytes. Delete it once the model is saved.
            progress: called with the pieces that are done and the number of all pieces.

        Raises:
            InputError: if a row holds NaN or infinity (the message names it), if the folder holds
                no features, or if ``checkpoint`` belongs to another fit.
        """
        self._validate_params()
        refuse_too_many_words(self.branching, self.depth)
        source = self._source(X)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        with workers(self.n_jobs) as pool:
            grown = self._learn(source, seed, pool, self._checkpoint(checkpoint, source), progress)
            found = grown.words, grown.squares  # down the tree
            if self.search == FLAT or self.beam > 1:
                found = words_of_rows(source, grown.tree, pool, self.search, self.beam)
        self.labels_, self.distances_ = found[0], np.sqrt(found[1])
        self._set_tree(grown.tree)
        return self

    def _source(self, X: Any) -> FeatureSource:
        if isinstance(X, str | Path | FolderSource):
            source = X if isinstance(X, FolderSource) else FolderSource(Path(X))
            self.n_features_in_ = source.width
            return source
        return ArraySource(self._validated(X, reset=True))

    def _validated(self, X: Any, reset: bool) -> np.ndarray:
        kept = [np.float32, np.float16, np.float64]  # as they are: a memory map must not be copied
        return np.asanyarray(
            validate_data(self, X, reset=reset, dtype=kept, ensure_all_finite=False)
        )

    def _checkpoint(self, folder: str | Path | None, source: FeatureSource) -> Checkpoint:
        if folder is None:
            return Checkpoint(None, {})
        if not isinstance(self.random_state, Integral):
            raise InputError(
                "a checkpoint needs a random_state that is an int: with any other, "
                "a fit could not continue as it began"
            )
        identity = {
            **self._learning(),
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
            "rows": source.rows,
            "features": source.fingerprint(),
        }
        return Checkpoint(Path(folder), identity)

    def _learning(self) -> dict[str, Any]:
        """Return the parameters that decide what is learnt, as JSON can hold them."""
        values = {name: getattr(self, name) for name in self.LEARNING}
        return {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in values.items()
        }

    def _set_tree(self, tree: Tree) -> None:
        """Set the learned attributes, except those of the training rows."""
        self.tree_ = tree
        self.sizes_ = tree.sizes
        self.inertia_by_level_ = tree.inertia
        self.inertia_ = tree.inertia[-1]
        self.dead_words_ = np.flatnonzero(tree.sizes[-1] == 0).astype(np.int32)
        self.cluster_centers_ = [
            np.where(sizes[:, None] > 0, tree.projection.undo(centers), np.float32(0))
            for centers, sizes in zip(tree.centers, tree.sizes, strict=True)
        ]
        self._on_device: dict[str, TorchSearch] = {}  # the tree is sent to a device once
        self._n_features_out = 1

    def predict(self, X: Any) -> np.ndarray:
        """Find the word of each row, int32 [rows].

        Args:
            X: array, memory map or torch tensor, [rows, n_features].

        Raises:
            InputError: if a row holds NaN or infinity; the message says which.
        """
        return self._find_words(X)[0]

    def transform(self, X: Any) -> np.ndarray:
        """Measure the distance of each row to its word's centroid in the projected space.

        Returns:
            float32 [rows, 1].
        """
        return np.sqrt(self._find_words(X, distances=True)[1])[:, None]

    def score(self, X: Any, y: None = None) -> float:
        """Return minus the inertia of ``X``: the higher, the better the words stand for it."""
        return -float(self._find_words(X, distances=True)[1].sum(dtype=np.float64))

    def _find_words(self, X: Any, distances: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Find words and, if asked for, squared distances."""
        check_is_fitted(self)
        with named_rows(lambda row: f"row {row}"):
            if _is_tensor(X) or self.device is not None:
                return self._find_with_torch(X)
            features = self._validated(X, reset=False)
            with workers(self.n_jobs) as pool:
                return find_words(self.tree_, features, self.search, self.beam, distances, pool.map)

    def _find_with_torch(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        import torch

        from tokenization.hierarchical_kmeans.torch_search import TorchSearch

        features: torch.Tensor = (
            X if _is_tensor(X) else torch.from_numpy(_writable(self._validated(X, reset=False)))
        )
        if features.ndim != 2 or features.shape[1] != self.n_features_in_:
            raise InputError(
                f"features of shape {tuple(features.shape)} do not fit a codebook of width "
                f"{self.n_features_in_}: extract them as the codebook's were"
            )
        device = str(self.device or features.device)
        if device not in self._on_device:
            self._on_device[device] = TorchSearch(self.tree_, device)
        return self._on_device[device].find_words(features, self.search, self.beam)

    def metadata(self) -> dict[str, Any]:
        """Say what made the tree and what came of it, as JSON can hold it."""
        check_is_fitted(self)
        words = self.branching**self.depth
        in_use = words - len(self.dead_words_)
        return {"parameters": self._learning(), "words": words, "words_in_use": in_use}

    @classmethod
    def _made_of(cls, tree: Tree, learnt: dict[str, Any], parameters: dict[str, Any]) -> Self:
        """Make a fitted estimator of what a folder keeps.

        Args:
            tree: what was learnt.
            learnt: the parameters that it was learnt with.
            parameters: how to predict.

        Raises:
            InputError: if there are parameters that this version does not know.
        """
        unknown = sorted(learnt.keys() - set(cls.LEARNING))
        if unknown:
            raise InputError(
                f"the codebook has unknown parameters, {', '.join(unknown)}: run cluster again"
            )
        model = cls(**{**learnt, **parameters})
        model._set_tree(tree)
        model.n_features_in_ = tree.projection.mean.size
        return model


def _is_tensor(X: Any) -> bool:
    """Whether X is a torch tensor, without importing torch."""
    return type(X).__module__.partition(".")[0] == "torch"


def _writable(features: np.ndarray) -> np.ndarray:
    """Copy what cannot be written to, as torch warns of it; not a memory map, which may be huge."""
    copied = not (features.flags.writeable or isinstance(features, np.memmap))
    return features.copy() if copied else features
