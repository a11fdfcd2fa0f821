"""What users install: a wheel that works where there is no checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.toys.street import Street
from tests.toys.videos import coloured_recipe

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("workfolder", "feature_extraction", "tokenization", "videobert")
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    build = (
        *PIP,
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        folder,
        folder / "source",
    )
    subprocess.run([*map(str, build)], check=True)
    return next(folder.glob("videobert-*.whl"))


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel; all but the checkout is borrowed."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # The borrowed packages' own .pth files are not read. The line is ASCII: in the C locale Python
    # cannot read another.
    borrowed = ascii(sysconfig.get_path("purelib"))
    (site / "borrowed.pth").write_text(f"import sys; sys.path.append({borrowed})\n")
    install = (
        *PIP,
        "--python",
        folder / "bin" / "python",
        "install",
        "--no-deps",
        "--no-index",
        wheel,
    )
    subprocess.run([*map(str, install)], check=True)
    return folder / "bin"


def run(clean: Path, folder: Path, *command: object) -> str:
    program, *arguments = map(str, command)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
    }
    done = subprocess.run(
        [clean / program, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_has_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    found = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    there = {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found == there
    assert {f"{name}/py.typed" for name in PACKAGES} <= found


def test_it_works_without_the_checkout(clean: Path, street: Street, tmp_path: Path) -> None:
    where = run(clean, tmp_path, "python", "-c", "import videobert; print(videobert.__file__)")
    assert Path(where.strip()).is_relative_to(clean.parent)
    assert run(clean, tmp_path, "videobert", "--help").index("extract") > 0
    clip = coloured_recipe(tmp_path / "clip.mp4", ["blue"], spoken=False)
    asked = (
        "predict",
        clip,
        "--model",
        street.model,
        "--template",
        "the [MASK] square",
        "--picture",
        tmp_path / "p.png",
    )
    assert json.loads(run(clean, tmp_path, "videobert", *asked, "--json"))["masks"]
    run(
        clean, tmp_path, "videobert", "inspect", "codebook", street.work
    )  # whose page is a file of the package
    program = (
        "from feature_extraction.hearing.punctuation.restorer import PunctuationRestorer;"
        "from videobert.evaluation.labels import nouns, verbs;"
        "print(len(verbs().words), len(nouns().words), *PunctuationRestorer.load().punctuate(['chop', 'it']))"
    )
    assert run(clean, tmp_path, "python", "-c", program).startswith("45 100 Chop it")
