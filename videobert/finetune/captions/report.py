"""How a captioner was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workfolder.errors import InputError
from workfolder.files import read_json

REPORT_FILE = "report.json"
HARDLY = 0.8
"""A captioner with more than this share of the prior loss says "na na na ...".

On twelve kitchen videos it is 0.82 after 60 steps, which say "and then then then", and 0.75 after
200, which say sentences.
"""


@dataclass(frozen=True)
class CaptionerReport:
    """How a captioner was made.

    Attributes:
        folder: where it is.
        now: whether this run made it.
        features: what it reads, a key of FEATURES.
        segments: how many there were, the validation slice included.
        unseen: segments without a clip.
        missing: videos of the annotations that the work folder does not have.
        steps: updates.
        best_step: the update whose weights were taken.
        loss: of the last steps per piece, in nats.
        validation_loss: of the weights per piece, in nats; None if nothing was kept apart.
        prior_loss: of one who only knows how often each piece comes.
    """

    folder: str
    now: bool
    features: str
    segments: int
    unseen: int
    missing: Sequence[str]
    steps: int
    best_step: int
    loss: float
    validation_loss: float | None
    prior_loss: float

    @property
    def hardly_learnt(self) -> bool:
        """Whether it knows little more than how often each piece comes."""
        loss = self.loss if self.validation_loss is None else self.validation_loss
        return loss > HARDLY * self.prior_loss

    @property
    def warning(self) -> str:
        """What people should know before they read its captions; empty if it has learnt."""
        advice = "give more --steps, or more segments"
        return f"; it has hardly learnt: {advice}" if self.hardly_learnt else ""

    def __str__(self) -> str:
        if not self.now:
            return f"captioner: done already, nothing to do{self.warning}"
        loss, learnt = self.validation_loss, f"{self.folder} learnt from {self.segments:,} segments"
        told = "" if loss is None else f", validation loss {loss:.3f} a piece"
        best = f"step {self.best_step:,} of {self.steps:,} was best"
        return f"captioner: {learnt}; {best}{told}{self.warning}"


def read_report(home: Path) -> CaptionerReport:
    """Read the report of a captioner.

    Raises:
        InputError: if it is missing or damaged.
    """
    try:
        return CaptionerReport(**{**read_json(home / REPORT_FILE), "folder": str(home)})
    except TypeError as error:
        raise InputError(
            f"{home / REPORT_FILE} is not the report of a captioner: delete {home} and run "
            "videobert finetune caption"
        ) from error
