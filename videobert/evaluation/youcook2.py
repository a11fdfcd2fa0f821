"""YouCook2 (Zhou et al., 2018) as a benchmark of zero-shot actions: VideoBERT, table 1.

Section 4.3. The verb and noun of a validation segment are those of its caption, see
labels.ActionFinder. Its video is the visual words that DIR has, see data.youcook2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tokenization.codebook import Codebook
from videobert.answers.options import Asking
from videobert.answers.spelling import unspelt
from videobert.data.clips import Clips
from videobert.data.stretches import Stretch, with_clips
from videobert.data.work import encode_clips, read_clips, token_stage
from videobert.data.youcook2 import TRAINING, VALIDATION, by_youtube_id, read_annotations
from videobert.evaluation.actions import ActionLabels, ActionResult, evaluate_actions
from videobert.evaluation.labels import ActionFinder, nouns, verbs
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.progress import Progress, silent
from workfolder.stage import Stage


@dataclass(frozen=True)
class YouCook2Result:
    """The table, and what of the validation set it is about.

    Attributes:
        table: The zero-shot table.
        videos: How many validation videos the annotations have.
        segments: How many validation segments they have.
        missing: The videos that DIR does not have.
        unnamed: Segments of the other videos whose caption lacks a listed verb or a listed noun.
        unseen: Segments with both in which no clip lies.
    """

    table: ActionResult
    videos: int
    segments: int
    missing: tuple[str, ...]
    unnamed: int
    unseen: int


def evaluate_youcook2(
    annotations: Path,
    work: Path,
    model: TrainedModel,
    templates: Sequence[str] | None = None,
    asking: Asking = Asking(),
    progress: Progress = silent,
) -> YouCook2Result:
    """Ask the model for the verb and noun of every validation segment whose video is in DIR.

    The frequency prior and the linear probe learn from the training segments, the probe from those
    whose features DIR has.

    Args:
        annotations: YouCook2's file.
        work: DIR.
        model: Is asked.
        templates: Each with two masks; see actions.evaluate_actions.
        asking: How far the question is made fair.
        progress: Hears of the videos and of the segments.

    Raises:
        InputError: if the annotations have another shape, DIR has none of their videos, its visual
            words are of another codebook, or the model cannot spell a label.
    """
    by_subset, find = read_annotations(annotations), _action_finder(model)
    asked, learnt = by_subset[VALIDATION], _named(by_subset.get(TRAINING, []), find)
    wanted = {stretch.video for stretches in by_subset.values() for stretch in stretches}
    footage = Footage(work, model.processor.codebook, wanted)
    videos = sorted({stretch.video for stretch in asked})
    missing = tuple(video for video in videos if video not in footage.known)
    if len(missing) == len(videos):
        raise InputError(
            f"{work} has none of the {len(videos)} validation videos of {annotations}: name files "
            "by YouTube id"
        )
    there = [stretch for stretch in asked if stretch.video in footage.known]
    named = _named(there, find)
    seen = with_clips(named, footage.clips, progress, f"{VALIDATION} videos")
    if not seen:
        raise InputError(
            f"of {len(there)} segments of {annotations} in {work} none has a listed verb, noun and "
            "a clip: add videos"
        )
    with_features = [stretch for stretch in learnt if stretch.video in footage.with_features]
    training = with_clips(with_features, footage.clips, progress, f"{TRAINING} videos")
    labels = _labels(find, learnt)
    table = evaluate_actions(model, seen, training, labels, templates, asking, progress)
    unnamed, unseen = len(there) - len(named), len(named) - len(seen)
    return YouCook2Result(table, len(videos), len(asked), missing, unnamed, unseen)


def _action_finder(model: TrainedModel) -> ActionFinder:
    """Find the listed actions.

    Raises:
        InputError: if the model cannot spell one.
    """
    find = ActionFinder(verbs().words, nouns().words)
    if wrong := unspelt(model.processor, [*find.verbs, *find.nouns]):
        raise InputError(
            f"the model's vocabulary cannot spell YouCook2's label {wrong[0]!r}: use a model that "
            "starts from bert-base-uncased"
        )
    return find


def _named(stretches: Sequence[Stretch], find: ActionFinder) -> list[Stretch]:
    """Label the stretches whose caption has a listed verb and noun; leave the others out."""
    return [
        replace(stretch, labels=action) for stretch in stretches if (action := find(stretch.text))
    ]


def _labels(find: ActionFinder, learnt: Sequence[Stretch]) -> ActionLabels:
    """Count how many training segments have each label of the lists."""
    verb_counts, noun_counts = (
        Counter(stretch.labels[number] for stretch in learnt) for number in (0, 1)
    )
    return ActionLabels(
        find.verbs,
        find.nouns,
        [verb_counts[number] for number in range(len(find.verbs))],
        [noun_counts[number] for number in range(len(find.nouns))],
    )


class Footage:
    """What a work folder has of YouCook2's videos.

    Attributes:
        known: The id in the folder of each wanted YouTube id that is there.
        with_features: The YouTube ids of those that have features.
    """

    def __init__(self, work: Path, codebook: Codebook, wanted: Collection[str]) -> None:
        """Look into the folder.

        Args:
            work: The folder.
            codebook: The model's.
            wanted: YouTube ids.

        Raises:
            InputError: if it holds neither visual words nor features, or visual words of another
                codebook.
        """
        self._work, self._codebook = work, codebook
        self._tokenized = set(Stage(work / "tokens").done())
        extracted = set(Stage(work / "features").done())
        if not self._tokenized | extracted:
            raise InputError(
                f"{work} holds neither visual words nor features: run videobert extract VIDEOS "
                f"--work {work}"
            )
        if self._tokenized:
            token_stage(work, codebook)
        self.known = by_youtube_id(self._tokenized | extracted, wanted)
        self.with_features = {
            youtube for youtube, video in self.known.items() if video in extracted
        }

    def clips(self, youtube: str) -> Clips:
        """Read a video, with its features where they are kept."""
        video = self.known[youtube]
        if video in self._tokenized:
            return read_clips(self._work, video, self._codebook, youtube in self.with_features)
        return encode_clips(Stage(self._work / "features"), video, self._codebook)
