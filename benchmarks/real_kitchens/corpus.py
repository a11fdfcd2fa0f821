"""The recordings, their steps, and who is learnt from when.

A recording is held out once in each way to hold out: in one of five folds over recordings, and in
one of five folds over cooks, where nobody who is measured on was ever seen.

Labels are found by rule. A step's verb is the one that the folder names: the first word of it, and
its imperative where both are there (slicing, slice). Its noun is the first of YouCook2's commonest
nouns in what was done. A noun before "of" is passed over (a piece of the muffin). So are measures,
which follow a number as often as not, and verbs of the steps. Verbs and nouns that are in fewer
than SEEN steps are left out.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
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
from tokenization.options import ClusterOptions, TokenizeOptions
from tokenization.tokens import tokenize
from videobert.data.clips import Clips
from videobert.data.stretches import Stretch
from videobert.evaluation.labels import nouns, plurals, words_of
from videobert.sequences import evenly_spaced
from workfolder.files import read_json, read_table
from workfolder.stage import Stage

FOLDS = 5
SEEN = 5
CLIPS = 24
"""Clips of a step that a model is shown, evenly chosen."""
RECORDINGS, COOKS, CHOICE = "recordings", "cooks", "choice"
"""Ways to hold out; by CHOICE a quarter of the recordings called ``train``, to choose on."""
UNLABELLED = -1


@dataclass(frozen=True)
class Step:
    """A step of a recording.

    Attributes:
        video: Id of the recording.
        start: Start in seconds.
        end: End in seconds.
        text: What was done.
        recipe: What was cooked.
        place: Where its middle lies in the recording, in [0, 1].
        verb: Number of its verb, or UNLABELLED.
        noun: Number of its noun, or UNLABELLED.
    """

    video: str
    start: float
    end: float
    text: str
    recipe: str
    place: float
    verb: int
    noun: int


@dataclass(frozen=True)
class Kitchens:
    """All recordings, imported once below ``out``.

    Attributes:
        folder: Has index.json and npy/.
        out: Where everything that is made lies.
    """

    folder: Path
    out: Path

    @cached_property
    def recordings(self) -> dict[str, dict[str, Any]]:
        """What index.json says of each recording, by id."""
        index = read_json(self.folder / "index.json")
        return {each["video_id"]: each for each in sorted(index["recordings"], key=_id)}

    @cached_property
    def work(self) -> Path:
        """The work folder with the features and the steps of all recordings."""
        work = self.out / "everything"
        seconds = read_json(self.folder / "index.json")["seconds_a_row"]
        files = find_feature_files([self.folder / "npy"])
        import_features(files, work, FeatureImportOptions(seconds))
        table = TranscriptImportOptions(text="done")
        import_transcripts([self.folder / "index.json"], work, table)
        return work

    @cached_property
    def verbs(self) -> list[str]:
        """The verbs that are named first, the commonest first."""
        named = {step["verb"] for each in self.recordings.values() for step in each["steps"]}
        found = (verb_of(step["verb"], named) for step in self._rows)
        return _often(found)

    @cached_property
    def nouns(self) -> list[str]:
        """The nouns that are handled, the commonest first."""
        said = [step["done"] for step in self._rows]
        listed = [
            noun for noun in nouns().words if noun not in self.verbs and not is_measure(noun, said)
        ]
        found = (noun_of(text, listed) for text in said)
        return _often(noun for noun in found if noun)

    @property
    def _rows(self) -> list[dict[str, Any]]:
        return [step for each in self.recordings.values() for step in each["steps"]]

    @cached_property
    def steps(self) -> dict[str, list[Step]]:
        """The steps of each recording, in the order of the folder."""
        named = {step["verb"] for step in self._rows}
        return {
            video: [self._step(video, each, step, named) for step in each["steps"]]
            for video, each in self.recordings.items()
        }

    def _step(
        self, video: str, recording: dict[str, Any], step: dict[str, Any], named: set[str]
    ) -> Step:
        verb, noun = verb_of(step["verb"], named), noun_of(step["done"], self.nouns)
        return Step(
            video,
            step["start"],
            step["end"],
            step["done"],
            recording["recipe"],
            (step["start"] + step["end"]) / 2 / recording["count"],
            self.verbs.index(verb) if verb in self.verbs else UNLABELLED,
            self.nouns.index(noun) if noun else UNLABELLED,
        )

    @cached_property
    def clips(self) -> dict[str, Clips]:
        """The clips of each recording with their features, and no words yet."""
        found = {}
        for video in self.recordings:
            table = read_table(Stage(self.work / "features").path(video))
            start, end = (table.column(name).to_numpy() for name in ("start", "end"))
            features = feature_matrix(table)
            found[video] = Clips(start, end, np.zeros(len(start), np.int64), features)
        return found

    def held_out(self, way: str, fold: int) -> list[str]:
        """List the recordings that are measured on.

        Args:
            way: RECORDINGS, COOKS or CHOICE.
            fold: Its number; for CHOICE the seed that draws.
        """
        videos = list(self.recordings)
        if way == CHOICE:
            videos = [v for v in videos if self.recordings[v]["split"] == "train"]
            order = np.random.default_rng(fold).permutation(len(videos))
            return sorted(videos[place] for place in order[: len(videos) // 4])
        order = np.random.default_rng(0).permutation(len(videos))
        if way == RECORDINGS:
            return sorted(videos[place] for place in order[fold::FOLDS])
        cooks = _cooks_by_fold([self.recordings[video]["person"] for video in videos])
        return [v for v in videos if self.recordings[v]["person"] in cooks[fold]]


def _id(recording: dict[str, Any]) -> str:
    return str(recording["video_id"])


def _often(labels: Iterable[str]) -> list[str]:
    return [label for label, count in Counter(labels).most_common() if count >= SEEN]


def _cooks_by_fold(cooks: Sequence[int]) -> list[set[int]]:
    """Share cooks out, those of many recordings first, each to the fold with the fewest."""
    folds: list[set[int]] = [set() for _ in range(FOLDS)]
    counts = [0] * FOLDS
    for cook, count in Counter(cooks).most_common():
        fewest = counts.index(min(counts))
        folds[fewest].add(cook)
        counts[fewest] += count
    return folds


def verb_of(named: str, every: Iterable[str]) -> str:
    """Find the one word for what a step is called: "chop or grate" is chop, "slicing" slice."""
    verb = named.split()[0].lower()
    stem = verb.removesuffix("ing")
    if stem != verb:
        bases = (stem, f"{stem}e", stem[:-1])
        verb = next((base for base in bases if base in set(every)), verb)
    return verb


def said_verb(text: str, listed: Sequence[str]) -> str | None:
    """Find the first listed verb in a text: of "Now slicing the roll" slice, if that is listed."""
    known = set(listed)
    found = (verb_of(word, known) for word in words_of(text))
    return next((verb for verb in found if verb in known), None)


def is_measure(noun: str, texts: Sequence[str]) -> bool:
    """Tell whether a noun follows a number at least every second time, as in "1 tsp salt"."""
    forms = "|".join(map(re.escape, [noun, *plurals(noun)]))
    said = [re.findall(rf"(\d\S*\s+)?\b(?:{forms})\b", text.lower()) for text in texts]
    after = [bool(number) for found in said for number in found]
    return bool(after) and 2 * sum(after) >= len(after)


def noun_of(text: str, listed: Sequence[str]) -> str | None:
    """Find the first listed noun, in the singular, that does not stand before "of"."""
    forms = {form: noun for noun in listed for form in (*plurals(noun), noun)}
    words = words_of(text)
    pairs = zip(words, [*words[1:], ""], strict=True)
    return next((forms[word] for word, after in pairs if word in forms and after != "of"), None)


@dataclass(frozen=True)
class Fold:
    """What is learnt from, and what is measured on.

    Attributes:
        kitchens: All recordings.
        way: How they are held out.
        number: Which fold of it.
    """

    kitchens: Kitchens
    way: str
    number: int

    @property
    def name(self) -> str:
        """The name in file names."""
        return f"{self.way}-{self.number}"

    @cached_property
    def measured(self) -> list[str]:
        """The recordings that are measured on."""
        return self.kitchens.held_out(self.way, self.number)

    @cached_property
    def learnt(self) -> list[str]:
        """The recordings that are learnt from; for choices, no other than those called train."""
        apart, known = set(self.measured), self.kitchens.recordings
        return [
            video
            for video in known
            if video not in apart and (self.way != CHOICE or known[video]["split"] == "train")
        ]

    def steps(self, videos: Sequence[str]) -> list[Step]:
        """List the steps of some recordings."""
        return [step for video in videos for step in self.kitchens.steps[video]]

    def work(
        self, name: str, options: ClusterOptions, words: TokenizeOptions
    ) -> tuple[Path, Codebook]:
        """Fit a codebook on what is learnt from, and make its examples."""
        work = self.kitchens.out / self.name / name
        if not (work / "examples").exists():
            for stage in ("features", "transcripts"):
                whole, part = Stage(self.kitchens.work / stage), Stage(work / stage)
                part.claim(whole.options())
                for video in self.learnt:
                    if not part.path(video).exists():
                        os.link(whole.path(video), part.path(video))
            cluster(work, options)
            tokenize(work, options=words)
        return work, Codebook.load(work / "codebook")

    def clips(self, codebook: Codebook) -> dict[str, Clips]:
        """Find the words of all clips that are learnt from or measured on."""
        made_with, found = codebook.options["features"], {}
        for video in (*self.learnt, *self.measured):
            seen = self.kitchens.clips[video]
            words = codebook.predict(seen.features, made_with).astype(np.int64)
            found[video] = Clips(seen.start, seen.end, words, seen.features)
        return found


def stretches(steps: Sequence[Step], clips: dict[str, Clips], thin: int = CLIPS) -> list[Stretch]:
    """Look up what steps show; see tokenization.examples.clips_within.

    Args:
        steps: Of recordings whose clips are there.
        clips: By recording.
        thin: Words of a stretch at most, evenly chosen.
    """
    found = []
    for step in steps:
        inside = clips[step.video].within(step.start, step.end)
        words = inside.words[evenly_spaced(len(inside), thin)]
        labels = (step.verb, step.noun)
        feature = inside.mean_feature
        found.append(Stretch(step.video, step.start, step.end, step.text, words, feature, labels))
    return found
