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

from tokenization.hierarchical_kmeans.feature_source import (
    ArraySource,
    FeatureSource,
    FolderSource,
    block_rows,
)
from tokenization.hierarchical_kmeans.growing import (
    Checkpoint,
    Grown,
    GrowthOptions,
    Progress,
    grow,
)
from tokenization.hierarchical_kmeans.node import NodeOptions
from tokenization.hierarchical_kmeans.projection import NotFinite
from tokenization.hierarchical_kmeans.search import (
    FLAT_ROWS,
    Scratch,
    find_words,
    squared_distances,
    workers,
)
from tokenization.hierarchical_kmeans.tree import read_tree, write_tree
from tokenization.options import PREPARATIONS, refuse_too_many_words
from workfolder.errors import InputError

if TYPE_CHECKING:
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


class HierarchicalKMeans(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator
):
    """K-means within k-means: ``branching`` groups, each again in ``branching`` groups, ``depth`` levels deep.

    A word is the number of a leaf and spells its path: word = sum of child_l * branching**(depth - 1 - l), so that the words
    of a subtree are neighbours. A node with fewer distinct members than branches keeps what it has; the words below its
    missing children are dead: counted, and never predicted.

    Parameters:
        branching: children per node.
        depth: levels; there are branching**depth words.
        random_state: an int for the same result at every call, in any number of threads.
        samples_per_node: members, drawn at random, that a node is fitted on.
        n_init: runs of k-means per node, of which the best is kept; 3 take twice the time and save 0 to 3 % of inertia.
        max_iter: iterations per run.
        tol: a run ends when its centroids move less than this share of the variance.
        preparation: "none", or "pca" or "whiten" to cluster in the space of ``n_components`` principal components. On real
            features (28 videos) pca with 64 to 256 made the error on unseen videos 2 to 4 % less than none, and neighbouring
            clips share a word more often; whiten made it worse (``benchmarks/clustering.py --only real``).
        n_components: at most.
        search: "tree" predicts down the tree, "flat" compares with every word.
        beam: nodes kept at every level of a "tree" search; 1 takes the nearest child each time.
        n_jobs: threads; -1 is one a core.
        device: None searches with numpy; "cuda" or "cpu" searches there with torch.

    Attributes:
        cluster_centers_: for each level float32 [branching**(level+1), n_features]; node n's children are
            n * branching ... n * branching + branching - 1 of the next level. Rows of dead nodes are zeros.
        sizes_: for each level int64 [branching**(level+1)]; training rows per node, 0 exactly for the dead.
        labels_: int32 [rows]; the training rows' words.
        dead_words_: int32; the words that are never predicted.
        inertia_: sum of squared distances of the training rows to their word's centroid, in the prepared space.
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
        tags.transformer_tags.preserves_dtype = [
            "float32"
        ]  # what transform returns, whatever it is given
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
            X: an array or a memory map, [rows, n_features], or the folder of DIR/features/*.parquet; float16 is fine.
            y: not used.
            checkpoint: a folder to keep what is done, so that a fit that was killed goes on, to the same bytes. Delete it
                when the model is saved.
            progress: called with the nodes done and their number in all.

        Raises:
            InputError: a row holds NaN or infinity (it is named), the folder holds no features, or ``checkpoint`` belongs to
                another fit.
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
        self.labels_ = grown.nodes
        self._learn(grown)
        return self

    def _source(self, X: Any) -> FeatureSource:
        if isinstance(X, str | Path):
            source = FolderSource(Path(X))
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
                "a checkpoint wants random_state to be an int: otherwise the fit could not go on as it began"
            )
        versions = {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
        identity = {
            **self._learning(),
            **versions,
            "rows": source.rows,
            "features": source.fingerprint(),
        }
        return Checkpoint(Path(folder), identity)

    def _learning(self) -> dict[str, Any]:
        """The parameters that decide what is learnt, as JSON can hold them."""
        values = {name: getattr(self, name) for name in _LEARNING}
        return {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in values.items()
        }

    def _learn(self, grown: Grown) -> None:
        """Set what is learnt, but for ``labels_``."""
        self._preparation = grown.preparation
        self._tree = grown.tree(self.branching)
        self.sizes_ = grown.sizes
        self.inertia_by_level_ = grown.inertia
        self.inertia_ = grown.inertia[-1]
        self.dead_words_ = np.flatnonzero(grown.sizes[-1] == 0).astype(np.int32)
        self.cluster_centers_ = [
            np.where(alive[:, None], self._preparation.undo(centers), np.float32(0))
            for centers, alive in zip(self._tree.centers, self._tree.alive, strict=True)
        ]
        self._on_device: dict[str, TorchSearch] = {}  # the tree is sent there once
        self._n_features_out = 1

    def predict(self, X: Any) -> np.ndarray:
        """The word of each row, int32, [rows].

        Args:
            X: array, memory map or torch tensor, [rows, n_features].

        Raises:
            InputError: a row holds NaN or infinity; the message says which.
        """
        return self._search(X)[0]

    def nearest(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """What ``predict`` and ``transform`` say, in one search: words, int32, and distances, float32, each [rows]."""
        words, squares = self._search(X, distances=True)
        return words, np.sqrt(squares)

    def transform(self, X: Any) -> np.ndarray:
        """The distance of each row to its word's centroid, float32, [rows, 1], in the prepared space."""
        return self.nearest(X)[1][:, None]

    def score(self, X: Any, y: None = None) -> float:
        """Minus the inertia of ``X``: the higher, the better the words stand for it."""
        return -float(self._search(X, distances=True)[1].sum(dtype=np.float64))

    def _search(self, X: Any, distances: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Words, and the squared distances to them (zeros unless asked for)."""
        check_is_fitted(self)
        if _is_tensor(X) or self.device is not None:
            return self._search_torch(X)
        features = self._validated(X, reset=False)
        words, squares = np.empty(len(features), np.int32), np.zeros(len(features), np.float32)
        beam = self.beam if self.search == "tree" else 1
        most = block_rows(features.shape[1]) // beam if self.search == "tree" else FLAT_ROWS
        step = max(1, min(len(features), most))
        scratch = Scratch(step * beam, self._preparation.width)

        def search(start: int) -> None:
            block = features[start : start + step]
            rows = self._prepared(block, start, scratch.rows[: len(block)])
            found = find_words(self._tree, rows, scratch.spare, self.search, beam)
            words[start : start + step] = found
            if distances:  # the search has overwritten the rows
                rows = self._prepared(block, start, scratch.rows[: len(block)])
                squares[start : start + step] = squared_distances(
                    rows, self._tree.centers[-1][found]
                )

        with workers(self.n_jobs) as pool:
            list(pool.map(search, range(0, len(features), step)))
        return words, squares

    def _prepared(self, features: np.ndarray, start: int, out: np.ndarray) -> np.ndarray:
        try:
            return self._preparation(features, out)
        except NotFinite as error:
            raise error.refusal(f"row {start + error.row}") from None

    def _search_torch(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        import torch

        from tokenization.hierarchical_kmeans.torch_search import TorchSearch

        features = (
            X if isinstance(X, torch.Tensor) else torch.from_numpy(self._validated(X, reset=False))
        )
        if features.ndim != 2 or features.shape[1] != self.n_features_in_:
            raise InputError(
                f"features of shape {tuple(features.shape)} do not fit a codebook of width {self.n_features_in_}"
            )
        device = str(self.device or features.device)
        if device not in self._on_device:
            self._on_device[device] = TorchSearch(self._tree, self._preparation, device)
        try:
            return self._on_device[device].search(features, self.search, self.beam)
        except NotFinite as error:
            raise error.refusal(f"row {error.row}") from None

    @property
    def prepared_centers_(self) -> list[np.ndarray]:
        """As ``cluster_centers_``, in the space that was clustered: centred, and if asked rotated, cut and whitened."""
        check_is_fitted(self)
        return list(self._tree.centers)

    @property
    def tensors_(self) -> dict[str, np.ndarray]:
        """All that finding words reads, bit for bit as ``save`` writes it: the preparation, and every level's centres."""
        return self._preparation.tensors | {
            f"centers.{level}": centers for level, centers in enumerate(self.prepared_centers_)
        }

    def metadata(self) -> dict[str, Any]:
        """What made it and what came of it, as JSON can hold it."""
        check_is_fitted(self)
        words = self.branching**self.depth
        return {
            "parameters": self._learning(),
            "words": words,
            "words_in_use": words - len(self.dead_words_),
        }

    def save(self, folder: str | Path) -> None:
        """Write ``centroids.safetensors`` and ``codebook.json`` into a folder, which is made if it is not there."""
        metadata = self.metadata()
        none = np.empty(0, np.int32)
        grown = Grown(
            self._preparation, none, list(self._tree.centers), self.sizes_, self.inertia_by_level_
        )
        write_tree(Path(folder), grown, metadata)

    @classmethod
    def load(cls, folder: str | Path, **parameters: Any) -> Self:
        """The estimator that ``save`` wrote, but for ``labels_``.

        Args:
            parameters: how to predict, as ``search``, ``beam``, ``n_jobs`` and ``device``, which are not kept.

        Raises:
            InputError: a file is absent, damaged, or of another format.
        """
        grown, metadata = read_tree(Path(folder))
        unknown = sorted(metadata["parameters"].keys() - set(_LEARNING))
        if unknown:
            raise InputError(
                f"{folder} holds a codebook with unknown parameters, {', '.join(unknown)}: run cluster again"
            )
        model = cls(**{**metadata["parameters"], **parameters})
        model._learn(grown)
        model.n_features_in_ = grown.preparation.mean.size
        return model


def _is_tensor(X: Any) -> bool:
    return type(X).__module__.partition(".")[0] == "torch"  # without importing torch
