"""Whether search ranks better by a taught alignment head: asked of the validation rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from videobert.answers.judging import judged
from videobert.evaluation.metrics.ranking import mean_ranks
from videobert.finetune.asking import answers
from videobert.finetune.learner import FinetuneLearner
from videobert.finetune.options import ALIGN
from videobert.finetune.tuned import BEFORE, RANKS, TAUGHT
from videobert.loading import load_to_ask
from videobert.orders import CAUSAL

MOST = 50
"""Stretches that are ranked for each text: the pairs are as many as their square."""


def note_ranks(learner: FinetuneLearner, model: Path) -> None:
    """Note in labels.json how high the right stretches of a text stand, before and now.

    It is the mean reciprocal rank among validation stretches, by what search asks without the task
    and by the task. Nothing is noted without such stretches.

    Args:
        learner: at the end of its run.
        model: MODEL, which was taught.
    """
    examples = learner.kept_apart.get(ALIGN, ())
    if not examples or learner.model.encoder.config.objective == CAUSAL:
        return
    order = np.random.default_rng(learner.seed).permutation(len(examples))[:MOST]
    some = [examples[place] for place in sorted(order.tolist())]
    texts = sorted({example.text for example in some})
    right = np.array([[example.text == text for example in some] for text in texts])
    before, task = load_to_ask(model), learner.tasks[ALIGN]
    scores = [judged(before, text, [example.words for example in some]) for text in texts]
    taught = [
        answers(learner.model, ALIGN, task, [replace(example, text=text) for example in some])
        for text in texts
    ]
    ranks = {
        name: float((1 / mean_ranks(np.array(each, dtype=float), right)).mean())
        for name, each in ((BEFORE, scores), (TAUGHT, taught))
    }
    task.about = {**task.about, RANKS: ranks}
