"""How a punctuation restorer is trained.

A corpus is transcripts with punctuation, a .txt file a video, tokenised as the Penn Treebank is ("do n't", "salt ,") or
not. A tenth of the files, by a hash of their names, is held out: `train` never reads them, `evaluate` reads no others.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feature_extraction.hearing.punctuation.options import TrainingOptions
from feature_extraction.hearing.punctuation.restorer import (
    CLS,
    COMMA,
    NONE,
    PAD,
    QUESTION,
    STOP,
    PunctuationRestorer,
    Vocabulary,
    new_model,
    padded,
    plain,
    tag_of,
    tag_scores,
)
from workfolder.errors import InputError
from workfolder.files import write_json
from workfolder.progress import Progress, silent
from workfolder.stage import OPTIONS_FILE

if TYPE_CHECKING:
    import torch
    from transformers import BertForTokenClassification

HELD_OUT = 10
"""Every tenth transcript, by the hash of its name, is held out."""
REPORT_EVERY, SAVE_EVERY = 50, 500
"""Steps from one loss that is told to the next, and from one checkpoint to the next."""
_CLITICS = frozenset("n't 's 're 've 'm 'll 'd".split())
IGNORED = -100
"""The tag of what is not learnt."""


@dataclass(frozen=True)
class Transcript:
    """A text as the model sees it.

    Attributes:
        words: in lower case, without marks.
        tags: int64 [words], of the marks that followed them; IGNORED for a last word without, as the text just stops there.
    """

    words: list[str]
    tags: np.ndarray


def is_held_out(path: Path) -> bool:
    """Whether a transcript is never trained on; its name alone decides, wherever it lies."""
    return int(hashlib.sha256(path.name.encode()).hexdigest(), 16) % HELD_OUT == 0


def find_texts(paths: Sequence[Path]) -> list[Path]:
    """The .txt files of folders, by name, and the files among ``paths``; InputError for what is neither."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} is not there: give a folder of .txt transcripts, or a file")
        found += sorted(path.glob("*.txt")) if path.is_dir() else [path]
    return found


def read_words(path: Path) -> list[str]:
    """The words of a transcript with their marks; clitics and marks that stand alone are joined to the word before."""
    try:
        tokens = path.read_text(encoding="utf-8-sig").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}): give transcripts in UTF-8") from error
    words: list[str] = []
    for token in tokens:
        joins = not plain(token) or token.rstrip(",.?") in _CLITICS
        if not (joins and words):
            words.append(token)
        elif tag_of(words[-1]) == NONE:  # a second mark is dropped
            words[-1] += token
    return words


def make_transcript(words: Sequence[str]) -> Transcript:
    """Words apart from their marks; what is nothing but marks is left out."""
    said = [word for word in words if plain(word)]
    tags = np.array([tag_of(word) for word in said], dtype=np.int64)
    tags[-1:] = np.where(tags[-1:] == NONE, IGNORED, tags[-1:])
    return Transcript([plain(word) for word in said], tags)


def train(
    paths: Sequence[Path],
    out: Path,
    options: TrainingOptions = TrainingOptions(),
    progress: Progress = silent,
) -> PunctuationRestorer:
    """Train on the transcripts of ``paths`` that are not held out, write the model to the folder ``out`` and load it.

    It is written every SAVE_EVERY steps, too: what a stopped run leaves can be used, and options.json says its step.
    InputError if ``out`` is there, if there is nothing to learn from, or if the loss is no longer a number.
    """
    import torch

    if out.exists():
        raise InputError(f"{out} is there already: give another --out, or delete it")
    texts = [path for path in find_texts(paths) if not is_held_out(path)]
    transcripts = [
        made for made in map(make_transcript, map(read_words, texts)) if (made.tags > NONE).any()
    ]
    if not transcripts:
        raise InputError(
            f"{', '.join(map(str, paths))}: no punctuated transcript but what is held out; give more .txt files"
        )
    vocabulary = Vocabulary.learn(
        [word for made in transcripts for word in made.words], options.vocabulary
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        restorer = PunctuationRestorer(_new_model(len(vocabulary.entries), options), vocabulary)
        about = {
            **asdict(options),
            "files": len(transcripts),
            "words": sum(len(made.words) for made in transcripts),
        }
        for step, loss in _learn(restorer, transcripts, options, progress):
            restorer.save(out)
            write_json({**about, "step": step, "loss": round(loss, 4)}, out / OPTIONS_FILE)
    return PunctuationRestorer.load(out)


def _new_model(entries: int, options: TrainingOptions) -> BertForTokenClassification:
    from transformers import BertConfig

    config = BertConfig(
        vocab_size=entries,
        hidden_size=options.width,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        intermediate_size=4 * options.width,
        max_position_embeddings=options.window + 1,
        type_vocab_size=1,
        hidden_dropout_prob=options.dropout,
        attention_probs_dropout_prob=options.dropout,
        id2label={NONE: "NONE", COMMA: "COMMA", STOP: "STOP", QUESTION: "QUESTION"},
        label2id={"NONE": NONE, "COMMA": COMMA, "STOP": STOP, "QUESTION": QUESTION},
        initializer_range=0.02
        * (768 / options.width) ** 0.5,  # as the 0.02 of BERT, which is 768 wide
    )
    return new_model(config)


def _learn(
    restorer: PunctuationRestorer,
    transcripts: Sequence[Transcript],
    options: TrainingOptions,
    progress: Progress,
) -> Iterator[tuple[int, float]]:
    """Train the restorer's model; yield the step and the loss since the last report whenever it is time to save."""
    import torch

    model = restorer.model
    optimizer = _optimizer(model, options)
    warmup = max(1, round(options.warmup * options.steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(
            (step + 1) / warmup, (options.steps - step) / max(1, options.steps - warmup)
        ),
    )
    recent: list[float] = []
    batches = islice(_batches(restorer.vocabulary, transcripts, options), options.steps)
    for step, (ids, mask, tags) in enumerate(batches, 1):
        model.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
            scores = tag_scores(model, ids, mask)
        loss = torch.nn.functional.cross_entropy(
            scores.float().flatten(0, 1), tags.flatten(), ignore_index=IGNORED
        )
        if not math.isfinite(loss.item()):
            raise InputError(f"the loss at step {step} is {loss.item()}: use a lower learning rate")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        recent = [*recent[1 - REPORT_EVERY :], loss.item()]
        if step % REPORT_EVERY == 0:
            progress("punctuation", step, options.steps, f"loss {np.mean(recent):.4f}")
        if step % SAVE_EVERY == 0 or step == options.steps:
            yield step, float(np.mean(recent))


def _optimizer(model: torch.nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    """AdamW; biases and LayerNorm, the parameters of one dimension, do not decay."""
    import torch

    decaying = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": decaying, "weight_decay": options.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)


def _batches(
    vocabulary: Vocabulary, transcripts: Sequence[Transcript], options: TrainingOptions
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Without end: ids, mask and tags, each int64 [windows, 1 + longest]; each word once an epoch, in windows cut anew."""
    import torch

    places = vocabulary.places
    forgotten = np.array([vocabulary.ending_id(entry) for entry in vocabulary.entries])
    ids = [vocabulary.ids(made.words) for made in transcripts]
    for epoch in count():
        rng = np.random.default_rng([options.seed, epoch])
        cuts = [_cuts(len(words), options.window, rng) for words in ids]
        spans = [(number, *span) for number, bounds in enumerate(cuts) for span in pairwise(bounds)]
        order = rng.permutation(len(spans))
        for chosen in (
            order[first : first + options.batch_size]
            for first in range(0, len(order), options.batch_size)
        ):
            shown = [spans[index] for index in chosen]
            inputs, mask = padded(
                [ids[n][first:last] for n, first, last in shown], places[CLS], places[PAD]
            )
            labels, _ = padded(
                [transcripts[n].tags[first:last] for n, first, last in shown], IGNORED, IGNORED
            )
            inputs = np.where(
                (rng.random(inputs.shape) < options.forgotten) & (labels != IGNORED),
                forgotten[inputs],
                inputs,
            )
            if (labels != IGNORED).any():
                yield torch.from_numpy(inputs), torch.from_numpy(mask), torch.from_numpy(labels)


def _cuts(size: int, window: int, rng: np.random.Generator) -> list[int]:
    """Bounds of windows over ``size`` words; the first one's length is drawn, so that no word always stands at an edge."""
    return [0, *range(int(rng.integers(1, window + 1)), size, window), size]
