"""The visual vocabulary: a fitted tree, the features it fits, and a picture of each word."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tokenization.assignments import write_assignments
from tokenization.estimators import load_tree, make_estimator
from tokenization.familiarity import Familiarity
from tokenization.hierarchical_kmeans.centring import VideoCentring
from tokenization.hierarchical_kmeans.feature_source import FolderSource
from tokenization.hierarchical_kmeans.fitted_tree import FittedTree
from tokenization.hierarchical_kmeans.near_words import near_words
from tokenization.hierarchical_kmeans.projection import named_rows, refuse_not_finite
from tokenization.options import TREE, VIDEOS, ClusterOptions
from tokenization.pictures import word_pictures
from tokenization.schema import SCHEMA_VERSION
from tokenization.vocabulary import refuse_words_beyond
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

if TYPE_CHECKING:
    from tokenization.hierarchical_kmeans.word_finder import WordFinder

CODEBOOK_FOLDER, PICTURES_FILE = "codebook", "pictures.parquet"
IMMATERIAL = frozenset(
    {
        *("weights", "engine", "precision", "calibration", "decoder"),
        *("start", "key", "first_rows"),
        VERSIONS,
    }
)
"""Options in which features may differ from the codebook's.

The digest of the weights says more than their name, the engines' features agree to a cosine of
0.999 whatever the version (int8's less: docs/extraction.md has the share of equal words), and the
decoders return the same frames. Of imported features, it does
not matter when the first row begins, what the array is called, and which video came first.
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Codebook:
    """A fitted tree, what it was made with, and its pictures.

    Attributes:
        tree: finds the words of features.
        options: the ClusterOptions, and under ``features`` the options of the features.
        pictures: rows of tokenization.schema.PICTURES.
        centring: takes the mean of its video off each feature before it is given a word; None if
            the tree was fitted on features as they are.
        familiarity: how far training's features lie from their centroids; None if that was not
            kept.
    """

    tree: WordFinder | FittedTree
    options: Mapping[str, Any]
    pictures: pa.Table
    centring: VideoCentring | None = None
    familiarity: Familiarity | None = None

    @property
    def words(self) -> int:
        """The number of visual words, dead ones included."""
        return self.tree.branching**self.tree.depth

    @property
    def places(self) -> np.ndarray:
        """The place of each word in the space that was clustered, centred; NaN for dead words.

        float32 [words, projected width].
        """
        places = self.tree.tree_.centers[-1].copy()
        places[self.tree.dead_words_] = np.nan
        return places

    @cached_property
    def digest(self) -> str:
        """SHA-256 over options and tensors, the same on every machine.

        Later stages keep it in their options to remember the codebook that made them.
        """
        digest = hashlib.sha256(json.dumps(dict(self.options), sort_keys=True).encode())
        for tensor in self.tree.tree_.tensors.values():
            digest.update(tensor.tobytes())
        if self.centring is not None:
            digest.update(self.centring.tobytes())
        return digest.hexdigest()

    def refuse_other_digest(self, noted: str | None, holder: Path, advice: str) -> None:
        """Check that ``holder`` was made with this codebook.

        Args:
            noted: the digest that ``holder`` remembers.
            holder: a folder of visual words, or of a model; named in the message.
            advice: what the user can do if it was not.

        Raises:
            InputError: if ``noted`` is not this codebook's digest.
        """
        if noted != self.digest:
            raise InputError(f"{holder} was made with another codebook: {advice}")

    def refuse_other_words(self, stage: Stage) -> None:
        """Raise InputError if the words in ``stage``, tokens or examples, are another's."""
        self.refuse_other_digest(
            stage.options().get("codebook"),
            stage.folder,
            "copy the model's codebook folder into a new work folder and run videobert tokenize "
            "there",
        )

    def refuse_words_beyond(self, words: np.ndarray, path: Path) -> None:
        """Raise InputError if the file at ``path`` has words that this codebook has not."""
        refuse_words_beyond(words, self.words, str(path))

    def refuse_other_features(self, made_with: Mapping[str, Any]) -> None:
        """Check that features can be given words of this codebook.

        Args:
            made_with: the options of the features.

        Raises:
            InputError: if they were not made as those that the codebook was fitted on; the message
                names each difference.
        """
        there = self.options["features"]
        material = ({**there, **made_with}).keys() - IMMATERIAL
        differing = sorted(key for key in material if there.get(key) != made_with.get(key))
        if differing:
            differences = ", ".join(
                f"{key} is {made_with.get(key)!r}, not {there.get(key)!r}" for key in differing
            )
            how = (
                "import them, with the same --weights-note,"
                if there.get("imported")
                else "extract them"
            )
            raise InputError(
                f"these features do not fit the codebook: {differences}; "
                f"{how} as the codebook's were"
            )

    def predict(self, features: np.ndarray, made_with: Mapping[str, Any]) -> np.ndarray:
        """Find the visual words of the features of one video.

        Args:
            features: [clips, width]; all that are known of the video, as their mean counts where
                the codebook takes it off.
            made_with: the options of the features.

        Returns:
            int32 [clips].

        Raises:
            InputError: if the features do not fit the codebook, or hold NaN or infinity.
        """
        self.refuse_other_features(made_with)
        return self.tree.predict(self._centred(features))

    def near_words(
        self, features: np.ndarray, words: np.ndarray, made_with: Mapping[str, Any], count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the words nearest the features of one video, and how far their centroids are.

        Args:
            features: as for ``predict``.
            words: int32 [clips], what ``predict`` found.
            made_with: the options of the features.
            count: words of a clip.

        Returns:
            As near_words.near_words does.

        Raises:
            InputError: as ``predict`` does.
        """
        self.refuse_other_features(made_with)
        with named_rows(lambda row: f"row {row}"):
            return near_words(self.tree.tree_, self._centred(features), words, count)

    def is_unlike(self, features: np.ndarray | None) -> bool:
        """Tell whether a clip looks unlike anything that the codebook was fitted on.

        Args:
            features: [clips, width]; None, or none at all, if they are not known.

        Returns:
            Whether at least half of them lie farther from their centroids than nearly all of
            training's; False if nobody knows.
        """
        if self.familiarity is None or features is None or not len(features):
            return False
        distances = self.tree.transform(self._centred(features))
        return self.familiarity.is_unlike(distances)

    def _centred(self, features: np.ndarray) -> np.ndarray:
        """Take the video's mean off its features, where the codebook does so."""
        if self.centring is None:
            return features
        with named_rows(lambda row: f"row {row}"):
            refuse_not_finite(features)
        return self.centring(features)

    def on(self, device: str) -> Codebook:
        """Return the same codebook, which finds words on a device with torch: "cuda" or "cpu"."""
        assert isinstance(self.tree, FittedTree), "it was read from a folder"
        return replace(self, tree=self.tree.on(device))

    def save(self, folder: Path) -> None:
        """Write the codebook into ``folder``, which is all that ``load`` needs."""
        self.tree.save(folder)
        if self.centring is not None:
            self.centring.save(folder)
        if self.familiarity is not None:
            self.familiarity.save(folder)
        write_table(self.pictures, folder / PICTURES_FILE)
        write_json(dict(self.options), folder / OPTIONS_FILE)

    @classmethod
    def load(cls, folder: Path) -> Codebook:
        """Read a codebook; raise InputError if it is absent or damaged."""
        if not folder.is_dir():
            raise InputError(f"{folder} is not there: run videobert cluster")
        options = read_json(folder / OPTIONS_FILE)
        return cls(
            replace(load_tree(folder), search=options.get("search", TREE)),
            options,
            read_table(folder / PICTURES_FILE),
            VideoCentring.load(folder) if options.get("centre") == VIDEOS else None,
            Familiarity.load(folder),
        )


def cluster(
    work: Path, options: ClusterOptions = ClusterOptions(), progress: Progress = silent
) -> Report:
    """Fit the visual vocabulary on DIR/features and write DIR/codebook.

    Nothing is done if the same options have made it already. A fit that was killed continues.

    Raises:
        InputError: if there are no features, if the codebook was made with other options, or if
            another run is making it.
    """
    features = Stage(work / "features")
    if not features.done():
        raise InputError(
            f"{features.folder} holds no features: run videobert extract VIDEOS --work {work}"
        )
    provenance = {"schema": SCHEMA_VERSION, **options.provenance(), "features": features.options()}
    folder, unfinished = work / CODEBOOK_FOLDER, work / f"{CODEBOOK_FOLDER}.unfinished"
    with exclusive_lock(
        features.folder / OPTIONS_FILE,
        f"another run of videobert cluster is making {folder}: wait for it",
    ):
        before = folder.exists()
        if before:
            refuse_other_options(folder, read_json(folder / OPTIONS_FILE), provenance)
        else:
            source = FolderSource(features.folder, options.centre == VIDEOS)
            tree = _fit(source, options, unfinished, progress)
            with write_folder(folder) as part:
                pictures = word_pictures(tree, source, features, progress)
                familiarity = Familiarity.of(tree.distances_)
                codebook = Codebook(tree, provenance, pictures, source.centring, familiarity)
                codebook.save(part)
                write_assignments(source, tree.labels_, codebook.digest, part)
        # A run may have been killed when only this was left to do.
        shutil.rmtree(unfinished, ignore_errors=True)
    return Report("codebook", before=int(before), now=int(not before))


def _fit(
    source: FolderSource, options: ClusterOptions, unfinished: Path, progress: Progress
) -> WordFinder:
    """Fit the tree; warn if most of its words stay dead."""
    tree = make_estimator(options)
    tree.fit(source, checkpoint=unfinished, progress=partial(progress, "cluster"))
    words = options.branching**options.depth
    used = words - len(tree.dead_words_)
    if 2 * used < words:
        logger.warning(
            "only %s of %s visual words have clips, as there are %s clips, equal ones included: "
            "choose a smaller --branching or --depth, or give more videos",
            *(f"{number:,}" for number in (used, words, source.rows)),
        )
    return tree
