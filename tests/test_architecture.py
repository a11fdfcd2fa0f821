"""Imports run one way, and each room may import only itself and the rooms before it in one list."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = (
    "workfolder",
    "feature_extraction.pace",
    "feature_extraction.schema",
    "feature_extraction.options",
    "feature_extraction.containers",
    "feature_extraction.stream_clock",
    "feature_extraction.seeing",
    "feature_extraction.hearing",
    "feature_extraction",
    "tokenization.schema",
    "tokenization.options",
    "tokenization.hierarchical_kmeans",
    "tokenization.residual_kmeans",
    "tokenization",
    "videobert.sequences",
    "videobert.model_sizes",
    "videobert.orders",
    "videobert.joint_network",
    "videobert.whole_numbers",
    "videobert.bert_shapes",
    "videobert.configuration_videobert",
    "videobert.encoders",
    "videobert.modeling_videobert",
    "videobert.modeling_videoencoder",
    "videobert.networks",
    "videobert.plain_tokenizer",
    "videobert.processing_videobert",
    "videobert.auto_classes",
    "videobert.softmax",
    "videobert.plain_arrays",
    "videobert.plain_network",
    "videobert.bank",
    "videobert.loading",
    "videobert.hub",
    "videobert.exporting",
    "videobert.inference",
    "videobert.data",
    "videobert.evaluation.metrics",
    "videobert.answers",
    "videobert.learning",
    "videobert.pretraining",
    "videobert.finetune",
    "videobert.probes",
    "videobert.compression",
    "videobert.evaluation",
    "videobert.pipeline",
    "videobert.page",
    "videobert.cli",
    "videobert",
    "demos",
    "benchmarks",
    "tests",
)
"""From the ground floor to the roof; a module belongs to the longest name that begins its own."""
PACKAGES = ("workfolder", "feature_extraction", "tokenization", "videobert", "demos")
BETWEEN_STAGES = {"tokenization": ("feature_extraction.schema", "feature_extraction.media")}


def room(module: str) -> str:
    """The room of a module."""
    return max((name for name in ROOMS if f"{module}.".startswith(f"{name}.")), key=len)


def imported(path: Path) -> Iterator[str]:
    """The modules of the house that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [
                name if (ROOT / f"{name.replace('.', '/')}.py").exists() else str(node.module)
                for name in below
            ]
        yield from (
            name for name in names if name.split(".")[0] in (*PACKAGES, "benchmarks", "tests")
        )


@pytest.mark.parametrize("package", PACKAGES)
def test_a_room_imports_only_itself_and_the_rooms_before_it(package: str) -> None:
    paths = sorted((ROOT / package).rglob("*.py"))
    assert paths
    for path in paths:
        own = room(".".join(path.relative_to(ROOT).with_suffix("").parts))
        later = [name for name in imported(path) if ROOMS.index(room(name)) > ROOMS.index(own)]
        assert not later, f"{path} belongs to {own} and imports {later}"


def test_a_stage_imports_of_the_one_before_only_what_is_between_them() -> None:
    for stage, allowed in BETWEEN_STAGES.items():
        for path in (ROOT / stage).rglob("*.py"):
            others = [
                n
                for n in imported(path)
                if n.startswith("feature_extraction") and not n.startswith(allowed)
            ]
            assert not others, f"{path} imports {others}"


def test_help_needs_no_torch() -> None:
    code = "import sys; from videobert.cli import main; import feature_extraction; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
