"""The options of the questions that a model is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workfolder.errors import InputError
from workfolder.options import Options, option

TEMPLATE = "now let me show you how to [MASK] the [MASK]"
DRAWN = 10
"""Answers, masks and steps in a picture: matplotlib takes 0.1 s for each, and fails at some 350."""
TOP = f"Answers to print; a picture shows the first {DRAWN} answers, masks and steps."


@dataclass(frozen=True)
class Asking(Options):
    """How far a question is made fair; see answers.calibration."""

    panel: ClassVar[str] = "The question"

    as_the_paper: bool = option(False, "Ask as the paper does, with nothing taken off.")
    prior: str = option(
        "none",
        "What is added to a word's score; training: how often training said it.",
        choices=("none", "training"),
    )

    def __post_init__(self) -> None:
        """Refuse values as Options does, and a prior where nothing is to be changed."""
        super().__post_init__()
        if self.as_the_paper and self.prior != "none":
            raise InputError("--as-the-paper adds no --prior: give one of them")


AS_THE_PAPER = Asking(as_the_paper=True)


@dataclass(frozen=True)
class PredictOptions(Options):
    """How the words for a template's masks are told."""

    top: int = option(5, TOP, least=1)


@dataclass(frozen=True)
class ForecastOptions(Options):
    """How the visual words to come are asked for."""

    step: tuple[int, ...] = option(
        (1, 2, 4, 8),
        "How many clips ahead; may be repeated.",
        least=1,
        shown="1, 2, 4, 8",
    )
    context: int = option(4, "Visual words that are read before the forecast.", least=1)
    top: int = option(3, TOP, least=1)


@dataclass(frozen=True)
class ImagineOptions(Options):
    """How the visual words of a sentence are asked for."""

    masks: int = option(4, "Visual words to imagine.", least=1)
    top: int = option(3, TOP, least=1)


@dataclass(frozen=True)
class SearchOptions(Options):
    """How stretches of video are found and ranked."""

    first_stage: str = option(
        "profiles",
        "What finds the candidates; profiles: what is said over such pictures.",
        choices=("profiles", "transcripts", "none"),
    )
    candidates: int = option(100, "Stretches that the model re-ranks.", least=1)
    weight: float | None = option(
        None,
        "Share of the model in the fit; the rest is BM25.",
        least=0,
        most=1,
        shown="what training found",
    )
    whole_videos: bool = option(False, "Find whole videos, by the best of their stretches.")
    best: int = option(3, "With --whole-videos: stretches that count.", least=1)
    top: int = option(10, "Answers to show.", least=1)


@dataclass(frozen=True)
class LocateOptions(Options):
    """Which windows of a video are tried."""

    length: tuple[int, ...] = option(
        (2, 4, 8, 16),
        "Window in clips; may be repeated.",
        least=1,
        shown="2, 4, 8, 16",
    )
    top: int = option(3, "Answers to show.", least=1)
