from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
from typer.main import get_command

from tests.toys.command_line import Run
from videobert.cli.main import app
from videobert.learning.schedule import Phase
from videobert.pretraining.options import PretrainOptions
from workfolder.errors import InputError


@pytest.mark.parametrize("verb", ["pretrain", "run"])
def test_a_verb_takes_every_option_with_its_default_and_help(verb: str) -> None:
    parameters = {parameter.name: parameter for parameter in get_command(app).commands[verb].params}
    for field in fields(PretrainOptions):
        parameter, on = (
            parameters[field.name],
            field.default is True,
        )  # what is on has a flag that turns it off
        assert f"--{'no-' if on else ''}{field.name.replace('_', '-')}" in parameter.opts
        assert parameter.default == (False if on else field.default)
        assert parameter.help.startswith(field.metadata["about"].help.removesuffix("."))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("precision", "fp16"),
        ("schedule", "step"),
        ("visual_start", "zeros"),
        ("truncation", "middle"),
        ("dropout", 1.0),
        ("max_length", 7),
        ("batch_size", 1),
        ("steps", 0),
        ("text_weight", -1.0),
        ("masked_share", 1.1),
        ("longest_step", 0),
        ("learning_rate", -1e-3),
        ("learning_rate", math.nan),
        ("warmup", 1.5),
        ("layer_decay", 1.1),
        ("weight_decay", -0.1),
        ("accumulate", 0),
        ("validation_share", 0.6),
        ("validate_every", 0),
        ("checkpoint_every", 0),
        ("seed", -1),
        ("negative_margin", -1.0),
        ("masking", "letters"),
        ("masking", "phrases:"),
        ("train", "top"),
        ("optimizer", "sgd"),
        ("sample_words", -0.1),
        ("alignment_weight", -1.0),
    ],
)
def test_a_value_that_no_run_can_have_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"--{name.replace('_', '-')}"):
        replace(PretrainOptions(), **{name: value})


@pytest.mark.parametrize("name", ["text_weight", "learning_rate", "weight_decay"])
def test_infinity_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"--{name.replace('_', '-')}"):
        replace(PretrainOptions(), **{name: math.inf})


def test_some_regime_has_a_weight() -> None:
    with pytest.raises(InputError, match="--text-weight"):
        PretrainOptions(text_weight=0, video_weight=0, joint_weight=0)


def test_without_phases_there_is_one() -> None:
    options = PretrainOptions(max_length=64, batch_size=32, steps=7)
    assert options.plan == (Phase(64, 32, 7),) and options.total_steps == 7


def test_phases_are_length_batch_and_steps() -> None:
    options = PretrainOptions(phases="128:256:9000,512:32:1000")
    assert (
        options.plan == (Phase(128, 256, 9000), Phase(512, 32, 1000))
        and options.total_steps == 10_000
    )


@pytest.mark.parametrize(
    "phases",
    [
        "nonsense",
        "128",
        "128:64",
        "128:64:0",
        "128:64:10,",
        ",128:64:10",
        "128:64:-1",
        "a:b:c",
        "4:64:10",
        "128:1:10",
        "128:64:10;64:2:1",
        "1e2:64:10",
        "128:64:10 ",
    ],
)
def test_phases_that_cannot_be_read_are_refused(phases: str) -> None:
    with pytest.raises(InputError, match="--phases"):
        PretrainOptions(phases=phases)


def test_what_cannot_be_read_is_refused_on_the_command_line_too(videobert: Run) -> None:
    result = videobert("pretrain", "--work", "nowhere", "--out", "nowhere", "--phases", "nonsense")
    assert result.status == 2 and "nonsense" in result.err and len(result.err.splitlines()) == 1
