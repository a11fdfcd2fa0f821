"""How well clips fit a sentence, to the model alone: what search and locate rank by.

The model has two opinions: the log odds of its alignment head, and how likely the sentence is
beside a clip (see likelihood). They have no common unit. So each is brought to mean 0 and deviation
1 over the clips, and they are mixed. Neither is better everywhere: of a cook who speaks, the
likelihood tells more, and of written steps the head (docs/real-kitchens.md). The head has read
sentences alone, so two words for an action are left to the likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videobert.answers.alignment import alignments
from videobert.answers.likelihood import actions_in, likelihoods
from videobert.bank import SearchMix
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.progress import Progress, silent


def judged(
    model: TrainedModel, sentence: str, visual: Sequence[np.ndarray], progress: Progress = silent
) -> np.ndarray:
    """Score clips for a sentence, [visual], without a unit.

    Args:
        model: Is asked.
        sentence: What is looked for.
        visual: Visual words of the clips.
        progress: Hears of the pairs that were read.

    Raises:
        InputError: if the model reads from left to right.
    """
    mix = model.bank.search if model.bank else SearchMix()
    share = likelihood_share(model, [sentence], mix.likelihood)
    odds = likely = np.zeros((1, len(visual)), np.float32)
    if share:
        likely = likelihoods(model, [sentence], visual, progress)
    if share < 1:
        odds = alignments(model, [sentence], visual, progress)
    return interpolated(odds[0], likely[0], share)


def aligned(
    model: TrainedModel, sentence: str, visual: Sequence[np.ndarray], progress: Progress = silent
) -> np.ndarray:
    """Score clips for a sentence by the alignment head alone: its log odds in nats, [visual]."""
    return np.asarray(alignments(model, [sentence], visual, progress)[0])


def likelihood_share(model: TrainedModel, sentences: Sequence[str], share: float) -> float:
    """Return the share of the likelihood: all of it where every sentence is an action."""
    return 1.0 if len(actions_in(model, sentences)) == len(sentences) else share


def interpolated(first: np.ndarray, other: np.ndarray, weight: float) -> np.ndarray:
    """Mix two scores along the last axis: ``weight`` of the other, the rest of the first.

    Raises:
        InputError: if the weight is not in [0, 1].
    """
    if not 0 <= weight <= 1:
        raise InputError(f"a weight of {weight:g} will not do: give one from 0 to 1")
    return weight * standardised(other) + (1 - weight) * standardised(first)


def standardised(scores: np.ndarray) -> np.ndarray:
    """Take the mean away along the last axis, and divide by the standard deviation."""
    centred = scores - scores.mean(axis=-1, keepdims=True)
    spread = centred.std(axis=-1, keepdims=True)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-9)
