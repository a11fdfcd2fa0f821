"""Residual k-means: each level divides what the levels before have left over.

model = ResidualKMeans(branching=12, depth=4).fit(Path("work/features"))
words = model.predict(features)  # int32, 0 ... 20735
codes = model.codes(words)       # int32 [rows, 4], 0 ... 11

Used for the semantic ids of items in OneRec (Deng et al., 2025) and, as residual quantisation,
since Juang and Gray (1982).
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
from tokenization.hierarchical_kmeans.growing import Grown, Progress
from tokenization.hierarchical_kmeans.node import NodeOptions
from tokenization.hierarchical_kmeans.word_finder import SHARED_CONSTRAINTS, WordFinder
from tokenization.residual_kmeans.codes import Codes
from tokenization.residual_kmeans.fitting import LevelOptions, fit_levels


class ResidualKMeans(WordFinder):
    """``depth`` levels of ``branching`` centroids; a word is the sum of one of each level.

    A word spells its codes as a HierarchicalKMeans spells its path:
    word = sum of code_l * branching**(depth - 1 - l). A sum that no training row has is dead, and
    never predicted.

    Parameters:
        branching: centroids of a level.
        depth: levels; there are branching**depth words.
        random_state: an int gives the same result at every call, in any number of threads.
        samples_per_level: the most rows, drawn at random, that a level is fitted on.
        n_init, max_iter, tol, preparation, n_components, search, beam, n_jobs, device: see
            HierarchicalKMeans. A "beam" above 1 keeps several sums at every level, which lowers the
            error.

    Attributes:
        codes_: the centroids of the levels.

    The other attributes are those of HierarchicalKMeans.

    Examples:
        >>> import numpy as np
        >>> from tokenization.residual_kmeans.estimator import ResidualKMeans
        >>> points = np.array([[0, 0], [0, 1], [9, 0], [9, 1]], dtype=np.float32)
        >>> model = ResidualKMeans(branching=2, depth=2, random_state=0).fit(points)
        >>> len(set(model.predict(points).tolist())), model.inertia_
        (4, 0.0)
    """

    LEARNING = (
        "branching",
        "depth",
        "random_state",
        "samples_per_level",
        "n_init",
        "max_iter",
        "tol",
        "preparation",
        "n_components",
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SHARED_CONSTRAINTS,
        "samples_per_level": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        branching: int = 12,
        depth: int = 4,
        *,
        random_state: int | np.random.RandomState | None = 0,
        samples_per_level: int = 32_768,
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
        self.samples_per_level = samples_per_level
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.preparation = preparation
        self.n_components = n_components
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
        node = NodeOptions(self.branching, self.n_init, self.max_iter, self.tol)
        options = LevelOptions(
            self.depth, node, self.samples_per_level, seed, self.preparation, self.n_components
        )
        self.codes_, grown = fit_levels(source, options, pool, checkpoint, progress)
        return grown

    def codes(self, words: np.ndarray) -> np.ndarray:
        """Return the codes of words, int32 [words, depth], each 0 to branching - 1."""
        scales = self.branching ** np.arange(self.depth)[::-1]
        return np.asarray(words[:, None] // scales % self.branching, np.int32)

    def save(self, folder: str | Path) -> None:
        """Write ``centroids.safetensors`` and ``codebook.json`` into a folder, which is made."""
        metadata = self.metadata()
        self.codes_.write(Path(folder), self.tree_, metadata)

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
        codes, tree, metadata = Codes.read(Path(folder))
        model = cls._made_of(tree, metadata["parameters"], parameters)
        model.codes_ = codes
        return model
