"""How fast ``videobert tokenize`` is, and what 55.6 million clips would take.

    python -m benchmarks.tokenizing --json tokenizing.json          a few minutes on two cores

Features (``made_up.py``) and sentences are drawn into a work folder. Then ``cluster`` and
``tokenize`` run as a user runs them, from Parquet files to Parquet files: with the words that the
fit knows, without them, and once more when all is done. Linux counts the bytes that each reads.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.machine import line, machine, timed
from benchmarks.made_up import MadeUpFeatures
from feature_extraction.schema import TRANSCRIPTS
from tokenization.assignments import ASSIGNMENTS_FILE
from tokenization.codebook import cluster
from tokenization.tokens import tokenize
from workfolder.files import write_json, write_table
from workfolder.stage import Stage

CLIPS_A_VIDEO = 178
"""The paper's 55.6 million clips divided by its 312,000 videos."""
PAPER_CLIPS = 55_600_000
SENTENCE_SECONDS = 5.0


def make_work(work: Path, videos: int) -> None:
    """Write features and transcripts, which is all that ``cluster`` and ``tokenize`` read."""
    MadeUpFeatures(1024).write(work / "features", videos * CLIPS_A_VIDEO, CLIPS_A_VIDEO)
    for stage in ("features", "transcripts"):
        write_json({"made": "up"}, work / stage / "options.json")
    for video in Stage(work / "features").done():
        write_table(_sentences(video), Stage(work / "transcripts").path(video))


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


def measured(work: Callable[[], Any]) -> tuple[float, int, Any]:
    """Run ``work``; return its seconds, the bytes that it read, and its result. Linux only."""
    before = _bytes_read()
    seconds, result = timed(work)
    return seconds, _bytes_read() - before, result


def _bytes_read() -> int:
    """Count the bytes that this process ever read, from the disk or from its cache."""
    return int(Path("/proc/self/io").read_text().partition("rchar:")[2].split()[0])


def measure(videos: int) -> dict[str, Any]:
    """Measure each stage, and scale it to the paper's corpus."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        make_work(work, videos)
        fit_seconds, fit_bytes, _ = measured(lambda: cluster(work))
        _, known_bytes, (known, _) = measured(lambda: tokenize(work))
        for made in ("tokens", "examples"):
            shutil.rmtree(work / made)
        (work / "codebook" / ASSIGNMENTS_FILE).unlink()
        _, searched_bytes, (words, examples) = measured(lambda: tokenize(work))
        again, _, _ = measured(lambda: tokenize(work))
        sizes = {
            name: sum(path.stat().st_size for path in (work / name).iterdir())
            for name in ("features", "tokens", "examples")
        }
    clips = videos * CLIPS_A_VIDEO
    seconds = {
        "words": words.seconds["all"],
        "known_words": known.seconds["all"],
        "examples": examples.seconds["all"],
    }
    rates = {name: clips / taken for name, taken in seconds.items()}
    return {
        "videos": videos,
        "cluster_seconds": fit_seconds,
        "cluster_reads_of_all_features": fit_bytes / sizes["features"],
        "tokenize_mb_read": searched_bytes / 1e6,
        "tokenize_mb_read_with_known_words": known_bytes / 1e6,
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
    given = parser.parse_args()
    figures = measure(given.videos)
    for name, value in figures.items():
        print(line(name, value, {}))
    if given.json:
        write_json({**figures, "machine": machine("numpy", "pyarrow")}, given.json)


if __name__ == "__main__":
    main()
