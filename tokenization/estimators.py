"""What makes the words of each kind of codebook, and what reads them again.

Nothing here imports scikit-learn before a codebook is made.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tokenization.hierarchical_kmeans.fitted_tree import FittedTree
from tokenization.hierarchical_kmeans.tree import CODEBOOK_FILE
from tokenization.options import ClusterOptions
from tokenization.residual_kmeans.codes import KIND as RESIDUAL
from tokenization.residual_kmeans.codes import Codes
from workfolder.files import read_json

if TYPE_CHECKING:
    from tokenization.hierarchical_kmeans.word_finder import WordFinder

NODE_ROWS, CHILD_ROWS = 4096, 256
"""A node is fitted on so many rows, or on so many for each child if that is more. 256 are faiss's
``max_points_per_centroid``; 12 children have 341 each."""


def make_estimator(options: ClusterOptions) -> WordFinder:
    """Make the estimator of the options, which has learnt nothing yet."""
    from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
    from tokenization.residual_kmeans.estimator import ResidualKMeans

    shape = options.branching, options.depth
    if options.kind == RESIDUAL:
        return ResidualKMeans(
            *shape,
            random_state=options.seed,
            preparation=options.preparation,
            n_components=options.components,
            search=options.search,
        )
    return HierarchicalKMeans(
        *shape,
        random_state=options.seed,
        preparation=options.preparation,
        n_components=options.components,
        search=options.search,
        balanced=options.kind == "balanced",
        samples_per_node=max(NODE_ROWS, CHILD_ROWS * options.branching),
    )


def load_tree(folder: Path) -> FittedTree:
    """Read the words in a codebook's folder.

    Raises:
        InputError: if a file is absent, damaged, or of another format.
    """
    if read_json(folder / CODEBOOK_FILE).get("kind") == RESIDUAL:
        codes, tree, about = Codes.read(folder)
        return FittedTree.of(tree, about, codes.write)
    return FittedTree.load(folder)
