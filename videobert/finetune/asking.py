"""Any examples through a network with heads, in batches of like length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from videobert.finetune.examples import Example, collate
from videobert.finetune.network import TaskNetwork
from videobert.finetune.tasks.task import Task

BATCH = 64


@torch.no_grad()
def answers(
    network: TaskNetwork, name: str, task: Task, examples: Sequence[Example]
) -> list[np.ndarray]:
    """Answer examples of a task, in their order.

    Args:
        network: has its head.
        name: of the task.
        task: asks the questions.
        examples: possibly none.
    """
    network.eval()
    device = next(network.parameters()).device
    questions = [task.asked(example) for example in examples]
    every = [(n, k) for n, asked in enumerate(questions) for k in range(len(asked))]
    every.sort(key=lambda at: max(len(row.ids) for row in questions[at[0]][at[1]].rows))
    logits: dict[tuple[int, int], np.ndarray] = {}
    for first in range(0, len(every), BATCH):
        some = every[first : first + BATCH]
        inputs, where, _ = collate(task.reader.layout, [questions[n][k] for n, k in some], device)
        found = network(name, inputs, where).float().cpu().numpy()
        logits |= dict(zip(some, found, strict=True))
    return [
        task.answer(example, [logits[n, k] for k in range(len(questions[n]))])
        for n, example in enumerate(examples)
    ]
