"""The visual vocabulary: a fitted tree, the features it is for, and a picture of each word."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.options import ClusterOptions
from tokenization.pictures import word_pictures
from tokenization.schema import SCHEMA_VERSION
from workfolder.errors import InputError
from workfolder.files import (
    exclusive_lock,
    read_json,
    read_table,
    write_folder,
    write_json,
    write_table,
)
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.stage import OPTIONS_FILE, VERSIONS, Stage, refuse_other_options

PICTURES_FILE = "pictures.parquet"
IMMATERIAL = frozenset({"weights", "engine", "precision", "decoder", VERSIONS})
"""Options in which features may differ from the codebook's: the weights' digest says more than their name, the engines'
features agree to a cosine of 0.999 whatever the version, and the decoders give the same frames."""


@dataclass(frozen=True)
class Codebook:
    """A fitted tree with what it was made with and, where they were drawn, its pictures.

    Attributes:
        options: the ClusterOptions, and under ``features`` what made the features.
        pictures: rows of tokenization.schema.PICTURES.
    """

    tree: HierarchicalKMeans
    options: Mapping[str, Any]
    pictures: pa.Table

    @property
    def words(self) -> int:
        """How many visual words there are, dead ones included."""
        return self.tree.branching**self.tree.depth

    @property
    def places(self) -> np.ndarray:
        """Where each word lies in the space that was clustered, centred, float32 [words, prepared width]; NaN if dead."""
        places = self.tree.prepared_centers_[-1].copy()
        places[self.tree.dead_words_] = np.nan
        return places

    @cached_property
    def digest(self) -> str:
        """SHA-256 over options and tensors, by which tokens remember what made them; the same on every machine."""
        digest = hashlib.sha256(json.dumps(dict(self.options), sort_keys=True).encode())
        for tensor in self.tree.tensors_.values():
            digest.update(tensor.tobytes())
        return digest.hexdigest()

    def refuse_words_of_another(self, stage: Stage) -> None:
        """InputError if the visual words of a stage's folder, tokens or examples, are of another codebook."""
        if stage.options().get("codebook") != self.digest:
            raise InputError(
                f"{stage.folder} was made with another codebook than the model's: copy the model's codebook folder into a new "
                "work folder and run videobert tokenize there"
            )

    def refuse_other_features(self, made_with: Mapping[str, Any]) -> None:
        """InputError if ``made_with``, the options of features, are not those of the features the codebook was fitted on."""
        there = self.options["features"]
        material = ({**there, **made_with}).keys() - IMMATERIAL
        differing = sorted(key for key in material if there.get(key) != made_with.get(key))
        if differing:
            differences = ", ".join(
                f"{key} is {made_with.get(key)!r}, not {there.get(key)!r}" for key in differing
            )
            raise InputError(
                f"these features do not fit the codebook: {differences}; extract them as the codebook's were"
            )

    def predict(self, features: np.ndarray, made_with: Mapping[str, Any]) -> np.ndarray:
        """The visual words of features, [clips, width] -> int32 [clips]; InputError as ``refuse_other_features`` has it."""
        self.refuse_other_features(made_with)
        return self.tree.predict(features)

    def save(self, folder: Path) -> None:
        """Write the codebook into ``folder``, which alone is all that load needs."""
        self.tree.save(folder)
        write_table(self.pictures, folder / PICTURES_FILE)
        write_json(dict(self.options), folder / OPTIONS_FILE)

    @classmethod
    def load(cls, folder: Path) -> Codebook:
        """Read a codebook; InputError if it is not there or damaged."""
        if not folder.is_dir():
            raise InputError(f"{folder} is not there: run videobert cluster")
        return cls(
            HierarchicalKMeans.load(folder),
            read_json(folder / OPTIONS_FILE),
            read_table(folder / PICTURES_FILE),
        )


def cluster(
    work: Path, options: ClusterOptions = ClusterOptions(), progress: Progress = silent
) -> Report:
    """Fit the visual vocabulary on DIR/features and write DIR/codebook, unless the same options have made it already.

    A fit that is killed goes on where it was. InputError if the codebook was made with other options, if there are no
    features, or if another run is at it.
    """
    features = Stage(work / "features")
    if not features.done():
        raise InputError(
            f"{features.folder} holds no features: run videobert extract VIDEOS --work {work}"
        )
    provenance = {"schema": SCHEMA_VERSION, **asdict(options), "features": features.options()}
    folder, unfinished = work / "codebook", work / "codebook.unfinished"
    with exclusive_lock(
        features.folder / OPTIONS_FILE,
        f"another run of videobert cluster is making {folder}: wait for it",
    ):
        before = folder.exists()
        if before:
            refuse_other_options(folder, read_json(folder / OPTIONS_FILE), provenance)
        else:
            tree = _fit(features, options, unfinished, progress)
            with write_folder(folder) as part:
                Codebook(tree, provenance, word_pictures(tree, features, progress)).save(part)
        shutil.rmtree(
            unfinished, ignore_errors=True
        )  # a run may have been killed when only this was left
    return Report("codebook", before=int(before), now=int(not before))


def _fit(
    features: Stage, options: ClusterOptions, unfinished: Path, progress: Progress
) -> HierarchicalKMeans:
    tree = HierarchicalKMeans(
        options.branching,
        options.depth,
        random_state=options.seed,
        preparation=options.preparation,
        n_components=options.components,
    )
    return tree.fit(features.folder, checkpoint=unfinished, progress=partial(progress, "cluster"))
