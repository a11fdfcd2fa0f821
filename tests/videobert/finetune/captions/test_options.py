"""The options of a captioner refuse what no run can have."""

from __future__ import annotations

import math
from typing import Any

import pytest

from videobert.finetune.captions.options import BeamOptions, CaptionOptions
from workfolder.errors import InputError


@pytest.mark.parametrize(
    "changes",
    [
        {"features": "sound"}, {"layers": 0}, {"width": 65}, {"width": 32}, {"dropout": 0.95},
        {"longest": 1}, {"learning_rate": math.nan}, {"batch_size": 0}, {"steps": 0},
        {"validation_share": 0.6}, {"validate_every": 0}, {"patience": 0}, {"seed": 2**32},
    ],
    ids=str,
)  # fmt: skip
def test_a_value_that_no_run_can_have_is_refused_by_its_name(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"--{next(iter(changes)).replace('_', '-')}"):
        CaptionOptions(**changes)


def test_a_beam_has_bounds() -> None:
    assert BeamOptions().beam == 4
    with pytest.raises(InputError, match="--beam 65 will not do: give 1 to 64"):
        BeamOptions(65)
