"""How fast ``videobert tokenize`` is, and what 55.6 million clips would take. In one run:

    python -m benchmarks.tokenizing --json tokenizing.json          a few minutes on two cores

A work folder is made up: features (``made_up.py``), a codebook of 12^4 words and sentences. Then every stage runs as a user
runs it, from Parquet files to Parquet files; a second run shows what it costs to find that all is done.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.machine import line, machine, timed
from benchmarks.made_up import MadeUpFeatures
from feature_extraction.schema import TRANSCRIPTS
from tokenization.codebook import Codebook
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.schema import PICTURES
from tokenization.tokens import tokenize
from workfolder.files import write_json, write_table
from workfolder.stage import Stage

CLIPS_A_VIDEO = 178
"""The paper's 55.6 million clips over its 312,000 videos."""
PAPER_CLIPS = 55_600_000
SENTENCE_SECONDS = 5.0


def make_work(work: Path, videos: int, train_rows: int) -> None:
    """Everything that ``tokenize`` reads."""
    made_up = MadeUpFeatures(1024)
    made_up.write(work / "features", videos * CLIPS_A_VIDEO, CLIPS_A_VIDEO)
    made_with = {"made": "up"}
    write_json(made_with, work / "features/options.json")
    write_json({"made": "up"}, work / "transcripts/options.json")
    for video in Stage(work / "features").done():
        write_table(_sentences(video), Stage(work / "transcripts").path(video))
    tree = HierarchicalKMeans().fit(made_up.rows(train_rows, 1))
    (work / "codebook").mkdir()
    Codebook(tree, {"features": made_with}, PICTURES.empty_table()).save(work / "codebook")


def _sentences(video: str) -> pa.Table:
    starts = np.arange(0, CLIPS_A_VIDEO * 1.5, SENTENCE_SECONDS).tolist()
    row = {
        "video_id": video,
        "text": "now let me show you how to cut the tomato",
        "source": "made up",
    }
    rows = [
        {**row, "index": n, "start": start, "end": start + 4.5, "words": []}
        for n, start in enumerate(starts)
    ]
    return pa.Table.from_pylist(rows, schema=TRANSCRIPTS)


def measure(videos: int, train_rows: int) -> dict[str, Any]:
    """Clips a second of each stage, and what the paper's corpus would take at that rate."""
    with tempfile.TemporaryDirectory() as folder:
        make_work(Path(folder), videos, train_rows)
        _, (words, examples) = timed(lambda: tokenize(Path(folder)))
        again, _ = timed(lambda: tokenize(Path(folder)))
        sizes = {
            name: sum(path.stat().st_size for path in Path(folder, name).iterdir())
            for name in ("features", "tokens", "examples")
        }
    clips = videos * CLIPS_A_VIDEO
    rates = {"words": clips / words.seconds["all"], "examples": clips / examples.seconds["all"]}
    return {
        "videos": videos,
        **{f"{name}_clips_per_second": rate for name, rate in rates.items()},
        **{f"paper_hours_{name}": PAPER_CLIPS / rate / 3600 for name, rate in rates.items()},
        **{f"paper_gb_{name}": size / clips * PAPER_CLIPS / 1e9 for name, size in sizes.items()},
        "nothing_to_do_seconds": again,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--videos", type=int, default=1000, help="default 1,000")
    parser.add_argument(
        "--train-rows",
        type=int,
        default=60_000,
        help="rows that the codebook is fitted on; default 60,000",
    )
    given = parser.parse_args()
    figures = measure(given.videos, given.train_rows)
    for name, value in figures.items():
        print(line(name, value, {}))
    if given.json:
        write_json({**figures, "machine": machine("numpy", "pyarrow")}, given.json)


if __name__ == "__main__":
    main()
