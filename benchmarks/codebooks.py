"""Which kind of codebook stands best for real clips: tree, balanced tree, residual or flat.

    python -m benchmarks.codebooks ../shared/data/features/captaincook4d_pe --json codebooks.json
    python -m benchmarks.codebooks FOLDER --quick            two minutes, to see that it works

FOLDER has index.json with timed steps, and npy/ with one array a recording. Every kind goes through
the product's own doors: import, cluster, tokenize, pretrain. Three seeds: each draws another
quarter of the recordings that the folder calls ``train`` to be measured on, and seeds the codebook
and the model. The folder's other recordings are not looked at, so that a choice made here is not
made on them.

It goes on after a kill: codebooks, models and figures are files below --out.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.codebook_folds import BRANCHING, Fold, Study
from benchmarks.machine import machine
from benchmarks.real_kitchens.learning import LEARNING as KITCHENS
from tokenization.codebook import Codebook
from tokenization.hierarchical_kmeans.fitted_tree import FittedTree
from tokenization.hierarchical_kmeans.tree import Tree
from tokenization.inspection import perplexity
from tokenization.options import VIDEOS
from tokenization.residual_kmeans.codes import KIND as RESIDUAL
from tokenization.residual_kmeans.codes import Codes
from tokenization.schema import EXAMPLES, PICTURES
from videobert.data.stretches import Stretch
from videobert.evaluation.actions import evaluate_actions
from videobert.evaluation.linear_probe import LinearProbe
from videobert.loading import load_model
from videobert.pretraining.loop import pretrain
from videobert.pretraining.options import PretrainOptions
from videobert.sequences import evenly_spaced
from workfolder.files import read_table, write_json, write_table
from workfolder.stage import Stage

Bag = Ids = Callable[[np.ndarray], np.ndarray]
"""What a probe makes of the words of a step; the ids that a model is shown for words."""
KINDS = ("tree", "balanced", "residual", "flat")
CODES = "residual, an id a code"
"""The row in which a clip has one id for each level, of ``depth`` times ``branching`` ids."""
ASKED_DEPTH = 2
"""Of the codebooks whose models are asked: 144 words."""
CLIPS = 12
"""Clips of an example, evenly chosen, so that every kind shows the model the same ones."""
TEMPLATE = "[MASK] the [MASK]"
LEARNING: dict[str, Any] = {**KITCHENS, "max_length": 64, "longest_step": 1}
"""Those of benchmarks.real_kitchens, without what would part the codes of a clip."""


def intrinsic(fold: Fold, kind: str, depth: int, centre: str) -> dict[str, float]:
    """Measure what needs no model, on the recordings that are measured on."""
    _, codebook = fold.codebook(kind, depth, centre)
    words, tree = fold.words(codebook), codebook.tree
    left = total = same = pairs = 0.0
    for video in fold.measured:
        features = fold.features[video][0]
        rows = features if codebook.centring is None else codebook.centring(features)
        left += float(np.square(tree.transform(rows), dtype=np.float64).sum())
        total += float(np.square(rows.astype(np.float64) - tree.tree_.projection.mean).sum())
        same += int((words[video][1:] == words[video][:-1]).sum())
        pairs += len(rows) - 1
    shown = np.concatenate([words[video] for video in fold.measured])
    bags: dict[str, Bag] = {"word": lambda w: _shares(w, codebook.words)}
    if kind == RESIDUAL:
        bags["code"] = lambda w: _shares(_codes(w, depth).ravel(), depth * BRANCHING)
    return {
        "error": left / total,
        "in_use": int((tree.sizes_[-1] > 0).sum()),
        "perplexity": perplexity(np.bincount(shown)),
        "repeats": same / pairs,
        **{
            f"{name}_{bag}_probe": hits
            for bag, counted in bags.items()
            for name, hits in _probe(fold, words, counted).items()
        },
    }


def _probe(fold: Fold, words: dict[str, np.ndarray], bag: Bag) -> dict[str, float]:
    """Learn verbs and nouns from the words of a step, and tell how often the first is right."""
    known, asked = (fold.stretches(videos, words) for videos in (fold.learnt, fold.measured))
    found = {}
    for place, name in enumerate(("verb", "noun")):
        count = len((fold.labels.verbs, fold.labels.nouns)[place])
        truth = np.array([each.labels[place] for each in known])
        probe = LinearProbe.fit(np.stack([bag(each.words) for each in known]), truth, count)
        scores = probe.scores(np.stack([bag(each.words) for each in asked]))
        right = np.array([each.labels[place] for each in asked])
        found[name] = float((scores.argmax(axis=1) == right).mean())
    return found


def _shares(words: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(words, minlength=count) / len(words)


def _codes(words: np.ndarray, depth: int) -> np.ndarray:
    """Return an id for each level of each word, [words, depth]; levels have ids of their own."""
    scales = BRANCHING ** np.arange(depth)[::-1]
    return np.asarray(words[:, None] // scales % BRANCHING + BRANCHING * np.arange(depth))


def zero_shot(fold: Fold, row: str, depth: int, centre: str) -> dict[str, float]:
    """Train a model on the words, and ask it for the verb and the noun of steps it never saw."""
    work, codebook = fold.codebook(RESIDUAL if row == CODES else row, depth, centre)

    def ids(words: np.ndarray) -> np.ndarray:
        return _codes(words, depth).ravel() if row == CODES else words

    shown = _codebook_of_codes(work, codebook) if row == CODES else codebook
    short = work / ("codes" if row == CODES else "words")
    _write_examples(work, short, shown, ids)
    options = PretrainOptions(**LEARNING, steps=fold.study.updates, seed=fold.seed)
    folder = short / f"model-{options.steps}"
    pretrain(short, folder, options)
    model, words = load_model(folder), fold.words(codebook)
    thinned = []
    for each in fold.stretches(fold.measured, words):
        few = each.words[evenly_spaced(len(each.words), CLIPS)]
        thinned.append(
            Stretch(each.video, each.start, each.end, each.text, ids(few), None, each.labels)
        )
    result = evaluate_actions(model, thinned, [], fold.labels, [TEMPLATE])
    return {
        f"{method}_{column}": result.rows[method][column].value
        for method in ("frequency_prior", "shuffled_video", "cross_modal", "calibrated")
        for column in ("verb_top1", "verb_top5", "noun_top1", "noun_top5")
        if method in result.rows
    }


def _codebook_of_codes(work: Path, codebook: Codebook) -> Codebook:
    """Make a codebook whose words are the centroids of the levels of a residual one."""
    codes, _, _ = Codes.read(work / "codebook")
    centers = np.concatenate(codes.centroids)
    tree = Tree(codes.projection, len(centers), [centers], [np.ones(len(centers), np.int64)], [0.0])
    about = {"parameters": {"branching": len(centers), "depth": 1}}
    options = {**codebook.options, "branching": len(centers), "depth": 1, "kind": "codes"}
    return Codebook(FittedTree(tree, about), options, PICTURES.empty_table(), codebook.centring)


def _write_examples(work: Path, short: Path, codebook: Codebook, ids: Ids) -> None:
    """Write the examples of a work folder with CLIPS clips at most, and the codebook."""
    if (short / "codebook").exists():
        return
    shutil.rmtree(short, ignore_errors=True)
    stage = Stage(short / "examples")
    stage.claim({"codebook": codebook.digest})
    for video in Stage(work / "examples").done():
        rows = read_table(Stage(work / "examples").path(video)).to_pylist()
        for row in rows:
            words = np.array(row["visual"], dtype=np.int64)
            row["visual"] = ids(words[evenly_spaced(len(words), CLIPS)]).tolist()
        write_table(pa.Table.from_pylist(rows, schema=EXAMPLES), stage.path(video))
    codebook.save(short / "codebook")


def run(study: Study, only: str | None = None) -> dict[str, Any]:
    """Find all figures: by row, then by seed; or only those of one table."""
    found: dict[str, Any] = {"intrinsic": {}, "zero_shot": {}, "steps": []}
    folds = [Fold(study, seed) for seed in study.seeds]
    for (depth, centre), kind in product(study.shapes, KINDS):
        name = f"{kind}-{BRANCHING**depth}-{centre}"
        found["intrinsic"][name] = [
            study.figures(f"{name}-{fold.seed}", partial(intrinsic, fold, kind, depth, centre))
            for fold in folds
        ]
    for fold, row in product(folds, () if only == "intrinsic" else (*KINDS, CODES)):
        name = row.replace(", ", "_").replace(" ", "_")
        make = partial(zero_shot, fold, row, ASKED_DEPTH, VIDEOS)
        made = study.figures(f"zero_shot-{study.updates}-{name}-{fold.seed}", make)
        found["zero_shot"].setdefault(row, []).append(made)
    found["steps"] = [study.figures(f"steps-{f.seed}", partial(_steps, f)) for f in folds]
    return found


def _steps(fold: Fold) -> dict[str, int]:
    """Count what is measured on."""
    words = {video: np.zeros(len(each[0]), int) for video, each in fold.features.items()}
    return {
        "recordings": len(fold.measured),
        "clips": sum(len(words[video]) for video in fold.measured),
        "steps": len(fold.stretches(fold.measured, words)),
        "verbs": len(fold.labels.verbs),
        "nouns": len(fold.labels.nouns),
    }


def print_tables(found: dict[str, Any]) -> None:
    """Print the mean of each figure over the seeds, and its range."""
    for part in [name for name in ("intrinsic", "zero_shot") if found[name]]:
        columns = list(dict.fromkeys(c for rows in found[part].values() for c in rows[0]))
        print(f"\n| {part} | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}")
        for name, rows in found[part].items():
            cells = [_cell([row[c] for row in rows if c in row]) for c in columns]
            print(f"| {name} | {' | '.join(cells)} |")
    print("\nmeasured on, by seed:", found["steps"])


def _cell(values: list[float]) -> str:
    if not values:
        return ""
    return f"{np.mean(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def main() -> None:
    """Parse the options and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("build/codebooks"))
    parser.add_argument("--updates", type=int, default=300, help="of each model (%(default)s)")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=("intrinsic",), help="train no model")
    given = parser.parse_args()
    less: dict[str, Any] = {"updates": 20, "seeds": (0,), "shapes": ((2, VIDEOS),)}
    amount = less if given.quick else {"updates": given.updates}
    study = Study(given.folder, given.out, **amount)
    about = machine("torch", "numpy", "scikit-learn")
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    found = run(study, given.only)
    print_tables(found)
    if given.json:
        write_json({"made": about, **found}, given.json)


if __name__ == "__main__":
    main()
