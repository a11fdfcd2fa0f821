"""What a model says: each method answers one panel of the page with HTML, or with the problem."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from pathlib import Path

import numpy as np

from demos.page import parts
from demos.page.clips import ClipReader
from feature_extraction.pace import clip_seconds
from videobert.answers import search as retrieval
from videobert.answers import zero_shot
from videobert.answers.forecasting import STEPS, forecast
from videobert.answers.templates import count_masks, with_capital_signs
from videobert.data.stretches import Stretch
from videobert.data.work import read_stretches
from videobert.finetune.captions import captioner as captioning
from videobert.loading import load_to_ask
from workfolder.errors import InputError

TOP = 5
HITS = 8
FAMILIES = 6
"""Nodes whose words are shown at once."""
LONGEST_TEXT = 400
"""Characters of a sentence that a visitor may write."""


def told(answer: Callable[..., str]) -> Callable[..., str]:
    """Turn an InputError into a message in the panel."""

    @wraps(answer)
    def asked(*arguments: object) -> str:
        try:
            return answer(*arguments)
        except InputError as error:
            return parts.problem(str(error))

    return asked


class Answers:
    """A model with its clips and, where one is given, a work folder to search."""

    def __init__(self, model: Path, work: Path | None = None, weights: str | None = None) -> None:
        """InputError if the model cannot be read. ``weights``: where the backbone's are now."""
        self.model = load_to_ask(model)
        self.clips = ClipReader(self.model.processor.codebook, weights)
        self.step = clip_seconds(self.model.processor.codebook.options["features"])
        self.album = parts.Album(self.model.processor.codebook.pictures)
        self._folder, self._work = model, work

    @told
    def timeline(self, digest: str | None, start: float, end: float) -> str:
        """The clip and its visual words."""
        if not digest:
            return parts.hint("Choose a clip above: its frames and visual words will stand here.")
        return parts.timeline(self.clips.known(digest), self.album, start, end, self.step)

    @told
    def fill(self, digest: str | None, start: float, end: float, template: str) -> str:
        """The likeliest words at the masks of a sentence; without a clip, from language alone."""
        sentence = with_capital_signs(_short(template))
        count_masks(sentence)
        blind = zero_shot.predict(self.model, [], [sentence], top=TOP).guesses
        if not digest:
            alone = "No clip is chosen yet: this is what the model says without one."
            return parts.hint(alone) + parts.answers(sentence, None, blind)
        words = self.clips.known(digest).encoded.part(start, end).clips.words
        found = zero_shot.predict(self.model, words, [sentence], top=TOP).guesses
        return parts.answers(sentence, found, blind)

    @told
    def caption(self, digest: str | None, start: float, end: float) -> str:
        """A sentence about the clip, or which command makes a captioner."""
        if not digest:
            return parts.hint("A sentence about the clip will stand here.")
        captioner = captioning.load_captioner(self._folder, self.model)
        return parts.quote(
            captioning.caption(
                self.model, captioner, self.clips.known(digest).encoded.part(start, end)
            ).text
        )

    @told
    def next(self, digest: str | None, start: float, end: float) -> str:
        """The visual words that may come after the clip."""
        if not digest:
            return parts.hint("Pictures of what may follow the clip will stand here.")
        return parts.forecasts(
            forecast(
                self.model, self.clips.known(digest).encoded.part(start, end).clips.words, STEPS
            ),
            self.album,
            self.step,
        )

    @told
    def search(self, sentence: str) -> str:
        """The stretches of the work folder that fit a sentence."""
        stretches, first = self._stretches, self._first_stage
        found = retrieval.search(self.model, stretches, _short(sentence), first)[:HITS]
        words = [stretches[hit.place].words.tolist() for hit in found]
        return parts.hits(list(zip(found, words, strict=True)), self.album)

    @told
    def codebook(self, page: float) -> str:
        """A page of the visual vocabulary, from 1."""
        tree = self.model.processor.codebook.tree
        sizes = tree.sizes_[-1].reshape(-1, tree.branching)
        first = (min(max(1, int(page)), self.pages) - 1) * FAMILIES
        shown = range(first, min(first + FAMILIES, len(sizes)))
        families = [
            (node, (node * tree.branching + np.flatnonzero(sizes[node])).tolist()) for node in shown
        ]
        return parts.codebook(
            [family for family in families if family[1]], tree.sizes_[-1].tolist(), self.album
        )

    @property
    def pages(self) -> int:
        """How many pages the codebook has."""
        tree = self.model.processor.codebook.tree
        return -(-(tree.branching ** (tree.depth - 1)) // FAMILIES)

    @cached_property
    def _stretches(self) -> list[Stretch]:
        if self._work is None:
            raise InputError(
                "the page was started without a folder to search: start it again with --work DIR"
            )
        return read_stretches(self._work, self.model.processor.codebook)

    @cached_property
    def _first_stage(self) -> retrieval.FirstStage:
        return retrieval.by_profiles(
            self._stretches, self._stretches, self.model.processor.codebook.words
        )


def _short(sentence: str) -> str:
    if len(sentence) > LONGEST_TEXT:
        raise InputError(
            f"the sentence has {len(sentence)} characters: write {LONGEST_TEXT} at most"
        )
    return sentence.strip()
