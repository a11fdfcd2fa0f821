"""From a table of labelled texts to a table with more of them: videobert augment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from accelerate.utils import set_seed
from safetensors.torch import load_file, save_file

from tokenization.pieces import continuing_pieces
from videobert.data.annotation_files import TRAINING
from videobert.data.annotations import (
    ANNOTATIONS,
    SOURCE,
    Annotation,
    read_annotation_table,
    table_path,
)
from videobert.data.work import DATA_DIGEST, data_digest
from videobert.finetune.augment_options import AugmentOptions
from videobert.finetune.captions.captioner import model_digest
from videobert.finetune.completion import HiddenRow, padded
from videobert.finetune.conditional import (
    ConditionalLearner,
    ConditionalNetwork,
    Labelled,
    labelled_rows,
    word_masker,
)
from videobert.finetune.data import only_table, read_footage, split_rows
from videobert.finetune.examples import Reader
from videobert.finetune.options import FinetuneOptions
from videobert.finetune.training import WARMUP
from videobert.finetune.tuned import make_reader
from videobert.learning.learner import Recipe
from videobert.learning.run import train_once
from videobert.learning.trainer import Trainer
from videobert.loading import load_model
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.masking.units import Words
from videobert.softmax import softmax
from workfolder.errors import InputError
from workfolder.files import file_digest, read_table, write_table
from workfolder.progress import Progress, silent
from workfolder.stage import Stage

FOLDER, WEIGHTS_FILE = "augmenters", "weights.safetensors"
BATCH = 64


@dataclass(frozen=True)
class AugmentReport:
    """What was written.

    Attributes:
        path: of the table.
        rows: all of it.
        made: new ones among them.
        now: whether this run wrote it.
    """

    path: str
    rows: int
    made: int
    now: bool

    def __str__(self) -> str:
        if not self.now:
            return f"{self.path}: done already, nothing to do"
        return f"{self.path}: {self.rows:,} rows, {self.made:,} of them new"


def augment(
    model: Path, work: Path, options: AugmentOptions, progress: Progress = silent
) -> AugmentReport:
    """Write a table with new texts for the labels of another one.

    What is learnt lies in MODEL/augmenters/TABLE; a run that was stopped goes on. The rows of the
    table come first, then the new ones, all to learn from. With ``--to`` a text is turned to
    another label: what is seen does not show it, so only the text is read.

    Args:
        model: MODEL.
        work: the folder with the annotations.
        options: what is made, and how.
        progress: told how far it is.

    Raises:
        InputError: if no row has a text and a label, or the table is there with other rows.
    """
    options = replace(options, annotations=options.annotations or only_table(work))
    rows = read_annotation_table(work, options.annotations)
    learnt = split_rows(rows, options.seed)[TRAINING]
    labels = sorted({row.label for row in learnt if row.text and row.label is not None})
    if len(labels) < 2:
        raise InputError(
            f"augment needs texts of two labels, and the table {options.annotations} has "
            f"{len(labels)} to learn from: give a table with the columns text and label"
        )
    if options.to is not None and options.to not in labels:
        raise InputError(f"--to {options.to!r} is no label of the table: give {', '.join(labels)}")
    network, reader = _learnt(model, work, options, learnt, labels, progress)
    texts = labelled_rows(learnt, labels, reader, seen=options.to is None)
    made = _more(network, reader, texts, options, labels)
    return _written(work, options, rows, made)


def _learnt(
    model: Path,
    work: Path,
    options: AugmentOptions,
    rows: Sequence[Annotation],
    labels: Sequence[str],
    progress: Progress,
) -> tuple[ConditionalNetwork, Reader]:
    """Teach a network the words of the labels, or read it where it is there."""
    trained = load_model(model)
    footage = read_footage(work, {row.video for row in rows}, trained.processor.codebook)
    config = trained.network.config
    reader = make_reader(trained.processor, config, footage, FinetuneOptions())
    home = model / FOLDER / options.annotations
    made_with = {
        **options.of_learning(),
        "model": model_digest(model),
        DATA_DIGEST: data_digest(Stage(work / "tokens"), of=footage.keys()),
        "table": file_digest(table_path(work, options.annotations)),
    }
    set_seed(options.seed)
    # With and without what is seen, as --to reads texts alone.
    texts = [each for seen in (True, False) for each in labelled_rows(rows, labels, reader, seen)]
    network = ConditionalNetwork(trained.network, len(labels))
    learner = ConditionalLearner(
        network,
        texts,
        word_masker(trained.processor, options.masked_share),
        reader.layout,
        options.batch_size,
        options.seed,
    )

    def write(part: Path, learner: ConditionalLearner, trainer: Trainer[Any]) -> None:
        made = trainer.finished_model()
        weights = {name: w.detach().cpu().contiguous() for name, w in made.named_parameters()}
        save_file(weights, part / WEIGHTS_FILE)

    recipe = _recipe(options, learner.epochs.steps)
    advice = f"delete {home}, or give a table of another name"
    train_once(home, made_with, lambda: learner, recipe, write, advice, progress)
    network.load_state_dict(load_file(home / WEIGHTS_FILE), strict=False)
    return network.eval(), reader


def _recipe(options: AugmentOptions, epoch: int) -> Recipe:
    steps = options.epochs * epoch
    return Recipe(
        [steps],
        options.batch_size,
        options.learning_rate,
        warmup=WARMUP,
        accumulate=options.accumulate,
        validate_every=steps,
        checkpoint_every=epoch,
        seed=options.seed,
    )


def _more(
    network: ConditionalNetwork,
    reader: Reader,
    texts: Sequence[Labelled],
    options: AugmentOptions,
    labels: Sequence[str],
) -> list[dict[str, Any]]:
    """Make new rows; a text that comes out as it was is left out."""
    target = None if options.to is None else labels.index(options.to)
    chosen = [each for each in texts if each.label != target]
    asked = []
    masker = word_masker(reader.processor, options.masked_share)
    for number, each in enumerate(chosen):
        for copy in range(options.copies):
            rng = np.random.default_rng([options.seed, number, copy])
            row = each.typed(target)
            if target is None:
                _, hidden = masker(row.ids[None], rng)
                hidden = hidden[0] != IGNORED
            else:
                hidden = least_likely(network, reader, each, target, options.masked_share)
            asked.append((each, row, hidden, rng))
    found: list[dict[str, Any]] = []
    for first in range(0, len(asked), BATCH):
        found += _filled(network, reader, asked[first : first + BATCH], options.to)
    return found


def _filled(
    network: ConditionalNetwork, reader: Reader, asked: Sequence[Any], to: str | None
) -> list[dict[str, Any]]:
    """Draw words for what is hidden, from what the network says."""
    processor = reader.processor
    ordinary = np.setdiff1d(
        np.arange(processor.vocabulary.text_size), processor.tokenizer.all_special_ids
    )
    mask = processor.tokenizer.mask_token_id
    logits = _logits(network, reader, [(row, hidden) for _, row, hidden, _ in asked], mask)
    found = []
    for (each, row, hidden, rng), its in zip(asked, logits, strict=True):
        ids = row.ids.copy()
        drawn = [rng.choice(ordinary, p=softmax(one[ordinary].astype(np.float64))) for one in its]
        ids[hidden] = drawn
        text = str(processor.tokenizer.decode(ids[each.text].tolist())).strip()
        before = str(processor.tokenizer.decode(row.ids[each.text].tolist())).strip()
        if text != before:
            source, label = each.source, to or each.source.label
            new = {**vars(source), "text": text, "label": label, "tags": None}
            found.append({**new, "subset": TRAINING, SOURCE: source.text})
    return found


def least_likely(
    network: ConditionalNetwork, reader: Reader, text: Labelled, target: int, share: float
) -> np.ndarray:
    """Find the words that a label makes least likely beside the text's own label.

    Each word is hidden alone, and asked for with either label.

    Args:
        network: knows the labels.
        reader: spells.
        text: whose words.
        target: the number of the label.
        share: of the words; one at least.

    Returns:
        bool [length] of the row.
    """
    continuing = continuing_pieces(reader.processor.tokenizer)
    homes = Words(continuing).homes(text.row.ids[None])[0]
    words = np.unique(homes[text.text])
    own, other = text.typed(), text.typed(target)
    hidden = [(row, homes == word) for row in (own, other) for word in words]
    mask = reader.processor.tokenizer.mask_token_id
    logits = _logits(network, reader, hidden, mask)
    said = [
        np.log(softmax(its.astype(np.float64)))[np.arange(len(its)), row.ids[where]].sum()
        for its, (row, where) in zip(logits, hidden, strict=True)
    ]
    loss = np.array(said[: len(words)]) - np.array(said[len(words) :])
    most = max(round(share * len(words)), 1)
    return np.isin(homes, words[np.argsort(-loss, kind="stable")[:most]])


@torch.no_grad()
def _logits(
    network: ConditionalNetwork,
    reader: Reader,
    rows: Sequence[tuple[Any, np.ndarray]],
    mask: int,
) -> list[np.ndarray]:
    """Ask for what is hidden in rows, each [hidden, vocabulary]."""
    masked = [
        HiddenRow(
            replace(row, ids=np.where(hidden, mask, row.ids)), np.where(hidden, row.ids, IGNORED)
        )
        for row, hidden in rows
    ]
    device = next(network.parameters()).device
    inputs, labels = padded(reader.layout, masked, device)
    said = network(inputs, labels != IGNORED).float().cpu().numpy()
    return np.split(said, np.cumsum([each.asked for each in masked])[:-1])


def _written(
    work: Path,
    options: AugmentOptions,
    rows: Sequence[Annotation],
    made: Sequence[dict[str, Any]],
) -> AugmentReport:
    """Write the table, unless it is there."""
    schema = ANNOTATIONS.append(pa.field(SOURCE, pa.string()))
    named = [
        {**{"video_id": row["video"], SOURCE: None}, **row}
        for row in [*({**vars(row), "tags": list(row.tags) or None} for row in rows), *made]
    ]
    table = pa.Table.from_pylist(named, schema=schema)
    path = table_path(work, options.table)
    there = path.exists()
    if there and not read_table(path).equals(table):
        raise InputError(f"{path} has other rows: give another --name, or delete it")
    if not there:
        write_table(table, path)
    return AugmentReport(str(path), len(table), len(made), not there)
