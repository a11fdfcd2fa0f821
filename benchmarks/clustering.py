"""How fast and how good HierarchicalKMeans is, compared with the alternatives.

    python -m benchmarks.clustering --json clustering.json          about 20 minutes on two cores
    python -m benchmarks.clustering --quick                         a minute, to see that it works

One comparison needs a package that is not a dependency:
pip install --no-deps hkmeans-minibatch==1.0.2 tqdm. Without it that row says so. The features are
drawn (``made_up.py``). Real ones, how2_resnext101, are used if they are at
../shared/data/features. Threads are the machine's own unless OMP_NUM_THREADS says otherwise.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import multiprocessing
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from benchmarks.clustering_rivals import (
    BRANCHING,
    flat_argmin,
    inertia,
    package_minibatch,
    recursive_minibatch,
)
from benchmarks.machine import line, machine, peak_memory, timed
from benchmarks.made_up import MadeUpFeatures
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from workfolder.files import write_json

REAL = Path(__file__).parents[2] / "shared/data/features/how2_resnext101"
PACKAGE_RUNS = 5
"""Runs of half a second and more. The fastest of each side counts; the package has no seed, so the
median of its inertias does."""
SEARCHES: dict[str, dict[str, Any]] = {
    "tree": {},
    "beam2": {"beam": 2},
    "beam4": {"beam": 4},
    "flat": {"search": "flat"},
}


@dataclass(frozen=True)
class Sizes:
    """Rows of each part; features are ``width`` wide."""

    width: int = 1024
    recursive_rows: int = 60_000  # against recursive MiniBatchKMeans, 12^4 words
    package_rows: int = 20_000  # against hkmeans-minibatch, 12^2
    flat_rows: int = 30_000  # against flat MiniBatchKMeans, 12^3
    train_rows: int = 200_000  # the tree that prediction is tried with, 12^4
    predict_rows: int = 50_000
    flat_predict_rows: int = 8_192
    large_rows: int = 1_000_000  # on disk, in a process of its own; 0 leaves it out


QUICK = Sizes(128, 6_000, 2_000, 4_000, 12_000, 4_000, 1_000, 20_000)


def fitted_inertia(features: np.ndarray, depth: int, seed: int) -> float:
    """Fit HierarchicalKMeans with its defaults and return its inertia."""
    return float(HierarchicalKMeans(BRANCHING, depth, random_state=seed).fit(features).inertia_)


def fit_all(models: list[HierarchicalKMeans], features: np.ndarray) -> list[HierarchicalKMeans]:
    """Fit the models one by one."""
    return [model.fit(features) for model in models]


def fit_against_recursive(made_up: MadeUpFeatures, sizes: Sizes) -> dict[str, Any]:
    """12^4 words: time and inertia of recursive MiniBatchKMeans on the same float32 rows."""
    features = made_up.rows(sizes.recursive_rows, 1).astype(np.float32)
    return _against_recursive(features, "recursive")


def _against_recursive(
    features: np.ndarray, name: str, depth: int = 4, seeds: range = range(1)
) -> dict[str, Any]:
    """Compare means over the seeds."""
    fits = [timed(partial(fitted_inertia, features, depth, seed)) for seed in seeds]
    plain = [timed(partial(recursive_minibatch, features, depth, seed)) for seed in seeds]
    (ours, our_inertia), (theirs, their_inertia) = np.mean(fits, axis=0), np.mean(plain, axis=0)
    return {
        f"fit_seconds_{name}_ours": float(ours),
        f"fit_seconds_{name}": float(theirs),
        f"fit_ratio_{name}": float(theirs / ours),
        f"inertia_ratio_{name}": float(our_inertia / their_inertia),
    }


def fit_on_real(_: MadeUpFeatures, __: Sizes) -> dict[str, Any]:
    """12^2 words of real features, 3 seeds: the recursion, and the preparations."""
    paths = sorted(REAL.glob("npz/*.npz"))
    if not paths:
        return {"how2_resnext101": f"absent: {REAL}"}
    videos = [np.load(path)["features"].astype(np.float32) for path in paths]
    held_out = videos[::4]
    seen = np.concatenate([video for number, video in enumerate(videos) if number % 4])
    found = _against_recursive(seen, "real", 2, range(3))
    for kind, components in [
        ("none", 1),
        ("pca", 256),
        ("pca", 64),
        ("whiten", 256),
        ("whiten", 64),
    ]:
        models = [
            HierarchicalKMeans(
                BRANCHING, 2, random_state=s, preparation=kind, n_components=components
            )
            for s in range(3)
        ]
        seconds, fitted = timed(partial(fit_all, models, seen))
        figures = [_on_held_out(model, held_out) for model in fitted]
        name = kind if kind == "none" else f"{kind}{components}"
        found[f"real_{name}_fit_seconds"] = seconds / len(models)
        found |= {
            f"real_{name}_{figure}": float(np.mean([f[figure] for f in figures]))
            for figure in figures[0]
        }
    return found


def _on_held_out(model: HierarchicalKMeans, videos: list[np.ndarray]) -> dict[str, float]:
    """Measure videos that were not fitted on.

    Returns:
        The squared error per clip in the features' own space, the perplexity of the words, and how
        often a clip and the next have the same word.
    """
    words = [model.predict(video) for video in videos]
    every = np.concatenate(words)
    shares = np.unique(every, return_counts=True)[1] / len(every)
    return {
        "held_out_error": inertia(np.concatenate(videos), model.cluster_centers_[-1], every)
        / len(every),
        "held_out_perplexity": float(np.exp(-(shares * np.log(shares)).sum())),
        "held_out_neighbours_agree": float(
            np.mean(np.concatenate([w[1:] == w[:-1] for w in words]))
        ),
    }


def fit_against_package(made_up: MadeUpFeatures, sizes: Sizes) -> dict[str, Any]:
    """12^2 words: time and inertia of hkmeans-minibatch, which reads its features from files."""
    if importlib.util.find_spec("hkmeans_minibatch") is None:
        return {"hkmeans_minibatch": "absent: pip install --no-deps hkmeans-minibatch==1.0.2 tqdm"}
    features = made_up.rows(sizes.package_rows, 2).astype(np.float32)
    ours, model = timed(
        lambda: HierarchicalKMeans(BRANCHING, 2, random_state=0).fit(features), PACKAGE_RUNS
    )
    with tempfile.TemporaryDirectory() as folder:
        runs = [package_minibatch(features, Path(folder, str(run))) for run in range(PACKAGE_RUNS)]
    theirs, their_inertia = (
        min(seconds for seconds, _ in runs),
        float(np.median([found for _, found in runs])),
    )
    return {
        "fit_seconds_hkmeans_minibatch_ours": ours,
        "fit_seconds_hkmeans_minibatch": theirs,
        "fit_ratio_hkmeans_minibatch": theirs / ours,
        "inertia_ratio_hkmeans_minibatch": model.inertia_ / their_inertia,
    }


def fit_against_flat(made_up: MadeUpFeatures, sizes: Sizes) -> dict[str, Any]:
    """12^3 words: time and inertia of one flat MiniBatchKMeans of as many."""
    features = made_up.rows(sizes.flat_rows, 3).astype(np.float32)
    ours, model = timed(lambda: HierarchicalKMeans(BRANCHING, 3, random_state=0).fit(features))
    theirs, flat = timed(lambda: MiniBatchKMeans(BRANCHING**3, random_state=0).fit(features))
    return {
        "fit_seconds_flat_ours": ours,
        "fit_seconds_flat": theirs,
        "fit_ratio_flat": theirs / ours,
        "inertia_ratio_flat": model.inertia_ / flat.inertia_,
    }


def predict(made_up: MadeUpFeatures, sizes: Sizes) -> dict[str, Any]:
    """12^4 words: speed and inertia of the searches, on rows that were not fitted on."""
    model = HierarchicalKMeans(BRANCHING, 4, random_state=0).fit(made_up.rows(sizes.train_rows, 4))
    features = made_up.rows(sizes.predict_rows, 5).astype(np.float32)
    few = features[: sizes.flat_predict_rows]
    centers, leaves = model.cluster_centers_[-1], np.flatnonzero(model.sizes_[-1])
    leaf_centers = centers[leaves]
    rates: dict[str, float] = {}
    words: dict[str, np.ndarray] = {}
    for _ in range(3):  # in turns, so that what else the machine does falls on all
        seconds, nearest = timed(partial(flat_argmin, few, leaf_centers))
        rates["argmin"], words["argmin"] = (
            max(rates.get("argmin", 0), len(few) / seconds),
            leaves[nearest],
        )
        for name, how in SEARCHES.items():
            model.set_params(**{"beam": 1, "search": "tree", **how})
            rows = few if name == "flat" else features
            seconds, found = timed(partial(model.predict, rows))
            rates[name], words[name] = (
                max(rates.get(name, 0), len(rows) / seconds),
                found[: len(few)],
            )
    return {
        "words_in_use": len(leaves),
        **_compare(few, centers, words, rates),
        **_shares(rates, sizes, len(leaves)),
    }


def _compare(
    features: np.ndarray, centers: np.ndarray, words: dict[str, np.ndarray], rates: dict[str, float]
) -> dict[str, float]:
    """Compare every search with numpy's flat argmin, and in speed also with our flat search."""
    flat_inertia = inertia(features, centers, words["argmin"])
    figures: dict[str, float] = {}
    for name, found in words.items():
        figures |= {
            f"predict_per_second_{name}": rates[name],
            f"{name}_ratio_flat": rates[name] / rates["argmin"],
            f"{name}_ratio_own_flat": rates[name] / rates["flat"],
            f"{name}_agreement_flat": float((found == words["argmin"]).mean()),
            f"{name}_inertia_ratio_flat": inertia(features, centers, found) / flat_inertia,
        }
    return {**figures, "predict_ratio_flat": figures["tree_ratio_flat"]}


def _shares(rates: dict[str, float], sizes: Sizes, leaves: int) -> dict[str, float]:
    """Divide what the searches do by what the machine can do.

    The products of a search are compared with one large product, and the reading of each row once
    with copying memory.
    """
    side, size = 4096, 2**27
    square = np.ones((side, side), np.float32)
    product, _ = timed(lambda: square @ square, 3)
    given, taken = np.ones(size, np.float32), np.empty(size, np.float32)
    copy, _ = timed(lambda: np.copyto(taken, given), 3)
    matrix_rate, memory_rate = 2 * side**3 / product, 2 * 4 * size / copy
    return {
        "machine_matrix_gflops": matrix_rate / 1e9,
        "machine_memory_gb_per_second": memory_rate / 1e9,
        "tree_share_of_matrix_rate": rates["tree"] * 2 * 4 * BRANCHING * sizes.width / matrix_rate,
        "tree_share_of_memory_rate": rates["tree"] * 4 * sizes.width / memory_rate,
        "flat_share_of_matrix_rate": rates["flat"] * 2 * leaves * sizes.width / matrix_rate,
    }


def fit_large(made_up: MadeUpFeatures, sizes: Sizes) -> dict[str, Any]:
    """12^4 words from a folder on the disk, in a process of its own: minutes and peak memory."""
    if not sizes.large_rows:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        made_up.write(Path(folder), sizes.large_rows)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, peak, dead, inertia_ = pool.apply(_fit_folder, (folder,))
    return {
        "fit_million_rows": sizes.large_rows,
        "fit_million_minutes": seconds / 60,
        "fit_million_peak_gb": peak,
        "fit_million_dead_words": dead,
        "fit_million_inertia_per_row": inertia_ / sizes.large_rows,
    }


def _fit_folder(folder: str) -> tuple[float, float, int, float]:
    """Fit; return seconds, peak resident memory in GB (10^9 bytes), dead words and inertia."""
    seconds, model = timed(lambda: HierarchicalKMeans(BRANCHING, 4, random_state=0).fit(folder))
    return seconds, peak_memory(), len(model.dead_words_), model.inertia_


PARTS = {
    "recursive": fit_against_recursive,
    "real": fit_on_real,
    "package": fit_against_package,
    "flat": fit_against_flat,
    "predict": predict,
    "large": fit_large,
}

TARGETS = {  # figure: (at least or at most, what)
    "fit_ratio_recursive": (">=", 3.0),
    "inertia_ratio_recursive": ("<=", 1.01),
    "fit_ratio_hkmeans_minibatch": (">=", 5.0),
    "predict_ratio_flat": (">=", 40.0),
    "beam4_inertia_ratio_flat": ("<=", 1.01),
    "beam4_ratio_flat": (">=", 10.0),
    "fit_million_minutes": ("<=", 12.0),
    "fit_million_peak_gb": ("<=", 3.0),
}


def main() -> None:
    """Run the parts asked for and print their figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: shows that it runs, not how well"
    )
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run (default: all)"
    )
    for field in dataclasses.fields(Sizes):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=int, help=f"default {field.default:,}"
        )
    given = vars(parser.parse_args())
    chosen = {
        field.name: given[field.name]
        for field in dataclasses.fields(Sizes)
        if given[field.name] is not None
    }
    sizes = dataclasses.replace(QUICK if given["quick"] else Sizes(), **chosen)
    made_up = MadeUpFeatures(sizes.width)
    figures: dict[str, Any] = {}
    for part in given["only"]:
        print(f"\n{(PARTS[part].__doc__ or part).splitlines()[0]}")
        found = PARTS[part](made_up, sizes)
        for name, value in found.items():
            print(line(name, value, {} if given["quick"] else TARGETS), flush=True)
        figures |= found
    if given["json"]:
        write_json(
            {
                **figures,
                "sizes": dataclasses.asdict(sizes),
                "machine": machine("numpy", "scikit-learn"),
            },
            given["json"],
        )


if __name__ == "__main__":
    main()
