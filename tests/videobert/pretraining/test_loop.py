"""Whole runs: the model's folder, runs that are killed, run in two processes or stop."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.toys.command_line import Run, assert_refused
from tests.toys.training_processes import (
    KILLED,
    SAVE,
    TINY,
    TRAINING,
    Death,
    assert_same_run,
    run,
    start,
    steps_of,
    training_of,
)
from videobert.pretraining.loop import pretrain
from workfolder.errors import InputError
from workfolder.files import write_table


@pytest.fixture(scope="module")
def whole(work: Path) -> Path:
    """The model of a run that nobody disturbed."""
    out = work.parent / "whole"
    assert run(work, out, TINY) == [0]
    return out


def test_a_models_folder_is_whole_and_the_training_folder_is_gone(whole: Path) -> None:
    assert {path.name for path in whole.iterdir()} == {
        "README.md", "bank", "codebook", "config.json", "digests.json", "history.parquet",
        "losses.png",
        "model.safetensors", "options.json",
        "tensorboard", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    assert not training_of(whole).exists() and not list(whole.parent.glob(".*.part"))


def test_the_history_has_the_figures_of_training_and_validation(whole: Path) -> None:
    table = pq.read_table(whole / "history.parquet").to_pydict()
    assert table["step"] == [10, 20, 24]
    for name in ("masked_text", "masked_video", "masked_joint", "alignment"):
        assert table[f"{name}_loss"][1] > 0 and all(
            loss > 0 for loss in table[f"validation_{name}_loss"]
        )
        assert all(0 <= share <= 1 for share in table[f"validation_{name}_accuracy"])


def test_the_last_steps_are_in_the_history(whole: Path) -> None:
    assert pq.read_table(whole / "history.parquet").to_pydict()["masked_text_loss"][-1] is not None


def test_curves_and_a_picture_show_what_the_history_has(whole: Path) -> None:
    found = EventAccumulator(str(whole / "tensorboard")).Reload()
    rows = pq.read_table(whole / "history.parquet").to_pylist()
    for name in ("masked_joint_loss", "alignment_accuracy"):
        for split, column in (("training", name), ("validation", f"validation_{name}")):
            events = {event.step: event.value for event in found.Scalars(f"{name}/{split}")}
            assert events == pytest.approx(
                {row["step"]: row[column] for row in rows if row[column] is not None}
            )
    pixels = np.asarray(Image.open(whole / "losses.png").convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100


def test_the_card_has_data_options_and_scores(whole: Path) -> None:
    card = (whole / "README.md").read_text()
    last = {
        name: value
        for row in pq.read_table(whole / "history.parquet").to_pylist()
        for name, value in row.items()
        if value
    }
    for line in (
        "- videos: 10",
        "- learning_rate: 0.002",
        "- size: tiny",
        "2 layers, 128 wide",
        "9 visual words",
    ):
        assert line in card
    for name in ("masked_text_loss", "validation_alignment_accuracy"):
        assert f"- {name}: {last[name]:.4g}" in card


@pytest.mark.parametrize(
    "death",
    [
        Death("videobert.learning.trainer.Trainer.update", 4),  # before the first checkpoint
        Death("videobert.learning.trainer.Trainer.update", 18),
        Death("videobert.learning.trainer.Trainer.validate", 2),
        Death(f"{SAVE}.save_file", 3),  # the first of a checkpoint's files is not there
        Death(f"{SAVE}.write_json", 3),  # the second is not
        Death("workfolder.files.os.replace", 6),  # both are, without their name
        Death(f"{SAVE}.shutil.rmtree", 2),  # the one before is still there
        Death("videobert.pretraining.loop.draw_losses"),  # in the middle of the model
        Death("videobert.pretraining.loop.shutil.copytree"),
    ],
    ids=lambda death: f"{death.function.rpartition('.')[2]}-{death.call}",
)
def test_killed_anywhere_and_started_again_it_ends_with_the_same_model(
    work: Path, whole: Path, tmp_path: Path, death: Death
) -> None:
    out = tmp_path / "model"
    assert run(work, out, TINY, death) == [KILLED] and not out.exists()
    for unfinished in tmp_path.glob(".*.part"):
        os.utime(unfinished, (0, 0))  # nobody starts again within a second
    assert run(work, out, TINY) == [0]
    assert_same_run(whole, out)
    assert not training_of(out).exists() and not list(tmp_path.glob(".*.part"))


def test_killed_when_only_the_training_folder_is_left_to_remove_it_is_done(
    work: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    fourth = Death(
        "videobert.pretraining.loop.shutil.rmtree", 4
    )  # three of five folders are taken away before
    assert run(work, out, TINY, fourth) == [KILLED] and out.exists()
    assert run(work, out, TINY) == [0]
    assert_same_run(whole, out)
    assert not training_of(out).exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "bf16"},
        {"accumulate": 3},
        {"freeze_embeddings": True},
        {"phases": "16:12:8,48:6:10"},
        {"masking": "spans", "boundary": True, "optimizer": "lamb", "train": "top:1"},
        {"objective": "permutation"},
    ],
    ids=str,
)
def test_every_kind_of_run_goes_on_where_it_was(
    work: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    options = replace(TINY, **changes)
    assert run(work, tmp_path / "whole", options) == [0]
    assert run(
        work, tmp_path / "model", options, Death("videobert.learning.trainer.Trainer.update", 13)
    ) == [KILLED]
    assert steps_of(tmp_path / "model") == 10
    assert run(work, tmp_path / "model", options) == [0]
    assert_same_run(tmp_path / "whole", tmp_path / "model")


def test_curves_of_a_run_that_was_killed_have_each_step_once(
    work: Path, whole: Path, tmp_path: Path
) -> None:
    out, every = (
        tmp_path / "model",
        replace(TINY, checkpoint_every=15),
    )  # so steps 16 to 22 are done twice
    assert run(work, out, every, Death("videobert.learning.trainer.Trainer.update", 23)) == [KILLED]
    assert run(work, out, every) == [0]
    for tag in ("masked_joint_loss/training", "masked_joint_loss/validation"):
        once, again = (
            EventAccumulator(str(folder / "tensorboard")).Reload().Scalars(tag)
            for folder in (whole, out)
        )
        assert [(event.step, event.value) for event in again] == [
            (event.step, event.value) for event in once
        ]


@pytest.mark.slow
def test_killed_again_and_again_at_any_moment_it_ends_with_the_same_model(
    work: Path, tmp_path: Path
) -> None:
    options, moments = replace(TINY, steps=120, checkpoint_every=1), random.Random(0)
    assert run(work, tmp_path / "whole", options) == [0]
    out, reached = tmp_path / "model", [0]
    for _ in range(20):
        (process,) = start(work, out, options)
        process.join(moments.uniform(0.3, 1.0))
        process.kill()
        process.join()
        if out.exists():  # a fast machine is done before the last kill
            break
        reached.append(steps_of(out))
    assert reached == sorted(reached) and len(set(reached)) > 2  # it got on in spite of all
    assert run(work, out, options) == [0]
    assert_same_run(tmp_path / "whole", out)


def test_a_model_of_other_examples_is_refused(work: Path, whole: Path, tmp_path: Path) -> None:
    mine = tmp_path / "work"
    shutil.copytree(work, mine)
    assert pretrain(mine, whole, TINY).before == 1
    path = mine / "examples" / "v3.parquet"
    write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(InputError, match="data_digest was"):
        pretrain(mine, whole, TINY)


def test_a_run_whose_last_checkpoint_is_torn_ends_with_the_same_model(
    work: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    assert run(work, out, TINY, Death("videobert.learning.trainer.Trainer.update", 13)) == [KILLED]
    torn = training_of(out) / "step-00000010" / "weights.safetensors"
    torn.write_bytes(torn.read_bytes()[:-100])
    assert run(work, out, TINY) == [0]
    assert_same_run(whole, out)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_loss_that_is_no_number_stops_and_the_last_good_checkpoint_stays(
    work: Path, tmp_path: Path, videobert: Run, precision: str
) -> None:
    out = tmp_path / "model"
    extreme = [
        *TRAINING,
        "--learning-rate",
        "1e30",
        "--checkpoint-every",
        "1",
        "--precision",
        precision,
    ]
    result = videobert("pretrain", "--work", work, "--out", out, *extreme)
    assert_refused(result, "is not a finite number", "lower --learning-rate", training_of(out))
    assert not out.exists()
    steps = steps_of(out)
    kept = load_file(training_of(out) / f"step-{steps:08d}" / "weights.safetensors")
    assert steps and all(weight.isfinite().all() for weight in kept.values())


def test_a_weight_that_is_no_number_stops_it_in_either_of_two_processes(
    work: Path, tmp_path: Path
) -> None:
    statuses = run(work, tmp_path / "model", replace(TINY, learning_rate=1e30), processes=2)
    assert statuses[0] not in (0, KILLED) and not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"text_weight": 0.0, "video_weight": 0.0},
        {"joint_weight": 0.0},
        {"joint_masking": False},
        {"masking": "words"},
        {"batch_size": 2},
        {"validation_share": 0.0},
        {"masked_share": 0.0},
    ],
    ids=str,
)
def test_unusual_runs_end_with_a_model(
    work: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    pretrain(work, tmp_path / "model", replace(TINY, steps=8, **changes))
    assert all(
        weight.isfinite().all()
        for weight in load_file(tmp_path / "model" / "model.safetensors").values()
    )
