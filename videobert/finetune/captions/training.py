"""A captioner learns: VideoBERT stays as it is, its features of every segment are computed once, and are all that is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from accelerate.utils import set_seed
from transformers import get_linear_schedule_with_warmup

from videobert.data.captioned import annotated_stretches, look_up, spoken_stretches
from videobert.data.work import DATA_DIGEST, data_digest, token_stage
from videobert.data.youcook2 import TRAINING
from videobert.finetune.captions.captioner import FOLDER, Captioner, model_digest, segment_features
from videobert.finetune.captions.network import CaptionerConfig, CaptionNetwork, Features
from videobert.finetune.captions.options import FEATURES, S3D, CaptionOptions
from videobert.loading import load_model
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError
from workfolder.files import file_digest, read_json, write_folder, write_json, write_table
from workfolder.progress import Progress, silent
from workfolder.stage import OPTIONS_FILE, Stage, refuse_other_options

HISTORY_FILE, REPORT_FILE = "history.parquet", "report.json"
STAGE = "captioner"


@dataclass(frozen=True)
class Training:
    """What came of it.

    Attributes:
        history: a row a look: step, loss (the mean since the last look), validation_loss; each per piece, in nats.
        best_step: after which the captioner's weights were taken.
    """

    captioner: Captioner
    history: pa.Table
    best_step: int


@dataclass(frozen=True)
class CaptionerReport:
    """How a captioner came about.

    Attributes:
        now: whether this run made it.
        segments: how many it learnt from, those of the validation slice included.
        unseen: segments without a clip.
        missing: videos of the annotations that the work folder has not.
        steps: updates; ``best_step`` is the one whose weights were kept.
        validation_loss: there, per piece, in nats; None where nothing was kept apart.
    """

    folder: str
    now: bool
    features: str
    segments: int
    unseen: int
    missing: Sequence[str]
    steps: int
    best_step: int
    validation_loss: float | None

    def __str__(self) -> str:
        if not self.now:
            return "captioner: done already, nothing to do"
        loss = (
            ""
            if self.validation_loss is None
            else f", validation loss {self.validation_loss:.3f} a piece"
        )
        learnt = f"captioner: {self.folder} learnt from {self.segments:,} segments"
        return f"{learnt}; step {self.best_step:,} of {self.steps:,} was best{loss}"


def finetune_captioner(
    folder: Path,
    work: Path,
    options: CaptionOptions = CaptionOptions(),
    annotations: Path | None = None,
    progress: Progress = silent,
) -> CaptionerReport:
    """Train a captioner for the model in ``folder`` and write it there, as MODEL/captioner.

    It learns from the sentences of DIR/examples, or from the training segments of YouCook2's annotations where they are given.
    Nothing is done if the same options have made it of the same data already. InputError if it was made otherwise, if there
    is nothing to learn from, or if the loss is no longer a number.
    """
    model, home = load_model(folder), folder / FOLDER
    tokens = token_stage(work, model.processor.codebook)
    stretches = (
        annotated_stretches(annotations, TRAINING) if annotations else spoken_stretches(work)
    )
    examples = Stage(work / "examples")
    source = (
        {"annotations": file_digest(annotations)}
        if annotations
        else {"examples": examples.options()}
    )
    read = [tokens] if annotations else [tokens, examples]
    found = {"videos": len(tokens.done()), DATA_DIGEST: data_digest(*read), **source}
    provenance = {**asdict(options), "model": model_digest(folder), **found}
    if home.exists():
        _refuse_another(home, provenance)
        return CaptionerReport(
            **{**read_json(home / REPORT_FILE), "folder": str(home), "now": False}
        )
    seen = look_up(
        stretches, work, model.processor.codebook, S3D in FEATURES[options.features], progress
    )
    features = segment_features(model, options.features, seen.stretches)
    training = train_captioner(
        model.processor,
        features,
        seen.sentences,
        seen.videos,
        options,
        progress,
        model.network.device,
    )
    report = _report(home, options, training, len(seen.stretches), seen.unseen, seen.missing)
    with write_folder(home) as part:
        training.captioner.save(part)
        write_table(training.history, part / HISTORY_FILE)
        write_json(asdict(report), part / REPORT_FILE)
        write_json(provenance, part / OPTIONS_FILE)
    return report


def _refuse_another(home: Path, provenance: Mapping[str, Any]) -> None:
    """InputError if a captioner was made otherwise; a model has one, so another folder for it is no way out."""
    advice = f"delete {home}, or fine-tune a copy of {home.parent}"
    refuse_other_options(home, read_json(home / OPTIONS_FILE), provenance, advice)


def _report(
    home: Path,
    options: CaptionOptions,
    training: Training,
    segments: int,
    unseen: int,
    missing: tuple[str, ...],
) -> CaptionerReport:
    rows = {row["step"]: row for row in training.history.to_pylist()}
    best = rows[training.best_step]
    return CaptionerReport(
        str(home),
        True,
        options.features,
        segments,
        unseen,
        missing,
        max(rows),
        training.best_step,
        best["validation_loss"],
    )


def train_captioner(
    processor: VideoBertProcessor,
    features: Features,
    sentences: Sequence[str],
    videos: Sequence[str],
    options: CaptionOptions,
    progress: Progress = silent,
    device: torch.device = torch.device("cpu"),
) -> Training:
    """A captioner that learnt which sentence goes with which features.

    Args:
        features: of the segments, by segment_features for ``options.features``.
        sentences, videos: [segments], what is said of each, and the video it is of.
    """
    set_seed(options.seed)
    network = CaptionNetwork(_config(processor, features, options))
    apart = torch.from_numpy(_kept_apart(videos, options))
    pairs = _Pairs(features, _pieces(processor, sentences, network.config))
    learnt, held = pairs.at(torch.nonzero(~apart)[:, 0]), pairs.at(torch.nonzero(apart)[:, 0])
    network.fit_scales(learnt.features)
    watch = _Watch(network.to(device), held, options)
    _learn(network, learnt, watch, options, progress)
    network.load_state_dict(watch.best_weights)
    return Training(
        Captioner(network.eval(), processor.tokenizer),
        pa.Table.from_pylist(watch.rows),
        watch.best_step,
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


def _kept_apart(videos: Sequence[str], options: CaptionOptions) -> np.ndarray:
    """Which segments are of the validation videos, bool [segments]: one video at least, where there are two to share."""
    names = np.unique(videos)
    most = len(names) - 1
    number = (
        min(most, max(1, round(options.validation_share * len(names))))
        if options.validation_share
        else 0
    )
    return np.isin(videos, np.random.default_rng(options.seed).permutation(names)[:number])


def _pieces(
    processor: VideoBertProcessor, sentences: Sequence[str], config: CaptionerConfig
) -> torch.Tensor:
    """Ids of each sentence with [SEP], padded: int64 [segments, longest]. What is too long is cut, and then has no [SEP]."""
    pieces = torch.full((len(sentences), config.longest), config.pad)
    for row, ids in zip(pieces, processor.text_ids(sentences), strict=True):
        kept = torch.tensor([*ids, config.end])[: config.longest]
        row[: len(kept)] = kept
    return pieces


@dataclass(frozen=True)
class _Pairs:
    """Features of segments, and the pieces of their sentences, int64 [segments, longest]."""

    features: Features
    pieces: torch.Tensor

    def __len__(self) -> int:
        return len(self.pieces)

    def at(self, places: torch.Tensor) -> _Pairs:
        return _Pairs(
            {part: values[places] for part, values in self.features.items()}, self.pieces[places]
        )


def _loss(network: CaptionNetwork, pairs: _Pairs) -> torch.Tensor:
    """Cross entropy in nats, the mean over the pieces of all captions together."""
    pad = network.config.pad
    pieces = pairs.pieces[:, : int((pairs.pieces != pad).sum(dim=1).max())].to(network.device)
    asked = pieces != pad
    return torch.nn.functional.cross_entropy(network(pairs.features, pieces, asked), pieces[asked])


class _Watch:
    """Looks at the validation slice now and then, and keeps the best weights."""

    def __init__(self, network: CaptionNetwork, held: _Pairs, options: CaptionOptions) -> None:
        self.rows: list[dict[str, Any]] = []
        self.best_step = 0
        self.best_weights: Mapping[str, torch.Tensor] = {}
        self._network, self._held, self._options = network, held, options

    def look(self, step: int, loss: float) -> None:
        """Note where learning stands; without a validation slice the last weights are the best."""
        found = _finite(self._validation_loss(), step) if len(self._held) else None
        best = min(
            (row["validation_loss"] for row in self.rows if found is not None), default=np.inf
        )
        self.rows.append({"step": step, "loss": loss, "validation_loss": found})
        if found is None or found < best:
            self.best_step = step
            self.best_weights = {
                name: values.clone() for name, values in self._network.state_dict().items()
            }

    @property
    def hopeless(self) -> bool:
        """Whether the last looks brought nothing better."""
        return (
            bool(self.rows)
            and sum(row["step"] > self.best_step for row in self.rows) >= self._options.patience
        )

    @torch.inference_mode()
    def _validation_loss(self) -> float:
        self._network.eval()
        parts = [
            self._held.at(some)
            for some in torch.arange(len(self._held)).split(self._options.batch_size)
        ]
        sizes = [int((part.pieces != self._network.config.pad).sum()) for part in parts]
        return float(
            np.average([_loss(self._network, part).item() for part in parts], weights=sizes)
        )


def _learn(
    network: CaptionNetwork,
    learnt: _Pairs,
    watch: _Watch,
    options: CaptionOptions,
    progress: Progress,
) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=options.learning_rate, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, options.steps)
    recent: list[float] = []
    progress(STAGE, 0, options.steps)
    for step, places in enumerate(islice(_draws(len(learnt), options), options.steps), 1):
        network.train()
        loss = _loss(network, learnt.at(places))
        recent.append(_finite(loss.item(), step))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % options.validate_every == 0 or step == options.steps:
            watch.look(step, float(np.mean(recent)))
            recent = []
        progress(
            STAGE, step, options.steps, f"best at step {watch.best_step}" if watch.best_step else ""
        )
        if watch.hopeless:
            progress(STAGE, step, step, f"nothing better since step {watch.best_step}")
            return


def _finite(loss: float, step: int) -> float:
    if not np.isfinite(loss):
        raise InputError(
            f"the captioner's loss at step {step} is {loss}: use a lower --learning-rate; nothing was written"
        )
    return loss


def _draws(size: int, options: CaptionOptions) -> Iterator[torch.Tensor]:
    """Places of batches, without end; each place once an epoch."""
    for epoch in count():
        order = np.random.default_rng([options.seed, epoch]).permutation(size)
        yield from torch.from_numpy(order).split(options.batch_size)
