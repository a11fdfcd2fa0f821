"""Below these versions the packages have known holes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = tomllib.loads(
    (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8")
)["project"]


@pytest.mark.parametrize(
    ("package", "least"), [("torch", (2, 10)), ("ray", (2, 54)), ("gradio", (6, 7))]
)
def test_no_version_with_known_holes_is_asked_for(package: str, least: tuple[int, int]) -> None:
    asked = [
        *PROJECT["dependencies"],
        *(entry for extra in PROJECT["optional-dependencies"].values() for entry in extra),
    ]
    floors = [re.fullmatch(rf"{package}(\[\w+\])?>=([\d.]+)", entry) for entry in asked]
    (floor,) = filter(None, floors)
    assert tuple(map(int, floor[2].split("."))) >= least
