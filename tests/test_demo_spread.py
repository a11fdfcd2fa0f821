"""The spread of the demo's figures: which commands a run types, what is kept, what is told."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks import demo_spread
from demos.kitchen.evaluation import SEARCHES
from demos.street import Size
from workfolder.files import write_json

SIZE = Size(videos=20, steps=5)


def results(value: float) -> dict:
    """A table in which every method has one figure everywhere."""
    row = {f"{kind}_top1": {"value": value} for kind in ("verb", "noun")}
    rows = {"rows": dict.fromkeys(demo_spread.METHODS, row)}
    recall = {"recall": {"1": {"value": value / 2}}}
    search = {"text_to_clip": dict.fromkeys(SEARCHES, recall)}
    return {**dict.fromkeys(demo_spread.SPLITS, rows), "search": search}


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """Every command that would be run; extraction and the table leave a file as theirs do."""
    commands: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...]) -> float:
        commands.append(command)
        given = dict(pairwise(command))
        for stage, verb in (("features", "extract"), ("transcripts", "transcribe")):
            if verb in command:
                kept = Path(given["--work"], stage, "a.parquet")
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(b"rows")
        if "demos.kitchen.evaluation" in command:
            write_json(results(0.9), Path(given["--out"]))
        return 2.0

    monkeypatch.setattr(demo_spread, "run", run)
    monkeypatch.setattr(demo_spread, "read_truth", lambda path: None)
    monkeypatch.setattr(demo_spread, "load_model", lambda folder: None)
    monkeypatch.setattr(demo_spread, "_right", lambda *_: (True, False))
    return commands


def test_a_kitchen_is_looked_at_once_and_learnt_from_with_every_seed(
    typed: list[tuple[str, ...]], tmp_path: Path
) -> None:
    found = demo_spread.spread(tmp_path, SIZE, (0, 7), (3, 4))
    assert [(one["kitchen"], one["seed"]) for one in found] == [(0, 3), (0, 4), (7, 3), (7, 4)]
    filmed = [command for command in typed if "demos.kitchen" in command]
    assert [command[command.index("--seed") + 1] for command in filmed] == ["0", "7"]
    for verb in ("cluster", "pretrain"):
        seeds = [c[c.index("--seed") + 1] for c in typed if verb in c]
        assert seeds == ["3", "4"] * 2
    kept = tmp_path / "kitchen_0" / "seed_3" / "work" / "features" / "a.parquet"
    assert kept.samefile(tmp_path / "kitchen_0" / "work" / "features" / "a.parquet")


def test_a_run_that_is_there_is_not_made_again(
    typed: list[tuple[str, ...]], tmp_path: Path
) -> None:
    first = demo_spread.spread(tmp_path, SIZE, (0,), (3,))
    typed.clear()
    assert demo_spread.spread(tmp_path, SIZE, (0,), (3,)) == first
    assert not any("pretrain" in command for command in typed)


def test_the_worst_and_the_median_are_told_beside_the_target(
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = {0: 0.99, 1: 0.7, 2: 0.86}
    runs = [
        {
            "kitchen": 0,
            "seed": seed,
            "right": [seed > 0] * 2,
            "seconds": {"pretrain": 60.0},
            "results": results(value),
        }
        for seed, value in values.items()
    ]
    demo_spread.tell(runs)
    said = capsys.readouterr().out
    told = "median 86.0, from 70.0 to 99.0 (target for the worst: "
    assert f"new videos, verbs, as predict asks: {told}85, missed)" in said
    assert f"new combinations, nouns, as predict asks: {told}65, met)" in said
    assert "R@1, videobert search: median 43.0, from 35.0 to 49.5" in said
    assert "the clip at the end is answered rightly in 2 of 3 runs" in said
