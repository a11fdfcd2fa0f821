"""A restorer is made once, of what is not held out, and a killed run ends with the same bytes."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from feature_extraction.hearing.punctuation.restorer import PunctuationRestorer
from tests.toys.command_line import Run
from tests.toys.punctuation import TOY, write_corpus
from tests.toys.training_processes import Death, call_and_die
from videobert.finetune.punctuation.training import finetune_punctuation
from videobert.finetune.punctuation.transcripts import find_texts
from videobert.learning.split import is_held_out
from workfolder.errors import InputError
from workfolder.files import read_json, read_table

QUICK = replace(TOY, steps=6, dropout=0.1, forgotten=0.1, checkpoint_every=2)
TRAIN = "videobert.finetune.punctuation.training.finetune_punctuation"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("punctuation") / "texts")


def test_the_seed_decides_everything_and_what_is_there_is_left(
    corpus: Path, tmp_path: Path
) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert finetune_punctuation([corpus], tmp_path / name, replace(QUICK, seed=seed)).now == 1
    made = [(tmp_path / name / "model.safetensors").read_bytes() for name in "abc"]
    assert made[0] == made[1] != made[2]
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        "config.json", "digests.json", "history.parquet", "model.safetensors", "options.json",
        "vocabulary.txt",
    }  # fmt: skip
    assert finetune_punctuation([corpus], tmp_path / "a", QUICK).before == 1
    with pytest.raises(InputError, match=r"steps was 6 and is now 7; .*another --out"):
        finetune_punctuation([corpus], tmp_path / "a", replace(QUICK, steps=7))


def test_it_notes_how_it_learnt(corpus: Path, tmp_path: Path) -> None:
    finetune_punctuation([corpus], tmp_path / "model", replace(QUICK, steps=40))
    rows = read_table(tmp_path / "model" / "history.parquet").to_pylist()
    assert [row["step"] for row in rows] == [20, 40]
    assert rows[1]["marks_loss"] < rows[0]["marks_loss"]
    options = read_json(tmp_path / "model" / "options.json")
    assert options["files"] == sum(not is_held_out(path.name) for path in find_texts([corpus]))
    assert PunctuationRestorer.load(tmp_path / "model").width == QUICK.window


@pytest.mark.parametrize(
    "death",
    [
        Death("videobert.learning.trainer.Trainer.update", 2),  # before the first checkpoint
        Death("videobert.learning.trainer.Trainer.update", 6),
        Death("videobert.learning.checkpoints.save_file", 2),
        Death(f"{PunctuationRestorer.__module__}.PunctuationRestorer.save"),
    ],
    ids=lambda death: f"{death.function.rpartition('.')[2]}-{death.call}",
)
def test_killed_anywhere_and_started_again_it_ends_with_the_same_restorer(
    corpus: Path, tmp_path: Path, death: Death
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert call_and_die(TRAIN, ([corpus], out, QUICK), death) == -signal.SIGKILL
    assert not out.exists()
    for folder in (out, whole):
        assert call_and_die(TRAIN, ([corpus], folder, QUICK)) == 0
    for name in ("model.safetensors", "history.parquet", "vocabulary.txt"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert not out.with_name("out.training").exists()


def test_what_is_held_out_is_never_learnt(corpus: Path, tmp_path: Path) -> None:
    for path in find_texts([corpus]):
        if is_held_out(path.name):
            (tmp_path / path.name).write_text("Add the salt.", encoding="utf-8")
    with pytest.raises(InputError, match="no punctuated transcript but those held out"):
        finetune_punctuation([tmp_path], tmp_path / "model", TOY)


@pytest.mark.parametrize("arguments", ["{0}/nowhere --out {0}/out", "{0} --out {0}/out",
                                       "{0} --out {0}/out --steps 0"])  # fmt: skip
def test_the_command_refuses_in_one_line(tmp_path: Path, videobert: Run, arguments: str) -> None:
    found = videobert("finetune", "punctuation", *arguments.format(tmp_path).split())
    assert found.status == 2 and found.err.count("\n") == 1
    assert ("--steps" if "--steps" in arguments else str(tmp_path)) in found.err


def test_the_command_trains(corpus: Path, tmp_path: Path, videobert: Run) -> None:
    out = tmp_path / "model"
    given = "--steps 2 --layers 1 --width 32 --window 15".split()
    found = videobert("finetune", "punctuation", corpus, "--out", out, *given)
    assert found.status == 0 and "punctuation: 1 done now" in found.out
    assert PunctuationRestorer.load(out).width == 15
