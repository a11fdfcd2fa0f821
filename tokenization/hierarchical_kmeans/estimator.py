"""Hierarchical k-means: a tree of k-means, whose leaves are the visual words.

model = HierarchicalKMeans(branching=12, depth=4).fit(Path("work/features"))
words = model.predict(features)  # int32, 0 ... 20735
"""

from __future__ import annotations

from concurrent.futures import Executor
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils._param_validation import Interval

from tokenization.hierarchical_kmeans.checkpoint import Checkpoint
from tokenization.hierarchical_kmeans.feature_source import FeatureSource
from tokenization.hierarchical_kmeans.growing import Grown, GrowthOptions, Progress, grow
from tokenization.hierarchical_kmeans.node import NodeOptions
from tokenization.hierarchical_kmeans.tree import Tree
from tokenization.hierarchical_kmeans.word_finder import SHARED_CONSTRAINTS, WordFinder


class HierarchicalKMeans(WordFinder):
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
        balanced: whether no child of a node shall have more than 1.5 times the mean of all its
            children; see node.even_out.
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

    LEARNING = (
        "branching",
        "depth",
        "random_state",
        "samples_per_node",
        "n_init",
        "max_iter",
        "tol",
        "preparation",
        "n_components",
        "balanced",
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SHARED_CONSTRAINTS,
        "samples_per_node": [Interval(Integral, 1, None, closed="left")],
        "balanced": ["boolean"],
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
        balanced: bool = False,
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
        self.balanced = balanced
        self.search = search
        self.beam = beam
        self.n_jobs = n_jobs
        self.device = device

    def _learn(
        self,
        source: FeatureSource,
        seed: int,
        pool: Executor,
        checkpoint: Checkpoint,
        progress: Progress | None,
    ) -> Grown:
        node = NodeOptions(self.branching, self.n_init, self.max_iter, self.tol, self.balanced)
        options = GrowthOptions(
            self.depth, node, self.samples_per_node, seed, self.preparation, self.n_components
        )
        return grow(source, options, pool, checkpoint, progress)

    def _learning(self) -> dict[str, Any]:
        """Return what decides what is learnt; ``balanced`` only where it is on.

        So a fit of an earlier version, which did not know it, can go on.
        """
        learning = super()._learning()
        return learning if self.balanced else {k: v for k, v in learning.items() if k != "balanced"}

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
        return cls._made_of(tree, metadata["parameters"], parameters)
