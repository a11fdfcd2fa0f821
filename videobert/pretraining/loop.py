"""From a work folder with examples to a model's folder."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from videobert.learning.checkpoints import TrainingFolder
from videobert.learning.history import draw_losses
from videobert.pretraining.model_card import model_card
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.start import Prepared, check_start, prepare, provenance
from videobert.pretraining.trainer import Trainer
from workfolder.errors import InputError
from workfolder.files import read_json, write_folder, write_json, write_table
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.stage import OPTIONS_FILE, refuse_other_options

HISTORY_FILE, LOSSES_FILE = "history.parquet", "losses.png"


def check(out: Path, options: PretrainOptions) -> None:
    """InputError for what ``pretrain`` refuses whatever the examples are, as far as that can be told in seconds."""
    if out.exists():
        there = _made_with(out)
        refuse_other_options(out, there, {**there, **asdict(options)})
    else:
        check_start(options)


def pretrain(
    work: Path, out: Path, options: PretrainOptions, progress: Progress = silent
) -> Report:
    """Train a model on DIR/examples and write it, with all that answers need, to the folder ``out``.

    Nothing is done if ``out`` is there already, made with the same options from the same examples. A run that was stopped
    goes on from its last checkpoint in ``OUT.training``, a folder that goes when the model is there. InputError if either
    was made otherwise, if there is nothing to learn from, or if the loss is no longer a number.
    """
    made_with, out = provenance(work, options), out.absolute()
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    main = accelerator.is_main_process
    folder = TrainingFolder(out.parent / f"{out.name}.training")
    if out.exists():
        refuse_other_options(out, _made_with(out), made_with)
        if main:
            folder.remove()  # of a run that was killed when all but this was done
        return Report("model", before=1, now=0)
    prepared = prepare(work, options)
    trainer = Trainer(prepared, options, accelerator, folder)
    with folder.claimed(made_with) if main else nullcontext():
        trainer.run(progress if main else silent)
        if main:
            _write_model(out, prepared, trainer, made_with, folder)
    if main:
        folder.remove()
    accelerator.wait_for_everyone()
    return Report("model", before=0, now=1)


def _made_with(out: Path) -> dict[str, Any]:
    if not (out / OPTIONS_FILE).is_file():
        raise InputError(f"{out} exists and is no model of videobert pretrain: give another --out")
    return read_json(out / OPTIONS_FILE)


def _write_model(
    out: Path,
    prepared: Prepared,
    trainer: Trainer,
    made_with: dict[str, Any],
    folder: TrainingFolder,
) -> None:
    model, history = trainer.finished_model(), trainer.history
    with write_folder(out) as part:
        model.save_pretrained(part)
        prepared.processor.save_pretrained(part)
        write_table(history.table(), part / HISTORY_FILE)
        draw_losses(history.rows, part / LOSSES_FILE)
        write_json(made_with, part / OPTIONS_FILE)
        (part / "README.md").write_text(
            model_card(made_with, model.config, history.last), encoding="utf-8"
        )
        shutil.copytree(folder.board, part / folder.board.name)
