"""Whole runs: the model's folder, runs that are killed, run in two processes or stop."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.toys.command_line import Run
from tests.toys.training_processes import TINY, Death, run, start
from tests.toys.work_folder import make_work
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.pretraining.loop import pretrain
from workfolder.errors import InputError
from workfolder.files import write_table

KILLED = -signal.SIGKILL
SAVE = "videobert.learning.checkpoints"
TRAINING = (
    "--init none --size tiny --steps 24 --batch-size 12 --max-length 48 --learning-rate 2e-3 "
    "--warmup 0.1 --validation-share 0.3 --validate-every 10 --checkpoint-every 5"
).split()
"""TINY on the command line."""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("toy") / "work")


@pytest.fixture(scope="module")
def whole(work: Path) -> Path:
    """The model of a run that nobody disturbed."""
    out = work.parent / "whole"
    assert run(work, out, TINY) == [0]
    return out


@pytest.fixture(scope="module")
def whole_of_two(work: Path) -> Path:
    """The same of two processes."""
    out = work.parent / "whole_of_two"
    assert run(work, out, TINY, processes=2) == [0, 0]
    return out


def assert_same_run(one: Path, other: Path) -> None:
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    assert (
        pq.read_table(one / "history.parquet").to_pylist()
        == pq.read_table(other / "history.parquet").to_pylist()
    )


def training_of(out: Path) -> Path:
    return out.with_name(out.name + ".training")


def steps_of(out: Path) -> int:
    """How many steps the last checkpoint has behind it; 0 where there is none."""
    return max(
        (int(path.name.removeprefix("step-")) for path in training_of(out).glob("step-*")),
        default=0,
    )


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


def test_two_processes_give_the_curve_of_one(work: Path, tmp_path: Path) -> None:
    options = replace(TINY, dropout=0.0, learning_rate=1e-3)
    assert run(work, tmp_path / "one", options) == [0] and run(
        work, tmp_path / "two", options, processes=2
    ) == [0, 0]
    one, two = (
        pq.read_table(tmp_path / name / "history.parquet").to_pylist() for name in ("one", "two")
    )
    assert len(one) == len(two) == 3
    for mine, theirs in zip(one, two, strict=True):
        losses = [name for name in mine if name.endswith("loss") and mine[name] is not None]
        assert {name: mine[name] for name in losses} == pytest.approx(
            {name: theirs[name] for name in losses}, rel=1e-6
        )
        assert mine["tokens"] == theirs["tokens"]


def test_two_processes_with_dropout_are_one_that_accumulates(
    work: Path, whole_of_two: Path, tmp_path: Path
) -> None:
    """Parts of a batch draw by their number, whoever computes them."""
    assert run(work, tmp_path / "model", replace(TINY, accumulate=2)) == [0]
    one, two = (
        pq.read_table(folder / "history.parquet").to_pylist()[1]
        for folder in (tmp_path / "model", whole_of_two)
    )
    assert one["masked_joint_loss"] == pytest.approx(two["masked_joint_loss"], rel=1e-4)


@pytest.mark.parametrize(
    "death",
    [
        Death("videobert.learning.trainer.Trainer.update", 13),
        Death(f"{SAVE}.write_json", 2),
        Death("videobert.pretraining.loop.draw_losses"),
    ],
    ids=lambda death: death.function.rpartition(".")[2],
)
def test_two_processes_killed_and_started_again_end_with_the_same_model(
    work: Path, whole_of_two: Path, tmp_path: Path, death: Death
) -> None:
    out = tmp_path / "model"
    assert run(work, out, TINY, death, processes=2)[0] == KILLED and not out.exists()
    assert run(work, out, TINY, processes=2) == [0, 0]
    assert_same_run(whole_of_two, out)


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "bf16"},
        {"accumulate": 2},
        {"validation_share": 0.0},
        {"alignment_weight": 0.0, "boundary": True},
        {"batch_size": 9},
        {"batch_size": 66},
    ],
    ids=str,
)
def test_two_processes_can_do_what_one_can(
    work: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    """Batches of 9 make seven to validate on, an unequal share; batches of 66 make one."""
    assert run(work, tmp_path / "model", replace(TINY, **changes), processes=2) == [0, 0]
    assert all(
        weight.isfinite().all()
        for weight in load_file(tmp_path / "model" / "model.safetensors").values()
    )


@pytest.mark.slow
def test_under_torchrun_as_a_user_types_it(work: Path, whole_of_two: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "videobert",
    ]
    command = [*launcher, "pretrain", "--work", str(work), "--out", str(out), *TRAINING]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    while not list(training_of(out).glob("step-*")) and process.poll() is None:
        time.sleep(0.01)
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(workers[0]), signal.SIGKILL)
    process.communicate()
    assert process.returncode and not out.exists()
    again = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert again.returncode == 0, again.stderr
    assert_same_run(whole_of_two, out)


@pytest.fixture
def running(work: Path, tmp_path: Path) -> Iterator[Path]:
    """The model's folder of a run that is in the middle of its training."""
    out = tmp_path / "model"
    (process,) = start(work, out, replace(TINY, steps=100_000))
    while not list(training_of(out).glob("step-*")):
        assert process.is_alive()
        time.sleep(0.02)
    yield out
    process.kill()
    process.join()


def test_a_second_run_on_a_folder_in_use_is_refused(work: Path, running: Path) -> None:
    with pytest.raises(InputError, match="in use by another run"):
        pretrain(work, running, replace(TINY, steps=100_000))
    assert steps_of(running)


def test_other_options_than_the_checkpoints_are_refused_with_the_difference(
    work: Path, tmp_path: Path, videobert: Run
) -> None:
    out = tmp_path / "model"
    assert run(work, out, TINY, Death("videobert.learning.trainer.Trainer.update", 13)) == [KILLED]
    result = videobert(
        "pretrain", "--work", work, "--out", out, *TRAINING, "--learning-rate", "1e-3"
    )
    assert_refused(
        result.status, result.err, "learning_rate was 0.002 and is now 0.001", training_of(out)
    )
    for checkpoint in training_of(out).glob("step-*"):
        (checkpoint / "weights.safetensors").write_bytes(b"torn")
    result = videobert("pretrain", "--work", work, "--out", out, *TRAINING)
    assert_refused(result.status, result.err, training_of(out), "delete the folder")
    shutil.rmtree(training_of(out))
    assert videobert("pretrain", "--work", work, "--out", out, *TRAINING).status == 0


def test_a_model_of_other_examples_is_refused(work: Path, whole: Path, tmp_path: Path) -> None:
    mine = tmp_path / "work"
    shutil.copytree(work, mine)
    assert pretrain(mine, whole, TINY).before == 1
    path = mine / "examples" / "v3.parquet"
    write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(InputError, match="data_digest was"):
        pretrain(mine, whole, TINY)


def test_a_full_disk_when_the_model_is_written_is_told(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr(VideoBertForPreTraining, "save_pretrained", full)
        with pytest.raises(
            InputError, match=rf"^{tmp_path}/model cannot be written \(.*No space left"
        ):
            pretrain(work, tmp_path / "model", replace(TINY, steps=5))
    assert not (tmp_path / "model").exists() and steps_of(tmp_path / "model") == 5


def test_a_run_whose_last_checkpoint_is_torn_ends_with_the_same_model(
    work: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    assert run(work, out, TINY, Death("videobert.learning.trainer.Trainer.update", 13)) == [KILLED]
    torn = training_of(out) / "step-00000010" / "weights.safetensors"
    torn.write_bytes(torn.read_bytes()[:-100])
    assert run(work, out, TINY) == [0]
    assert_same_run(whole, out)


@pytest.mark.parametrize("out", [".", "..", "/"])
def test_a_folder_that_is_no_model_is_refused(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InputError, match="videobert did not train it: use those, or give another --out"
    ):
        pretrain(work, Path(out), TINY)


def assert_refused(status: int, err: str, *parts: object) -> None:
    lines = [line for line in err.splitlines() if line.startswith("videobert:")]
    assert status == 2 and len(lines) == 1 and "Traceback" not in err
    assert all(str(part) in lines[0] for part in parts), lines[0]


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
    assert_refused(
        result.status,
        result.err,
        "is not a finite number",
        "lower --learning-rate",
        training_of(out),
    )
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
