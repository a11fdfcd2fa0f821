from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from videobert.learning.history import REPORT_EVERY, History, Tally, draw_losses, write_curves


def tally(loss: float, correct: int, asked: int) -> Tally:
    return {"masked_text": (loss, correct, asked), "alignment": (0.0, 0, 0)}


def of_steps(history: History, first: int, last: int) -> History:
    """Step n has n answers, one right, and a loss of 2 n in all."""
    for step in range(first, last + 1):
        history.add(step, tally(2.0 * step, 1, step), tokens=100, learning_rate=step / 1000)
    return history


def test_a_row_is_the_mean_over_what_was_asked_since_the_row_before() -> None:
    rows = of_steps(History(), 1, 2 * REPORT_EVERY).rows
    assert [row["step"] for row in rows] == [REPORT_EVERY, 2 * REPORT_EVERY]
    asked = sum(range(REPORT_EVERY + 1, 2 * REPORT_EVERY + 1))
    assert rows[1]["masked_text_loss"] == pytest.approx(2.0)
    assert rows[1]["masked_text_accuracy"] == pytest.approx(REPORT_EVERY / asked)
    assert (
        rows[1]["tokens"] == 200 * REPORT_EVERY
        and rows[1]["learning_rate"] == 2 * REPORT_EVERY / 1000
    )
    assert not any(
        name.startswith("alignment") for row in rows for name in row
    )  # nothing was asked


def test_a_validation_joins_the_row_of_its_step() -> None:
    history = of_steps(History(), 1, REPORT_EVERY)
    history.add_validation(REPORT_EVERY, tally(3.0, 1, 2))
    history.add_validation(REPORT_EVERY + 5, tally(1.0, 2, 2))
    table = history.table()
    assert table.column("step").to_pylist() == [REPORT_EVERY, REPORT_EVERY + 5]
    assert table.column("validation_masked_text_loss").to_pylist() == [1.5, 0.5]
    assert table.column("masked_text_loss").to_pylist() == [2.0, None]
    assert (
        history.last["validation_masked_text_accuracy"] == 1.0
        and history.last["masked_text_loss"] == 2.0
    )


def test_the_last_step_makes_a_row_of_what_is_left() -> None:
    history = of_steps(History(), 1, REPORT_EVERY)
    history.add(REPORT_EVERY + 1, tally(7.0, 1, 2), tokens=100, last=True, gradient=0.5)
    assert [row["step"] for row in history.rows] == [REPORT_EVERY, REPORT_EVERY + 1]
    assert (history.last["masked_text_loss"], history.last["gradient"]) == (3.5, 0.5)


def test_where_nothing_is_kept_apart_validation_makes_no_row() -> None:
    history = History()
    history.add_validation(10, {})
    assert history.rows == []


def test_kept_as_json_in_the_middle_of_a_row_it_goes_on_as_if_nothing_had_been() -> None:
    whole = of_steps(History(), 1, 50)
    stopped, going_on = of_steps(History(), 1, 33), History()
    going_on.load_state(json.loads(json.dumps(stopped.state())))
    assert of_steps(going_on, 34, 50).rows == whole.rows and going_on.last == whole.last


def test_the_last_figures_of_a_long_run_are_told_at_once() -> None:
    history = History()
    rows = [{"step": step, "masked_text_loss": 1 / step} for step in range(1, 25_001)]
    history.load_state({"rows": rows, "recent": {}, "tokens": 9})
    assert history.last == {"step": 25_000, "masked_text_loss": 1 / 25_000}
    assert history.last is history.last, "gathered anew each time it is asked for"


def test_curves_put_training_and_validation_of_a_figure_together(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as board:
        write_curves(
            {"step": 20, "masked_text_loss": 2.5, "validation_masked_text_loss": 3.5}, board
        )
    found = EventAccumulator(str(tmp_path)).Reload()
    assert sorted(found.Tags()["scalars"]) == [
        "masked_text_loss/training",
        "masked_text_loss/validation",
    ]
    (event,) = found.Scalars("masked_text_loss/validation")
    assert (event.step, event.value) == (20, 3.5)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"step": 3.0}],
        [{"step": 5.0, "validation_alignment_loss": 0.7}],
        of_steps(History(), 1, 60).rows,
    ],
)
def test_losses_are_drawn_whatever_there_is_of_them(
    rows: list[dict[str, float]], tmp_path: Path
) -> None:
    draw_losses(rows, tmp_path / "losses.png")
    pixels = np.asarray(Image.open(tmp_path / "losses.png").convert("RGB"))
    assert pixels.shape[1] > pixels.shape[0] > 300 and pixels.std() > 5


def test_validation_alone_is_drawn_too(tmp_path: Path) -> None:
    row = {"step": 5.0, "masked_text_loss": 1.0}
    draw_losses([row, {"step": 9.0, "masked_text_loss": 0.5}], tmp_path / "without.png")
    draw_losses(
        [row | {"validation_masked_text_loss": 3.0}, {"step": 9.0, "masked_text_loss": 0.5}],
        tmp_path / "with.png",
    )
    assert (tmp_path / "with.png").read_bytes() != (tmp_path / "without.png").read_bytes()
