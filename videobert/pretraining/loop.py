"""The loop: from a work folder with examples to a model's folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from transformers import AutoTokenizer, PreTrainedTokenizerBase, get_linear_schedule_with_warmup

from feature_extraction.errors import InputError, refuse_unknown
from feature_extraction.jobs import Report
from feature_extraction.progress import Progress, silent
from feature_extraction.storage import (
    OPTIONS_FILE,
    Stage,
    read_json,
    refuse_other_options,
    write_json,
    write_table,
    write_whole,
)
from tokenization.codebook import Codebook
from tokenization.vocabulary import train_wordpiece
from videobert.configuration_videobert import SIZES, VideoBertConfig
from videobert.model_card import model_card
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.pretraining.batches import Batch, Batches
from videobert.pretraining.corpus import make_corpus, read_examples
from videobert.pretraining.masking import IGNORED, Masker
from videobert.pretraining.objectives import OBJECTIVES, Score, total_loss
from videobert.pretraining.options import PretrainOptions
from videobert.processing_videobert import VideoBertProcessor, with_joiner

PRECISIONS = {"fp32": "no", "bf16": "bf16"}
"""As we and as Accelerate call them."""
HISTORY_FILE = "history.parquet"
REPORT_EVERY = 20
"""Steps over which a row of the history is averaged."""

if TYPE_CHECKING:
    from torch.optim import Optimizer


def pretrain(work: Path, out: Path, options: PretrainOptions, progress: Progress = silent) -> Report:
    """Train a model on DIR/examples and write it, with all that answers need, to the folder ``out``.

    Nothing is done if ``out`` is there already, made with the same options from the same examples. InputError if it was
    made otherwise, if there is nothing to learn from, or if the loss is no longer a number.
    """
    refuse_unknown("--precision", options.precision, PRECISIONS)
    stage = Stage(work / "examples")
    provenance = {**asdict(options), "videos": len(stage.done()), "examples": stage.options()}
    if out.exists():
        refuse_other_options(out, _made_with(out), provenance)
        return Report("model", before=1, now=0)
    set_seed(options.seed)
    examples = read_examples(work)
    codebook = Codebook.load(work / "codebook")
    tokenizer = _tokenizer(options, [text for text in examples.column("text").to_pylist() if text])
    processor = VideoBertProcessor(with_joiner(tokenizer), codebook)
    model = _start_model(options, processor)
    batches = _batches(options, processor, model.config, examples)
    history = _train(model, batches, options, progress)
    with write_whole(out) as part:
        model.save_pretrained(part)
        processor.save_pretrained(part)
        write_table(history, part / HISTORY_FILE)
        write_json(provenance, part / OPTIONS_FILE)
        (part / "README.md").write_text(model_card(provenance, model.config, history), encoding="utf-8")
    return Report("model", before=0, now=1)


def _made_with(out: Path) -> dict[str, Any]:
    if not (out / OPTIONS_FILE).is_file():
        raise InputError(f"{out} exists and is no model of videobert pretrain: give another --out")
    return read_json(out / OPTIONS_FILE)


def _tokenizer(options: PretrainOptions, sentences: list[str]) -> PreTrainedTokenizerBase:
    if options.init == "none":
        if not sentences:
            raise InputError("nobody speaks in these videos, so no tokenizer can be learnt: give --init bert-base-uncased")
        return train_wordpiece(sentences)
    try:
        return AutoTokenizer.from_pretrained(options.init)
    except (OSError, ValueError) as error:
        raise InputError(_no_checkpoint(options.init)) from error


def _start_model(options: PretrainOptions, processor: VideoBertProcessor) -> VideoBertForPreTraining:
    vocabulary = processor.vocabulary
    if options.init == "none":
        refuse_unknown("--size", options.size, SIZES)
        config = VideoBertConfig.of_size(
            options.size,
            vocabulary,
            max_position_embeddings=options.max_length,
            hidden_dropout_prob=options.dropout,
            attention_probs_dropout_prob=options.dropout,
        )
        model = VideoBertForPreTraining(config)
    else:
        try:
            model = VideoBertForPreTraining.from_bert(options.init, vocabulary, options.dropout)
        except OSError as error:
            raise InputError(_no_checkpoint(options.init)) from error
    model.set_visual_embeddings(processor.codebook.places)
    return model


def _no_checkpoint(init: str) -> str:
    return f"{init} is no BERT checkpoint in the cache, on the network or on the disk: give a folder, or --init none"


def _batches(options: PretrainOptions, processor: VideoBertProcessor, config: VideoBertConfig, examples: pa.Table) -> Batches:
    layout = processor.layout(min(options.max_length, config.max_position_embeddings))
    tokenizer = processor.tokenizer
    special = sorted({*tokenizer.all_special_ids, processor.vocabulary.joiner})
    masker = Masker(processor.vocabulary, tokenizer.mask_token_id, tuple(special), options.masked_share)
    return Batches(make_corpus(examples, processor.text_ids), layout, masker, options)


def _train(model: VideoBertForPreTraining, batches: Batches, options: PretrainOptions, progress: Progress) -> pa.Table:
    accelerator = Accelerator(mixed_precision=PRECISIONS[options.precision])
    optimizer = _optimizer(model, options)
    schedule = get_linear_schedule_with_warmup(optimizer, int(options.warmup * options.steps), options.steps)
    model, optimizer = accelerator.prepare(model, optimizer)
    model.train()
    history = _History()
    progress("pretrain", 0, options.steps)
    for step in range(options.steps):
        batch = _to_tensors(batches.batch(step), accelerator.device)
        output = model(
            batch["input_ids"], batch["attention_mask"], batch["token_type_ids"], predict_at=batch["labels"] != IGNORED
        )
        found = {objective.name: objective(output, batch) for objective in OBJECTIVES}
        scores = {name: score for name, score in found.items() if score is not None}
        loss = total_loss(scores)
        if not torch.isfinite(loss):
            raise InputError(f"the loss at step {step} is {loss.item()}: use a lower --learning-rate; nothing was written")
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        history.add(step, scores)
        progress("pretrain", step + 1, options.steps, history.latest)
    return history.table()


def _optimizer(model: torch.nn.Module, options: PretrainOptions) -> Optimizer:
    """AdamW; biases and LayerNorm, the parameters of one dimension, do not decay."""
    decaying = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decaying, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)


def _to_tensors(batch: Batch, device: torch.device) -> dict[str, torch.Tensor]:
    return {field.name: torch.from_numpy(getattr(batch, field.name)).to(device) for field in fields(batch)}


class _History:
    """Loss and accuracy of each objective, averaged over REPORT_EVERY steps."""

    def __init__(self) -> None:
        self._rows: list[dict[str, float]] = []
        self._recent: dict[str, list[tuple[float, float]]] = {}
        self.latest = ""

    def add(self, step: int, scores: Mapping[str, Score]) -> None:
        for name, score in scores.items():
            self._recent.setdefault(name, []).append((score.loss.item(), score.correct / score.asked))
        if (step + 1) % REPORT_EVERY == 0:
            self._close(step + 1)

    def _close(self, step: int) -> None:
        row: dict[str, float] = {"step": step}
        for name, pairs in self._recent.items():
            row[f"{name}_loss"], row[f"{name}_accuracy"] = np.mean(pairs, axis=0).tolist()
        self._rows.append(row)
        self._recent = {}
        accuracies = [
            f"{name} {row[f'{name}_accuracy']:.0%}" for name in ("masked_joint", "alignment") if f"{name}_loss" in row
        ]
        self.latest = "accuracy: " + ", ".join(accuracies) if accuracies else ""

    def table(self) -> pa.Table:
        return pa.Table.from_pylist(self._rows or [{"step": 0}])
