"""How far templates are apart."""

from __future__ import annotations

import numpy as np
import pytest

from videobert.answers.template_sensitivity import Sensitivity, sensitivity


def test_sensitivity_knows_agreement_from_opposition() -> None:
    same = np.array([[[0.9, 0.1, 0]]] * 4)
    assert sensitivity(same) == Sensitivity(1, pytest.approx(0, abs=1e-6))
    opposed = np.array([[[1.0, 0, 0]], [[1.0, 0, 0]], [[0, 0, 1.0]]])
    assert sensitivity(opposed) == Sensitivity(
        pytest.approx(2 / 3), pytest.approx((1 / 3 + 1 / 3 + 2 / 3) / 3)
    )
