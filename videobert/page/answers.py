"""What a model says: each method answers one panel of the page with HTML, or with the problem."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feature_extraction.pace import clip_seconds
from videobert.answers import search as retrieval
from videobert.answers import zero_shot
from videobert.answers.forecasting import STEPS, forecast
from videobert.answers.options import TEMPLATE
from videobert.answers.templates import count_masks, with_capital_signs
from videobert.data.stretches import Stretch
from videobert.data.work import read_stretches
from videobert.loading import load_to_ask
from videobert.page import parts
from videobert.page.clips import ClipReader
from videobert.page.films import Film, film
from videobert.page.knowledge import knowledge, video_paths
from videobert.page.whole import Whole
from workfolder.errors import InputError
from workfolder.options import cores

if TYPE_CHECKING:
    from videobert.finetune.captions.captioner import Captioner

TOP, SENTENCES = 5, 3
HITS = 8
FAMILIES = 6
"""Nodes whose words are shown at once."""
LONGEST_TEXT = 400
"""Characters of a sentence that a visitor may write."""


UNLIKE = "Unlike anything this model has seen: do not trust what it says of this clip."
ADVICE = re.compile(r"[:;,]?\s*[^:;,]*\bvideobert [a-z]+\b.*$", re.DOTALL)
"""What whoever runs the page could type; a visitor cannot."""
HIT_SECONDS = 20.0
"""A film of what a search found is at most so long."""


def told(answer: Callable[..., str]) -> Callable[..., str]:
    """Turn an InputError into a message in the panel, without paths and commands."""

    @wraps(answer)
    def asked(self: Answers, *arguments: object) -> str:
        try:
            return answer(self, *arguments)
        except InputError as error:
            return parts.problem(self.for_visitors(str(error)))

    return asked


class Answers:
    """A model with its clips and, where one is given, a work folder to search.

    Attributes:
        knows: what the model learnt from.
        searches: whether there is a work folder that can be searched.
        captions: whether the model has a captioner.
        whole: what it was taught of whole videos.
    """

    def __init__(self, model: Path, work: Path | None = None, weights: str | None = None) -> None:
        """InputError if the model cannot be read. ``weights``: where the backbone's are now."""
        self.model = load_to_ask(model)
        self.clips = ClipReader(self.model.processor.codebook, weights)
        self.step = clip_seconds(self.model.processor.codebook.options["features"])
        self.album = parts.Album(self.model.processor.codebook.pictures)
        self.knows = knowledge(self.model, model, work)
        self._folder, self._work = model, work
        self.whole = Whole(model, work)
        self.searches = work is not None and bool(self._stretches)
        self.captions = (model / "captioner").is_dir() and self._captioner is not None

    @property
    def sentences(self) -> list[str]:
        """Sentences to begin with: those of the narration, then the paper's and a short one."""
        own = zero_shot.question(self.model)
        return list(dict.fromkeys([*own, TEMPLATE, "now we [MASK] it"]))[:SENTENCES]

    def for_visitors(self, message: str) -> str:
        """Leave out of a message where the server keeps things, and what to type there."""
        for place, name in ((self._folder, "the model"), (self._work, "the work folder")):
            for spelt in {str(place), str(place and place.resolve())} - {"None"}:
                message = message.replace(spelt, name)
        return ADVICE.sub("", message)

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
        clips = self.clips.known(digest).encoded.part(start, end).clips
        found = zero_shot.predict(self.model, clips.words, [sentence], top=TOP).guesses
        unlike = self.model.processor.codebook.is_unlike(clips.features)
        return parts.warning(UNLIKE) * unlike + parts.answers(sentence, found, blind)

    @told
    def caption(self, digest: str | None, start: float, end: float) -> str:
        """A sentence about the clip."""
        if not digest:
            return parts.hint("A sentence about the clip will stand here.")
        from videobert.finetune.captions.captioner import caption

        clip = self.clips.known(digest).encoded.part(start, end)
        return parts.quote(caption(self.model, self._captioner, clip).text)

    @told
    def steps(self, digest: str | None) -> str:
        """The steps of the whole clip by a task that was taught; what is true below, if known."""
        if not digest:
            return parts.hint("The steps of the whole clip will stand here, in colours.")
        clip = self.clips.known(digest).encoded
        name = clip.path.name
        video = next((v for v, path in self._videos.items() if path.name == name), None)
        rows = [("the model", self.whole.steps(name, clip.clips))]
        if truth := self.whole.truth(video):
            rows.append(("really", truth))
        return parts.strips(rows, float(clip.clips.end[-1]))

    @told
    def when(self, digest: str | None, text: str) -> str:
        """When a text is shown in the whole clip."""
        if not digest or not text.strip():
            return parts.hint("When it is shown, or that it is not, will stand here.")
        clip = self.clips.known(digest).encoded
        said, found = self.whole.found(clip.path.name, clip.clips, _short(text))
        strip = parts.strips([("shown", found)], float(clip.clips.end[-1])) if found else ""
        return parts.quote(said) + strip

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
        with ThreadPoolExecutor(cores()) as pool:
            films = list(pool.map(self._film, found))
        return parts.hits(list(zip(found, words, films, strict=True)), self.album)

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

    def _film(self, hit: retrieval.Hit) -> Film | None:
        """What was found as a film; None if its video is gone or broken."""
        path = self._videos.get(hit.video_id)
        try:
            end = min(hit.end, hit.start + HIT_SECONDS)
            return None if path is None else film(path, hit.start, end, [(hit.start + end) / 2])
        except InputError:
            return None

    @cached_property
    def _videos(self) -> dict[str, Path]:
        return {} if self._work is None else video_paths(self._work)

    @cached_property
    def _captioner(self) -> Captioner:
        from videobert.finetune.captions.captioner import load_captioner

        return load_captioner(self._folder, self.model)

    @cached_property
    def _stretches(self) -> list[Stretch]:
        if self._work is None:
            raise InputError("there is no folder to search")
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
