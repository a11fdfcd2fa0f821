"""How good captions are: those of a work folder's segments against what people, or the speakers, said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from videobert.data.segments import SeenSegments, annotated_segments, see, spoken_segments
from videobert.data.youcook2 import VALIDATION
from videobert.finetune.captions.captioner import BATCH, Captioner, segment_features
from videobert.finetune.captions.network import BEAM
from videobert.finetune.captions.options import FEATURES, S3D
from videobert.loading import TrainedModel
from workfolder.progress import Progress, silent

if TYPE_CHECKING:
    from videobert.evaluation.metrics.captions import CaptionScores


@dataclass(frozen=True)
class CaptionPair:
    """A segment, in seconds of its video, with the caption that was found and the reference."""

    video: str
    start: float
    end: float
    caption: str
    reference: str


@dataclass(frozen=True)
class CaptionEvaluation:
    """The scores, and what they are about.

    Attributes:
        features, beam: the captioner's variant, and the width of its search.
        segments: how many were captioned.
        unseen: how many have no clip.
        missing: videos of the annotations that the work folder has not.
    """

    features: str
    beam: int
    segments: int
    unseen: int
    missing: Sequence[str]
    scores: CaptionScores
    pairs: Sequence[CaptionPair]


def evaluate_captions(
    model: TrainedModel,
    captioner: Captioner,
    work: Path,
    annotations: Path | None = None,
    beam: int = BEAM,
    progress: Progress = silent,
) -> CaptionEvaluation:
    """Caption the validation segments of YouCook2's annotations, or the sentences of DIR/examples without them, and score.

    InputError if DIR has not one clip of them, or its visual words are of another codebook.
    """
    segments = annotated_segments(annotations, VALIDATION) if annotations else spoken_segments(work)
    with_s3d = S3D in FEATURES[captioner.network.config.features]
    seen = see(segments, work, model.processor.codebook, with_s3d, progress)
    return score_segments(model, captioner, seen, beam, progress)


def score_segments(
    model: TrainedModel,
    captioner: Captioner,
    seen: SeenSegments,
    beam: int = BEAM,
    progress: Progress = silent,
) -> CaptionEvaluation:
    """Caption segments, and score the captions against their sentences; with METEOR, where it can be had."""
    from videobert.evaluation.metrics.captions import score_captions

    variant = captioner.network.config.features
    features = segment_features(model, variant, seen.visual, seen.s3d)
    texts: list[str] = []
    for first in range(0, len(seen.segments), BATCH):
        batch = {part: values[first : first + BATCH] for part, values in features.items()}
        texts += [caption.text for caption in captioner(batch, beam)]
        progress("captions", len(texts), len(seen.segments))
    pairs = [
        CaptionPair(s.video, s.start, s.end, text, s.sentence)
        for s, text in zip(seen.segments, texts, strict=True)
    ]
    scores = score_captions(texts, [[sentence] for sentence in seen.sentences], with_meteor=True)
    return CaptionEvaluation(variant, beam, len(pairs), seen.unseen, seen.missing, scores, pairs)
