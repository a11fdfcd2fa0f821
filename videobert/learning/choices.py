"""What can be chosen of a training, by name. No torch here: ``--help`` does not wait for it."""

from __future__ import annotations

import re

from workfolder.errors import InputError

OPTIMIZERS = ADAMW, LAMB = ("adamw", "lamb")
TRACKERS = ("wandb", "trackio", "mlflow")
"""Services that Accelerate can tell of a run, and the packages that they need."""
ALL, NORMS = "all", "norms"
TOP = re.compile(r"top:(\d+)")
"""What learns: see trained.choose_trained."""


def refuse_unknown_choice(what: str) -> None:
    """Raise InputError if ``what`` is none of the things that ``choose_trained`` knows."""
    if what not in (ALL, NORMS) and not TOP.fullmatch(what):
        raise InputError(f"--train {what!r} will not do: give all, top:N or norms")
