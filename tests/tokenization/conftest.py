"""Two codebooks with pictures, and a work folder that is ready to be tokenized."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.toys.codebook import with_pictures
from tests.toys.work_folder import add_features, add_sentence
from tokenization.codebook import Codebook, cluster
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.options import ClusterOptions
from workfolder.stage import Stage

FEATURE_OPTIONS = {"weights_digest": "a", "engine": "cuda"}


@pytest.fixture(scope="module")
def lively() -> Codebook:
    features = np.random.default_rng(0).standard_normal((200, 5)).astype(np.float32)
    return with_pictures(HierarchicalKMeans(3, 2).fit(features), ["one", "two"])


@pytest.fixture(scope="module")
def deadly() -> Codebook:
    """Four different points, 1, 2, 3 and 10 times: 4 of 9 words are alive."""
    points = np.array([[0, 0], [0, 1], [9, 0], [50, 50]], dtype=np.float32)
    return with_pictures(
        HierarchicalKMeans(3, 2).fit(np.repeat(points, [1, 2, 3, 10], axis=0)), ["one"]
    )


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder with features, transcripts and a codebook of two videos."""
    Stage(tmp_path / "features").claim(FEATURE_OPTIONS)
    Stage(tmp_path / "transcripts").claim({"asr": "captions"})
    for video in ("a", "b"):
        add_features(tmp_path, video, clips=20)
        add_sentence(tmp_path, video, "cut the bread")
    cluster(tmp_path, ClusterOptions(branching=3, depth=2))
    return tmp_path
