"""How good captions are, against what people wrote or the speakers said of the same stretches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from videobert.data.captioned import (
    SeenStretches,
    annotated_stretches,
    heard_in,
    look_up,
    spoken_stretches,
)
from videobert.data.youcook2 import VALIDATION
from videobert.finetune.captions.captioner import BATCH, Captioner, segment_features
from videobert.finetune.captions.network import BEAM
from videobert.finetune.captions.options import FEATURES, S3D
from videobert.loading import TrainedModel
from workfolder.progress import Progress, silent

if TYPE_CHECKING:
    from videobert.evaluation.metrics.captions import CaptionMetrics


@dataclass(frozen=True)
class CaptionPair:
    """A stretch, in seconds of its video, with the caption that was found and the reference."""

    video: str
    start: float
    end: float
    caption: str
    reference: str


@dataclass(frozen=True)
class CaptionResult:
    """The scores of captions, and what they are about.

    Attributes:
        features: The captioner's variant.
        beam: Width of its search.
        segments: How many stretches were captioned.
        unseen: How many have no clip.
        missing: Videos of the annotations that the work folder does not have.
        scores: By metric.
        transcript: The same for the transcript alone: what is said in each stretch, word for word,
            taken for its caption. None where it is the reference, or nobody was heard.
        pairs: Every caption beside its reference.
    """

    features: str
    beam: int
    segments: int
    unseen: int
    missing: Sequence[str]
    scores: CaptionMetrics
    pairs: Sequence[CaptionPair]
    transcript: CaptionMetrics | None = None


def evaluate_captions(
    model: TrainedModel,
    captioner: Captioner,
    work: Path,
    annotations: Path | None = None,
    beam: int = BEAM,
    progress: Progress = silent,
) -> CaptionResult:
    """Caption the stretches of a work folder, and score the captions.

    Args:
        model: Reads the clips.
        captioner: Writes the captions.
        work: The work folder.
        annotations: YouCook2's, whose validation subset is captioned; None for the sentences of
            DIR/examples.
        beam: Width of the search.
        progress: Hears of the videos and of the captions.

    Raises:
        InputError: if DIR has no clip of any, or its visual words are of another codebook.
    """
    stretches = (
        annotated_stretches(annotations, VALIDATION) if annotations else spoken_stretches(work)
    )
    with_s3d = S3D in FEATURES[captioner.network.config.features]
    seen = look_up(stretches, work, model.processor.codebook, with_s3d, progress)
    found = score_stretches(model, captioner, seen, beam, progress)
    return replace(found, transcript=_score_transcript(seen, work) if annotations else None)


def _score_transcript(seen: SeenStretches, work: Path) -> CaptionMetrics | None:
    from videobert.evaluation.metrics.captions import score_captions

    if (heard := heard_in(seen.stretches, work)) is None:
        return None
    return score_captions(heard, [[sentence] for sentence in seen.sentences], with_meteor=True)


def score_stretches(
    model: TrainedModel,
    captioner: Captioner,
    seen: SeenStretches,
    beam: int = BEAM,
    progress: Progress = silent,
) -> CaptionResult:
    """Caption stretches, and score the captions; with METEOR, where it can be had."""
    from videobert.evaluation.metrics.captions import score_captions

    variant, count = captioner.network.config.features, len(seen.stretches)
    features = segment_features(model, variant, seen.stretches)
    texts: list[str] = []
    for first in range(0, count, BATCH):
        batch = {part: values[first : first + BATCH] for part, values in features.items()}
        texts += [caption.text for caption in captioner(batch, beam)]
        progress("captions", len(texts), count)
    pairs = [
        CaptionPair(stretch.video, stretch.start, stretch.end, text, stretch.text)
        for stretch, text in zip(seen.stretches, texts, strict=True)
    ]
    scores = score_captions(texts, [[sentence] for sentence in seen.sentences], with_meteor=True)
    return CaptionResult(variant, beam, count, seen.unseen, seen.missing, scores, pairs)
