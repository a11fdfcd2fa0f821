from __future__ import annotations

import pytest
import torch
from transformers import get_scheduler

from videobert.learning.schedule import RESTARTS, LearningRate
from videobert.pretraining.options import SCHEDULES

PEAK = 1e-4


def shares(schedule: str, phases: list[int], warmup: float = 0.1) -> list[float]:
    rate = LearningRate(phases, schedule, warmup)
    return [rate(step) for step in range(sum(phases))]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_each_schedule_is_that_of_transformers(schedule: str) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=PEAK)
    own = {"num_cycles": RESTARTS} if schedule == "cosine_with_restarts" else None
    scheduler = get_scheduler(schedule, optimizer, 10, 100, scheduler_specific_kwargs=own)
    theirs = []
    for _ in range(100):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    within = (
        1e-7 if schedule == "polynomial" else 0
    )  # where transformers' own ends, whatever the peak; ours ends at 0
    assert [PEAK * share for share in shares(schedule, [100])] == pytest.approx(
        theirs, rel=1e-6, abs=within
    )


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_each_phase_is_a_run_of_its_own(schedule: str) -> None:
    phases = [50, 20, 1]
    alone = [share for phase in phases for share in shares(schedule, [phase])]
    assert shares(schedule, phases) == alone
    if schedule != "constant":
        assert alone[50] == 0 and alone[51] == pytest.approx(0.5)  # 2 steps of warm-up


def test_there_is_no_rate_after_the_last_step() -> None:
    with pytest.raises(IndexError, match="fewer steps"):
        LearningRate([5], "linear", 0.0)(5)
