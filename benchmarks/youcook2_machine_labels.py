"""YouCook2's table with visual words that a machine guessed: how little they say of captions.

    python -m benchmarks.youcook2_machine_labels --data ../shared/data/annotations --out DIR \\
        --json labels.json

Nobody here has YouCook2's footage. For 352 of its videos there are a verb and a noun for every 5 s,
guessed by a model of EPIC-Kitchens, and the recognised speech with times (Xu et al., 2020). Each
5 s become a feature with a 1 for the verb and a 1 for the noun. From there on everything goes the
ordinary way. The training videos are clustered and tokenized, and a small model learns from them
and what is said. It is asked about the validation videos as ``videobert evaluate youcook2`` does.
Expect little: the guessed noun is in the caption 3.8 % of the time, against 2.9 % by chance.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.machine import machine
from feature_extraction.schema import TRANSCRIPTS, feature_column, features_schema
from tokenization.codebook import Codebook
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.schema import PICTURES
from tokenization.tokens import tokenize
from videobert.cli.console import print_line
from videobert.cli.score_tables import print_action_table
from videobert.data.youcook2 import TRAINING, read_annotations
from videobert.evaluation.youcook2 import evaluate_youcook2
from videobert.loading import load_model
from videobert.pretraining.loop import pretrain
from videobert.pretraining.options import PretrainOptions
from workfolder.errors import InputError
from workfolder.files import write_json, write_table
from workfolder.stage import Stage

CLIP_SECONDS = 5.0
LONGEST_SENTENCE = 10.0
"""Seconds. The speech has only the starts of sentences, so one ends where the next begins, or after
this long."""
MADE_WITH = {"made": "of a machine's verbs and nouns, a one each"}
ANNOTATIONS = Path("youcook2/youcookii_annotations_trainval.json")
GUESSES = Path("frankxu_cooking_procedural/youcook2/clip_prediction_5s.txt")
SPEECH = Path("frankxu_cooking_procedural/youcook2/reviewed_0812.csv")


def read_guesses(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Read the verb and noun of every 5 s of each video, in the order of time."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in path.read_text().splitlines():
        name, _, _, verb, noun = line.split()
        video, _, number = Path(name).name.rpartition("_")
        found[video].append((verb, noun))
        assert int(number) == len(found[video]), line
    return dict(found)


def write_features(
    guesses: dict[str, list[tuple[str, str]]], videos: Iterable[str], work: Path
) -> None:
    """Write DIR/features of some videos; the columns are the same for every choice of them."""
    names = [
        sorted({pair[place] for pairs in guesses.values() for pair in pairs}) for place in (0, 1)
    ]
    columns = {
        (place, name): n
        for n, (place, name) in enumerate((p, name) for p in (0, 1) for name in names[p])
    }
    for video in videos:
        pairs = guesses[video]
        features = np.zeros((len(pairs), len(columns)), dtype=np.float16)
        for row, pair in enumerate(pairs):
            features[row, [columns[place, name] for place, name in enumerate(pair)]] = 1
        index = np.arange(len(pairs), dtype=np.int32)
        spans = [pa.array(index * CLIP_SECONDS), pa.array((index + 1) * CLIP_SECONDS)]
        arrays = [pa.array([video] * len(pairs)), pa.array(index), *spans, feature_column(features)]
        table = pa.Table.from_arrays(arrays, schema=features_schema(len(columns)))
        write_table(table, Stage(work / "features").path(video))
    Stage(work / "features").claim(MADE_WITH)


def write_transcripts(path: Path, videos: Iterable[str], work: Path) -> None:
    """Write DIR/transcripts of some videos."""
    said: dict[str, list[tuple[float, str]]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            start = sum(
                float(part) * 60**place
                for place, part in enumerate(reversed(row["TimeStamp"].split(":")))
            )
            said[row["VideoUrl"].partition("v=")[2]].append((start, row["Sentence"]))
    for video in videos:
        rows = _sentences(video, sorted(said[video]))
        write_table(
            pa.Table.from_pylist(rows, schema=TRANSCRIPTS), Stage(work / "transcripts").path(video)
        )
    Stage(work / "transcripts").claim({"made": "of reviewed_0812.csv"})


def _sentences(video: str, said: Sequence[tuple[float, str]]) -> list[dict[str, object]]:
    ends = [
        min(later, start + LONGEST_SENTENCE)
        for (start, _), (later, _) in pairwise([*said, (float("inf"), "")])
    ]
    row = {"video_id": video, "source": "captions:csv", "language": "en", "words": []}
    return [
        {**row, "index": n, "start": start, "end": end, "text": text}
        for n, ((start, text), end) in enumerate(zip(said, ends, strict=True))
    ]


def run(data: Path, out: Path, steps: int, json: Path | None) -> None:
    """Make the folders and a model, then print the table.

    Raises:
        InputError: if ``out`` is there already, or a stage refuses.
    """
    if out.exists():
        raise InputError(f"{out} is there already: give a new folder")
    guesses = read_guesses(data / GUESSES)
    training = {stretch.video for stretch in read_annotations(data / ANNOTATIONS)[TRAINING]}
    learn, shown, model = out / "learn", out / "shown", out / "model"
    known = sorted(training & guesses.keys())
    write_features(guesses, known, learn)
    write_transcripts(data / SPEECH, known, learn)
    write_features(guesses, guesses, shown)
    tree = HierarchicalKMeans(branching=12, depth=2).fit(learn / "features")
    (learn / "codebook").mkdir()
    Codebook(tree, {"features": MADE_WITH}, PICTURES.empty_table()).save(learn / "codebook")
    tokenize(learn)
    options = {"batch_size": 48, "learning_rate": 1e-3, "max_length": 64, "dropout": 0.0}
    pretrain(learn, model, PretrainOptions(init="none", size="tiny", steps=steps, **options))
    result = evaluate_youcook2(data / ANNOTATIONS, shown, load_model(model))
    print_action_table("YouCook2, visual words guessed by a machine", result.table)
    print_line(
        f"{result.table.segments:,} segments in {result.table.videos} videos; missing "
        f"{len(result.missing)}"
    )
    if json:
        write_json(
            {**asdict(result), "steps": steps, "machine": machine("torch", "transformers")}, json
        )


def main() -> None:
    """Parse the options and run; an InputError is one line and status 2."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="the folder of youcook2 and frankxu_cooking_procedural",
    )
    parser.add_argument("--out", type=Path, required=True, help="a new folder for all that is made")
    parser.add_argument(
        "--steps", type=int, default=2000, help="updates of the model; default 2,000"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args()
    try:
        run(given.data, given.out, given.steps, given.json)
    except (InputError, OSError) as error:
        sys.stderr.write(f"benchmarks.youcook2_machine_labels: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
