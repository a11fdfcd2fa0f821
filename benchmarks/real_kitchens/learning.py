"""What learns: a model of text alone, and the models of text and video that start from it.

The text is the 1,736 narrations of YouCook2 videos that ../shared/data has, read as
benchmarks.real_text reads them. They are of other videos, so one model of text alone serves all
folds.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from transformers import BertConfig, BertForPreTraining

from benchmarks.real_kitchens.corpus import Fold
from benchmarks.real_text import FOLDER as NARRATIONS
from benchmarks.real_text import MachineLabels, transcripts
from tokenization.codebook import Codebook
from tokenization.options import TREE, VIDEOS, ClusterOptions, TokenizeOptions
from tokenization.schema import EXAMPLES
from tokenization.vocabulary import train_wordpiece
from videobert.configuration_videobert import VideoBertConfig
from videobert.data.clips import Clips
from videobert.learning.trainer import Trainer
from videobert.loading import TrainedModel, load_model
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.pretraining.learner import PretrainLearner
from videobert.pretraining.loop import pretrain, recipe
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.start import make_batches
from videobert.processing_videobert import VideoBertProcessor, with_joiner
from workfolder.files import read_table, write_folder, write_table
from workfolder.stage import Stage

PIECES = 6000
"""WordPieces of the model of text alone."""
LEARNING: dict[str, Any] = {
    "init": "none",
    "size": "tiny",
    "batch_size": 32,
    "learning_rate": 2e-3,
    "max_length": 32,
    "dropout": 0.0,
    "masked_share": 0.3,
    "text_weight": 0.0,
    "joint_weight": 10.0,
    "join_probability": 0.0,
    "validation_share": 0.0,
    "checkpoint_every": 10**9,
}
"""The kitchen's (benchmarks/kitchen_tables/sizes.py), without text alone and at twice the rate.
That learnt sooner, in one run on a quarter of the recordings called ``train``."""
TEXT_ALONE = PretrainOptions(
    **{**LEARNING, "text_weight": 1.0, "video_weight": 0.0, "joint_weight": 0.0}
)


@dataclass(frozen=True)
class Variant:
    """One way to learn.

    Attributes:
        name: For people, and in file names.
        branching: Branches of the tree.
        depth: Its levels.
        centre: What is taken off features.
        kind: Of codebook.
        search: How the word of a clip is found.
        near: Near words that are kept of each clip.
        stride: Of every so many clips one is kept.
        runs: Whether a word that repeats the one before it is left out.
        text_first: Whether it starts from the model of text alone.
        options: Where learning differs from LEARNING.
    """

    name: str = "main"
    branching: int = 12
    depth: int = 2
    centre: str = VIDEOS
    kind: str = "tree"
    search: str = TREE
    near: int = 0
    stride: int = 1
    runs: bool = False
    text_first: bool = False
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def title(self) -> str:
        """What people read."""
        return self.name.replace("_", " ")

    @property
    def codebook(self) -> str:
        """The name of its codebook."""
        words = self.branching**self.depth
        rest = [self.search] * (self.search != TREE) + [f"near{self.near}"] * bool(self.near)
        return "-".join([self.kind, str(words), self.centre, *rest])

    def shown(self, words: np.ndarray) -> np.ndarray:
        """Select the words of a stretch that the model sees, int [shown]."""
        words = words[:: self.stride]
        if self.runs and len(words):
            words = words[np.append(True, words[1:] != words[:-1])]
        return words


def codebook(fold: Fold, variant: Variant) -> tuple[Path, Codebook]:
    """Fit the codebook of a variant on what a fold learns from."""
    shape = variant.branching, variant.depth
    options = ClusterOptions(
        *shape, kind=variant.kind, centre=variant.centre, search=variant.search
    )
    return fold.work(variant.codebook, options, TokenizeOptions(near_words=variant.near))


def model(
    fold: Fold, variant: Variant, seed: int, updates: int, start: Callable[[int], Path]
) -> tuple[TrainedModel, dict[str, Clips]]:
    """Train a model on a fold; return it with the clips of the fold, in its words.

    Args:
        fold: What it learns from.
        variant: How.
        seed: Of all its draws.
        updates: How many.
        start: Makes the model of text alone of a seed.
    """
    work, words = codebook(fold, variant)
    examples = _examples(work, words, variant)
    folder = examples / "models" / f"{variant.name}-{seed}-{updates}"
    init = {"init": str(start(seed))} if variant.text_first else {}
    options = {**LEARNING, **init, **dict(variant.options), "steps": updates, "seed": seed}
    pretrain(examples, folder, PretrainOptions(**options))
    return load_model(folder), fold.clips(words)


def _examples(work: Path, codebook: Codebook, variant: Variant) -> Path:
    """Write the examples that a variant sees; those of the work folder itself if it sees all."""
    if variant.stride == 1 and not variant.runs:
        return work
    short = work / variant.name
    if not (short / "codebook").exists():
        shutil.rmtree(short, ignore_errors=True)
        whole, stage = Stage(work / "examples"), Stage(short / "examples")
        stage.claim(whole.options())
        for video in whole.done():
            rows = read_table(whole.path(video)).to_pylist()
            for row in rows:
                row["visual"] = variant.shown(np.array(row["visual"], np.int64)).tolist()
            write_table(pa.Table.from_pylist(rows, schema=EXAMPLES), stage.path(video))
        codebook.save(short / "codebook")
    return short


def text_start(annotations: Path, out: Path, seed: int, updates: int) -> Path:
    """Train a tiny BERT on the narrations, and write it as transformers does.

    Args:
        annotations: Has the narrations.
        out: Where it is kept.
        seed: Of all its draws.
        updates: How many.
    """
    folder = out / "text" / f"{seed}-{updates}"
    if not folder.exists():
        table = transcripts(annotations / NARRATIONS)
        sentences = [text for text in table.column("text").to_pylist() if text]
        tokenizer = with_joiner(train_wordpiece(sentences, PIECES))
        processor = VideoBertProcessor(tokenizer, MachineLabels(1))  # type: ignore[arg-type]
        options = replace(TEXT_ALONE, steps=updates, seed=seed)
        set_seed(seed)
        config = VideoBertConfig.of_size(
            "tiny",
            processor.vocabulary,
            max_position_embeddings=128,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        network = VideoBertForPreTraining(config)
        batches = make_batches(table, processor, options)
        learner = PretrainLearner(processor, network, *batches)
        trainer = Trainer(learner, recipe(options), Accelerator(cpu=True))
        trainer.run(lambda *told: None)
        trainer.finished_model()
        bert = as_bert(network)
        with write_folder(folder) as part:
            bert.save_pretrained(part)
            train_wordpiece(sentences, PIECES).save_pretrained(part)
    return folder


@torch.no_grad()
def as_bert(network: VideoBertForPreTraining) -> BertForPreTraining:
    """Leave the visual words out, so that what remains is a BERT of transformers."""
    text = network.config.vocabulary.text_size
    config = {**network.config.to_dict(), "model_type": "bert", "vocab_size": text}
    for name in ("text_size", "visual_size", "architectures"):
        config.pop(name, None)
    bert = BertForPreTraining(BertConfig(**config))
    wanted = bert.state_dict()
    found = {
        name: values[:text] if values.shape != wanted[name].shape else values
        for name, values in network.state_dict().items()
        if name in wanted
    }
    bert.load_state_dict(found)
    return bert
