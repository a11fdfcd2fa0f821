"""The tutorial's program runs as it stands, on little videos and with little steps."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.toys.street import Street
from tests.toys.videos import coloured_recipe

TUTORIAL = (Path(__file__).resolve().parents[1] / "docs" / "tutorial.md").read_text(
    encoding="utf-8"
)
SMALLER = {
    '"kinetics400"': '"random:0"',
    "branching=12": "branching=3",
    "steps=3000": "steps=20, batch_size=8",
    "chop the onion": "paint the red square",
}


def test_it_goes_from_videos_to_answers(
    street: Street,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
    for real, small in SMALLER.items():
        assert real in program
        program = program.replace(real, small)
    shutil.copytree(street.videos, tmp_path / "my_videos")
    coloured_recipe(tmp_path / "clip.mp4", ["blue", "red"], spoken=False)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "docs/tutorial.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said[:6]] == [
        "features",
        "transcripts",
        "codebook",
        "tokens",
        "examples",
        "model",
    ]
    assert len(said) == 6 + 2 + 4 + 1 + 3 + 1
    assert (
        re.fullmatch(r"\w+ \w+ \d+%", said[7])
        and said[8].startswith("1 [")
        and said[-1].startswith("[Location(")
    )
