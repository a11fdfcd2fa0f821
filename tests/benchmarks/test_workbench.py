"""What the ways to pre-train have in common, and when one is as good as the plain one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.kitchen_tables.corpus import Kitchen
from benchmarks.kitchen_tables.sizes import PRETRAINING, TINY
from benchmarks.workbench import LOSSES, NAMES, PLAIN, Bench, changes, losses
from videobert.pretraining.options import PretrainOptions
from workfolder.files import write_table
from workfolder.progress import silent

STEPS = 9


@pytest.mark.parametrize("name", NAMES)
def test_all_learn_from_as_many_sequences(name: str) -> None:
    way, plain = (
        PretrainOptions(**{**PRETRAINING, "steps": STEPS, **changes(each, STEPS)})
        for each in (name, PLAIN)
    )
    assert sum(phase.batch_size * phase.steps for phase in way.plan) == STEPS * plain.batch_size
    assert way.total_steps == STEPS
    assert (way == plain) == (name == PLAIN)


def note(folder: Path, found: dict[int, float]) -> None:
    folder.mkdir(parents=True)
    rows = [{"step": step, **dict.fromkeys(LOSSES, loss)} for step, loss in found.items()]
    write_table(pa.Table.from_pylist(rows), folder / "history.parquet")


def test_a_way_is_timed_until_it_is_as_good_as_the_plain_one(tmp_path: Path) -> None:
    bench = Bench(Kitchen(tmp_path, TINY, 1), STEPS, silent)
    stacked = bench.folder("stacked 1-2", 0)
    assert losses(stacked) == {}
    note(bench.folder(PLAIN, 0), {3: 3.0, 6: 2.5, 9: 2.0})
    note(stacked, {3: 4.0, 6: 1.9, 9: 1.5})
    clock = {3: 10.0, 6: 21.0, 9: 35.0}
    assert bench.compared(stacked, 0, clock) == {"loss": 1.5, "as good after": 21.0}
    assert bench.compared(stacked, 0, {})["as good after"] is None
