"""From a model's folder and a work folder to MODEL/captioner.

VideoBERT stays as it is. Its features of every segment are computed once, and the captioner reads
nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from videobert.data.captioned import (
    SeenStretches,
    annotated_stretches,
    look_up,
    spoken_stretches,
)
from videobert.data.work import DATA_DIGEST, data_digest, token_stage
from videobert.data.youcook2 import TRAINING
from videobert.finetune.captions.captioner import FOLDER, Captioner, model_digest, segment_features
from videobert.finetune.captions.learner import CAPTION, CaptionLearner, Segments
from videobert.finetune.captions.network import CaptionerConfig, CaptionNetwork, Features
from videobert.finetune.captions.options import FEATURES, S3D, CaptionOptions
from videobert.finetune.captions.report import REPORT_FILE, CaptionerReport, read_report
from videobert.learning.history import VALIDATION
from videobert.learning.learner import Recipe
from videobert.learning.run import train_once
from videobert.learning.split import kept_apart
from videobert.learning.trainer import Trainer
from videobert.loading import load_model
from videobert.processing_videobert import VideoBertProcessor
from workfolder.build_once import Once
from workfolder.files import file_digest, write_json, write_table
from workfolder.progress import Progress, silent
from workfolder.stage import Stage

HISTORY_FILE = "history.parquet"
TRAINING_LOSS = f"{CAPTION}_loss"
VALIDATION_LOSS = f"{VALIDATION}{CAPTION}_loss"


@dataclass(frozen=True)
class Training:
    """What a training came to.

    Attributes:
        captioner: with the weights of the best step.
        history: the rows of ``History``; losses are per piece, in nats.
        best_step: the step whose weights were taken.
    """

    captioner: Captioner
    history: pa.Table
    best_step: int


def finetune_captioner(
    folder: Path,
    work: Path,
    options: CaptionOptions = CaptionOptions(),
    annotations: Path | None = None,
    progress: Progress = silent,
) -> CaptionerReport:
    """Train a captioner for the model in ``folder`` and write it there, as MODEL/captioner.

    Nothing is done if the same options have made it of the same data already. A run that was
    stopped goes on from its last checkpoint.

    Args:
        folder: MODEL.
        work: the work folder of the videos.
        options: how it learns.
        annotations: of YouCook2, whose training segments it learns from; without them it learns
            from the sentences of DIR/examples.
        progress: told how far it is.

    Raises:
        InputError: if it was made otherwise, if there is nothing to learn from, or if a loss is
            not finite.
    """
    model, home = load_model(folder), folder / FOLDER
    tokens = token_stage(work, model.processor.codebook)
    stretches = (
        annotated_stretches(annotations, TRAINING) if annotations else spoken_stretches(work)
    )
    learnt_from = _learnt_from(tokens, Stage(work / "examples"), annotations)
    made_with = {**asdict(options), "model": model_digest(folder), **learnt_from}
    with_s3d = S3D in FEATURES[options.features]
    seen = Once(lambda: look_up(stretches, work, model.processor.codebook, with_s3d, progress))

    def start() -> CaptionLearner:
        features = segment_features(model, options.features, seen().stretches)
        return start_run(model.processor, features, seen().sentences, seen().videos, options)

    def write(part: Path, learner: CaptionLearner, trainer: Trainer[Segments]) -> None:
        training = _finished(trainer, learner, model.processor)
        training.captioner.save(part)
        write_table(training.history, part / HISTORY_FILE)
        report = _report(home, options, training, seen(), learner.learnt.prior_loss)
        write_json(asdict(report), part / REPORT_FILE)

    advice = f"delete {home}, or fine-tune a copy of {folder}"
    now = train_once(home, made_with, start, _recipe(options), write, advice, progress)
    return replace(read_report(home), now=now)


def _learnt_from(tokens: Stage, examples: Stage, annotations: Path | None) -> dict[str, Any]:
    """What options.json says of the data."""
    videos: dict[str, Any] = {"videos": len(tokens.done())}
    if annotations:
        digest = data_digest(tokens)
        return {**videos, DATA_DIGEST: digest, "annotations": file_digest(annotations)}
    digest = data_digest(tokens, examples)
    return {**videos, DATA_DIGEST: digest, "examples": examples.options()}


def _report(
    home: Path,
    options: CaptionOptions,
    training: Training,
    seen: SeenStretches,
    prior_loss: float,
) -> CaptionerReport:
    rows = {row["step"]: row for row in training.history.to_pylist()}
    losses = [row[TRAINING_LOSS] for row in rows.values() if row.get(TRAINING_LOSS) is not None]
    return CaptionerReport(
        str(home),
        True,
        options.features,
        len(seen.stretches),
        seen.unseen,
        seen.missing,
        max(rows),
        training.best_step,
        losses[-1],
        rows[training.best_step].get(VALIDATION_LOSS),
        prior_loss,
    )


def train_captioner(
    processor: VideoBertProcessor,
    features: Features,
    sentences: Sequence[str],
    videos: Sequence[str],
    options: CaptionOptions,
    progress: Progress = silent,
) -> Training:
    """Train a captioner in memory.

    Args:
        processor: of the model whose features these are.
        features: of the segments, by segment_features for ``options.features``.
        sentences: [segments], what is said of each.
        videos: [segments], the video of each.
        options: how it learns.
        progress: told how far it is.
    """
    learner = start_run(processor, features, sentences, videos, options)
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    trainer = Trainer(learner, _recipe(options), accelerator)
    trainer.run(progress)
    return _finished(trainer, learner, processor)


def _finished(
    trainer: Trainer[Segments], learner: CaptionLearner, processor: VideoBertProcessor
) -> Training:
    trainer.finished_model()
    best_step = trainer.watch.best_step if trainer.watch else 0
    captioner = Captioner(learner.model, processor.tokenizer)
    return Training(captioner, trainer.history.table(), best_step)


def start_run(
    processor: VideoBertProcessor,
    features: Features,
    sentences: Sequence[str],
    videos: Sequence[str],
    options: CaptionOptions,
) -> CaptionLearner:
    """Make everything ready for the first step; the arguments are those of train_captioner."""
    set_seed(options.seed)
    network = CaptionNetwork(_config(processor, features, options))
    pad = network.config.pad
    segments = Segments(features, _pieces(processor, sentences, network.config), pad)
    apart = torch.from_numpy(kept_apart(videos, options.validation_share, options.seed, least=1))
    learnt, held = (segments.at(torch.nonzero(chosen)[:, 0]) for chosen in (~apart, apart))
    network.fit_scales(learnt.features)
    return CaptionLearner(network, learnt, held, options.batch_size, options.seed)


def _recipe(options: CaptionOptions) -> Recipe:
    """Return how a captioner learns: a checkpoint with each validation."""
    return Recipe(
        [options.steps],
        options.batch_size,
        options.learning_rate,
        validate_every=options.validate_every,
        checkpoint_every=options.validate_every,
        patience=options.patience,
        seed=options.seed,
    )


def _config(
    processor: VideoBertProcessor, features: Features, options: CaptionOptions
) -> CaptionerConfig:
    tokenizer = processor.tokenizer
    return CaptionerConfig(
        features=options.features,
        widths={part: features[part].shape[1] for part in FEATURES[options.features]},
        text_size=processor.vocabulary.text_size,
        start=tokenizer.cls_token_id,
        end=tokenizer.sep_token_id,
        pad=tokenizer.pad_token_id,
        longest=options.longest,
        layers=options.layers,
        width=options.width,
        dropout=options.dropout,
    )


def _pieces(
    processor: VideoBertProcessor, sentences: Sequence[str], config: CaptionerConfig
) -> torch.Tensor:
    """Return the ids of each sentence with [SEP], padded: int64 [segments, longest].

    A sentence that is too long is cut and has no [SEP].
    """
    pieces = torch.full((len(sentences), config.longest), config.pad)
    for row, ids in zip(pieces, processor.text_ids(sentences), strict=True):
        kept = torch.tensor([*ids, config.end])[: config.longest]
        row[: len(kept)] = kept
    return pieces
