"""A report tells how a captioner was made, and whether it has learnt."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from videobert.finetune.captions.report import REPORT_FILE, CaptionerReport, read_report
from workfolder.errors import InputError
from workfolder.files import write_json

REPORT = CaptionerReport("home", True, "s3d", 65, 0, (), 200, 100, 1.26, 3.32, 4.44)


def test_it_is_told_in_one_line() -> None:
    told = (
        "captioner: home learnt from 65 segments; step 100 of 200 was best, validation loss 3.320"
    )
    assert str(REPORT) == f"{told} a piece"
    assert str(replace(REPORT, now=False)) == "captioner: done already, nothing to do"


@pytest.mark.parametrize(
    ("loss", "validation", "hardly"),
    [(1.0, 3.3, False), (1.0, 4.0, True), (4.0, None, True), (1.0, None, False)],
)
def test_a_captioner_with_nearly_the_prior_loss_has_hardly_learnt(
    loss: float, validation: float | None, hardly: bool
) -> None:
    found = replace(REPORT, loss=loss, validation_loss=validation)
    assert found.hardly_learnt == hardly
    assert ("it has hardly learnt: give more --steps" in str(found)) == hardly


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_json(asdict(replace(REPORT, folder="where it was made")), tmp_path / REPORT_FILE)
    assert read_report(tmp_path) == replace(REPORT, folder=str(tmp_path), missing=[])
    write_json({"steps": 3}, tmp_path / REPORT_FILE)
    with pytest.raises(InputError, match=r"report\.json is not the report of a captioner: delete"):
        read_report(tmp_path)
