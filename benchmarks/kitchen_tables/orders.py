"""The paper's order, looked for in the figures: what should be above what, and whether it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from benchmarks.kitchen_tables.captions import CAPTIONERS
from benchmarks.kitchen_tables.corpus import HELD_OUT
from videobert.evaluation.intervals import Estimate

OVER_PRIORS, MORE_DATA, TEXT_ADDS, OVER_S3D = (
    "cross-modal answers are above every prior",
    "more training videos are better",
    "text adds to video in captions",
    "in captions VideoBERT's features are above S3D's, and both together above them",
)
BEYOND = "not in the paper: answers are above what is counted or drawn at random"
PRIORS = ("chance", "frequency_prior", "language_prior", "shuffled_video")


@dataclass(frozen=True)
class Order:
    """Figures that should rise.

    Attributes:
        claim: The order's name.
        where: Split and measure.
        steps: Names and figures, the one that should be least first.
    """

    claim: str
    where: str
    steps: tuple[tuple[str, Estimate], ...]

    @property
    def rising(self) -> str:
        """The figures in the order in which they should rise."""
        return " < ".join(f"{name} {figure}" for name, figure in self.steps)

    @property
    def broken(self) -> list[str]:
        """The pairs of neighbours whose second is not above the first."""
        return [
            f"{b} is not above {a}"
            for (a, low), (b, high) in pairwise(self.steps)
            if high.value <= low.value
        ]

    @property
    def close(self) -> bool:
        """Whether two neighbours' 95 % intervals overlap, so chance may have ordered them."""
        return any(
            low.low <= high.high and high.low <= low.high
            for (_, low), (_, high) in pairwise(self.steps)
        )

    @property
    def verdict(self) -> str:
        """Whether the order comes out, in words."""
        found = f"does not come out: {'; '.join(self.broken)}" if self.broken else "comes out"
        return found + (" (intervals overlap)" if self.close else "")


def find_orders(tables: Mapping[str, Any], main: int) -> list[Order]:
    """Find every order in the figures of tables.make_tables."""
    zero_shot = tables["more_data"][str(main)]
    return [
        *over_priors(zero_shot),
        *more_data(tables["more_data"]),
        *captioners(tables["captions"]),
        *beyond(tables),
    ]


def over_priors(zero_shot: Mapping[str, Any]) -> Iterator[Order]:
    """Put the best prior below the model that sees."""
    for split in HELD_OUT:
        rows = zero_shot[split]["rows"]
        for kind in ("verb", "noun"):
            column = f"{kind}_top1"
            best = max(
                (name for name in PRIORS if name in rows),
                key=lambda name: rows[name][column]["value"],
            )
            yield order(
                OVER_PRIORS,
                f"{readable(split)}, {kind} top-1",
                {n: rows[n][column] for n in (best, "cross_modal")},
            )


def more_data(sizes: Mapping[str, Any]) -> Iterator[Order]:
    """Put the same row of fewer videos below that of more."""
    for split in HELD_OUT:
        for kind in ("verb", "noun"):
            cells = {
                f"{n} videos": found[split]["rows"]["cross_modal"][f"{kind}_top1"]
                for n, found in sizes.items()
            }
            yield order(MORE_DATA, f"{readable(split)}, {kind} top-1", cells)


def captioners(captions: Mapping[str, Any]) -> Iterator[Order]:
    """Put the rows of the paper's Table 3 in its order."""
    for claim, variants in (
        (TEXT_ADDS, ("video", "videobert")),
        (OVER_S3D, ("s3d", "videobert", "videobert+s3d")),
    ):
        for split in HELD_OUT:
            for measure in ("CIDEr-D", "ROUGE-L"):
                cells = {
                    CAPTIONERS[name]: captions[name][split]["means"][measure] for name in variants
                }
                yield order(claim, f"{readable(split)}, {measure}", cells)


def beyond(tables: Mapping[str, Any]) -> Iterator[Order]:
    """Put chance and counts below the answers that the paper has no figures of."""
    for split in HELD_OUT:
        found = {
            name: tables[name][split]
            for name in ("retrieval", "forecast", "imagine", "localisation")
        }
        for way in ("text_to_clip", "clip_to_text"):
            cells = {
                name: found["retrieval"][way][name]["recall"]["5"]
                for name in ("bm25", "interpolated")
            }
            yield order(BEYOND, f"{readable(split)}, {readable(way)}, R@5", cells)
        for step, rows in found["forecast"]["rows"].items():
            cells = {name: rows[name]["1"] for name in ("bigram", "forecast")}
            yield order(BEYOND, f"{readable(split)}, the word {step} ahead, top-1", cells)
        cells = {
            name: found["imagine"]["rows"][name]["3"] for name in ("frequency_prior", "imagined")
        }
        yield order(BEYOND, f"{readable(split)}, words of a sentence, recall@3", cells)
        cells = {
            name: found["localisation"]["rows"][name]["iou"] for name in ("chance", "alignment")
        }
        yield order(BEYOND, f"{readable(split)}, where in the video, mean IoU", cells)


def order(claim: str, where: str, cells: Mapping[str, Mapping[str, float]]) -> Order:
    """Make an order of figures as JSON has them."""
    return Order(
        claim, where, tuple((readable(name), Estimate(**cell)) for name, cell in cells.items())
    )


def readable(name: str) -> str:
    """Write a name for people."""
    for compound in ("held_out", "cross_modal", "re_ranked"):
        name = name.replace(compound, compound.replace("_", "-"))
    return name.replace("_", " ")
