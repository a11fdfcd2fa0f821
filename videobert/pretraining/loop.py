"""From a work folder with examples to a model's folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from videobert.joint_network import JointNetwork
from videobert.learning.checkpoints import TrainingFolder
from videobert.learning.history import draw_losses
from videobert.learning.learner import Recipe
from videobert.learning.run import read_made_with, train_once
from videobert.learning.trainer import Trainer
from videobert.loading import GENERATOR, TrainedModel
from videobert.pretraining.bank_drawing import draw_bank
from videobert.pretraining.batches import Batch
from videobert.pretraining.initial import check_start
from videobert.pretraining.learner import PretrainLearner
from videobert.pretraining.model_card import model_card
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.replaced import ReplacedNetwork
from videobert.pretraining.start import provenance, start_run
from workfolder.digests import write_digests
from workfolder.files import write_table
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.stage import refuse_other_options

HISTORY_FILE, LOSSES_FILE = "history.parquet", "losses.png"
ADVICE = "use those, or give another --out"


def check(work: Path, out: Path, options: PretrainOptions) -> None:
    """Refuse what ``pretrain`` refuses whatever the examples are, as far as seconds can tell.

    Raises:
        InputError: if ``out`` was made otherwise, or there is nothing to start from.
    """
    if out.exists():
        there = read_made_with(out, ADVICE)
        others = {key: value for key, value in there.items() if key not in asdict(options)}
        refuse_other_options(out, there, {**others, **options.noted()}, ADVICE)
    else:
        check_start(work, options)


def pretrain(
    work: Path, out: Path, options: PretrainOptions, progress: Progress = silent
) -> Report:
    """Train a model on DIR/examples and write it, with all that answers need, to ``out``.

    Nothing is done if ``out`` is there, made with the same options from the same examples.

    Raises:
        InputError: as ``train_once``; or if there is nothing to learn from.
    """
    out, made_with = out.absolute(), provenance(work, options)

    def write(part: Path, learner: PretrainLearner, trainer: Trainer[Batch]) -> None:
        write_model(part, learner, trainer, made_with, TrainingFolder.beside(out).board)

    now = train_once(
        out, made_with, lambda: start_run(work, options), recipe(options), write, ADVICE, progress
    )
    return Report("model", before=int(not now), now=int(now))


def write_model(
    part: Path,
    learner: PretrainLearner,
    trainer: Trainer[Batch],
    made_with: Mapping[str, Any],
    board: Path,
) -> None:
    """Write what a run made, with all that answers need, into a folder.

    Args:
        part: the folder.
        learner: what was trained.
        trainer: at the end of its run.
        made_with: the options, with their seed, and the data; the card tells them.
        board: TensorBoard's files.
    """
    model, history = trainer.finished_model(), trainer.history
    answering = model
    if isinstance(model, ReplacedNetwork):
        answering, model = model.generator, model.discriminator
        answering.save_pretrained(part / GENERATOR)
        write_digests(part / GENERATOR)
    assert isinstance(model, JointNetwork) and isinstance(answering, JointNetwork)
    model.boundary, model.turns = None, None  # only training needs them
    model.save_pretrained(part)
    learner.processor.save_pretrained(part)
    batches = learner.phases[0][0]
    apart = np.ones(len(batches.corpus), dtype=bool)
    apart[batches.members] = False
    trained = TrainedModel(answering.eval(), learner.processor)
    draw_bank(trained, batches.corpus, apart, made_with["seed"]).save(part)
    write_table(history.table(), part / HISTORY_FILE)
    draw_losses(history.rows, part / LOSSES_FILE)
    card = model_card(made_with, model.config, history.last)
    (part / "README.md").write_text(card, encoding="utf-8")
    shutil.copytree(board, part / board.name)


def recipe(options: PretrainOptions) -> Recipe:
    """Return how a run with these options learns."""
    shared = {name: getattr(options, name) for name in _SHARED}
    steps, sizes = zip(*((phase.steps, phase.batch_size) for phase in options.plan), strict=True)
    layers = [phase.layers for phase in options.plan if phase.layers]
    return Recipe(steps, min(sizes), layers=layers, **shared)


_SHARED = (
    "learning_rate",
    "schedule",
    "warmup",
    "weight_decay",
    "layer_decay",
    "optimizer",
    "precision",
    "accumulate",
    "validate_every",
    "checkpoint_every",
    "tracker",
    "seed",
)
"""Fields that PretrainOptions and Recipe have in common."""
