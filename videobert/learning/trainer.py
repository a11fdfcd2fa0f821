"""The one loop: every training of this project runs through ``Trainer.run``.

An update, from top to bottom (``Trainer.update``):
1. ``Learner.batch`` made the batch, a function of the data, the options and the step.
2. The batch is split into processes x ``accumulate`` parts.
3. Each part seeds dropout by seed, step and part; ``Learner.scores`` runs the model on it.
4. The part's losses are divided by the counts of the whole batch, so that gradients add up.
5. One step of the optimiser at the rate of the schedule, unless a loss or gradient is not finite.
6. The history notes what was found.

So an update follows from the weights, the seed and the step. A run that was stopped goes on as if
it had not been, and several processes do what one would do with the same batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, Generic

import numpy as np
import torch
from accelerate import Accelerator
from torch.utils.tensorboard import SummaryWriter
from transformers import PreTrainedModel

from videobert.learning.best_step import Watch
from videobert.learning.checkpoints import TrainingFolder
from videobert.learning.draws import seed_torch
from videobert.learning.dropout import use_fast_dropout
from videobert.learning.history import History, Tally, means, write_curves
from videobert.learning.learner import B, Learner, Recipe, Score
from videobert.learning.memory import kept_memory
from videobert.learning.optimizer import MasterOptimizer
from videobert.learning.schedule import LearningRate
from videobert.learning.stacking import set_depth
from videobert.learning.trackers import tell
from workfolder.errors import InputError
from workfolder.progress import Progress

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Trainer(Generic[B]):
    """Trains the model of a learner.

    Attributes:
        history: what was found so far.
        watch: the best step so far, where the recipe has patience.
    """

    def __init__(
        self,
        learner: Learner[B],
        recipe: Recipe,
        accelerator: Accelerator,
        folder: TrainingFolder | None = None,
    ) -> None:
        """Move the model to the accelerator's device.

        Args:
            learner: what is trained.
            recipe: how.
            accelerator: the device, and the processes that share the work.
            folder: where checkpoints and curves go; without one nothing is written.

        Raises:
            InputError: if a batch cannot be shared among the parts.
        """
        self.history = History()
        self.watch = None if recipe.patience is None else Watch(recipe.patience)
        self._learner, self._recipe = learner, recipe
        self._folder, self._accelerator = folder, accelerator
        self._total = sum(recipe.steps)
        self._parts = accelerator.num_processes * recipe.accumulate
        if recipe.batch_size < self._parts:
            raise InputError(
                f"a batch of {recipe.batch_size} cannot be shared among {self._parts} parts: "
                "give a larger --batch-size"
            )
        model = learner.model.to(accelerator.device)
        if accelerator.device.type == "cpu" and isinstance(model, PreTrainedModel):
            use_fast_dropout(model)
        self._hold()
        self._rate = LearningRate(recipe.steps, recipe.schedule, recipe.warmup)

    def run(self, progress: Progress) -> None:
        """Do every step that is left.

        Raises:
            InputError: if a loss or gradient is not finite; the last checkpoint stays.
        """
        with kept_memory():
            self._run(progress)

    def _run(self, progress: Progress) -> None:
        recipe = self._recipe
        folder = self._folder if self._accelerator.is_main_process else None
        done = self._folder.load(self._restore) if self._folder else 0
        stage, began, tokens = self._learner.stage, time.monotonic(), 0
        with SummaryWriter(folder.board, purge_step=done + 1) if folder else nullcontext() as board:
            for step, batch in enumerate(self._batches(done), done + 1):
                if self.watch and self.watch.hopeless:
                    detail = f"nothing better since step {self.watch.best_step:,}"
                    progress(stage, step - 1, step - 1, detail)
                    break
                self._grow(step - 1)
                self.update(step - 1, batch)
                if step % recipe.validate_every == 0 or step == self._total:
                    self._validate(step)
                if folder and step % recipe.checkpoint_every == 0:
                    folder.save(step, *self._state())
                if board and self.history.rows and self.history.rows[-1]["step"] == step:
                    write_curves(self.history.rows[-1], board)
                    tell(self._accelerator, self.history.rows[-1])
                tokens += batch.tokens
                # First told after the first step, which is slow: it says nothing about the others.
                progress(stage, step, self._total, self._detail(tokens, began))

    def update(self, step: int, batch: B) -> None:
        """Learn from a batch, and note in the history what was found.

        Raises:
            InputError: if the loss or its gradient is not finite; no weight has changed then.
        """
        recipe, accelerator = self._recipe, self._accelerator
        asked = self._learner.asked(batch)
        sums = torch.zeros(len(asked), 2, dtype=torch.float64, device=accelerator.device)
        self._model.train()
        for turn in range(recipe.accumulate):
            part = turn * accelerator.num_processes + accelerator.process_index
            seed_torch(recipe.seed, step, part)
            last = turn == recipe.accumulate - 1
            with nullcontext() if last else accelerator.no_sync(self._model):
                chosen = np.arange(part, len(batch), self._parts)
                scores = self._learner.scores(self._model, batch, chosen, accelerator.device)
                loss = self._learner.total_loss(scores, asked)
                # Gradients of processes are averaged, but their sum is wanted.
                accelerator.backward(loss * accelerator.num_processes)
            sums += _sums(scores)
        tally = self._tally(sums, asked)
        rate = self._rate(step)
        gradient = self._optimizer.step(rate)
        self._refuse_not_finite(step + 1, gradient, tally)
        figures = {"learning_rate": rate * recipe.learning_rate, "gradient": gradient}
        last = step + 1 == self._total
        self.history.add(step + 1, tally, batch.tokens, last, **figures)

    @torch.no_grad()
    def validate(self) -> Tally:
        """Ask the model about what is kept apart; nothing is found where there is nothing."""
        accelerator = self._accelerator
        # Not the wrapped model: all processes would have to call it equally often.
        model = self._learner.model.eval()
        sums: torch.Tensor | None = None
        asked: dict[str, int] = {}
        for number, batch in enumerate(self._learner.validation()):
            counts = self._learner.asked(batch)
            asked = {name: asked.get(name, 0) + count for name, count in counts.items()}
            if sums is None:
                sums = torch.zeros(len(asked), 2, dtype=torch.float64, device=accelerator.device)
            if number % accelerator.num_processes == accelerator.process_index:
                chosen = np.arange(len(batch))
                sums += _sums(self._learner.scores(model, batch, chosen, accelerator.device))
        return {} if sums is None else self._tally(sums, asked)

    def finished_model(self) -> torch.nn.Module:
        """Return the model in fp32 and evaluation mode, with the weights that are to be kept."""
        model = self._learner.model
        if self.watch and self.watch.best_weights:
            self._optimizer.set_weights(self.watch.best_weights)
        self._optimizer.fill(model)
        if isinstance(model, PreTrainedModel):
            model.set_attn_implementation("sdpa")
        return model.eval()

    def _hold(self) -> None:
        """Take hold of the weights, without moments."""
        recipe, model = self._recipe, self._learner.model
        self._optimizer = MasterOptimizer(
            model,
            recipe.learning_rate,
            recipe.weight_decay,
            recipe.layer_decay,
            DTYPES[recipe.precision],
            recipe.optimizer,
        )
        self._model = self._accelerator.prepare(model)

    def _grow(self, done: int) -> None:
        """Make the model deeper if a phase that begins after ``done`` steps wants it."""
        layers, since = self._recipe.depth(done)
        if layers and since == 0 and done:
            self._optimizer.fill(self._learner.model)
            self._set_depth(layers)

    def _set_depth(self, layers: int) -> None:
        set_depth(self._learner.model.float(), layers)
        self._hold()

    def _validate(self, step: int) -> None:
        tally = self.validate()
        self._refuse_not_finite(step, 0.0, tally)
        self.history.add_validation(step, tally)
        if self.watch:
            losses = [value for name, value in means(tally).items() if name.endswith("_loss")]
            loss = sum(losses) if losses else None
            self.watch.look(step, loss, self._optimizer.masters)

    def _batches(self, done: int) -> Iterator[B]:
        """Yield the batches after the first ``done``, each made while the model is at the last."""
        with ThreadPoolExecutor(1) as maker:
            coming = None
            for step in range(done, self._total):
                previous, coming = coming, maker.submit(self._learner.batch, step)
                if previous:
                    yield previous.result()
            if coming:
                yield coming.result()

    def _refuse_not_finite(self, step: int, gradient: float, tally: Tally) -> None:
        if not np.isfinite([gradient, *(loss for loss, _, _ in tally.values())]).all():
            folder = f"delete {self._folder.folder} and " if self._folder else ""
            raise InputError(
                f"the loss or its gradient at step {step} is not a finite number, so training "
                f"stopped: {folder}start again with a lower --learning-rate"
            )

    def _state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return the tensors and the figures of a checkpoint."""
        tensors, figures = self._optimizer.state(), {"history": self.history.state()}
        if self.watch:
            tensors |= self.watch.tensors()
            figures["watch"] = self.watch.state()
        return tensors, figures

    def _restore(
        self, step: int, tensors: dict[str, torch.Tensor], state: Mapping[str, Any]
    ) -> None:
        layers, since = self._recipe.depth(step - 1)  # a model grows before the next step
        if layers:
            self._set_depth(layers)
        self._optimizer.load_state(tensors, since + 1)
        self.history.load_state(state["history"])
        if self.watch:
            self.watch.load_state(state["watch"], tensors)

    def _tally(self, sums: torch.Tensor, asked: Mapping[str, int]) -> Tally:
        """Return the sums of all processes with the counts of what was asked."""
        found = self._accelerator.reduce(sums, "sum").tolist()
        return {
            name: (loss, int(correct), asked[name])
            for name, (loss, correct) in zip(asked, found, strict=True)
        }

    def _detail(self, tokens: int, began: float) -> str:
        """Return what people want to know besides the step: speed, accuracies, the best step."""
        last = self.history.last
        parts = [f"{tokens / (time.monotonic() - began):,.0f} tokens/s"]
        for name in self._learner.shown:
            if f"{name}_accuracy" in last:
                parts.append(f"{name} {last[f'{name}_accuracy']:.0%}")
        if self.watch and self.watch.best_step:
            parts.append(f"best at step {self.watch.best_step:,}")
        return ", ".join(parts)


def _sums(scores: Mapping[str, Score]) -> torch.Tensor:
    """Return loss and right answers of each objective, float64 [objectives, 2]."""
    return torch.stack(
        [torch.stack([s.loss.detach().double(), s.correct.double()]) for s in scores.values()]
    )
