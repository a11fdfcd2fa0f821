"""What ``status --verify`` finds in the books of a work folder."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.toys.codebook import MADE_WITH, toy_codebook
from videobert.pipeline import verify
from workfolder.files import write_json
from workfolder.stage import Stage


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The options of every stage, as each remembers those before it."""
    codebook, heard = toy_codebook(), {"schema": 1, "asr": "auto"}
    codebook.save(tmp_path / "codebook")
    Stage(tmp_path / "features").claim(MADE_WITH)
    Stage(tmp_path / "transcripts").claim(heard)
    Stage(tmp_path / "tokens").claim({"codebook": codebook.digest})
    Stage(tmp_path / "examples").claim({"codebook": codebook.digest, "transcripts": heard})
    return tmp_path


def test_a_sound_folder_and_one_that_has_just_begun_have_no_damage(work: Path) -> None:
    assert verify(work) == {}
    write_json(
        MADE_WITH | {"engine": "cuda", "versions": {"torch": "9"}},
        work / "features" / "options.json",
    )
    assert verify(work) == {}
    for stage in ("examples", "tokens", "codebook", "transcripts"):
        shutil.rmtree(work / stage)
        assert verify(work) == {}


@pytest.mark.parametrize(
    ("stage", "before", "after", "reason"),
    [
        (
            "features",
            '"up"',
            '"uq"',
            r"{work}/features was made with .*made was 'up' and is now 'uq'",
        ),
        (
            "transcripts",
            '"auto"',
            '"autn"',
            r"{work}/transcripts was made with .*asr was 'auto' and is now 'autn'",
        ),
        ("transcripts", '"asr"', '"asr', r"{work}/transcripts/options.json cannot be read"),
        (
            "examples",
            '"auto"',
            '"autn"',
            r"{work}/transcripts was made with .*asr was 'autn' and is now 'auto'",
        ),
        (
            "examples",
            '"codebook"',
            '"codeboog"',
            r"{work}/examples was made with another codebook: remove {work}/codebook",
        ),
        (
            "tokens",
            '"codebook"',
            '"codeboog"',
            r"{work}/tokens was made with another codebook: remove {work}/codebook",
        ),
        (
            "codebook",
            '"up"',
            '"uq"',
            r"{work}/tokens was made with another codebook: remove {work}/codebook",
        ),
    ],
)
def test_options_that_have_rotted_are_found(
    work: Path, stage: str, before: str, after: str, reason: str
) -> None:
    path = work / stage / "options.json"
    path.write_text(path.read_text().replace(before, after))
    assert [bool(re.match(reason.format(work=work), found)) for found in verify(work).values()][
        :1
    ] == [True]
