"""The options that benchmarks share."""

from __future__ import annotations

from dataclasses import dataclass

from workfolder.options import Options, option

MOST = "Examples at most; from more, this many are drawn at random."


@dataclass(frozen=True)
class SampleOptions(Options):
    """How many examples a model is measured on, and which."""

    most: int = option(500, MOST, least=2)
    seed: int = option(0, "Seed of all random choices.", least=0)


@dataclass(frozen=True)
class ForecastSampleOptions(SampleOptions):
    """The same for forecasts, which are quick."""

    most: int = option(5000, MOST, least=2)
