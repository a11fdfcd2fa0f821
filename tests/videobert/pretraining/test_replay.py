"""Earlier videos are learnt from beside new ones, so that they are not forgotten."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from accelerate import Accelerator

from tests.toys.codebook import toy_codebook
from tests.toys.training_processes import TINY, Death, run
from tests.toys.work_folder import VERBS, make_work
from videobert.learning.trainer import Trainer
from videobert.pretraining.batches import REGIMES
from videobert.pretraining.learner import PretrainLearner
from videobert.pretraining.loop import recipe
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.start import start_run
from workfolder.errors import InputError
from workfolder.files import read_json, read_table, write_json, write_table
from workfolder.progress import silent
from workfolder.stage import Stage

STEPS = 60


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Old videos, and new ones in which every verb is another."""
    old, new = (make_work(tmp_path_factory.mktemp(name) / "work") for name in ("old", "new"))
    others = dict(zip(VERBS, [*VERBS[1:], VERBS[0]], strict=True))
    stage = Stage(new / "examples")
    for video in stage.done():
        table = read_table(stage.path(video))
        rows = table.to_pylist()
        for row in rows:
            verb, _, rest = row["text"].partition(" ")
            row["text"] = f"{others[verb]} {rest}" if verb else ""
        write_table(type(table).from_pylist(rows, schema=table.schema), stage.path(video))
    return old, new


def test_a_batch_has_its_share_of_earlier_videos(works: tuple[Path, Path]) -> None:
    old, new = works
    options = replace(TINY, replay=str(old), replay_share=0.5, masking="pieces")
    plain = start_run(new, replace(TINY, batch_size=6))
    mixed = start_run(new, options)
    batch, first = mixed.batch(3), plain.batch(3)
    width = first.input_ids.shape[1]
    assert len(batch) == 12 and np.bincount(batch.regime).tolist() == [4, 4, 4]
    for name, padding in (("input_ids", 0), ("labels", IGNORED), ("attention_mask", 0)):
        whole, own = getattr(batch, name), getattr(first, name)
        assert (whole[:6, :width] == own).all() and (whole[:6, width:] == padding).all()
    replayed = mixed.phases[0][0].replayed
    assert replayed.members.all() and replayed.corpus.texts[0].tolist() != []
    ordered = start_run(new, replace(options, objective="permutation")).batch(0)
    assert ordered.order["rank"].shape == ordered.input_ids.shape


def test_killed_it_goes_on_and_remembers_what_it_replayed(
    works: tuple[Path, Path], tmp_path: Path
) -> None:
    old, new = works
    options = replace(TINY, replay=str(old))
    assert run(new, tmp_path / "whole", options) == [0]
    death = Death("videobert.learning.trainer.Trainer.update", 13)
    assert run(new, tmp_path / "model", options, death) == [-signal.SIGKILL]
    assert run(new, tmp_path / "model", options) == [0]
    one, other = (tmp_path / name / "model.safetensors" for name in ("whole", "model"))
    assert one.read_bytes() == other.read_bytes()
    noted = read_json(tmp_path / "model" / "options.json")["replayed"]
    assert noted["codebook"] == toy_codebook().digest


def trained(work: Path, options: PretrainOptions) -> PretrainLearner:
    learner = start_run(work, options)
    Trainer(learner, recipe(options), Accelerator(cpu=True)).run(silent)
    return learner


def test_with_it_less_is_forgotten(works: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = works
    options = replace(TINY, steps=STEPS, dropout=0.0)
    assert run(old, tmp_path / "model", options) == [0]
    asked, losses = start_run(old, TINY).kept_apart, {}
    onward = replace(options, init=str(tmp_path / "model"))
    for name, more in (("without", {}), ("with", {"replay": str(old), "replay_share": 0.5})):
        learner = trained(new, replace(onward, **more))
        tally = Trainer(
            replace(learner, kept_apart=asked), recipe(onward), Accelerator(cpu=True)
        ).validate()
        losses[name] = sum(tally[f"masked_{regime}"][0] for regime in REGIMES)
    assert losses["with"] < losses["without"]


def test_another_codebook_or_too_small_a_batch_is_refused(
    works: tuple[Path, Path], tmp_path: Path
) -> None:
    other = make_work(tmp_path)
    write_json({"codebook": "another"}, other / "examples" / "options.json")
    with pytest.raises(InputError, match="examples was made with another codebook"):
        start_run(works[1], replace(TINY, replay=str(other)))
    with pytest.raises(InputError, match="--replay shares a batch, so give --batch-size 4"):
        replace(TINY, replay=str(other), batch_size=3)
