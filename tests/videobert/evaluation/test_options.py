"""The options that benchmarks share refuse samples that are too small."""

from __future__ import annotations

import pytest

from videobert.evaluation.options import ForecastSampleOptions, SampleOptions
from workfolder.errors import InputError


@pytest.mark.parametrize(("kind", "most"), [(SampleOptions, 500), (ForecastSampleOptions, 5000)])
def test_a_sample_has_two_examples_at_least(kind: type[SampleOptions], most: int) -> None:
    assert (kind().most, kind().seed) == (most, 0)
    with pytest.raises(InputError, match="--most 1 will not do: give 2 or more"):
        kind(most=1)
