"""A picture of each table. Shares are drawn in per cent, with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.kitchen_tables.captions import CAPTIONERS
from benchmarks.kitchen_tables.corpus import HELD_OUT
from benchmarks.kitchen_tables.orders import readable
from benchmarks.kitchen_tables.tables import FULL
from workfolder.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#2f6f9f", "#d98b3a", "#6a9f58", "#8a8f98")
GAIN_COLUMNS = 3
Cell = Mapping[str, float]
"""An accuracy as JSON has it: value, low, high."""
Groups = Mapping[str, Mapping[str, Cell]]
"""Bars by colour, then by their place on the axis."""


def draw_pictures(tables: Mapping[str, Any], main: int, folder: Path) -> None:
    """Draw every table of tables.make_tables."""
    zero_shot = tables["more_data"][str(main)]
    by_split = {split: _methods(zero_shot[split]["rows"]) for split in HELD_OUT}
    draw_bars(folder / "zero_shot.png", by_split, "top-1, per cent")
    draw_curves(folder / "more_data.png", tables["more_data"])
    draw_bars(
        folder / "captions.png",
        {split: _captions(tables["captions"], split) for split in HELD_OUT},
        "x 100",
    )
    draw_gains(folder / "left_out.png", tables["left_out"])
    for name, make in (
        ("retrieval", _retrieval),
        ("forecast", _forecast),
        ("localisation", _localisation),
    ):
        draw_bars(
            folder / f"{name}.png",
            {split: make(tables[name][split]) for split in HELD_OUT},
            "per cent",
        )


def _methods(rows: Mapping[str, Any]) -> Groups:
    return {
        kind: {readable(name): row[f"{kind}_top1"] for name, row in rows.items()}
        for kind in ("verb", "noun")
    }


def _captions(variants: Mapping[str, Any], split: str) -> Groups:
    return {
        measure: {
            CAPTIONERS[name]: found[split]["means"][measure] for name, found in variants.items()
        }
        for measure in ("ROUGE-L", "CIDEr-D")
    }


def _retrieval(found: Mapping[str, Any]) -> Groups:
    ways = {readable(way): found[way] for way in ("text_to_clip", "clip_to_text")}
    return {
        f"{way}, R@5": {readable(name): row["recall"]["5"] for name, row in rows.items()}
        for way, rows in ways.items()
    }


def _forecast(found: Mapping[str, Any]) -> Groups:
    methods = next(iter(found["rows"].values()))
    return {
        f"{method}, top-5": {
            f"{step} ahead": rows[method]["5"] for step, rows in found["rows"].items()
        }
        for method in methods
    }


def _localisation(found: Mapping[str, Any]) -> Groups:
    rows = found["rows"]
    return {
        method: {
            "mean IoU": row["iou"],
            **{f"IoU {least}": cell for least, cell in row["recall"].items()},
        }
        for method, row in rows.items()
    }


def draw_bars(path: Path, by_split: Mapping[str, Groups], unit: str) -> None:
    """Draw grouped bars, a panel for each split."""
    with _panels(path, by_split) as panels:
        for axes, groups in zip(panels, by_split.values(), strict=True):
            _bars(axes, groups)
            axes.set_ylabel(unit)


def _bars(axes: Axes, groups: Groups) -> None:
    names = list(next(iter(groups.values())))
    width = 0.8 / len(groups)
    for number, ((group, cells), colour) in enumerate(zip(groups.items(), COLOURS, strict=False)):
        at = np.arange(len(names)) + (number - (len(groups) - 1) / 2) * width
        values, errors = _with_errors([cells[name] for name in names])
        axes.bar(
            at,
            values,
            width * 0.92,
            yerr=errors,
            color=colour,
            label=group,
            error_kw={"linewidth": 0.8, "alpha": 0.7},
        )
    axes.set_xticks(range(len(names)), names, rotation=25, ha="right", fontsize=9)


def draw_curves(path: Path, sizes: Mapping[str, Any]) -> None:
    """Draw the cross-modal row's top-1 over the number of training videos."""
    with _panels(path, HELD_OUT) as panels:
        for axes, split in zip(panels, HELD_OUT, strict=True):
            for kind, colour in zip(("verb", "noun"), COLOURS, strict=False):
                cells = [
                    found[split]["rows"]["cross_modal"][f"{kind}_top1"] for found in sizes.values()
                ]
                values, errors = _with_errors(cells)
                axes.errorbar(
                    range(len(sizes)),
                    values,
                    errors,
                    color=colour,
                    marker="o",
                    capsize=3,
                    label=kind,
                )
            axes.set_xticks(range(len(sizes)), [f"{int(videos):,}" for videos in sizes])
            axes.set(xlabel="training videos", ylabel="top-1, per cent", ylim=(0, 102))


def draw_gains(path: Path, left_out: Mapping[str, Any]) -> None:
    """Draw what each choice brings: a measure's mean with everything less that without."""
    names = [name for name in left_out if name != FULL]
    measures = list(left_out[FULL][0])
    with _panels(path, measures, columns=GAIN_COLUMNS) as panels:
        for place, (axes, measure) in enumerate(zip(panels, measures, strict=True)):
            gains = [
                100 * (mean(left_out[FULL], measure) - mean(left_out[name], measure))
                for name in names
            ]
            axes.barh(names, gains, color=[COLOURS[gain < 0] for gain in gains])
            axes.axvline(0, color="black", linewidth=0.8)
            axes.invert_yaxis()
            axes.tick_params(labelleft=place % GAIN_COLUMNS == 0)
            axes.set_xlabel("points that it brings", fontsize=9)


def mean(runs: Sequence[Mapping[str, Cell]], measure: str) -> float:
    """Average a measure over seeds."""
    return float(np.mean([run[measure]["value"] for run in runs]))


def _with_errors(cells: Sequence[Cell]) -> tuple[list[float], np.ndarray]:
    """Collect values in per cent, and how far intervals reach below and above, [2, cells]."""
    errors = [
        [max(0.0, cell["value"] - cell["low"]), max(0.0, cell["high"] - cell["value"])]
        for cell in cells
    ]
    return [100 * cell["value"] for cell in cells], 100 * np.array(errors).T


@contextmanager
def _panels(path: Path, titles: Collection[str], columns: int = 2) -> Iterator[Sequence[Axes]]:
    """Yield titled axes side by side, and write them to ``path`` if the block ends well."""
    from matplotlib.figure import Figure

    rows = -(-len(titles) // columns)
    figure = Figure(figsize=(11, 0.4 + 3.9 * rows), layout="constrained", facecolor="white")
    panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()[: len(titles)]
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(readable(title), loc="left", fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)
    yield panels
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=len(labels),
            frameon=False,
            fontsize=9,
        )
    with write_whole(path) as part:
        figure.savefig(part, format="png", dpi=100)
