"""How much the demo's figures move: two kitchens, five trainings of each, what is worst and median.

    python -m benchmarks.demo_spread --out build/demo_spread

Each run types the demo's own commands. The videos and their features are those of a kitchen; the
codebook, the words, the training and the questions are of the run's seed. Nothing is chosen on what
is held out: the demo's options were set on kitchens of other seeds. A stopped run goes on where it
was. Ten runs take about an hour on two quiet cores.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from demos.commands import run
from demos.kitchen import evaluation, question
from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, Truth, read_truth
from demos.street import Places, Size, steps_of
from videobert.cli.console import print_line, print_table
from videobert.loading import TrainedModel, load_model
from workfolder.errors import InputError
from workfolder.files import read_json, write_json
from workfolder.stage import Stage

KITCHENS, SEEDS = (0, 1), (0, 1, 2, 3, 4)
SPLITS = {HELD_OUT_VIDEOS: "new videos", HELD_OUT_COMBINATIONS: "new combinations"}
TARGETS = {HELD_OUT_VIDEOS: (85, 80), HELD_OUT_COMBINATIONS: (65, 65)}
"""Per cent of verbs and of nouns that the worst run shall have right, asked as predict asks."""
METHODS = {
    "calibrated": "as predict asks",
    "cross_modal": "as the paper asks",
    "calibrated_shuffled": "as predict asks, of another clip",
    "shuffled_video": "as the paper asks, of another clip",
    "linear_probe": "linear probe, supervised",
}


def spread(out: Path, size: Size, kitchens: Sequence[int], seeds: Sequence[int]) -> list[dict]:
    """Make what is not there yet and return the figures of all runs, kitchen by kitchen."""
    found = []
    for kitchen in kitchens:
        folder, of = out / f"kitchen_{kitchen}", replace(size, seed=kitchen)
        at = Places.below(folder)
        for step in steps_of(at, of):
            if step.name in {"film", "look", "hear", "look away"} and not step.is_done:
                run(step.command)
        for seed in seeds:
            part = folder / f"seed_{seed}"
            places = replace(at, work=part / "work", model=part / "model", answers=part)
            found.append(_figures(places, of, at.work, seed) | {"kitchen": kitchen, "seed": seed})
    return found


def _figures(at: Places, size: Size, shared: Path, seed: int) -> dict[str, Any]:
    """Return the figures of a run; it is made if they are not there."""
    kept = at.answers / "run.json"
    if not kept.exists():
        for stage in ("features", "transcripts"):
            _link(shared / stage, at.work / stage)
        seconds = {
            step.name: run(step.command)
            for step in steps_of(at, size, seed)
            if step.name in {"cluster", "tokenize", "pretrain", "table"}
        }
        truth, model = read_truth(at.kitchen / "truth.json"), load_model(at.model)
        right = _right(truth, at.held_out, model)
        write_json({"seconds": seconds, "right": right}, kept)
    return read_json(kept) | {"results": read_json(at.answers / "results.json")}


def _link(source: Path, target: Path) -> None:
    """Give a run of its own the files of a stage, without a copy."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_file() and not (target / path.name).exists():
            os.link(path, target / path.name)


def _right(truth: Truth, held_out: Path, model: TrainedModel) -> tuple[bool, bool]:
    """Whether the demo's last answer is right, for the verb and for the noun."""
    video, step = question.chosen_step(truth)
    codebook = model.processor.codebook
    steps = evaluation.steps_of(truth, HELD_OUT_VIDEOS, Stage(held_out / "features"), codebook)
    words = next(s.words for s in steps if s.video == video and s.start == step.start)
    return question.ask(model, step, words).right


def tell(found: Sequence[dict]) -> None:
    """Print the figures of all runs, and the worst, the median and the best of each."""
    for split, name in SPLITS.items():
        rows = [
            [
                f"kitchen {one['kitchen']}, seed {one['seed']}",
                *(_pair(one, split, method) for method in METHODS),
            ]
            for one in found
        ]
        print_table(f"{name}: verbs / nouns, per cent", ["", *METHODS.values()], rows)
        for place, kind in enumerate(("verb", "noun")):
            _print_spread(f"{name}, {kind}s", found, split, kind, TARGETS[split][place])
    for method, name in evaluation.SEARCHES.items():
        first = [
            100 * one["results"]["search"]["text_to_clip"][method]["recall"]["1"]["value"]
            for one in found
        ]
        print_line(f"search among new videos, R@1, {name}: {_told(first)}")
    for one in found:
        said = " and ".join("right" if right else "wrong" for right in one["right"])
        print_line(
            f"kitchen {one['kitchen']}, seed {one['seed']}: the clip at the end, verb and noun: "
            f"{said}; {sum(one['seconds'].values()):.0f} s from features to table"
        )
    right = sum(all(one["right"]) for one in found)
    print_line(f"the clip at the end is answered rightly in {right} of {len(found)} runs")


def _print_spread(what: str, found: Sequence[dict], split: str, kind: str, target: int) -> None:
    for method, name in METHODS.items():
        values = [_per_cent(one, split, method, kind) for one in found]
        told = _told(values)
        if method == "calibrated":
            met = "met" if min(values) >= target else "missed"
            told += f" (target for the worst: {target}, {met})"
        print_line(f"{what}, {name}: {told}")


def _told(values: Sequence[float]) -> str:
    return f"median {median(values):.1f}, from {min(values):.1f} to {max(values):.1f}"


def _pair(one: dict, split: str, method: str) -> str:
    return " / ".join(f"{_per_cent(one, split, method, kind):.1f}" for kind in ("verb", "noun"))


def _per_cent(one: dict, split: str, method: str, kind: str) -> float:
    return 100 * one["results"][split]["rows"][method][f"{kind}_top1"]["value"]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def main(arguments: Iterable[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder for everything")
    parser.add_argument("--kitchens", type=_numbers, default=KITCHENS, help="their seeds")
    parser.add_argument("--seeds", type=_numbers, default=SEEDS, help="those of the trainings")
    parser.add_argument("--videos", type=int, default=Size.videos, help="of each kitchen")
    parser.add_argument("--steps", type=int, default=Size.steps, help="of each training")
    parser.add_argument("--engine", default=Size.engine, help="what computes the features")
    options = parser.parse_args(arguments)
    size = Size(videos=options.videos, steps=options.steps, engine=options.engine)
    began = time.monotonic()
    try:
        found = spread(options.out, size, options.kitchens, options.seeds)
    except InputError as error:
        sys.exit(f"python -m benchmarks.demo_spread: {error}")
    tell(found)
    print_line(f"this call took {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
