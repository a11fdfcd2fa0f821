"""One phase of a training run."""

from __future__ import annotations

from dataclasses import dataclass

from workfolder.options import Options, option

SHORTEST, SMALLEST = 8, 2
"""The least ids that a sequence must be allowed to have, and the least sequences in a batch."""


@dataclass(frozen=True)
class Phase(Options):
    """A stretch of training with a length, a batch and a warm-up of its own."""

    max_length: int = option(help="Tokens in a sequence at most.", least=SHORTEST)
    batch_size: int = option(help="Sequences in an update.", least=SMALLEST)
    steps: int = option(help="Updates of the weights.", least=1)
