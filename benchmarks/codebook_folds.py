"""What benchmarks/codebooks.py measures on: recordings that are learnt from, and others.

Shapes:
    words: int [clips], the visual word of each clip of a recording.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from feature_extraction.imported.features import find_feature_files, import_features
from feature_extraction.imported.options import FeatureImportOptions, TranscriptImportOptions
from feature_extraction.imported.transcripts import import_transcripts
from feature_extraction.schema import feature_matrix
from tokenization.codebook import Codebook, cluster
from tokenization.examples import clips_within
from tokenization.options import ALL, VIDEOS, ClusterOptions
from tokenization.tokens import tokenize
from videobert.data.stretches import Stretch
from videobert.evaluation.actions import ActionLabels
from videobert.evaluation.labels import ActionFinder, nouns
from workfolder.files import read_json, read_table, write_json
from workfolder.stage import Stage

BRANCHING = 12
SEEDS = (0, 1, 2)
MEASURED = 4
"""One of so many recordings is measured on."""
SEEN = 5
"""A verb or noun counts that is in at least so many steps that are learnt from."""


@dataclass(frozen=True)
class Study:
    """Where everything lies, and how much of it there is; a shape is levels and a centring."""

    folder: Path
    out: Path
    updates: int
    seeds: Sequence[int] = SEEDS
    shapes: Sequence[tuple[int, str]] = ((2, ALL), (2, VIDEOS), (3, VIDEOS))

    @cached_property
    def everything(self) -> Path:
        """The work folder of all recordings that may be looked at."""
        work = self.out / "everything"
        index = read_json(self.folder / "index.json")
        wanted = {each["video_id"] for each in index["recordings"] if each["split"] == "train"}
        found = find_feature_files([self.folder / "npy"])
        files = [source for source in found if source.video_id in wanted]
        import_features(files, work, FeatureImportOptions(index["seconds_a_row"]))
        table = TranscriptImportOptions(text="done")
        import_transcripts([self.folder / "index.json"], work, table)
        return work

    def figures(self, name: str, make: Callable[[], Any]) -> Any:
        """Read the figures of a name; ``make`` finds missing ones."""
        path = self.out / "figures" / f"{name}.json"
        if not path.exists():
            print(name, flush=True)
            write_json(make(), path)
        return read_json(path)


@dataclass(frozen=True)
class Fold:
    """The recordings that one seed learns from, and those that it is measured on."""

    study: Study
    seed: int

    @cached_property
    def order(self) -> list[str]:
        """All recordings, in the order that the seed draws."""
        videos = Stage(self.study.everything / "features").done()
        return [
            videos[place] for place in np.random.default_rng(self.seed).permutation(len(videos))
        ]

    @property
    def measured(self) -> list[str]:
        """The recordings that are measured on."""
        return self.order[: len(self.order) // MEASURED]

    @property
    def learnt(self) -> list[str]:
        """The recordings that are learnt from."""
        return self.order[len(self.order) // MEASURED :]

    @cached_property
    def steps(self) -> dict[str, list[dict[str, Any]]]:
        """The steps of every recording: rows of its transcript."""
        stage = Stage(self.study.everything / "transcripts")
        return {video: read_table(stage.path(video)).to_pylist() for video in self.order}

    @cached_property
    def features(self) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The features of every recording's clips, and when these start and end, in seconds."""
        found = {}
        for video in self.order:
            table = read_table(Stage(self.study.everything / "features").path(video))
            start, end = (table.column(name).to_numpy() for name in ("start", "end"))
            found[video] = feature_matrix(table), start, end
        return found

    @cached_property
    def labels(self) -> ActionLabels:
        """Verbs and nouns that enough steps have; a step's verb is its first word."""
        said = [step["text"].lower() for video in self.learnt for step in self.steps[video]]
        verbs = Counter(text.split()[0].strip(".,-") for text in said)
        often = [verb for verb, count in verbs.most_common() if count >= SEEN]
        every = ActionFinder(often, nouns().words)
        pairs = Counter(pair[1] for pair in map(every, said) if pair)
        kept = [nouns().words[n] for n, count in pairs.most_common() if count >= SEEN]
        finder = ActionFinder(often, kept)
        found = [pair for pair in map(finder, said) if pair]
        counts = [Counter(pair[place] for pair in found) for place in (0, 1)]
        return ActionLabels(
            often,
            kept,
            [counts[0][n] for n in range(len(often))],
            [counts[1][n] for n in range(len(kept))],
        )

    def stretches(self, videos: Sequence[str], words: dict[str, np.ndarray]) -> list[Stretch]:
        """List the steps that have a verb and a noun, with the words of their clips."""
        finder = ActionFinder(self.labels.verbs, self.labels.nouns)
        found = []
        for video in videos:
            _, starts, ends = self.features[video]
            for step in self.steps[video]:
                pair = finder(step["text"])
                inside = clips_within(starts, ends, step["start"], step["end"])
                if pair and len(inside):
                    times = step["start"], step["end"]
                    shown = words[video][inside]
                    found.append(Stretch(video, *times, step["text"], shown, None, pair))
        return found

    def codebook(self, kind: str, depth: int, centre: str) -> tuple[Path, Codebook]:
        """Fit a codebook on what is learnt from, and give its clips their words."""
        work = self.study.out / f"seed-{self.seed}" / f"{kind}-{BRANCHING**depth}-{centre}"
        if not (work / "examples").exists():
            for stage in ("features", "transcripts"):
                whole, part = Stage(self.study.everything / stage), Stage(work / stage)
                part.claim(whole.options())
                for video in self.learnt:
                    if not part.path(video).exists():
                        os.link(whole.path(video), part.path(video))
            shape = (BRANCHING**depth, 1) if kind == "flat" else (BRANCHING, depth)
            named = "tree" if kind == "flat" else kind
            cluster(work, ClusterOptions(*shape, kind=named, centre=centre, seed=self.seed))
            tokenize(work)
        return work, Codebook.load(work / "codebook")

    def words(self, codebook: Codebook) -> dict[str, np.ndarray]:
        """Find the words of every recording's clips."""
        made_with = codebook.options["features"]
        return {video: codebook.predict(f[0], made_with) for video, f in self.features.items()}
