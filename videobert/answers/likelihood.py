"""How likely the words of a sentence are beside a clip.

A clip that shows what a sentence says makes its words likely. The score is the
pseudo-log-likelihood of the sentence (Salazar et al. 2020, "Masked Language Model Scoring"), the
sum of

    log P(piece | the sentence with this piece hidden, clip).

They hide one piece at a time. Here every third is hidden together, so a sentence costs THIRDS
passes and not one a piece, and as much is hidden as in training.

Who searches writes "stir the tomato", which is not how a cook speaks. A text of two content words
is asked for in the frames in which training named verb and noun, with both hidden. Its score is the
mean over the frames.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from videobert.answers.label_scores import label_scores
from videobert.answers.spelling import unspelt
from videobert.inference import in_batches
from videobert.loading import TrainedModel
from videobert.orders import CAUSAL
from videobert.sequences import Ids
from videobert.softmax import log_softmax
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

THIRDS = 3
BATCH = 256
BESIDE = 64
"""Clips of the bank beside which a text is read, too."""
ARTICLES = {"a", "an", "the"}
_WORD = re.compile(r"\w+")


def likelihoods(
    model: TrainedModel,
    texts: Sequence[str],
    visual: Sequence[Ids],
    progress: Progress = silent,
) -> np.ndarray:
    """Compute how likely each text is beside each clip, in nats, float32 [texts, visual].

    Scores of different texts have no common zero; see ``fair_likelihoods``.

    Args:
        model: Is asked.
        texts: Sentences, or two words for what is done with what.
        visual: Visual words of clips.
        progress: Hears of the pairs that were read.

    Raises:
        InputError: if the model reads from left to right.
    """
    refuse_left_to_right(model)
    found = np.empty((len(texts), len(visual)), np.float32)
    named = actions_in(model, texts)
    if named:
        found[list(named)] = _in_frames(model, list(named.values()), visual)
    rest = [place for place in range(len(texts)) if place not in named]
    spelt = model.processor.text_ids([texts[place] for place in rest]) if rest else []
    for done, (place, ids) in enumerate(zip(rest, spelt, strict=True)):
        told = partial(_tell, progress, done * len(visual), len(rest) * len(visual))
        found[place] = _of_sentence(model, ids, visual, told)
    return found


def fair_likelihoods(
    model: TrainedModel, texts: Sequence[str], visual: Sequence[Ids], progress: Progress = silent
) -> np.ndarray:
    """Compute how much likelier each clip makes each text than clips do, float32 [texts, visual].

    The mean over the bank's clips is taken off, so that texts can be compared with each other; see
    calibration. Without a bank, or clips in it, nothing is.

    Raises:
        InputError: as ``likelihoods``.
    """
    own = likelihoods(model, texts, visual, progress)
    if model.bank is None or not model.bank.visual:
        return own
    anyhow = likelihoods(model, texts, model.bank.visual[:BESIDE])
    found: np.ndarray = own - anyhow.mean(axis=1, keepdims=True)
    return found


def refuse_left_to_right(model: TrainedModel) -> None:
    """Raise InputError if no word of the model sees the words after it."""
    if model.network.config.objective == CAUSAL:
        raise InputError(
            "this model reads from left to right, so a mask in a sentence sees neither the clip "
            "nor the words after it: ask it to forecast, or train one with --objective masked"
        )


def action_of(text: str) -> tuple[str, str] | None:
    """Find what a text does with what, if it says nothing else: ("stir", "tomato")."""
    words = [word for word in _WORD.findall(text.casefold()) if word not in ARTICLES]
    return (words[0], words[1]) if len(words) == 2 else None


def actions_in(model: TrainedModel, texts: Sequence[str]) -> dict[int, tuple[str, str]]:
    """Find the texts, by their places, that are an action in words which the model spells.

    None is, if training found no frames.
    """
    if model.bank is None or not model.bank.frames:
        return {}
    found = {place: action for place, text in enumerate(texts) if (action := action_of(text))}
    return {
        place: action for place, action in found.items() if not unspelt(model.processor, action)
    }


def _in_frames(
    model: TrainedModel, actions: Sequence[tuple[str, str]], visual: Sequence[Ids]
) -> np.ndarray:
    """Score actions by the words at the masks of training's frames, [actions, visual]."""
    assert model.bank
    pieces = [model.processor.text_ids(words) for words in zip(*actions, strict=True)]
    found = [label_scores(model, frame, visual, pieces) for frame in model.bank.frames]
    return np.mean([(verbs + nouns).T for verbs, nouns in found], axis=0)


def _tell(progress: Progress, before: int, total: int, done: int) -> None:
    progress("likelihood", before + done, total)


def _of_sentence(
    model: TrainedModel, ids: Sequence[int], visual: Sequence[Ids], told: Callable[[int], None]
) -> np.ndarray:
    """Score a sentence, as far as the model reads it, beside clips, [visual]."""
    longest = model.network.config.max_position_embeddings
    read = np.asarray(ids[: (longest - 2) // 2])  # so much of it is never cut for the clip
    text_size = model.processor.vocabulary.text_size
    scores, thirds, done = np.zeros(len(visual), np.float32), min(THIRDS, len(read)), 0
    for first in range(thirds):
        hidden = np.arange(first, len(read), THIRDS)
        asked = read.copy()
        asked[hidden] = model.processor.tokenizer.mask_token_id
        truth = read[hidden]
        for batch in in_batches(model, [asked] * len(visual), visual, size=BATCH):
            logits = batch.logits(batch.masked)[..., :text_size]
            each = log_softmax(logits)[:, np.arange(len(truth)), truth]
            scores[batch.places] += each.sum(axis=1)
            done += len(each)
            told(done // thirds)
    return scores
