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
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.machine import line, machine, timed
from benchmarks.made_up import MadeUpFeatures
from feature_extraction.schema import TRANSCRIPTS
from tokenization.assignments import ASSIGNMENTS_FILE
from tokenization.codebook import Codebook, cluster
from tokenization.examples_stage import write_examples
from tokenization.tokens import tokenize, write_tokens
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


@dataclass(frozen=True)
class Cost:
    """What a call cost, and what it returned.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of all threads, which other processes disturb less.
        megabytes: that it read, from the disk or from its cache.
        result: what it returned.
    """

    seconds: float
    cpu_seconds: float
    megabytes: float
    result: Any


def cost(call: Callable[[], Any]) -> Cost:
    """Measure a call. Linux only."""
    cpu, read = time.process_time(), _bytes_read()
    seconds, result = timed(call)
    return Cost(seconds, time.process_time() - cpu, (_bytes_read() - read) / 1e6, result)


def _bytes_read() -> int:
    """Count the bytes that this process ever read, from the disk or from its cache."""
    return int(Path("/proc/self/io").read_text().partition("rchar:")[2].split()[0])


def measure(videos: int) -> dict[str, Any]:
    """Measure each stage, and scale it to the paper's corpus."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        make_work(work, videos)
        fit = cost(lambda: cluster(work))
        known = cost(lambda: write_tokens(work, Codebook.load(work / "codebook")))
        shutil.rmtree(work / "tokens")
        (work / "codebook" / ASSIGNMENTS_FILE).unlink()
        searched = cost(lambda: write_tokens(work, Codebook.load(work / "codebook")))
        examples = cost(lambda: write_examples(work))
        again = cost(lambda: tokenize(work))
        sizes = {
            name: sum(path.stat().st_size for path in (work / name).iterdir())
            for name in ("features", "tokens", "examples")
        }
    clips = videos * CLIPS_A_VIDEO
    stages = {"words": searched, "known_words": known, "examples": examples}
    rates = {name: clips / stage.result.seconds["all"] for name, stage in stages.items()}
    return {
        "videos": videos,
        "features_mb": sizes["features"] / 1e6,
        "cluster_seconds": fit.seconds,
        "cluster_mb_read": fit.megabytes,
        **{f"{name}_mb_read": stage.megabytes for name, stage in stages.items()},
        **{f"{name}_cpu_seconds": stage.cpu_seconds for name, stage in stages.items()},
        **{f"{name}_clips_per_second": rate for name, rate in rates.items()},
        **{f"paper_hours_{name}": PAPER_CLIPS / rate / 3600 for name, rate in rates.items()},
        **{f"paper_gb_{name}": size / clips * PAPER_CLIPS / 1e9 for name, size in sizes.items()},
        "nothing_to_do_seconds": again.seconds,
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
