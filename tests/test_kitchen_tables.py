"""The kitchen tables: which videos are whose, what is kept, what the page says of an order; and all of it once, tiny."""

from __future__ import annotations

import json
import re
import shutil
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.kitchen_tables import __main__ as kitchen_tables
from benchmarks.kitchen_tables.__main__ import run
from benchmarks.kitchen_tables.choices import best, within
from benchmarks.kitchen_tables.clock import Clock
from benchmarks.kitchen_tables.corpus import (
    HELD_OUT,
    VALIDATION,
    Kitchen,
    link,
    place,
    training_set,
)
from benchmarks.kitchen_tables.orders import Order
from benchmarks.kitchen_tables.page import _gain, table
from benchmarks.kitchen_tables.sizes import LARGEST, TINY, Sizes, small_look
from benchmarks.kitchen_tables.study import ABLATIONS, Study
from demos.kitchen.truth import HELD_OUT_COMBINATIONS
from videobert.evaluation.actions import METHODS
from videobert.evaluation.intervals import Estimate
from videobert.finetune.captions.options import FEATURES
from videobert.pretraining.options import PretrainOptions
from workfolder.errors import InputError
from workfolder.progress import silent
from workfolder.stage import Stage


@pytest.fixture(scope="module")
def kitchen() -> Kitchen:
    return Kitchen(Path("nowhere"), Sizes(), seed=1)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(Kitchen(tmp_path, TINY, 1), silent, lambda _: None, Clock(tmp_path / "clock.json"))


def names(kitchen: Kitchen, of: str) -> list[str]:
    return [video.video for video in kitchen.videos(of)]


def test_no_video_is_both_learnt_from_and_asked_about(kitchen: Kitchen) -> None:
    sizes = kitchen.sizes
    apart = [names(kitchen, of) for of in (kitchen.main, VALIDATION, *HELD_OUT)]
    assert [len(of) for of in apart] == [
        sizes.main,
        sizes.validation,
        sizes.held_out,
        sizes.held_out,
    ]
    assert len({video for of in apart for video in of}) == sum(map(len, apart))


def test_a_smaller_look_sees_the_same_recipes(kitchen: Kitchen) -> None:
    small = replace(kitchen, look=small_look())
    for name in (kitchen.main, *HELD_OUT):
        cooked, seen = (
            [[(step.verb, step.noun) for step in video.steps] for video in each.videos(name)]
            for each in (kitchen, small)
        )
        assert cooked == seen


def test_a_smaller_training_set_is_within_each_larger_one(kitchen: Kitchen) -> None:
    sets = [names(kitchen, training_set(size)) for size in kitchen.sizes.training]
    assert [len(of) for of in sets] == [25, 100, 400]
    assert all(larger[: len(smaller)] == smaller for smaller, larger in pairwise(sets))


def test_the_largest_size_changes_no_other_set(kitchen: Kitchen) -> None:
    larger = replace(kitchen, sizes=kitchen.sizes.with_largest())
    assert len(larger.videos(training_set(LARGEST))) == LARGEST and larger.main == kitchen.main
    assert all(kitchen.videos(of) == larger.videos(of) for of in kitchen.names)


def test_held_out_combinations_are_in_no_video_that_is_learnt_or_chosen_from(
    kitchen: Kitchen,
) -> None:
    held_out = set(kitchen.plan.held_out_combinations)
    for of in kitchen.names:
        pairs = {(step.verb, step.noun) for video in kitchen.videos(of) for step in video.steps}
        assert pairs <= held_out if of == HELD_OUT_COMBINATIONS else not pairs & held_out


def test_the_place_of_a_video_is_that_of_the_plan(kitchen: Kitchen) -> None:
    assert all(
        kitchen.plan.videos[place(video)] == video
        for of in kitchen.names
        for video in kitchen.videos(of)
    )


def test_a_sentence_about_a_step_names_an_ingredient(kitchen: Kitchen) -> None:
    assert kitchen.tells("Okay so we keep chopping the carrot")
    assert not kitchen.tells("my husband says hello by the way")


def test_a_sentence_is_about_the_nearest_step_with_its_ingredient(kitchen: Kitchen) -> None:
    every = [
        (video, step) for video in kitchen.videos(VALIDATION) for step in video.steps if step.spoken
    ]
    for video, step in every:
        leant = [time + 0.7 for time in (step.start, step.end)]
        assert kitchen.shows(Path(video.video).name, step.caption, *leant) == (step.start, step.end)


def test_linked_files_are_the_same_ones_and_other_options_are_refused(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    source, target = Stage(tmp_path / "all"), Stage(tmp_path / "some")
    videos = kitchen.videos(VALIDATION)[:2]
    source.claim({"made": "so"})
    for video in kitchen.videos(VALIDATION)[:3]:
        source.path(Path(video.video).name).write_bytes(b"rows")
    for _ in range(2):
        link(source, target, videos)
    assert target.done() == [Path(video.video).name for video in videos] and target.options() == {
        "made": "so"
    }
    assert all(target.path(name).samefile(source.path(name)) for name in target.done())
    (source.folder / "options.json").write_text('{"made": "otherwise"}')
    with pytest.raises(InputError, match="made was 'so'"):
        link(source, target, videos)


def test_figures_are_found_once_and_never_by_halves(study: Study) -> None:
    def fail() -> Any:
        raise InputError("stopped")

    with pytest.raises(InputError, match="stopped"):
        study.figures("some", fail)
    assert study.figures("some", lambda: {1: (2, 3)}) == {"1": [2, 3]}
    assert study.figures("some", fail) == {"1": [2, 3]}


def test_the_clock_counts_over_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(
        [100.0, 107.0, 109.0, 500.0, 501.0]
    )  # a run's start and two laps, another's start and lap
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    for laps in (2, 1):
        clock = Clock(tmp_path / "clock.json", time.monotonic())
        for _ in range(laps):
            clock.lap()
    assert clock.seconds == 10.0


def test_each_choice_that_is_left_out_is_an_option_that_differs() -> None:
    usual = vars(PretrainOptions())
    for left_out in ABLATIONS.values():
        assert all(usual[name] != value for name, value in left_out.items())


def test_of_equal_candidates_the_first_is_chosen() -> None:
    rows = [{"candidate": n, "score": score} for n, score in ((1, 0.2), (2, 0.5), (4, 0.5))]
    assert best(rows) == 2


def test_nothing_is_forecast_beyond_the_shortest_recipe(study: Study) -> None:
    assert within(study, (1, 2, 4, 8)) == (1, 2)
    assert within(replace(study, kitchen=replace(study.kitchen, sizes=Sizes())), (1, 2, 4, 8)) == (
        1,
        2,
        4,
        8,
    )


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        ([(0.1, 0.1, 0.1), (0.5, 0.4, 0.6)], "comes out"),
        ([(0.3, 0.2, 0.45), (0.5, 0.4, 0.6)], "comes out (intervals overlap)"),
        ([(0.5, 0.4, 0.6), (0.1, 0.1, 0.1)], "does not come out: 1 is not above 0"),
        (
            [(0.1, 0.0, 0.2), (0.5, 0.4, 0.6), (0.5, 0.4, 0.6)],
            "does not come out: 2 is not above 1 (intervals overlap)",
        ),
    ],
)
def test_an_order_comes_out_or_it_is_said_where_not(
    cells: list[tuple[float, float, float]], verdict: str
) -> None:
    assert (
        Order("", "", tuple((str(n), Estimate(*cell)) for n, cell in enumerate(cells))).verdict
        == verdict
    )


def test_a_gain_is_bold_only_where_no_seed_contradicts_it() -> None:
    def runs(*values: float) -> list[dict[str, dict[str, float]]]:
        return [{"verb": {"value": value}} for value in values]

    assert _gain(runs(0.6, 0.7), runs(0.4, 0.5), "verb") == "**+20.0**"
    assert _gain(runs(0.4, 0.5), runs(0.6, 0.7), "verb") == "**-20.0**"
    assert _gain(runs(0.4, 0.7), runs(0.5, 0.5), "verb") == "+5.0"
    assert _gain(runs(0.7), runs(0.5), "verb") == "+20.0"


def test_a_table_is_markdown() -> None:
    assert table(["", "top-1"], [["chance", "8.3"]]).splitlines() == [
        "|  | top-1 |",
        "| --- | --- |",
        "| chance | 8.3 |",
    ]


def test_a_folder_of_another_seed_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    Stage(tmp_path).claim({"seed": 2})
    with pytest.raises(InputError, match="seed was 2 and is now 1"):
        run(tmp_path, tmp_path / "docs", TINY, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["options.json"]


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), BrokenProcessPool("a process died")]
)
def test_a_full_disk_or_a_dead_process_ends_with_one_line(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def film(*_: object) -> None:
        raise error

    monkeypatch.setattr(kitchen_tables, "make_corpus", film)
    monkeypatch.setattr(
        "sys.argv", ["kitchen_tables", "--tiny", "--out", str(tmp_path), "--docs", str(tmp_path)]
    )
    with pytest.raises(
        SystemExit, match=r"^benchmarks\.kitchen_tables: .*(No space left|a process died)"
    ):
        kitchen_tables.main()


def state(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_every_table_is_written_and_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    out, docs = tmp_path / "out", tmp_path / "docs"
    run(out, docs, TINY, 1, command="as typed")
    results = json.loads((docs / "results.json").read_text())
    assert_whole(results, docs)

    made = state(out)
    model = (
        out
        / "models"
        / f"{TINY.ablated}_videos-{results['choices']['epochs']}_epochs-seed_0-without_subsampling"
    )
    shutil.rmtree(model)  # as if the run had been killed there
    lost = [out / "figures/left_out_subsampling_0.json", out / "figures/zero_shot_4.json"]
    for path in lost:
        path.unlink()
    run(out, docs, TINY, 1, command="as typed")
    again = json.loads((docs / "results.json").read_text())
    assert again["made"]["minutes"] > results["made"]["minutes"]
    assert {**again, "made": None} == {**results, "made": None}
    now = state(out)
    assert model.is_dir()
    assert {
        path for path in made if now.get(path) != made[path] and not path.is_relative_to(model)
    } == {
        *lost,
        out / "clock.json",
    }


def assert_whole(results: dict[str, Any], docs: Path) -> None:
    assert list(results["more_data"]) == [str(size) for size in TINY.training]
    for split in HELD_OUT:
        assert list(results["more_data"][str(TINY.main)][split]["rows"]) == list(METHODS)
        for name in ("retrieval", "forecast", "imagine", "localisation", "words_probe"):
            assert results[name][split]
    assert list(results["captions"]) == list(FEATURES)
    assert len(results["left_out"]) == 1 + len(ABLATIONS)
    page = (docs / "results.md").read_text()
    pictures = re.findall(r"\((results/\w+\.png)\)", page)
    assert (
        sorted(pictures) == sorted(f"results/{path.name}" for path in (docs / "results").iterdir())
        and len(pictures) == 7
    )
    assert page.count("bigram of examples |") == 2 * len(results["examples"]["ahead"])
    assert all(order["verdict"] in page for order in results["orders"]) and "    as typed" in page
    widths = [
        [line.count(" | ") for line in part.splitlines()]
        for part in page.split("\n\n")
        if part.startswith("|")
    ]
    assert len(widths) > 15 and all(len(set(width)) == 1 for width in widths)
