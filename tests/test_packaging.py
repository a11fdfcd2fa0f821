"""What pip installs: on which machine, from which version on."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {
    name: [Requirement(line) for line in lines]
    for name, lines in PROJECT["optional-dependencies"].items()
}
BASE = [Requirement(line) for line in PROJECT["dependencies"]]
ASKED = [*BASE, *(requirement for extra in EXTRAS.values() for requirement in extra)]
PINS = dict(
    line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
)
FLOORS = {"av": "17.1", "gradio": "6.7", "ray": "2.54", "torch": "2.10"}
"""Earlier versions have published security holes. The wheels of av carry FFmpeg, and those before
17.1 carry builds with published CVEs; torch.load before 2.10 is unsafe even with weights_only."""
MACHINES = {
    "linux/x86_64": ("linux", "x86_64"),
    "linux/aarch64": ("linux", "aarch64"),
    "darwin/arm64": ("darwin", "arm64"),
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def names(requirements: list[Requirement], machine: str, python: str) -> set[str]:
    """The packages that pip would be asked for."""
    system, processor = MACHINES[machine]
    environment = {
        "sys_platform": system,
        "platform_system": system.capitalize(),
        "platform_machine": processor,
        "python_version": python,
        "python_full_version": f"{python}.0",
    }
    return {
        requirement.name
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate(environment)
    }


@pytest.mark.parametrize(("machine", "python"), [*product(MACHINES, PYTHONS)])
def test_each_extra_asks_only_for_packages_that_the_machine_can_install(
    machine: str, python: str
) -> None:
    assert names(BASE, machine, python) == {requirement.name for requirement in BASE}
    found = {extra: names(lines, machine, python) for extra, lines in EXTRAS.items()}
    assert found.pop("decord") == ({"decord"} if machine == "linux/x86_64" else set())
    assert found.pop("pytorchvideo") == ({"pytorchvideo"} if python != "3.14" else set())
    assert found == {extra: {requirement.name for requirement in EXTRAS[extra]} for extra in found}


@pytest.mark.parametrize("package", FLOORS)
def test_no_version_with_known_holes_is_asked_for(package: str) -> None:
    (requirement,) = (requirement for requirement in ASKED if requirement.name == package)
    (floor,) = requirement.specifier
    assert floor.operator == ">=" and Version(floor.version) >= Version(FLOORS[package])


def test_every_package_asked_for_is_pinned_at_a_version_that_will_do() -> None:
    pins = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in PINS.items()}
    for requirement in ASKED:
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        assert pins[name] in requirement.specifier, requirement


def test_make_installs_for_each_target_only_what_it_uses() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installed = {
        target: set(extras.split(","))
        for target, extras in re.findall(r"^EXTRAS_(\w+) := (.*)$", makefile, re.MULTILINE)
    }
    assert installed == {
        "demo": {"demo", "openvino"},
        "heard": {"demo", "faster-whisper", "openvino", "speech-weights"},
        "page": {"demo", "openvino", "page"},
        "test": set(EXTRAS),
    }


IMPORTED_AS = {"cv2": "opencv-python-headless", "PIL": "pillow", "sklearn": "scikit-learn"}


@pytest.mark.parametrize(
    ("folder", "extras"), [("demos/kitchen", ["demo"]), ("videobert/page", ["page"])]
)
def test_what_a_demo_imports_is_asked_for(folder: str, extras: list[str]) -> None:
    there = {requirement.name for requirement in BASE}
    there |= {requirement.name for extra in extras for requirement in EXTRAS[extra]}
    house = {"workfolder", "feature_extraction", "tokenization", "videobert", "demos"}
    used = set()
    for path in (ROOT / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                used.add(str(node.module).partition(".")[0])
    outside = used - house - set(sys.stdlib_module_names) - {"starlette"}  # gradio brings it
    assert outside and {IMPORTED_AS.get(name, name) for name in outside} <= there
