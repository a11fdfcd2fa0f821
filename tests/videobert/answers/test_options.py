"""The options of questions refuse what cannot be asked."""

from __future__ import annotations

from typing import Any

import pytest

from videobert.answers.options import (
    ForecastOptions,
    ImagineOptions,
    LocateOptions,
    PredictOptions,
    SearchOptions,
)
from workfolder.errors import InputError
from workfolder.options import Options, described


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (ForecastOptions, {"step": (1, 0)}, "--step 0 will not do: give 1 or more"),
        (ForecastOptions, {"context": 0}, "--context 0"),
        (ImagineOptions, {"masks": 0}, "--masks 0"),
        (LocateOptions, {"length": (0,)}, "--length 0"),
        (PredictOptions, {"top": 0}, "--top 0"),
        (SearchOptions, {"weight": 1.5}, "--weight 1.5 will not do: give 0 to 1"),
        (SearchOptions, {"first_stage": "guess"}, "choose one of profiles, transcripts, none"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    kind: type[Options], changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        kind(**changes)


@pytest.mark.parametrize("kind", [ForecastOptions, LocateOptions])
def test_numbers_that_may_be_repeated_are_shown_as_they_are(kind: type[Options]) -> None:
    for field in described(kind):
        if isinstance(field.default, tuple):
            assert field.metadata["about"].shown == ", ".join(map(str, field.default))
