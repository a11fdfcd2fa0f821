"""Questions made fair: what a model would say of any clip is taken off what it says of this one.

A model that has heard "stir" most often says "stir" of most clips. Without any label, the bank's
training clips show how strongly it leans to each label w,

    s'(w | clip) = s(w | clip) - mean over the bank's clips b of s(w | b),

where s is the score of label_scores. So a label counts for as much as this clip changes it. This is
contextual calibration (Zhao et al. 2021, "Calibrate Before Use") with training clips in the place
of an empty input, and domain conditional PMI (Holtzman et al. 2021, "Surface Form Competition")
with the mean of log probabilities as what the domain says. If how often training said each label
is wanted back, the mean log share of its pieces is added.
"""

from __future__ import annotations

import numpy as np

from videobert.answers.label_scores import Pieces, label_scores
from videobert.answers.options import Asking
from videobert.loading import TrainedModel
from workfolder.errors import InputError


def leanings(
    model: TrainedModel, template: str, pieces: Pieces, asking: Asking
) -> list[np.ndarray]:
    """Compute what is to be taken off the scores of labels.

    Args:
        model: Is asked about the bank's clips, once in a process; of its own frames training kept
            what is needed.
        template: One template.
        pieces: For each mask its labels, each as ids of its pieces.
        asking: How the labels are asked for.

    Returns:
        For each mask, float32 [labels]; zeros where the paper's way is asked for, or the model has
        no bank. One that learnt from texts alone has a bank without clips, so it leans to nothing.

    Raises:
        InputError: if the prior is wanted of a model without a bank.
    """
    if model.bank is None and asking.prior == "training":
        raise InputError("the model has no bank, so --prior training says nothing: leave it out")
    nothing = [np.zeros(len(labels), np.float32) for labels in pieces]
    if (bank := model.bank) is None or asking.as_the_paper:
        return nothing
    if not bank.visual:
        found = nothing
    elif template in bank.leanings and all(len(ids) == 1 for labels in pieces for ids in labels):
        masks = bank.leanings[template]
        found = [of_mask[np.array(ids)[:, 0]] for of_mask, ids in zip(masks, pieces, strict=True)]
    else:
        key = template, tuple(tuple(map(tuple, labels)) for labels in pieces)
        if key not in bank.kept:
            scores = label_scores(model, template, bank.visual, pieces)
            bank.kept[key] = [of_mask.mean(axis=0) for of_mask in scores]
        found = bank.kept[key]
    if asking.prior == "training":
        shares = np.log((bank.pieces + 1) / (bank.pieces.sum() + len(bank.pieces)))
        said = [np.array([shares[ids].mean() for ids in labels], np.float32) for labels in pieces]
        found = [lean - often for lean, often in zip(found, said, strict=True)]
    return found
