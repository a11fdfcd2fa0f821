"""Transcripts of a few sentences, and the options by which a small restorer learns them."""

from __future__ import annotations

import random
from pathlib import Path

from videobert.finetune.punctuation.options import PunctuationOptions

SENTENCES = (
    "today , we 're going to make some soup .",
    "first , add the salt .",
    "do you see that ?",
    "then stir it well .",
    "is n't it good ?",
    "now pour the oil in .",
)
TOY = PunctuationOptions(
    steps=160,
    batch_size=8,
    learning_rate=3e-3,
    dropout=0.0,
    forgotten=0.0,
    layers=2,
    width=32,
    heads=2,
    window=31,
)
"""Enough to learn SENTENCES by heart."""


def write_corpus(folder: Path, files: int = 30) -> Path:
    """Write transcripts of the sentences, in an order drawn for each."""
    folder.mkdir(parents=True)
    dice = random.Random(0)
    for number in range(files):
        lines = dice.choices(SENTENCES, k=20)
        (folder / f"video_{number}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
