"""More texts for labels: what is learnt, what is written, what is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.toys.command_line import Run
from tests.toys.labels import QUICK, Labelled, add_annotations
from tests.toys.training_processes import assert_same_bytes_when_killed
from videobert.data.annotations import read_annotation_table
from videobert.finetune.augment_options import AugmentOptions
from videobert.finetune.augmenting import augment
from videobert.finetune.conditional import ConditionalNetwork, labelled_rows, word_masker
from videobert.finetune.options import FinetuneOptions
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import make_reader
from videobert.loading import load_model
from workfolder.errors import InputError
from workfolder.files import read_table

AUGMENT = "videobert.finetune.augmenting.augment"
OPTIONS = AugmentOptions(
    annotations="taste", copies=4, masked_share=0.4, epochs=25, batch_size=16, learning_rate=3e-3
)
GOOD, BAD = ("eat", "spread"), ("cut", "flip")
"""The verbs of each label; objects are the same."""


@pytest.fixture
def tasted(labelled: Labelled) -> Labelled:
    """A table whose label hangs on the first word of each text alone."""
    objects = ("the bread", "butter on the bread", "the bread with butter", "the hot pan", "it")
    rows = [
        {
            "video": f"video_{number % 12}",
            "start": 0.0,
            "end": 3.0,
            "text": f"{verb} {thing}",
            "label": label,
            "subset": "training" if number % 12 >= 3 else "validation",
        }
        for label, verbs in (("good", GOOD), ("bad", BAD))
        for verb in verbs
        for number, thing in enumerate(objects * 5)
    ]
    path = labelled.work / "annotations" / "taste.parquet"
    if not path.exists():
        add_annotations(labelled.work, "taste", rows)
    for made in labelled.work.glob("annotations/taste-*.parquet"):
        made.unlink()
    return labelled


def test_types_grow_to_the_labels_and_begin_as_that_of_text(tasted: Labelled) -> None:
    model = load_model(tasted.model)
    before = model.network.bert.embeddings.token_type_embeddings.weight.detach().clone()
    rows = read_annotation_table(tasted.work, "taste")
    reader = make_reader(model.processor, model.network.config, {}, FinetuneOptions())
    text = labelled_rows(rows, ["bad", "good"], reader, seen=False)[0]
    ids = torch.from_numpy(text.row.ids[None])
    mask, hidden = torch.ones_like(ids), torch.zeros_like(ids, dtype=torch.bool)
    hidden[0, 1] = True
    plain = model.network(ids, token_type_ids=torch.zeros_like(ids), predict_at=hidden)
    network = ConditionalNetwork(model.network, 2).eval()
    grown = network.encoder.bert.embeddings.token_type_embeddings.weight
    assert torch.equal(grown[:2], before) and len(grown) == 4
    assert torch.equal(grown[2], before[0]) and torch.equal(grown[3], before[0])
    types = torch.from_numpy(text.typed().types[None])
    assert set(types[0].tolist()) == {3}  # the first text is good, whose number is 1
    inputs = {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}
    torch.testing.assert_close(
        network(inputs, hidden), plain.prediction_logits, atol=1e-5, rtol=0
    )  # before it learns, a label changes nothing


def test_words_are_hidden_and_pictures_are_not(tasted: Labelled) -> None:
    processor = load_model(tasted.model).processor
    first = processor.vocabulary.first_visual
    ids = np.array([[processor.tokenizer.cls_token_id, *range(10, 20), *range(first, first + 6)]])
    for seed in range(20):
        _, labels = word_masker(processor, 0.5)(ids, np.random.default_rng(seed))
        assert (labels[0, 11:] == -100).all() and (labels[0, 1:11] != -100).any()


def test_new_texts_have_words_of_their_label(tasted: Labelled) -> None:
    report = augment(tasted.model, tasted.work, OPTIONS)
    table = read_table(Path(report.path)).to_pylist()
    made = [row for row in table if row["source"]]
    assert len(made) == report.made > 20 and report.rows == len(table) == 100 + report.made
    assert all(row["subset"] == "training" and row["text"] != row["source"] for row in made)
    verbs = {"good": GOOD, "bad": BAD}
    changed = [row for row in made if row["text"].split()[0] != row["source"].split()[0]]
    fitting = np.mean([row["text"].split()[0] in verbs[row["label"]] for row in changed])
    assert len(changed) > 10 and fitting > 0.8  # a word of the other label would be as many
    again = augment(tasted.model, tasted.work, OPTIONS)
    assert not again.now and again.rows == report.rows
    # A table with more rows is one to learn from.
    options = replace(QUICK, task=("classify",), annotations="taste-more", epochs=2)
    assert finetune_tasks(tasted.model, tasted.work, options).tasks["classify"]["learnt"] > 100


def test_a_text_is_turned_to_another_label(tasted: Labelled) -> None:
    report = augment(
        tasted.model, tasted.work, replace(OPTIONS, to="good", copies=1, masked_share=0.2)
    )
    made = [row for row in read_table(Path(report.path)).to_pylist() if row["source"]]
    assert all(row["label"] == "good" and row["source"].split()[0] in BAD for row in made)
    # By the rule that made the labels: is the first word one of the other label, and is all else
    # as it was?
    flipped = np.mean([row["text"].split()[0] in GOOD for row in made])
    kept = np.mean([row["text"].split(" ", 1)[1] == row["source"].split(" ", 1)[1] for row in made])
    assert len(made) >= 30 and flipped > 0.8 and kept > 0.7


def test_killed_and_started_again_it_ends_with_the_same_bytes(tasted: Labelled) -> None:
    given = (tasted.model, tasted.work, replace(OPTIONS, epochs=5))
    home = tasted.model / "augmenters" / "taste"
    table = tasted.work / "annotations" / "taste-more.parquet"
    assert_same_bytes_when_killed(AUGMENT, given, 25, home, table)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"to": "sour"}, "--to 'sour' is no label of the table: give bad, good"),
        ({"annotations": "absent"}, "absent.parquet is not there: give one of"),
        ({"masked_share": 0.0}, "--masked-share 0 will not do: give 0.01 to 1"),
    ],
)
def test_what_cannot_be_is_refused(tasted: Labelled, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        augment(tasted.model, tasted.work, replace(OPTIONS, **changes))
    assert not list(tasted.work.glob("annotations/taste-*"))


def test_the_command_line_says_what_was_written(videobert: Run, tasted: Labelled) -> None:
    given = ("--model", tasted.model, "--work", tasted.work, "--annotations", "taste")
    learning = "--epochs 1 --batch-size 32 --learning-rate 1e-3".split()
    made = videobert("augment", *given, *learning, "--json")
    assert made.status == 0 and json.loads(made.out)["now"]
    again = videobert("augment", *given, *learning)
    assert "taste-more.parquet: done already, nothing to do" in again.out
    other = videobert("augment", *given, *learning, "--copies", "3")
    assert other.status == 2 and "has other rows: give another --name" in other.err
