"""YouCook2 (Zhou et al., 2018) as a benchmark of zero-shot actions: VideoBERT, table 1.

Section 4.3. The verb and noun of a validation segment are those of its caption, see
labels.ActionFinder. Its video is the visual words that DIR has, see data.youcook2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from videobert.answers.options import Asking
from videobert.answers.spelling import unspelt
from videobert.data.stretches import Stretch, with_clips
from videobert.data.youcook2 import TRAINING, VALIDATION, read_annotations, read_clip_list
from videobert.data.youcook2_footage import Footage, starts_by_video
from videobert.evaluation.actions import ActionLabels, ActionResult, evaluate_actions
from videobert.evaluation.labels import ActionFinder, nouns, verbs
from videobert.evaluation.retrieval import RetrievalResult, evaluate_retrieval
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.progress import Progress, silent


@dataclass(frozen=True)
class YouCook2Result:
    """The tables, and what of the validation set they are about.

    Attributes:
        table: The zero-shot table.
        retrieval: How clips and captions find each other; None if no list of clips was given.
        videos: How many validation videos the annotations have.
        segments: How many validation segments they have.
        missing: The videos that DIR does not have.
        unnamed: Segments of the other videos whose caption lacks a listed verb or a listed noun.
        unseen: Segments with both in which no clip lies.
    """

    table: ActionResult
    retrieval: RetrievalResult | None
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
    clips: Path | None = None,
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
        clips: A table of clips whose captions and pictures are to find each other, too; see
            data.youcook2.read_clip_list.
        progress: Hears of the videos and of the segments.

    Raises:
        InputError: if the annotations have another shape, DIR has none of their videos, its visual
            words are of another codebook, or the model cannot spell a label.
    """
    by_subset, find = read_annotations(annotations), _action_finder(model)
    asked, learnable = by_subset[VALIDATION], by_subset.get(TRAINING, [])
    learnt = _named(learnable, find)
    listed = read_clip_list(clips) if clips else []
    footage = Footage(work, model.processor.codebook, starts_by_video(chain(*by_subset.values())))
    videos, missing = _missing(asked, footage, annotations, work)
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
    retrieval = _retrieved(clips, listed, learnable, footage, model, progress) if clips else None
    unnamed, unseen = len(there) - len(named), len(named) - len(seen)
    return YouCook2Result(table, retrieval, videos, len(asked), missing, unnamed, unseen)


def _retrieved(
    path: Path,
    listed: Sequence[Stretch],
    learnable: Sequence[Stretch],
    footage: Footage,
    model: TrainedModel,
    progress: Progress,
) -> RetrievalResult:
    """Let the clips of a list and their captions find each other."""
    searched = _searched(listed, footage, path, progress)
    profiled = _profiled(learnable, footage, model, progress)
    return evaluate_retrieval(model, searched, profiled, progress=progress)


def _missing(
    asked: Sequence[Stretch], footage: Footage, annotations: Path, work: Path
) -> tuple[int, tuple[str, ...]]:
    """Count the videos of some segments, and list those that DIR does not have.

    Raises:
        InputError: if it has none.
    """
    videos = sorted({stretch.video for stretch in asked})
    missing = tuple(video for video in videos if video not in footage.known)
    if len(missing) == len(videos):
        raise InputError(
            f"{work} has none of the {len(videos)} validation videos of {annotations}: name files "
            "by YouTube id"
        )
    return len(videos), missing


def _searched(
    listed: Sequence[Stretch], footage: Footage, path: Path, progress: Progress
) -> list[Stretch]:
    """Look up the clips of a list that DIR has.

    Raises:
        InputError: if it has none.
    """
    there = [stretch for stretch in listed if stretch.video in footage.known]
    seen = with_clips(there, footage.clips, progress, "clips to find")
    if not seen:
        raise InputError(f"the folder has none of the {len(listed):,} clips of {path}: add videos")
    return seen


def _profiled(
    learnt: Sequence[Stretch], footage: Footage, model: TrainedModel, progress: Progress
) -> list[Stretch]:
    """List what BM25 learns the words' profiles from: training's segments, or the model's bank.

    Raises:
        InputError: if there is neither.
    """
    there = [stretch for stretch in learnt if stretch.video in footage.known]
    if there:
        return with_clips(there, footage.clips, progress, f"{TRAINING} videos")
    if model.bank is None:
        raise InputError("the model has no bank, so retrieval needs training videos: add some")
    decode = model.processor.tokenizer.decode
    examples = zip(model.bank.texts, model.bank.visual, strict=True)
    return [Stretch("", 0, 0, str(decode(text.tolist())), words) for text, words in examples]


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
