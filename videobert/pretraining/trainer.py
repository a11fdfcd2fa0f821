"""The loop: a model on its way through the phases of a run.

One process, or one for each GPU under torchrun. An update is a function of the weights, the seed and the step, so a run that
is stopped goes on as if it had not been, and several processes do what one would with the same batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import torch
from accelerate import Accelerator
from torch.utils.tensorboard import SummaryWriter

from videobert.learning.checkpoints import TrainingFolder
from videobert.learning.dropout import use_fast_dropout
from videobert.learning.history import History, Tally, write_curves
from videobert.learning.optimizer import MasterAdamW
from videobert.learning.schedule import LearningRate
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.pretraining.batches import Batch
from videobert.pretraining.masking import IGNORED
from videobert.pretraining.objectives import OBJECTIVES, Score, answer, total_loss
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.packing import Packed, pack
from videobert.pretraining.start import Prepared
from workfolder.errors import InputError
from workfolder.progress import Progress

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
MOST_VALIDATION_STEPS = 50


class Trainer:
    """Trains a prepared model.

    The batch of an update is split among processes x ``accumulate`` parts, each packed by itself. Their losses are divided
    by the counts of the whole batch, so that the gradients of the parts add up to its gradient; and the random draws of a
    part, dropout's, follow from the seed, the step and the part's number. InputError if a batch has too few sequences.
    """

    def __init__(
        self,
        prepared: Prepared,
        options: PretrainOptions,
        accelerator: Accelerator,
        folder: TrainingFolder,
    ) -> None:
        self.history = History()
        self._folder = folder
        self._prepared, self._options, self._accelerator = prepared, options, accelerator
        self._parts = accelerator.num_processes * options.accumulate
        smallest = min(phase.batch_size for phase in options.plan)
        if smallest < self._parts:
            raise InputError(
                f"a batch of {smallest} cannot be shared among {self._parts} parts: give a larger --batch-size"
            )
        model: torch.nn.Module = prepared.model
        model.to(accelerator.device)
        if accelerator.device.type == "cpu":
            use_fast_dropout(prepared.model)
        rates = options.learning_rate, options.weight_decay, options.layer_decay
        self._adamw = MasterAdamW(model, *rates, DTYPES[options.precision])
        self._model = accelerator.prepare(model)
        self._rate = LearningRate(options.plan, options.schedule, options.warmup)

    def run(self, progress: Progress) -> None:
        """Do every step that is left. InputError if a loss or gradient is no finite number; the last checkpoint stays."""
        options, main = self._options, self._accelerator.is_main_process
        done, total = self._folder.load(self._adamw, self.history), options.total_steps
        began, tokens = time.monotonic(), 0
        progress("pretrain", done, total)
        with (
            SummaryWriter(self._folder.board, purge_step=done + 1)
            if main
            else nullcontext() as board
        ):
            for step, batch in enumerate(self._batches(done), done + 1):
                self.update(step - 1, batch)
                if step % options.validate_every == 0 or step == total:
                    self.history.add_validation(step, self.validate())
                if main and step % options.checkpoint_every == 0:
                    self._folder.save(step, self._adamw, self.history)
                if board and self.history.rows and self.history.rows[-1]["step"] == step:
                    write_curves(self.history.rows[-1], board)
                tokens += batch.tokens
                progress(
                    "pretrain",
                    step,
                    total,
                    f"{tokens / (time.monotonic() - began):,.0f} tokens/s{self._found()}",
                )

    def update(self, step: int, batch: Batch) -> None:
        """Learn from a batch, and note in the history what was found."""
        asked = {objective.name: objective.asked(batch) for objective in OBJECTIVES}
        sums = torch.zeros(len(OBJECTIVES), 2, dtype=torch.float64, device=self._accelerator.device)
        self._model.train()
        for turn in range(self._options.accumulate):
            part = turn * self._accelerator.num_processes + self._accelerator.process_index
            torch.manual_seed(
                int(np.random.SeedSequence([self._options.seed, step, part]).generate_state(1)[0])
            )
            last = turn == self._options.accumulate - 1
            with nullcontext() if last else self._accelerator.no_sync(self._model):
                scores = self._scores(
                    self._model, pack(batch, np.arange(part, len(batch.regime), self._parts))
                )
                # Processes' gradients are averaged, where their sum is wanted.
                self._accelerator.backward(
                    total_loss(scores, asked) * self._accelerator.num_processes
                )
            sums += _sums(scores)
        tally = self._tally(sums, asked)
        rate = self._rate(step)
        gradient = self._adamw.step(rate)
        if not np.isfinite([gradient, *(loss for loss, _, _ in tally.values())]).all():
            raise InputError(
                f"the loss or its gradient at step {step + 1} is no finite number, and training stopped; {self._folder.folder} "
                "keeps the last checkpoint: begin anew with a lower --learning-rate and another --out"
            )
        others = {"learning_rate": rate * self._options.learning_rate, "gradient": gradient}
        self.history.add(
            step + 1, tally, batch.tokens, step + 1 == self._options.total_steps, **others
        )

    @torch.no_grad()
    def validate(self) -> Tally:
        """What is found on the videos that are kept apart; nothing where there are none."""
        batches = self._prepared.validation
        if batches is None:
            return {}
        # The model itself: what makes it one of several processes would have all of them call it equally often.
        model = self._prepared.model.eval()
        asked = dict.fromkeys((objective.name for objective in OBJECTIVES), 0)
        sums = torch.zeros(len(OBJECTIVES), 2, dtype=torch.float64, device=self._accelerator.device)
        for step in range(min(batches.epoch_steps, MOST_VALIDATION_STEPS)):
            batch = batches.batch(step)
            asked = {
                objective.name: asked[objective.name] + objective.asked(batch)
                for objective in OBJECTIVES
            }
            if step % self._accelerator.num_processes == self._accelerator.process_index:
                sums += _sums(self._scores(model, pack(batch, np.arange(len(batch.regime)))))
        return self._tally(sums, asked)

    def finished_model(self) -> VideoBertForPreTraining:
        """The model in fp32, as it is used."""
        model = self._prepared.model
        self._adamw.fill(model)
        model.set_attn_implementation("sdpa")
        return model.eval()

    def _batches(self, done: int) -> Iterator[Batch]:
        """The batches of the steps after the first ``done``, each made while the model is at the one before."""
        plan = zip(self._prepared.phases, self._options.plan, strict=True)
        order = [(batches, step) for batches, phase in plan for step in range(phase.steps)][done:]
        with ThreadPoolExecutor(1) as maker:
            coming = None
            for batches, step in order:
                previous, coming = coming, maker.submit(batches.batch, step)
                if previous:
                    yield previous.result()
            if coming:
                yield coming.result()

    def _scores(self, model: torch.nn.Module, packed: Packed) -> dict[str, Score]:
        packed = packed.to(self._accelerator.device)
        output = model(
            packed.input_ids,
            token_type_ids=packed.token_type_ids,
            position_ids=packed.position_ids,
            sequence_ids=packed.sequence_ids,
            predict_at=packed.labels != IGNORED,
            judge_at=packed.alignment != IGNORED,
        )
        answers = answer(output, packed)
        return {objective.name: objective(answers) for objective in OBJECTIVES}

    def _tally(self, sums: torch.Tensor, asked: dict[str, int]) -> Tally:
        """Sums of all processes, with the counts of what was asked."""
        found = self._accelerator.reduce(sums, "sum").tolist()
        return {
            name: (loss, int(correct), asked[name])
            for name, (loss, correct) in zip(asked, found, strict=True)
        }

    def _found(self) -> str:
        """The last accuracies that tell whether the model looks at the video, for people."""
        last = self.history.last
        names = [name for name in ("masked_joint", "alignment") if f"{name}_accuracy" in last]
        return "".join(f", {name} {last[f'{name}_accuracy']:.0%}" for name in names)


def _sums(scores: dict[str, Score]) -> torch.Tensor:
    """Loss and right answers of each objective, float64 [objectives, 2]."""
    return torch.stack(
        [torch.stack([s.loss.detach().double(), s.correct.double()]) for s in scores.values()]
    )
