"""Imports run one way: feature_extraction, tokenization, videobert, demos."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ORDER = ("feature_extraction", "tokenization", "videobert", "demos")


def imported_packages(path: Path) -> set[str]:
    """First names of everything a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(str(node.module).split(".")[0])
    return names


@pytest.mark.parametrize("package", ORDER)
def test_a_stage_imports_nothing_from_a_later_one(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    later = set(ORDER[ORDER.index(package) + 1 :])
    for path in files:
        assert not imported_packages(path) & (later | {"tests", "benchmarks"}), path


def test_tokenization_needs_of_extraction_only_its_files_and_its_plumbing() -> None:
    allowed = {"schema", "errors", "accounts", "storage", "jobs", "progress", "sources", "video", "guard"}
    for path in (ROOT / "tokenization").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("feature_extraction"):
                assert str(node.module).removeprefix("feature_extraction.") in allowed, path


def test_help_needs_no_torch() -> None:
    code = "import sys; from videobert import cli; import feature_extraction, tokenization; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
