"""Draws a model's bank from the corpus that it learnt from; see videobert.bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tokenization.pieces import MASK
from videobert.answers.calibration import leanings
from videobert.answers.options import Asking
from videobert.answers.search import choose_search_mix
from videobert.answers.zero_shot import question
from videobert.bank import Bank
from videobert.data.corpus import Corpus
from videobert.data.stretches import Stretch
from videobert.loading import TrainedModel
from videobert.pretraining.frames import action_in, mine_frames

EXAMPLES = 256
FRAMES = 6
READ = 100_000
"""Sentences that frames are looked for in, and whose pieces are counted."""
ASKED = 200
"""Sentences of videos kept apart that decide how search mixes what it knows."""
PROFILED = 20_000
"""Training examples whose sentences make the profiles of visual words for that."""


def draw_bank(model: TrainedModel, corpus: Corpus, apart: np.ndarray, seed: int) -> Bank:
    """Draw the bank of a model.

    Args:
        model: Just trained; it has no bank yet.
        corpus: What it learnt from, and the videos that were kept apart.
        apart: Which examples are of videos kept apart, bool [examples].
        seed: What every draw follows from.
    """
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(corpus))
    learnt, seen, spoken = ~apart[shuffled], corpus.seen[shuffled], corpus.spoken[shuffled]
    drawn = np.sort(shuffled[learnt & seen][:EXAMPLES])
    heard = shuffled[learnt & spoken][:READ]
    said = [np.empty(0, dtype=np.int64), *(corpus.texts[row] for row in heard)]
    bank = Bank(
        [corpus.texts[row] for row in drawn],
        [np.asarray(corpus.visual[row], dtype=np.int64) for row in drawn],
        np.bincount(np.concatenate(said), minlength=model.processor.vocabulary.text_size),
        tuple(mine_frames(_spelt(model, corpus, heard), FRAMES)),
    )
    asked = _stretches(model, corpus, shuffled[~learnt & seen & spoken][:ASKED])
    profiled = _stretches(model, corpus, shuffled[learnt & seen & spoken][:PROFILED])
    with_bank = replace(model, bank=bank)
    mix = choose_search_mix(with_bank, [asked, _actions(asked, bank.frames)], profiled)
    return replace(bank, search=mix, leanings=_leanings(with_bank))


def _actions(stretches: list[Stretch], frames: Sequence[str]) -> list[Stretch]:
    """Put verb and noun, as people search for them, in the place of sentences with a frame."""
    actions = [(stretch, action_in(stretch.text, frames)) for stretch in stretches]
    return [replace(stretch, text=action) for stretch, action in actions if action]


def _leanings(model: TrainedModel) -> dict[str, np.ndarray]:
    """Compute how strongly the model leans to every WordPiece in each frame of its question."""
    every = [[number] for number in range(model.processor.vocabulary.text_size)]
    found = {}
    for frame in question(model):
        by_mask = leanings(model, frame, [every] * frame.count(MASK), Asking())
        found[frame] = np.stack(by_mask)
    return found


def _spelt(model: TrainedModel, corpus: Corpus, rows: np.ndarray) -> list[str]:
    """Write the sentences of some examples as the tokenizer spells them."""
    decode = model.processor.tokenizer.decode
    return [str(decode(corpus.texts[row].tolist())).strip() for row in rows]


def _stretches(model: TrainedModel, corpus: Corpus, rows: np.ndarray) -> list[Stretch]:
    return [
        Stretch(
            str(corpus.video[row]), corpus.start[row], corpus.end[row], text, corpus.visual[row]
        )
        for row, text in zip(rows, _spelt(model, corpus, rows), strict=True)
    ]
