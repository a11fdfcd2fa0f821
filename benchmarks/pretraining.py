"""Measures how fast ``videobert pretrain`` is, beside transformers' BERT in its usual training.

    python -m benchmarks.pretraining --json pretraining.json     20 minutes, 14 GB on two cores
    python -m benchmarks.pretraining --steps 0                   the speeds alone
    python -m benchmarks.pretraining --size large --batch 128    where there is a GPU

All systems train the same model (BERT-base, 51,259 words) with AdamW on the same sentences of 20 to
60 ids, of which 15 % are hidden. The others are BertForPreTraining with transformers' own collator:
(a) padded to 128, (b) padded to the longest of the batch, (c) as b, in bf16 autocast. The systems
take turns of two updates, as a system that keeps its memory has none yet in the first. The fastest
of all updates counts. Padding never counts. (e) is ours in bf16 without learning.memory.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch.nn.functional import cross_entropy
from transformers import (
    BertConfig,
    BertForPreTraining,
    DataCollatorForLanguageModeling,
    PreTrainedTokenizerFast,
)

from benchmarks.machine import line, machine, timed
from tokenization.vocabulary import SPECIAL_TOKENS, Vocabulary
from videobert.configuration_videobert import SIZES, VideoBertConfig
from videobert.data.corpus import NOBODY, Corpus
from videobert.learning.history import REPORT_EVERY
from videobert.learning.memory import kept_memory
from videobert.learning.trainer import Trainer
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.pretraining.batches import Batch, Batches
from videobert.pretraining.learner import PretrainLearner
from videobert.pretraining.loop import recipe
from videobert.pretraining.masking.masker import Masker
from videobert.pretraining.options import PretrainOptions
from videobert.sequences import SequenceLayout
from workfolder.files import write_json

VOCABULARY = Vocabulary(text_size=30_522, visual_size=20_736)
PAD, UNK, CLS, SEP, MASK, FIRST_WORD = range(6)
SENTENCES, SHORTEST, LONGEST, PADDED = 4096, 20, 60, 128
MASKED = 0.15
LEARNING_RATE, DROPOUT, SEED = 1e-4, 0.1, 0
TURN = 2
"""Updates that follow each other."""
CURVE_BATCH = 4
MATRIX = (2048, 768, 3072)
TARGETS = {
    "ratio_padded": (">=", 8.0),
    "ratio_bf16": (">=", 2.2),
    "ratio_dynamic_fp32": (">=", 1.6),
    "share_of_matrix_rate": (">=", 0.35),
}


def made_up_sentences() -> list[np.ndarray]:
    """Make ids without [CLS] and [SEP].

    A sentence is a chain: each word has few successors, and some words are frequent (Zipf).
    """
    random = np.random.default_rng(SEED)
    words = VOCABULARY.text_size - FIRST_WORD
    successors = (random.zipf(1.3, (words, 8)) - 1) % words
    sentences = []
    for length in random.integers(SHORTEST - 2, LONGEST - 1, SENTENCES):
        chain = [int(random.integers(words))]
        for choice in random.integers(8, size=length - 1):
            chain.append(int(successors[chain[-1], choice]))
        sentences.append(np.array(chain) + FIRST_WORD)
    return sentences


# transformers' own


@dataclass
class Plain:
    """BertForPreTraining, its collator and torch's AdamW."""

    model: BertForPreTraining
    sentences: list[np.ndarray]
    device: torch.device

    def __post_init__(self) -> None:
        words = [
            *SPECIAL_TOKENS.values(),
            *(f"w{number}" for number in range(FIRST_WORD, VOCABULARY.size)),
        ]
        spelling = Tokenizer(
            WordLevel(
                {word: number for number, word in enumerate(words)}, SPECIAL_TOKENS["unk_token"]
            )
        )
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=spelling, **SPECIAL_TOKENS)
        self.collator = DataCollatorForLanguageModeling(
            tokenizer, mlm_probability=MASKED, seed=SEED
        )
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=LEARNING_RATE)
        self.model.to(self.device).train()

    def update(
        self, chosen: np.ndarray, padded_to: int | None = None, bf16: bool = False
    ) -> tuple[float, int]:
        """Learn from some sentences; the loss and the number of real ids."""
        rows = [{"input_ids": [CLS, *self.sentences[i].tolist(), SEP]} for i in chosen]
        if padded_to:
            for row in rows:
                row["attention_mask"] = [1] * len(row["input_ids"]) + [0] * (
                    padded_to - len(row["input_ids"])
                )
                row["input_ids"] += [PAD] * (padded_to - len(row["input_ids"]))
        inputs = {name: tensor.to(self.device) for name, tensor in self.collator(rows).items()}
        labels = inputs.pop("labels")
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            logits = self.model(**inputs).prediction_logits
            loss = cross_entropy(
                logits.view(-1, VOCABULARY.size), labels.view(-1)
            )  # as BertForPreTraining's own
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.item(), sum(len(self.sentences[i]) + 2 for i in chosen)


# ours


def our_trainer(
    start: VideoBertForPreTraining,
    sentences: list[np.ndarray],
    batch: int,
    precision: str,
) -> tuple[Trainer[Batch], Batches]:
    """A trainer of text alone, from a copy of the start."""
    options = PretrainOptions(
        init="none",
        batch_size=batch,
        video_weight=0,
        joint_weight=0,
        join_probability=0,
        masked_share=MASKED,
        learning_rate=LEARNING_RATE,
        schedule="constant",
        precision=precision,
        dropout=DROPOUT,
        seed=SEED,
    )
    count = len(sentences)
    numbers = np.arange(count)
    corpus = Corpus(
        sentences,
        [np.empty(0, int)] * count,
        numbers,
        numbers * 60.0,
        numbers * 60.0 + 5,
        numbers,
        np.full(count, NOBODY),
    )
    masker = Masker(VOCABULARY, MASK, (PAD, UNK, CLS, SEP, MASK, VOCABULARY.joiner), MASKED)
    layout = SequenceLayout(VOCABULARY, CLS, SEP, PAD, PADDED)
    batches = Batches(corpus, np.ones(count, bool), layout, masker, options, batch, 1)
    model = VideoBertForPreTraining(start.config)
    model.load_state_dict(start.state_dict())
    processor: Any = None  # nothing asks for it
    learner = PretrainLearner(processor, model, [(batches, options.steps)], None)
    return Trainer(learner, recipe(options), Accelerator()), batches


def our_update(trainer: Trainer[Batch], batches: Batches, step: int) -> int:
    """Make a batch and learn from it; the number of real ids."""
    batch = batches.batch(step)
    trainer.update(step, batch)
    return batch.tokens


# what is measured


def speeds(
    start: VideoBertForPreTraining,
    sentences: list[np.ndarray],
    batch: int,
    rounds: int,
) -> dict[str, float]:
    """Real ids a second of every system, which take turns."""
    random = np.random.default_rng(SEED)
    plain = Plain(plain_model(start), sentences, Accelerator().device)
    ours = {
        precision: our_trainer(start, sentences, batch, precision) for precision in ("fp32", "bf16")
    }
    order = iter(random.permutation(len(sentences)).reshape(-1, batch))
    systems: dict[str, Callable[[int], int]] = {
        "a_padded_fp32": lambda step: plain.update(next(order), PADDED)[1],
        "b_dynamic_fp32": lambda step: plain.update(next(order))[1],
        "c_dynamic_bf16": lambda step: plain.update(next(order), bf16=True)[1],
        "d_ours_fp32": lambda step: our_update(*ours["fp32"], step),
        "d_ours_bf16": lambda step: our_update(*ours["bf16"], step),
        "e_ours_bf16_as_freed": lambda step: our_update(*ours["bf16"], step),
    }
    best = dict.fromkeys(systems, 0.0)
    for turn in range(rounds):
        for name, update in systems.items():
            # As Trainer.run does. The others, and e, give back what they free.
            with kept_memory() if name.startswith("d_") else nullcontext():
                for step in range(turn * TURN, (turn + 1) * TURN):
                    seconds, tokens = timed(lambda update=update, step=step: update(step))
                    best[name] = max(best[name], tokens / seconds)
    return best


def plain_model(start: VideoBertForPreTraining) -> BertForPreTraining:
    """transformers' model with the same shape and weights."""
    fields = {**start.config.to_dict(), "model_type": "bert"}
    model = BertForPreTraining(BertConfig(**fields))
    model.load_state_dict(start.state_dict())
    return model


def loss_curves(
    start: VideoBertForPreTraining, sentences: list[np.ndarray], steps: int
) -> dict[str, list[float]]:
    """Return the training loss of (b) and of ours, a mean for every REPORT_EVERY updates.

    Each system draws its own masks.
    """
    random = np.random.default_rng(SEED)
    plain = Plain(plain_model(start), sentences, Accelerator().device)
    losses = [plain.update(random.choice(len(sentences), CURVE_BATCH))[0] for _ in range(steps)]
    curves = {"b_dynamic_fp32": np.reshape(losses, (-1, REPORT_EVERY)).mean(axis=1).tolist()}
    for precision in ("fp32", "bf16"):
        trainer, batches = our_trainer(start, sentences, CURVE_BATCH, precision)
        for step in range(steps):
            our_update(trainer, batches, step)
        curves[f"d_ours_{precision}"] = [row["masked_text_loss"] for row in trainer.history.rows]
    return curves


def matrix_rate(dtype: torch.dtype, device: torch.device) -> float:
    """Floating-point operations a second of a plain product of the size of BERT's."""
    rows, inner, columns = MATRIX
    left, right = (
        torch.randn(shape, device=device).to(dtype) for shape in ((rows, inner), (inner, columns))
    )
    seconds, _ = timed(lambda: float((left @ right)[0, 0]), 30)
    return 2 * rows * inner * columns / seconds


def operations_per_token(config: VideoBertConfig) -> float:
    """Return the floating-point operations of a training step for each id that is not padding.

    6 for each weight that it meets (Kaplan et al., 2020), and attention over its sentence.
    """
    width, layers = config.hidden_size, config.num_hidden_layers
    encoder = layers * (4 * width**2 + 2 * width * config.intermediate_size)
    attention = layers * 2 * width * (SHORTEST + LONGEST) / 2
    return 6 * (encoder + attention + MASKED * (width * config.vocab_size + width**2))


def ratios(found: dict[str, float], config: VideoBertConfig) -> dict[str, float]:
    """What the speeds say of each other, and of what the machine could do."""
    device = Accelerator().device
    rates = {
        name: matrix_rate(dtype, device)
        for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16))
    }
    work = operations_per_token(config)
    return {
        "ratio_padded": found["d_ours_bf16"] / found["a_padded_fp32"],
        "ratio_bf16": found["d_ours_bf16"] / found["c_dynamic_bf16"],
        "ratio_as_freed": found["d_ours_bf16"] / found["e_ours_bf16_as_freed"],
        "ratio_dynamic_fp32": found["d_ours_fp32"] / found["b_dynamic_fp32"],
        "matrix_gflops_fp32": rates["fp32"] / 1e9,
        "matrix_gflops_bf16": rates["bf16"] / 1e9,
        "share_of_matrix_rate": found["d_ours_bf16"] * work / rates["bf16"],
        "share_of_matrix_rate_fp32": found["d_ours_fp32"] * work / rates["fp32"],
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument(
        "--batch", type=int, default=32, help="sentences in an update where speed is measured"
    )
    parser.add_argument("--rounds", type=int, default=2, help="turns of each system")
    parser.add_argument(
        "--steps",
        type=int,
        default=200,
        help=f"updates of the loss curves, of {CURVE_BATCH} sentences each",
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.manual_seed(SEED)
    sentences = made_up_sentences()
    start = VideoBertForPreTraining(
        VideoBertConfig.of_size(
            options.size,
            VOCABULARY,
            hidden_dropout_prob=DROPOUT,
            attention_probs_dropout_prob=DROPOUT,
        )
    )
    found = speeds(start, sentences, options.batch, options.rounds)
    figures = {**found, **ratios(found, start.config)}
    print("\n".join(line(name, value, TARGETS) for name, value in figures.items()), flush=True)
    steps = options.steps // REPORT_EVERY * REPORT_EVERY
    curves = loss_curves(start, sentences, steps) if steps else {}
    for name, curve in curves.items():
        losses = " ".join(f"{loss:.2f}" for loss in curve)
        print(f"loss of {name}, each {REPORT_EVERY} updates: {losses}")
    if options.json:
        made_with = {name: getattr(options, name) for name in ("size", "batch", "rounds", "steps")}
        where = machine("torch", "transformers", "accelerate")
        write_json(
            {**figures, "curves": curves, "machine": where, "options": made_with}, options.json
        )


if __name__ == "__main__":
    main()
