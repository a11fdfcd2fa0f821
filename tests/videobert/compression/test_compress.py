"""A compressed folder: whole, asked like any other, the same after a run was killed."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.toys.command_line import Run
from tests.toys.street import Street
from tests.toys.training_processes import Death, call_and_die
from tests.videobert.compression.conftest import Taught
from videobert.compression.compress import CompressReport, compress
from videobert.compression.options import CompressOptions
from videobert.inference import in_batches
from videobert.loading import TrainedModel, load_model, load_to_ask
from workfolder.errors import InputError
from workfolder.files import read_json

QUICK = CompressOptions(
    layers=3, steps=12, batch_size=12, learning_rate=1e-3, validate_every=6, checkpoint_every=4
)
COMPRESS = "videobert.compression.compress.compress"
LAYER = 4 * (128 * 128 + 128) + (128 * 512 + 512) + (512 * 128 + 128) + 4 * 128
"""Numbers of a layer of the tiny size: attention, the two matrices above it, two norms."""


def made(taught: Taught, out: Path, options: CompressOptions = QUICK) -> CompressReport:
    return compress(taught.model, taught.work, out, options)


def said(model: TrainedModel) -> np.ndarray:
    """What a model says of a clip that follows a mask: logits of all ids."""
    ids = [*model.processor.text_ids(["chop the"])[0], model.processor.tokenizer.mask_token_id]
    (batch,) = in_batches(model, [ids], [[1, 5]])
    return batch.logits(batch.masked)


@pytest.fixture(scope="module")
def smaller(taught: Taught, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student of a run that nobody disturbed, in a process like those that are killed."""
    out = tmp_path_factory.mktemp("smaller") / "student"
    assert call_and_die(COMPRESS, (taught.model, taught.work, out, QUICK)) == 0
    return out


def test_the_report_tells_the_size(taught: Taught, smaller: Path) -> None:
    report = made(taught, smaller)
    assert report.before.parameters - report.after.parameters == 3 * LAYER
    assert (report.before.layers, report.after.layers) == (6, 3)
    assert report.before.megabytes - report.after.megabytes == pytest.approx(
        3 * 4 * LAYER / 1e6, abs=0.02
    )
    assert report.began_with == [0, 2, 4] and not report.notes and not report.now


def test_the_folder_has_all_that_a_models_folder_has(taught: Taught, smaller: Path) -> None:
    names = {path.name for path in taught.model.iterdir()}
    assert {path.name for path in smaller.iterdir()} == names
    assert not smaller.with_name("student.training").exists()
    card = (smaller / "README.md").read_text()
    assert "- made_from: teacher" in card and "3 layers, 128 wide" in card
    assert str(taught.work.parent) not in card + (smaller / "options.json").read_text()
    ours, its = load_model(smaller), load_model(taught.model)
    assert ours.processor.codebook.digest == its.processor.codebook.digest
    assert ours.bank is not None and its.bank is not None and ours.bank.frames == its.bank.frames


def test_it_is_asked_alike_with_torch_and_without(smaller: Path) -> None:
    assert said(load_to_ask(smaller)) == pytest.approx(said(load_model(smaller)), abs=1e-4)


def test_the_student_comes_nearer_to_its_teacher(smaller: Path) -> None:
    rows = pq.read_table(smaller / "history.parquet").to_pydict()
    soft, states = rows["validation_soft_loss"], rows["validation_states_loss"]
    assert soft[-1] < soft[0] and states[-1] < states[0]


@pytest.mark.parametrize("update", [3, 10])  # before the first checkpoint, and after the second
def test_a_run_that_was_killed_goes_on_to_the_same_bytes(
    taught: Taught, smaller: Path, tmp_path: Path, update: int
) -> None:
    out = tmp_path / "student"
    arguments = (taught.model, taught.work, out, QUICK)
    death = Death("videobert.learning.trainer.Trainer.update", update)
    killed = call_and_die(COMPRESS, arguments, death)
    assert killed == -signal.SIGKILL and not out.exists()
    assert call_and_die(COMPRESS, arguments) == 0
    for name in ("model.safetensors", "history.parquet"):
        assert (out / name).read_bytes() == (smaller / name).read_bytes()


def test_other_options_and_too_many_layers_are_refused(
    taught: Taught, smaller: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="steps"):
        made(taught, smaller, replace(QUICK, steps=13))
    with pytest.raises(InputError, match="the model has 6 layers: give fewer to --layers"):
        made(taught, tmp_path / "six", replace(QUICK, layers=6))
    with pytest.raises(InputError, match="nothing is to be made smaller"):
        CompressOptions()
    assert not (tmp_path / "six").exists()


def test_what_does_not_divide_is_said(taught: Taught, tmp_path: Path) -> None:
    report = made(taught, tmp_path / "four", replace(QUICK, layers=4, steps=1))
    assert report.began_with == [0, 2, 3, 5]
    assert "4 does not divide 6" in str(report) and "0, 2, 3, 5" in str(report)


def test_all_ways_at_once_make_a_model_that_is_asked_and_taught(
    taught: Taught, tmp_path: Path
) -> None:
    out, changes = tmp_path / "all", {"heads": 0.5, "embedding": 32, "share": True, "int8": True}
    report = made(taught, out, replace(QUICK, **changes, steps=4))
    config = read_json(out / "config.json")
    assert [config[name] for name in ("heads", "embedding_size", "shared", "int8")] == [
        [1, 1, 1],
        32,
        True,
        True,
    ]
    assert report.heads == [1, 1, 1] and "heads left in each layer: 1, 1, 1" in str(report)
    assert report.after.megabytes < report.before.megabytes / 12
    its, model = load_model(taught.model), load_model(out)
    ours = sum(weight.numel() for weight in model.network.parameters())
    assert report.after.parameters > 2 * ours  # matrices are no parameters any more
    assert said(model).shape == said(its).shape and np.isfinite(said(model)).all()
    assert model.bank is not None and not made(taught, out, replace(QUICK, **changes, steps=4)).now


def test_whole_numbers_alone_need_no_examples(taught: Taught, tmp_path: Path) -> None:
    out, only = tmp_path / "whole", CompressOptions(int8=True)
    (taught.model / "tasks").mkdir()
    report = compress(taught.model, None, out, only)
    (taught.model / "tasks").rmdir()
    assert report.now and not compress(taught.model, None, out, only).now
    assert report.after.parameters == report.before.parameters
    assert report.after.megabytes < 0.4 * report.before.megabytes
    one, other = said(load_model(taught.model)).ravel(), said(load_to_ask(out)).ravel()
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.999
    assert {path.name for path in out.iterdir()} == {
        path.name for path in taught.model.iterdir()
    } - {"tasks"}
    with pytest.raises(InputError, match="is of whole numbers, which do not learn"):
        compress(out, taught.work, tmp_path / "again", QUICK)


def test_nonsense_is_refused_in_one_line(taught: Taught, tmp_path: Path) -> None:
    for wrong, told in (
        ({}, "nothing is to be made smaller: give --layers, --heads"),
        ({"by": "replacing", "heads": 0.5}, "--by replacing replaces layers: give --layers"),
        ({"by": "guessing", "layers": 1}, "guessing"),
        ({"heads": 1.5}, "--heads 1.5 will not do"),
        ({"embedding": 0}, "--embedding 0 will not do"),
    ):
        with pytest.raises(InputError, match=told) as error:
            CompressOptions(**wrong)
        assert "\n" not in str(error.value)
    for options, told in (
        (replace(QUICK, layers=None, embedding=128), "128 wide, give less"),
        (replace(QUICK, layers=1, share=True), "one is all there are: leave it out"),
        (replace(QUICK, heads=0.1), "--heads 0.1 of 6 heads is none: give 0.17 or more"),
    ):
        with pytest.raises(InputError, match=told):
            made(taught, tmp_path / "none", options)
    with pytest.raises(InputError, match="has to learn: give --work"):
        compress(taught.model, None, tmp_path / "none", QUICK)
    assert not list(tmp_path.iterdir())


def test_the_command_line_makes_a_model_that_predicts(
    videobert: Run, street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # predict writes a picture where it is called
    out, clip = tmp_path / "student", street.videos / "recipe_0.mp4"
    options = "--layers 1 --steps 2 --batch-size 12".split()
    result = videobert("compress", street.model, "--work", street.work, "--out", out, *options)
    assert result.status == 0 and "2 layers" in result.out and "1 layers" in result.out
    asked = videobert("predict", clip, "--model", out, "--template", "now the [MASK]", "--json")
    assert asked.status == 0 and "probability" in asked.out
