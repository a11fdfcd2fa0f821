from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from videobert.data.work import DATA_DIGEST
from videobert.learning import checkpoints
from videobert.learning.checkpoints import STATE_FILE, WEIGHTS_FILE, TrainingFolder
from videobert.learning.optimizer import MasterOptimizer
from workfolder.errors import InputError


def learner() -> MasterOptimizer:
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 3)
    adamw = MasterOptimizer(model, 1e-3, 0.1)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    adamw.step(1.0)
    return adamw


def state_of(adamw: MasterOptimizer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in adamw.state().items()}


def save(
    folder: TrainingFolder, step: int, adamw: MasterOptimizer, rows: Sequence[int] = ()
) -> None:
    folder.save(step, adamw.state(), {"rows": list(rows)})


def load(folder: TrainingFolder, adamw: MasterOptimizer, rows: list[int] | None = None) -> int:
    def restore(step: int, tensors: dict[str, torch.Tensor], state: Mapping[str, Any]) -> None:
        adamw.load_state(tensors, step)
        (rows if rows is not None else []).extend(state["rows"])

    return folder.load(restore)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    folder, saved = TrainingFolder(tmp_path), learner()
    save(folder, 20, saved, [1, 2])
    with torch.no_grad():
        other = MasterOptimizer(torch.nn.Linear(4, 3), 1e-3, 0.1)
    found: list[int] = []
    assert load(folder, other, found) == 20
    assert all(
        torch.equal(tensor, state_of(other)[name]) for name, tensor in state_of(saved).items()
    )
    assert found == [1, 2]


def test_without_a_checkpoint_it_begins_at_the_beginning(tmp_path: Path) -> None:
    folder, adamw = TrainingFolder(tmp_path / "none"), learner()
    before = state_of(adamw)
    assert load(folder, adamw) == 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in state_of(adamw).items())


def test_only_the_last_two_checkpoints_stay(tmp_path: Path) -> None:
    folder, adamw = TrainingFolder(tmp_path), learner()
    for step in (5, 10, 100):
        save(folder, step, adamw)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000010", "step-00000100"]


@pytest.mark.parametrize("file", [WEIGHTS_FILE, STATE_FILE])
def test_a_torn_checkpoint_is_passed_over_for_the_one_before_and_written_again(
    tmp_path: Path, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder, early, late = TrainingFolder(tmp_path), learner(), learner()
    save(folder, 5, early)
    for weight in late.masters.values():
        weight.data += 1
    save(folder, 10, late)
    path = tmp_path / "step-00000010" / file
    path.write_bytes(path.read_bytes()[:-1] if file == WEIGHTS_FILE else b"{")
    found = learner()
    assert load(folder, found) == 5 and "step-00000010" in caplog.text
    assert all(
        torch.equal(tensor, state_of(found)[name]) for name, tensor in state_of(early).items()
    )
    save(folder, 10, late)
    assert load(folder, found) == 10
    assert all(
        torch.equal(tensor, state_of(found)[name]) for name, tensor in state_of(late).items()
    )


def test_of_two_that_a_kill_left_the_later_one_is_taken(tmp_path: Path) -> None:
    save(TrainingFolder(tmp_path / "other"), 7, learner())
    save(TrainingFolder(tmp_path), 12, learner())
    (tmp_path / "other" / "step-00000007").rename(tmp_path / "step-00000007")
    assert load(TrainingFolder(tmp_path), learner()) == 12


def test_a_folder_is_one_runs_at_a_time(tmp_path: Path) -> None:
    folder, options = TrainingFolder(tmp_path / "model.training"), {"seed": 1}
    second = TrainingFolder(folder.folder).claimed(options)
    with folder.claimed(options), pytest.raises(InputError, match="in use by another run"), second:
        pass
    with folder.claimed(options):  # it is free again
        pass


def test_a_folder_of_other_options_or_data_is_refused(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path / "model.training")
    for _ in range(2):
        with folder.claimed({"seed": 1, DATA_DIGEST: "a"}):
            pass
    with (
        pytest.raises(InputError, match="seed was 1 and is now 2"),
        folder.claimed({"seed": 2, DATA_DIGEST: "a"}),
    ):
        pass
    with (
        pytest.raises(InputError, match="data_digest was 'a' and is now 'b'"),
        folder.claimed({"seed": 1, DATA_DIGEST: "b"}),
    ):
        pass


def test_a_folder_that_somebody_put_there_is_no_checkpoint(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path)
    for step in (5, 10, 15):
        save(folder, step, learner())
        if step == 10:
            shutil.copytree(tmp_path / "step-00000005", tmp_path / "step-5.bak")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "step-00000010",
        "step-00000015",
        "step-5.bak",
    ]
    assert load(folder, learner()) == 15


def test_a_full_disk_is_told_by_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    folder = TrainingFolder(tmp_path)
    save(folder, 5, learner())
    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(
        InputError, match=rf"^{tmp_path}/step-00000010 cannot be written \(.*No space left"
    ):
        save(folder, 10, learner())
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005"]


@pytest.mark.parametrize("file", [WEIGHTS_FILE, STATE_FILE])
@pytest.mark.parametrize("share", [None, 0.0, 0.5, 0.9])
def test_a_damaged_checkpoint_is_one_line_that_names_it(
    tmp_path: Path, file: str, share: float | None
) -> None:
    folder = TrainingFolder(tmp_path)
    save(folder, 5, learner())
    path = tmp_path / "step-00000005" / file
    content = path.read_bytes()
    path.unlink()
    if share is not None:
        path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(
        InputError, match=r"step-00000005.*delete the folder to start again"
    ) as refusal:
        load(folder, learner())
    assert "\n" not in str(refusal.value)


def test_weights_that_another_model_had_are_refused(tmp_path: Path) -> None:
    save(TrainingFolder(tmp_path), 5, learner())
    with pytest.raises(InputError, match="step-00000005"):
        load(TrainingFolder(tmp_path), MasterOptimizer(torch.nn.Linear(5, 3), 1e-3, 0.1))
