"""YouCook2 (Zhou et al., 2018) as a benchmark of zero-shot actions: VideoBERT, section 4.3 and table 1.

A validation segment's verb and noun are those of its caption (see labels.ActionFinder), its video the visual words that DIR
has. A video of DIR is one of YouCook2's if its id ends in the eleven characters of the YouTube id, with or without a bracket
after them: GLd3aX16zBg, recipes%2FGLd3aX16zBg, Sandwich%20%5BGLd3aX16zBg%5D.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenization.codebook import Codebook
from videobert.answers.zero_shot import TEMPLATE, unspelt
from videobert.data.passages import Track, encode_track, read_track
from videobert.data.youcook2 import (
    TRAINING,
    VALIDATION,
    CaptionedSegment,
    by_youtube_id,
    read_annotations,
)
from videobert.evaluation.action_table import ActionTable, Labels, Segment, action_table
from videobert.evaluation.labels import ActionFinder, nouns, verbs
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.progress import Progress, silent
from workfolder.stage import Stage


@dataclass(frozen=True)
class YouCook2Result:
    """The table, and what of the validation set it is about.

    Attributes:
        videos, segments: how many the annotations have.
        missing: the videos that DIR has not.
        unnamed: segments of the other videos whose caption has not both a listed verb and a listed noun.
        unseen: of the rest, those in which no clip lies.
    """

    table: ActionTable
    videos: int
    segments: int
    missing: tuple[str, ...]
    unnamed: int
    unseen: int


def evaluate(
    annotations: Path,
    work: Path,
    model: TrainedModel,
    templates: Sequence[str] = (TEMPLATE,),
    progress: Progress = silent,
) -> YouCook2Result:
    """Ask the model for the verb and noun of every validation segment whose video is in DIR.

    The frequency prior and the linear probe learn from the training segments, the probe from those whose features DIR has.
    InputError if the annotations are none, DIR has none of their videos, its visual words are of another codebook, or the
    model cannot spell a label.
    """
    captions = read_annotations(annotations)
    find = ActionFinder(verbs().words, nouns().words)
    if wrong := unspelt(model.processor, [*find.verbs, *find.nouns]):
        raise InputError(
            f"the model's vocabulary cannot spell YouCook2's label {wrong[0]!r}: use a model that starts from bert-base-uncased"
        )
    actions = {caption: action for caption in captions if (action := find(caption.sentence))}
    asked = [caption for caption in captions if caption.subset == VALIDATION]
    learnt = [caption for caption in actions if caption.subset == TRAINING]

    footage = Footage(work, model.processor.codebook, {caption.video for caption in captions})
    videos = sorted({caption.video for caption in asked})
    missing = tuple(video for video in videos if video not in footage.known)
    if len(missing) == len(videos):
        raise InputError(
            f"{work} has none of the {len(videos)} validation videos of {annotations}: name files by YouTube id"
        )
    there = [caption for caption in asked if caption.video in footage.known]
    named = [caption for caption in there if caption in actions]
    segments = footage.segments(VALIDATION, named, actions, progress)
    if not segments:
        raise InputError(
            f"of {len(there)} segments of {annotations} in {work} none has a listed verb, noun and a clip: add videos"
        )
    training = footage.segments(
        TRAINING, [c for c in learnt if c.video in footage.with_features], actions, progress
    )
    table = action_table(
        model,
        segments,
        training,
        _labels(find, [actions[caption] for caption in learnt]),
        templates,
        progress,
    )
    return YouCook2Result(
        table, len(videos), len(asked), missing, len(there) - len(named), len(named) - len(segments)
    )


def _labels(find: ActionFinder, learnt: Sequence[tuple[int, int]]) -> Labels:
    """The lists, with how many training segments have each label."""
    verb_counts, noun_counts = (
        Counter(verb for verb, _ in learnt),
        Counter(noun for _, noun in learnt),
    )
    return Labels(
        find.verbs,
        find.nouns,
        [verb_counts[number] for number in range(len(find.verbs))],
        [noun_counts[number] for number in range(len(find.nouns))],
    )


class Footage:
    """What a work folder has of YouCook2's videos: visual words, and features where they are kept.

    Args:
        codebook: the model's. InputError if the folder's visual words are of another, or if the folder holds neither
            visual words nor features.
        wanted: YouTube ids.

    Attributes:
        known: for each wanted YouTube id that is there, the video's id in the folder.
        with_features: the YouTube ids of those that have features.
    """

    def __init__(self, work: Path, codebook: Codebook, wanted: Collection[str]) -> None:
        tokens, features = Stage(work / "tokens"), Stage(work / "features")
        self._work, self._codebook = work, codebook
        self._tokenized, extracted = set(tokens.done()), set(features.done())
        if not self._tokenized | extracted:
            raise InputError(
                f"{work} holds neither visual words nor features: run videobert extract VIDEOS --work {work}"
            )
        if self._tokenized:
            codebook.refuse_other_words(tokens)
        self.known = by_youtube_id(self._tokenized | extracted, wanted)
        self.with_features = {
            youtube for youtube, video in self.known.items() if video in extracted
        }

    def segments(
        self,
        subset: str,
        captions: Iterable[CaptionedSegment],
        actions: Mapping[CaptionedSegment, tuple[int, int]],
        progress: Progress,
    ) -> list[Segment]:
        """The captions with their actions as labelled segments; those in which no clip lies are left out."""
        by_video: dict[str, list[CaptionedSegment]] = defaultdict(list)
        for caption in captions:
            by_video[caption.video].append(caption)
        found = []
        for done, (youtube, wanted) in enumerate(by_video.items(), 1):
            track = self._track(youtube)
            for caption in wanted:
                shown = track.within(caption.start, caption.end)
                if len(shown.words):
                    found.append(Segment(youtube, *actions[caption], shown.words, shown.mean))
            progress(f"{subset} videos", done, len(by_video))
        return found

    def _track(self, youtube: str) -> Track:
        """A video, with its features where they are kept."""
        video = self.known[youtube]
        if video in self._tokenized:
            return read_track(self._work, video, self._codebook, youtube in self.with_features)
        return encode_track(Stage(self._work / "features"), video, self._codebook)
