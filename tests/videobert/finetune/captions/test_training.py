from __future__ import annotations

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from feature_extraction.schema import feature_column
from tests.toys.codebook import WIDTH
from tests.toys.model import CAPTIONS, captioning_model
from tests.toys.training_processes import Death, call_and_die
from tests.toys.work_folder import ToyWork, toy_stretches, toy_work
from videobert.data.stretches import Stretch
from videobert.evaluation.captioning import evaluate_captions
from videobert.finetune.captions import captioner as captioning
from videobert.finetune.captions.captioner import (
    FOLDER,
    Captioner,
    load_captioner,
    segment_features,
)
from videobert.finetune.captions.options import CaptionOptions
from videobert.finetune.captions.training import (
    HISTORY_FILE,
    VALIDATION_LOSS,
    Training,
    finetune_captioner,
    train_captioner,
)
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.files import read_json, read_table, write_json, write_table
from workfolder.stage import Stage

QUICK = CaptionOptions(
    "s3d", width=64, layers=1, dropout=0.1, batch_size=8, steps=12, validate_every=4
)
LEARNT = replace(QUICK, features="videobert+s3d", steps=160, validate_every=20)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return captioning_model()


@pytest.fixture(scope="module")
def toy(model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> ToyWork:
    return toy_work(tmp_path_factory.mktemp("toy"), model)


def copied(toy: ToyWork, folder: Path) -> ToyWork:
    """One of one's own, to break."""
    shutil.copytree(toy.model.parent, folder / "toy")
    return ToyWork(*(folder / "toy" / path.name for path in (toy.model, toy.work, toy.annotations)))


def trained(model: TrainedModel, options: CaptionOptions, copies: int = 6) -> Training:
    stretches = toy_stretches(copies)
    features = segment_features(model, options.features, stretches)
    sentences, videos = texts_and_videos(stretches)
    return train_captioner(model.processor, features, sentences, videos, options)


def texts_and_videos(stretches: list[Stretch]) -> tuple[list[str], list[str]]:
    return [stretch.text for stretch in stretches], [stretch.video for stretch in stretches]


def weights_of(captioner: Captioner) -> torch.Tensor:
    return torch.cat([values.flatten() for values in captioner.network.state_dict().values()])


def test_the_seed_decides_everything(model: TrainedModel) -> None:
    first, second = trained(model, QUICK), trained(model, QUICK)
    assert torch.equal(
        weights_of(first.captioner), weights_of(second.captioner)
    ) and first.history.equals(second.history)
    other = trained(model, replace(QUICK, seed=1))
    assert not torch.equal(weights_of(first.captioner), weights_of(other.captioner))


def test_the_best_step_by_the_videos_kept_apart_is_what_stays(model: TrainedModel) -> None:
    options = replace(QUICK, learning_rate=0.02, steps=400, validate_every=2, patience=3)
    found = trained(model, options)
    rows = found.history.to_pylist()
    rows = [row for row in rows if row[VALIDATION_LOSS] is not None]
    losses = [row[VALIDATION_LOSS] for row in rows]
    assert found.best_step == rows[int(np.argmin(losses))]["step"]
    assert len(rows) == losses.index(min(losses)) + 1 + options.patience < 200
    again = trained(model, replace(options, patience=200))
    further = [row[VALIDATION_LOSS] for row in again.history.to_pylist()]
    assert min(losses) >= min(loss for loss in further if loss is not None)


def test_without_videos_to_keep_apart_the_last_step_stays(model: TrainedModel) -> None:
    for options, copies in ((replace(QUICK, validation_share=0.0), 6), (QUICK, 1)):
        found = trained(model, options, copies)
        assert found.best_step == 12 and VALIDATION_LOSS not in found.history.column_names


def test_a_segment_of_the_videos_kept_apart_is_never_learnt(model: TrainedModel) -> None:
    stretches = toy_stretches(copies=6)
    sentences, videos = texts_and_videos(stretches)
    options = replace(QUICK, validation_share=0.34)
    features = segment_features(model, options.features, stretches)
    usual = train_captioner(
        model.processor, features, sentences, videos, options
    ).history.to_pylist()
    changed = set()
    for video in set(videos):
        swapped = [
            CAPTIONS[0] if mine == video else text
            for text, mine in zip(sentences, videos, strict=True)
        ]
        history = train_captioner(
            model.processor, features, swapped, videos, options
        ).history.to_pylist()
        if history[-1]["caption_loss"] == usual[-1]["caption_loss"]:
            changed.add(video)
            assert history[0][VALIDATION_LOSS] != usual[0][VALIDATION_LOSS]
    assert len(changed) == 2


def test_features_that_are_no_numbers_stop_it(model: TrainedModel) -> None:
    stretches = toy_stretches(copies=2)
    sentences, videos = texts_and_videos(stretches)
    nowhere = [replace(s, feature=np.full_like(s.feature, np.nan)) for s in stretches]
    features = segment_features(model, "s3d", nowhere)
    with pytest.raises(InputError, match="loss or its gradient at step 1 is not a finite number"):
        train_captioner(model.processor, features, sentences, videos, QUICK)


def test_long_sentences_are_cut_and_unknown_features_refused(model: TrainedModel) -> None:
    found = trained(model, replace(QUICK, longest=4, steps=60))
    features = segment_features(model, "s3d", toy_stretches(1))
    texts = [caption.text for caption in found.captioner(features)]
    assert all(len(model.processor.text_ids([text])[0]) <= 4 for text in texts) and texts[
        0
    ].startswith("cut")
    with pytest.raises(InputError, match=r"--features 'sound' is not known"):
        CaptionOptions(features="sound")
    for changes, said in (
        ({"width": 100}, r"--width 100 .* multiple of 64"),
        ({"learning_rate": float("nan")}, "-rate nan"),
    ):
        with pytest.raises(InputError, match=said):
            replace(QUICK, **changes)


@pytest.mark.parametrize("annotated", [False, True])
def test_a_captioner_is_made_once_and_does_what_it_learnt(
    toy: ToyWork, model: TrainedModel, tmp_path: Path, annotated: bool
) -> None:
    mine = copied(toy, tmp_path)
    annotations = mine.annotations if annotated else None
    report = finetune_captioner(mine.model, mine.work, LEARNT, annotations)
    assert report.now and report.segments == (20 if annotated else 25) and report.steps == 160
    assert (report.unseen, tuple(report.missing)) == (
        (4, ("absent_one",)) if annotated else (0, ())
    )
    rows = read_table(mine.model / FOLDER / HISTORY_FILE).to_pylist()
    losses = [row[VALIDATION_LOSS] for row in rows if row[VALIDATION_LOSS] is not None]
    assert report.validation_loss == min(losses)
    assert sorted(path.name for path in (mine.model / FOLDER).iterdir()) == [
        "config.json",
        "digests.json",
        "history.parquet",
        "model.safetensors",
        "options.json",
        "report.json",
    ]

    captioner = load_captioner(mine.model, model)
    found = evaluate_captions(model, captioner, mine.work, mine.annotations)
    assert (
        [pair.caption for pair in found.pairs]
        == [pair.reference for pair in found.pairs]
        == [*CAPTIONS]
    )
    assert (found.segments, found.unseen, tuple(found.missing)) == (5, 1, ())

    before = (mine.model / FOLDER / "model.safetensors").stat().st_mtime_ns
    again = finetune_captioner(mine.model, mine.work, LEARNT, annotations)
    assert again == replace(report, now=False, missing=again.missing) and list(
        again.missing
    ) == list(report.missing)
    assert before == (mine.model / FOLDER / "model.safetensors").stat().st_mtime_ns
    with pytest.raises(
        InputError,
        match=r"dropout was 0\.1 and is now 0\.2; delete .*/captioner, or fine-tune a copy of .*/",
    ):
        finetune_captioner(mine.model, mine.work, replace(LEARNT, dropout=0.2), annotations)
    if annotated:
        with pytest.raises(InputError, match="annotations was"):
            finetune_captioner(mine.model, mine.work, LEARNT)


def test_a_captioner_of_other_data_is_refused(toy: ToyWork, tmp_path: Path) -> None:
    mine = copied(toy, tmp_path)
    finetune_captioner(mine.model, mine.work, QUICK)
    tokens, examples = (Stage(mine.work / name).path("video_1") for name in ("tokens", "examples"))
    for path in (tokens, examples):
        table = read_table(path)
        write_table(table.slice(1), path)
        with pytest.raises(InputError, match=r"data_digest was .*; delete .*/captioner"):
            finetune_captioner(mine.model, mine.work, QUICK)
        write_table(table, path)
        assert not finetune_captioner(mine.model, mine.work, QUICK).now


def test_a_full_disk_is_told_by_the_folder(
    toy: ToyWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    mine = copied(toy, tmp_path)
    monkeypatch.setattr(captioning, "save_file", full)
    with pytest.raises(
        InputError, match=rf"^{mine.model / FOLDER} cannot be written \(.*No space left"
    ):
        finetune_captioner(mine.model, mine.work, QUICK)
    assert not (mine.model / FOLDER).exists() and not list(mine.model.glob(".*.part"))


def test_the_same_options_write_the_same_bytes(toy: ToyWork, tmp_path: Path) -> None:
    made = [copied(toy, tmp_path / name) for name in "ab"]
    for mine in made:
        finetune_captioner(mine.model, mine.work, QUICK)
    first, second = ((mine.model / FOLDER / "model.safetensors").read_bytes() for mine in made)
    assert first == second


@pytest.mark.parametrize(
    "death",
    [
        Death("videobert.learning.trainer.Trainer.update", 2),  # before the first checkpoint
        Death("videobert.learning.trainer.Trainer.update", 7),
        Death("videobert.learning.checkpoints.save_file", 2),
        Death("videobert.finetune.captions.captioner.save_file"),  # in the middle of the captioner
    ],
    ids=lambda death: f"{death.function.rpartition('.')[2]}-{death.call}",
)
def test_killed_anywhere_and_started_again_it_ends_with_the_same_captioner(
    toy: ToyWork, tmp_path: Path, death: Death
) -> None:
    mine, other = copied(toy, tmp_path), copied(toy, tmp_path / "other")
    finetune = "videobert.finetune.captions.training.finetune_captioner"
    options = replace(QUICK, dropout=0.3)
    assert call_and_die(finetune, (mine.model, mine.work, options), death) == -signal.SIGKILL
    assert not (mine.model / FOLDER).exists()
    for folders in (mine, other):
        assert call_and_die(finetune, (folders.model, folders.work, options)) == 0
    for name in ("model.safetensors", HISTORY_FILE):
        one, two = ((folders.model / FOLDER / name).read_bytes() for folders in (mine, other))
        assert one == two
    assert not list(mine.model.glob("captioner.training"))


def test_a_run_that_was_stopped_with_other_options_is_refused(toy: ToyWork, tmp_path: Path) -> None:
    mine = copied(toy, tmp_path)
    death = Death("videobert.learning.trainer.Trainer.update", 7)
    finetune = "videobert.finetune.captions.training.finetune_captioner"
    call_and_die(finetune, (mine.model, mine.work, QUICK), death)
    with pytest.raises(InputError, match=r"seed was 0 and is now 1; .*delete .*captioner.training"):
        finetune_captioner(mine.model, mine.work, replace(QUICK, seed=1))


def test_what_cannot_be_learnt_from_leaves_nothing(
    toy: ToyWork, model: TrainedModel, tmp_path: Path
) -> None:
    mine = copied(toy, tmp_path)
    with pytest.raises(InputError, match="holds no visual words: run videobert tokenize --work"):
        finetune_captioner(mine.model, tmp_path, QUICK)
    features = next((mine.work / "features").glob("*.parquet"))
    table = read_table(features)
    numbers = np.full((len(table), WIDTH), np.nan)
    write_table(table.set_column(4, "feature", feature_column(numbers)), features)
    with pytest.raises(
        InputError, match=r"at step \d is not a finite number.*delete .*captioner.training"
    ):
        finetune_captioner(mine.model, mine.work, QUICK)
    shutil.rmtree(mine.model / "captioner.training")

    write_json({"codebook": "another"}, mine.work / "tokens" / "options.json")
    for written in (None, mine.annotations):
        with pytest.raises(InputError, match="another codebook: copy the model's"):
            finetune_captioner(mine.model, mine.work, QUICK, written)
    write_json({"codebook": model.processor.codebook.digest}, mine.work / "tokens" / "options.json")

    database = read_json(mine.annotations)["database"]
    elsewhere = {f"elsewhere{n}": about for n, about in enumerate(database.values())}
    mine.annotations.write_text(json.dumps({"database": elsewhere}))
    with pytest.raises(
        InputError, match=r"has no clip of the 30 segments, and 5 of their 5 videos are not there"
    ):
        finetune_captioner(mine.model, mine.work, QUICK, mine.annotations)
    mine.annotations.write_text("[]")
    with pytest.raises(InputError, match="has not the shape of YouCook2"):
        finetune_captioner(mine.model, mine.work, QUICK, mine.annotations)
    shutil.rmtree(mine.work / "features")
    with pytest.raises(InputError, match=r"features/video_0.parquet is not there"):
        finetune_captioner(mine.model, mine.work, QUICK)
    assert not (mine.model / FOLDER).exists() and not list(mine.model.glob(".*.part"))
    assert finetune_captioner(mine.model, mine.work, replace(QUICK, features="video")).now
