from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from tests.toys.labels import QUICK, SHOWN, STEPS, Labelled, add_annotations
from tests.toys.training_processes import Death, call_and_die, finished, start_calls
from videobert.data.annotations import Annotation
from videobert.finetune.data import read_data, split_rows
from videobert.finetune.frozen import FrozenStates
from videobert.finetune.learner import FinetuneLearner
from videobert.finetune.options import HEAD, TASKS, FinetuneOptions
from videobert.finetune.training import finetune_tasks, recipe, start_run
from videobert.finetune.tuned import load_tuned
from videobert.learning.trainer import DTYPES, Trainer
from videobert.loading import load_model
from workfolder.errors import InputError

TRAIN = "videobert.finetune.training.finetune_tasks"
UPDATE = "videobert.learning.trainer.Trainer.update"
LEAST = {
    "tag": 0.7,
    "classify": 0.9,
    "align": 0.6,
    "choose": 0.6,
    "find": 0.6,
    "moments": 0.9,
}
EPOCHS = {"align": 40, "tag": 40, "moments": 40}
Start = Callable[[FinetuneOptions], FinetuneLearner]


@pytest.fixture
def start(labelled: Labelled) -> Start:
    def start(options: FinetuneOptions) -> FinetuneLearner:
        trained = load_model(labelled.model)
        return start_run(trained, read_data(labelled.work, trained, options), options)

    return start


def weights_after(start: Start, options: FinetuneOptions, updates: int) -> dict[str, torch.Tensor]:
    learner = start(options)
    learner.model.to(torch.get_default_dtype())
    trainer = Trainer(learner, recipe(learner, options), Accelerator(cpu=True))
    for step in range(updates):
        trainer.update(step, learner.batch(step))
    return {name: weight.clone() for name, weight in learner.model.named_parameters()}


def furthest(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return max((one[name] - other[name]).abs().max().item() for name in one)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.suffix in (".safetensors", ".json", ".parquet")
    }


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_learnt_and_the_model_stays_as_it_was(labelled: Labelled, task: str) -> None:
    before = files_of(labelled.model)
    table = SHOWN if task == "moments" else STEPS
    options = replace(QUICK, task=(task,), annotations=table, epochs=EPOCHS.get(task, 20))
    report = finetune_tasks(labelled.model, labelled.work, options)
    measure = {"find": "mean IoU", "moments": "average precision"}.get(task, "accuracy")
    assert report.tasks[task]["figures"][measure] >= LEAST[task]
    assert report.now and files_of(labelled.model) == before
    again = finetune_tasks(labelled.model, labelled.work, options)
    assert not again.now and again.tasks == report.tasks


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        *((task, {}) for task in TASKS),
        ("tag", {"train": HEAD}),
        ("classify", {"train": HEAD}),
        ("classify", {"sentence": "[MASK] it"}),
        ("classify", {"sentence": "[MASK] it", "train": HEAD}),
    ],
)
def test_killed_and_started_again_it_ends_with_the_same_bytes(
    labelled: Labelled, task: str, changes: dict[str, Any]
) -> None:
    """With a head alone, the states that a killed run had found are found again."""
    death, options = Death(UPDATE, 7), replace(QUICK, task=(task,), epochs=4, **changes)
    given = (labelled.model, labelled.work, options)
    assert call_and_die(TRAIN, given, death) == -signal.SIGKILL
    home = labelled.model / "tasks" / task
    assert not home.exists() and (labelled.model / "tasks" / f"{task}.training").exists()
    assert call_and_die(TRAIN, given) == 0
    resumed = files_of(home)
    (labelled.model / "tasks").rename(labelled.model / "before")
    assert call_and_die(TRAIN, given) == 0
    assert files_of(home) == resumed


@pytest.fixture
def _in_float64(monkeypatch: pytest.MonkeyPatch) -> Any:
    """AdamW turns a rounding error into a full step where a gradient is nearly 0."""
    monkeypatch.setitem(DTYPES, "fp32", torch.float64)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("_in_float64")
@pytest.mark.parametrize("task", TASKS)
def test_parts_of_a_batch_add_up(start: Start, task: str) -> None:
    options = replace(QUICK, task=(task,))

    def still(options: FinetuneOptions) -> FinetuneLearner:
        learner = start(options)
        for module in learner.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
            elif isinstance(getattr(module, "dropout_prob", None), float):
                module.dropout_prob = 0.0
        learner.model.encoder.config.attention_probs_dropout_prob = 0.0
        return learner

    before = weights_after(still, options, 0)
    whole = weights_after(still, options, 5)
    parts = weights_after(still, replace(options, accumulate=4), 5)
    assert furthest(before, whole) > 1e-4
    assert furthest(whole, parts) < 1e-8


def test_two_processes_are_one(labelled: Labelled) -> None:
    options = replace(QUICK, task=("tag", "classify"), epochs=3)
    # Dropout is drawn by part, so two processes are one that accumulates two parts.
    assert finished(start_calls(TRAIN, (labelled.model, labelled.work, options), None, 2)) == [0, 0]
    home = labelled.model / "tasks" / "classify+tag"
    two = load_file(home / "head.safetensors") | load_file(home / "encoder.safetensors")
    (labelled.model / "tasks").rename(labelled.model / "before")
    finetune_tasks(labelled.model, labelled.work, replace(options, accumulate=2))
    one = load_file(home / "head.safetensors") | load_file(home / "encoder.safetensors")
    assert two.keys() == one.keys() and furthest(one, two) < 1e-3


def test_fewer_examples_than_processes_do_not_wait_for_ever(labelled: Labelled) -> None:
    options = replace(QUICK, few=1, epochs=2)
    assert finished(start_calls(TRAIN, (labelled.model, labelled.work, options), None, 2)) == [0, 0]
    path = labelled.model / "tasks" / "tag" / "head.safetensors"
    two = load_file(path)
    (labelled.model / "tasks").rename(labelled.model / "before")
    finetune_tasks(labelled.model, labelled.work, replace(options, accumulate=2))
    assert furthest(two, load_file(path)) < 1e-3


@pytest.mark.parametrize("layers", ["last", "weighted"])
def test_states_that_are_kept_are_those_that_are_found_anew(
    start: Start, layers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = start(replace(QUICK, train="head", layers=layers))
    network = learner.model.eval()
    batches = [learner.batch(step) for step in (0, 1, 0)]
    device = torch.device("cpu")

    def losses() -> list[float]:
        chosen = [np.arange(len(batch)) for batch in batches]
        with torch.no_grad():
            return [
                learner.scores(network, batch, some, device)["tag"].loss.item()
                for batch, some in zip(batches, chosen, strict=True)
            ]

    anew = losses()
    network.frozen = FrozenStates()
    assert losses() == pytest.approx(anew, rel=1e-5)
    monkeypatch.setattr(network.encoder, "states", None)  # nothing is asked of it again
    assert losses() == pytest.approx(anew, rel=1e-5)
    assert not network.train().encoder.training and network.heads["tag"].training


def test_the_order_of_tasks_does_not_matter(start: Start) -> None:
    one = replace(QUICK, task=("tag", "find", "classify"))
    other = replace(QUICK, task=("classify", "tag", "find"))
    first, second = weights_after(start, one, 9), weights_after(start, other, 9)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_each_epoch_has_all_batches_of_all_tasks_each_example_once(start: Start) -> None:
    learner = start(replace(QUICK, task=("tag", "find"), batch_size=4))
    epoch = [learner.batch(step) for step in range(learner.epoch)]
    tagged = [each for batch in epoch if batch.task == "tag" for each in batch.questions]
    assert learner.epoch == 3 + 9 and len(tagged) == 12  # nine videos, in three batches of four
    assert sum(len(batch) for batch in epoch if batch.task == "find") == 36
    alone = start(replace(QUICK, task=("tag",), batch_size=4))
    mixed = [batch for batch in epoch if batch.task == "tag"]
    for turn, batch in enumerate(mixed):  # what is drawn for a task does not hang on the others
        own = alone.batch(turn)
        for one, same in zip(batch.questions, own.questions, strict=True):
            assert (one.rows[0].ids == same.rows[0].ids).all()


@pytest.mark.parametrize("train", ["head", "top:1", "norms", "adapter:4", "lora:2", "all"])
def test_what_does_not_learn_keeps_its_bytes_and_is_not_kept(
    labelled: Labelled, train: str
) -> None:
    before = dict(load_model(labelled.model).network.named_parameters())
    report = finetune_tasks(labelled.model, labelled.work, replace(QUICK, train=train))
    home = labelled.model / "tasks" / "tag"
    name = {"adapter:4": "adapters", "lora:2": "lora"}.get(train, "encoder")
    path = home / f"{name}.safetensors"
    assert path.exists() == (train != "head")
    kept = load_file(path) if path.exists() else {}
    learnt = {
        "head": lambda name: False,
        "top:1": lambda name: "layer.1." in name,
        "norms": lambda name: "LayerNorm" in name and "cls." not in name,
        "adapter:4": lambda name: "adapter" in name or ("LayerNorm" in name and "cls." not in name),
        "lora:2": lambda name: "lora_" in name,
        "all": lambda name: "pooler" not in name and "cls." not in name,
    }[train]
    tuned = dict(load_tuned(labelled.model, "tag").network.encoder.named_parameters())
    assert {f"encoder.{name}" for name in tuned if learnt(name)} == set(kept)
    moved = 0
    for name, weight in before.items():
        there = next(tuned[n] for n in (name, *_inside(name)) if n in tuned)
        if learnt(name):
            moved += not torch.equal(there, weight)
        else:
            assert torch.equal(there, weight), name
    assert moved or train in ("head", "lora:2")
    assert 0 < report.tasks["tag"]["share that learns"] <= 1


def _inside(name: str) -> list[str]:
    """The name of a weight with an adapter behind it, or LoRA beside it."""
    stem, _, end = name.rpartition(".")
    return [f"{stem}.dense.{end}", f"{stem}.base_layer.{end}"]


def test_a_video_kept_apart_in_any_row_is_in_none_to_learn_from() -> None:
    def row(video: str, subset: str | None) -> Annotation:
        return Annotation(video, 0.0, 1.0, "x", "y", (), subset)

    rows = [row("a", "training"), row("a", "validation"), row("b", "training"), row("c", "testing")]
    split = split_rows([*rows, row("b", None), row("c", "training")], 0)
    assert {name: {each.video for each in its} for name, its in split.items()} == {
        "training": {"b"},
        "validation": {"a"},
        "testing": {"c"},
    }
    untold = split_rows([row(f"v{n}", None) for n in range(30)], 0)
    assert len(untold["validation"]) == 3 and len(untold["training"]) == 27
    assert split_rows([row(f"v{n}", None) for n in range(30)], 1) != untold


def test_few_labels_and_several_seeds_tell_how_far_figures_move(labelled: Labelled) -> None:
    options = replace(QUICK, task=("classify",), few=2, seeds=3, epochs=4)
    report = finetune_tasks(labelled.model, labelled.work, options)
    assert report.tasks["classify"]["learnt"] == 10  # two of each of five
    assert " +- " in report.tasks["classify"]["told"]["accuracy"]
    assert {path.name for path in (labelled.model / "tasks").iterdir()} == {
        "classify",
        "classify.seed1",
        "classify.seed2",
    }
    drawn = [
        json.loads((labelled.model / "tasks" / name / "options.json").read_text())["seed"]
        for name in ("classify", "classify.seed1", "classify.seed2")
    ]
    assert drawn == [0, 1, 2]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"task": ()}, "give --task once at least"),
        ({"task": ("tag", "tag")}, "give each task once"),
        ({"annotations": "other"}, "give one of shown, steps"),
        ({"train": "top:9"}, "--train top:9: the model has 2 layers"),
        ({"train": "top:0"}, "--train 'top:0' will not do"),
        ({"layers": "concat4"}, "--layers concat4: the model has 2 layers"),
        ({"layers": "best"}, "--layers 'best' will not do"),
        ({"sentence": "the {thing} is {label}"}, "there is no {thing}"),
        ({"sentence": "the {label"}, "close every brace"),
        ({"sentence": "[MASK] the [MASK]"}, "name the label once"),
        ({"sentence": "[MASK] is {label}"}, "name the label once"),
        ({"sentence": "[MASK] it", "layers": "first"}, "leave out --layers and --pool"),
        ({"max_length": 9999}, "--max-length 9999: the model has"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    labelled: Labelled, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError, match=reason.replace("{", r"\{")):
        finetune_tasks(labelled.model, labelled.work, replace(QUICK, **changes))
    assert not (labelled.model / "tasks").exists()


def test_tables_that_cannot_teach_a_task_are_refused(labelled: Labelled) -> None:
    row = {"video": "video_0", "start": 0, "end": 3, "text": "cut it", "label": "cut"}
    add_annotations(labelled.work, "same", [{**row, "video": f"video_{n}"} for n in range(4)])
    for task, reason in {
        "classify": "needs labels to tell apart",
        "align": "no other text to mismatch with",
        "find": "no other text to mismatch with",
        "choose": "needs videos with two texts",
    }.items():
        with pytest.raises(InputError, match=reason):
            options = replace(QUICK, task=(task,), annotations="same")
            finetune_tasks(labelled.model, labelled.work, options)
    (labelled.work / "annotations" / "same.parquet").unlink()


def test_other_options_or_another_model_are_refused(labelled: Labelled) -> None:
    finetune_tasks(labelled.model, labelled.work, QUICK)
    with pytest.raises(InputError, match=r"epochs was 12 and is now 5; delete .*tag"):
        finetune_tasks(labelled.model, labelled.work, replace(QUICK, epochs=5))
    weights = labelled.model / "model.safetensors"
    stored = load_file(weights)
    stored["bert.pooler.dense.bias"] += 1
    from safetensors.torch import save_file

    save_file(stored, weights, {"format": "pt"})
    with pytest.raises(InputError, match="learnt with another model than"):
        load_tuned(labelled.model, "tag")
    with pytest.raises(InputError, match="no task 'tags', it was taught tag: run videobert"):
        load_tuned(labelled.model, "tags")


def test_what_changes_nothing_that_is_learnt_does_not_make_it_anew(labelled: Labelled) -> None:
    one = replace(QUICK, task=("tag", "find"), epochs=1, name="both")
    assert finetune_tasks(labelled.model, labelled.work, one).now
    other = replace(one, task=("find", "tag"))
    assert not finetune_tasks(labelled.model, labelled.work, other).now
    more = finetune_tasks(labelled.model, labelled.work, replace(other, seeds=2))
    assert more.now and (labelled.model / "tasks" / "both.seed1").is_dir()


def test_sentences_that_an_older_version_read_otherwise_are_refused(
    labelled: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    finetune_tasks(labelled.model, labelled.work, replace(QUICK, task=("moments",)))
    path = labelled.model / "tasks" / "moments" / "labels.json"
    path.write_text('{"moments": {"units": "sentences"}}', encoding="utf-8")
    monkeypatch.setattr("videobert.finetune.tuned.check_digests", lambda folder, advice: None)
    with pytest.raises(InputError, match=r"as an older version did: delete .*moments and run"):
        load_tuned(labelled.model, "moments")
