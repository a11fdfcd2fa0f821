"""Hierarchical k-means: a tree of k-means, whose leaves are the visual words.

model = HierarchicalKMeans(branching=12, depth=4).fit(Path("work/features"))
words = model.predict(features)  # int32, 0 ... 20735
"""

from __future__ import annotations

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
from tokenization.hierarchical_kmeans.growing import GrowthOptions, Progress, grow
from tokenization.hierarchical_kmeans.node import NodeOptions
from tokenization.hierarchical_kmeans.projection import named_rows
from tokenization.hierarchical_kmeans.search import find_words
from tokenization.hierarchical_kmeans.threads import workers
from tokenization.hierarchical_kmeans.tree import Tree
from tokenization.options import PREPARATIONS, refuse_too_many_words
from workfolder.errors import InputError

if TYPE_CHECKING:
    import torch

    from tokenization.hierarchical_kmeans.torch_search import TorchSearch

_LEARNING = (
    "branching",
    "depth",
    "random_state",
    "samples_per_node",
    "n_init",
    "max_iter",
    "tol",
    "preparation",
    "n_components",
)
"""The parameters that decide what is learnt."""


class HierarchicalKMeans(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator
):
    """K-means within k-means: ``branching`` groups, each split again, ``depth`` levels deep.

    A word is the number of a leaf and spells its path:
    word = sum of child_l * branching**(depth - 1 - l). So the words of a subtree are neighbours.
    A node with fewer distinct members than branches keeps what it has. The words below its missing
    children are dead: they are counted, and never predicted.

    Parameters:
        branching: children per node.
        depth: levels; there are branching**depth words.
        random_state: an int gives the same result at every call, in any number of threads.
        samples_per_node: the most members, drawn at random, that a node is fitted on.
        n_init: runs of k-means per node, of which the best is kept; 3 take twice the time and
            save 0 to 3 % of inertia.
        max_iter: the most iterations per run.
        tol: a run ends when its centroids move less than this share of the variance.
        preparation: "none", or "pca" or "whiten" to cluster in the space of principal components.
            docs/clustering.md compares them on real features.
        n_components: the most principal components.
        search: "tree" predicts down the tree, "flat" compares with every word.
        beam: nodes kept at every level of a "tree" search; 1 takes the nearest child each time.
        n_jobs: threads; -1 is one per core.
        device: None searches with numpy; "cuda" or "cpu" searches there with torch.

    Attributes:
        cluster_centers_: for each level float32 [branching**(level+1), n_features]; node n's
            children are n * branching ... n * branching + branching - 1 of the next level. Rows
            of dead nodes are zeros.
        sizes_: for each level int64 [branching**(level+1)]; training rows per node, 0 exactly for
            the dead.
        labels_: int32 [rows]; the words of the training rows, as ``predict`` finds them.
        distances_: float32 [rows]; the distances of the training rows to their words' centroids,
            as ``transform`` measures them.
        dead_words_: int32; the words that are never predicted.
        inertia_: sum of squared distances of the training rows to their words' centroids, in the
            projected space.
        inertia_by_level_: the same for the nodes of every level; the last is ``inertia_``.
        n_features_in_: numbers per feature.

    Examples:
        >>> import numpy as np
        >>> from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
        >>> points = np.array([[0, 0], [0, 1], [9, 0], [9, 1]], dtype=np.float32)
        >>> model = HierarchicalKMeans(branching=2, depth=2, random_state=0).fit(points)
        >>> words = model.predict(points)
        >>> sorted(words.tolist())
        [0, 1, 2, 3]
        >>> bool(words[0] // 2 == words[1] // 2 != words[2] // 2)
        True
        >>> model.inertia_
        0.0
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "branching": [Interval(Integral, 2, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "samples_per_node": [Interval(Integral, 1, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "preparation": [StrOptions(set(PREPARATIONS))],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "search": [StrOptions({"tree", "flat"})],
        "beam": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "device": [str, None],
    }

    def __init__(
        self,
        branching: int = 12,
        depth: int = 4,
        *,
        random_state: int | np.random.RandomState | None = 0,
        samples_per_node: int = 4096,
        n_init: int = 1,
        max_iter: int = 25,
        tol: float = 1e-4,
        preparation: str = "none",
        n_components: int = 128,
        search: str = "tree",
        beam: int = 1,
        n_jobs: int | None = -1,
        device: str | None = None,
    ) -> None:
        self.branching = branching
        self.depth = depth
        self.random_state = random_state
        self.samples_per_node = samples_per_node
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.preparation = preparation
        self.n_components = n_components
        self.search = search
        self.beam = beam
        self.n_jobs = n_jobs
        self.device = device

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]  # transform returns it for any input
        return tags

    def fit(
        self,
        X: Any,
        y: None = None,
        *,
        checkpoint: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Learn the tree.

        Args:
            X: an array or a memory map, [rows, n_features], or a FolderSource, or the folder of
                DIR/features/*.parquet; float16 is fine.
            y: not used.
            checkpoint: a folder that keeps what is finished, so that a fit that was killed
                continues to the same bytes. Delete it once the model is saved.
            progress: called with the nodes that are done and the number of all nodes.

        Raises:
            InputError: if a row holds NaN or infinity (the message names it), if the folder holds
                no features, or if ``checkpoint`` belongs to another fit.
        """
        self._validate_params()
        refuse_too_many_words(self.branching, self.depth)
        source = self._source(X)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        node = NodeOptions(self.branching, self.n_init, self.max_iter, self.tol)
        options = GrowthOptions(
            self.depth, node, self.samples_per_node, seed, self.preparation, self.n_components
        )
        with workers(self.n_jobs) as pool:
            grown = grow(source, options, pool, self._checkpoint(checkpoint, source), progress)
        self.labels_, self.distances_ = grown.words, np.sqrt(grown.squares)
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
        values = {name: getattr(self, name) for name in _LEARNING}
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
            X if _is_tensor(X) else torch.from_numpy(self._validated(X, reset=False))
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

    def save(self, folder: str | Path) -> None:
        """Write ``centroids.safetensors`` and ``codebook.json`` into a folder, which is made."""
        metadata = self.metadata()
        self.tree_.write(Path(folder), metadata)

    @classmethod
    def load(cls, folder: str | Path, **parameters: Any) -> Self:
        """Read what ``save`` wrote: everything except what is known of the training rows.

        Args:
            folder: where the files are.
            parameters: how to predict (``search``, ``beam``, ``n_jobs``, ``device``), which the
                files do not keep.

        Raises:
            InputError: if a file is absent, damaged, or of another format.
        """
        tree, metadata = Tree.read(Path(folder))
        unknown = sorted(metadata["parameters"].keys() - set(_LEARNING))
        if unknown:
            raise InputError(
                f"{folder} holds a codebook with unknown parameters, {', '.join(unknown)}: "
                f"run cluster again"
            )
        model = cls(**{**metadata["parameters"], **parameters})
        model._set_tree(tree)
        model.n_features_in_ = tree.projection.mean.size
        return model


def _is_tensor(X: Any) -> bool:
    """Whether X is a torch tensor, without importing torch."""
    return type(X).__module__.partition(".")[0] == "torch"
