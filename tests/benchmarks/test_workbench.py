"""What the ways to pre-train have in common, and when one is as good as the plain one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.kitchen_tables.corpus import Kitchen
from benchmarks.kitchen_tables.sizes import PRETRAINING, TINY
from benchmarks.workbench import LOSSES, NAMES, PLAIN, Bench, changes, losses
from benchmarks.workbench_tasks import spread
from videobert.pretraining.options import PretrainOptions
from workfolder.files import write_table
from workfolder.progress import silent

STEPS, PHRASES = 10, Path("phrases.txt")


@pytest.mark.parametrize("name", NAMES)
def test_all_learn_from_as_many_sequences(name: str) -> None:
    way, plain = (
        PretrainOptions(**{**PRETRAINING, "steps": STEPS, **changes(each, STEPS, PHRASES)})
        for each in (name, PLAIN)
    )
    assert sum(phase.batch_size * phase.steps for phase in way.plan) == STEPS * plain.batch_size
    assert way.total_steps == (1 if way.batch_size > plain.batch_size else STEPS)
    assert (way == plain) == (name == PLAIN)


def note(folder: Path, found: dict[int, float]) -> None:
    folder.mkdir(parents=True)
    rows = [{"step": step, **dict.fromkeys(LOSSES, loss)} for step, loss in found.items()]
    write_table(pa.Table.from_pylist(rows), folder / "history.parquet")


def test_a_way_is_timed_until_it_is_as_good_as_the_plain_one(tmp_path: Path) -> None:
    bench = Bench(Kitchen(tmp_path, TINY, 1), 9, silent)
    stacked = bench.folder("stacked 1-2", 0)
    assert losses(stacked) == {}
    note(bench.folder(PLAIN, 0), {3: 3.0, 6: 2.5, 9: 2.0})
    note(stacked, {3: 4.0, 6: 1.9, 9: 1.5})
    clock = {3: 10.0, 6: 21.0, 9: 35.0}
    assert bench.compared(stacked, 0, clock) == {"loss": 1.5, "as good after": 21.0}
    assert bench.compared(stacked, 0, {})["as good after"] is None


def test_the_worst_seed_is_told_with_its_interval() -> None:
    def table(value: float) -> dict[str, dict[str, dict[str, float]]]:
        sure = {"value": 0.5, "low": 0.4, "high": 0.6}
        ours = {"value": value, "low": value - 0.1, "high": value + 0.1}
        return {"prior": {"accuracy": sure}, "ours": {"accuracy": ours}}

    tables = [table(0.8), table(0.6), table(0.7)]
    assert spread(tables, "ours", "accuracy") == "70.0 +- 10.0, 60.0 (50-70)"
    assert spread(tables, "prior", "accuracy") == "50.0 (40-60)"
    assert spread(tables, "probe", "accuracy") == "left out"
