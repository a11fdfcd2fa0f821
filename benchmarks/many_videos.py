"""The stages over very many short videos, as files and in shards: files, memory and seconds.

    python -m benchmarks.many_videos --json many_videos.json      100,000 videos, an hour or two

Features (``made_up.py``) and sentences are drawn for each video by makers that the runner goes
through as it goes through videos; nothing is decoded. Then ``cluster``, ``tokenize`` and reading
all examples follow. After each stage its files are packed, and all that follows reads shards.
Each stage runs in a process of its own, so its memory is its own peak. Where other programs run,
core seconds move less than those of the clock.

With ``--work`` the figures are kept there, too: after a kill the same command goes on. The step
that was killed does the rest of its work, is marked, and its seconds are those of the rest.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.machine import machine, peak_memory
from benchmarks.made_up import MadeUpFeatures
from feature_extraction.schema import TRANSCRIPTS, feature_column, features_schema
from tokenization.codebook import Codebook, cluster
from tokenization.examples_stage import write_examples
from tokenization.options import ClusterOptions
from tokenization.tokens import write_tokens
from videobert import pipeline
from videobert.data.work import data_digest, read_examples
from workfolder.files import write_json
from workfolder.json_lines import append_rows, read_rows
from workfolder.maker import Made, Maker
from workfolder.options import JobOptions
from workfolder.packing import pack
from workfolder.runner import begin, run_job
from workfolder.sources import Source
from workfolder.stage import Stage

SECONDS = 1.5
"""Of a clip."""
ONE = JobOptions(workers=1)
NOTES = "many_videos.jsonl"
"""In the work folder: a row when a step begins, and one with its figures."""


@dataclass(frozen=True)
class DrawFeatures(Maker):
    """Draws the features of a video, as ``extract`` would write them."""

    clips: int
    width: int

    @cached_property
    def drawn(self) -> MadeUpFeatures:
        """What draws."""
        return MadeUpFeatures(self.width)

    def __call__(self, source: Source) -> Made:
        """Make the rows of a video."""
        features = self.drawn.rows(self.clips, int(source.video_id[-7:]))
        index = np.arange(self.clips, dtype=np.int32)
        columns = [[source.video_id] * self.clips, index, index * SECONDS, (index + 1) * SECONDS]
        arrays = [*map(pa.array, columns), feature_column(features)]
        return Made(pa.Table.from_arrays(arrays, schema=features_schema(self.width)))


@dataclass(frozen=True)
class DrawSentences(Maker):
    """Says a sentence in each video, as ``transcribe`` would write it."""

    clips: int

    def __call__(self, source: Source) -> Made:
        """Make the rows of a video."""
        row = {
            "video_id": source.video_id,
            "index": 0,
            "start": 0.0,
            "end": self.clips * SECONDS,
            "text": f"now let me show you dish number {source.video_id[-7:]}",
            "source": "made up",
            "words": [],
        }
        return Made(pa.Table.from_pylist([row], schema=TRANSCRIPTS))


@dataclass(frozen=True)
class Street:
    """The stages by name, over a work folder."""

    work: Path
    videos: int
    clips: int
    width: int

    def steps(self) -> dict[str, Callable[[], object]]:
        """List what is measured, in order."""
        steps = {
            "features": lambda: self._draw("features", DrawFeatures(self.clips, self.width)),
            "features again": lambda: self._draw("features", DrawFeatures(self.clips, self.width)),
            "pack features": lambda: self._pack("features"),
            "features again, packed": lambda: self._draw(
                "features", DrawFeatures(self.clips, self.width)
            ),
            "transcripts": lambda: self._draw("transcripts", DrawSentences(self.clips)),
            "pack transcripts": lambda: self._pack("transcripts"),
            "cluster": lambda: cluster(self.work, ClusterOptions(branching=12, depth=2)),
            "tokens": lambda: write_tokens(self.work, self._codebook(), ONE),
            "pack tokens": lambda: self._pack("tokens"),
            "examples": lambda: write_examples(self.work, ONE),
            "read examples": lambda: read_examples(self.work),
            "pack examples": lambda: self._pack("examples"),
            "read examples, packed": lambda: read_examples(self.work),
            "digest of the data, packed": lambda: data_digest(Stage(self.work / "examples")),
            "tokenize again, packed": lambda: self._again(),
            "status": lambda: pipeline.status(self.work),
            "status --verify": lambda: self._verify(),
        }
        return steps

    def _draw(self, name: str, maker: Maker) -> None:
        stage = Stage(self.work / name)
        sources = [Source(f"video-{n:07d}", self.work / f"{n}.mp4") for n in range(self.videos)]
        begin(stage, sources, maker, {"made": "up"}, ONE)
        assert run_job(stage, sources, maker, ONE).complete

    def _pack(self, name: str) -> None:
        stage = Stage(self.work / name)
        pack(stage)
        assert not stage.loose() and len(stage.done()) == self.videos

    def _codebook(self) -> Codebook:
        return Codebook.load(self.work / "codebook")

    def _again(self) -> None:
        for report in (
            write_tokens(self.work, self._codebook(), ONE),
            write_examples(self.work, ONE),
        ):
            assert report.now == 0 and report.before == self.videos

    def _verify(self) -> None:
        assert not pipeline.verify(self.work)


def measure(street: Street, step: str) -> dict[str, Any]:
    """Run a step in this process."""
    start, computed = time.perf_counter(), time.process_time()
    street.steps()[step]()
    return {
        "step": step,
        "seconds": time.perf_counter() - start,
        "core_seconds": time.process_time() - computed,
        "memory_gb": peak_memory(),
    }


def files_below(work: Path) -> tuple[int, float]:
    """Count the files of all stages, and their megabytes."""
    below = (path for stage in work.iterdir() if stage.is_dir() for path in stage.rglob("*"))
    sizes = [path.stat().st_size for path in below if path.is_file()]
    return len(sizes), sum(sizes) / 1e6


def main() -> None:
    """Measure each step in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--clips", type=int, default=4, help="of a video")
    parser.add_argument("--width", type=int, default=1024, help="numbers of a clip")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help="a folder that is kept; goes on where it stopped")
    given = parser.parse_args()
    if given.step:
        street = Street(given.work, given.videos, given.clips, given.width)
        print(json.dumps(measure(street, given.step)))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = run_all(given, given.work or Path(folder))
    if given.json:
        figures = {"videos": given.videos, "clips": given.clips, "width": given.width}
        write_json({**figures, "steps": rows, "machine": machine("numpy", "pyarrow")}, given.json)


def run_all(given: argparse.Namespace, work: Path) -> list[dict[str, Any]]:
    """Run the steps that are not done one after another, and print a line of the table of each."""
    print(f"{given.videos:,} videos of {given.clips} clips of {given.width} numbers\n")
    print("| step | seconds | core seconds | memory, GB | files after it | MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    shape = {"videos": given.videos, "clips": given.clips, "width": given.width}
    noted = list(read_rows(work / NOTES))
    if any(row["shape"] != shape for row in noted):
        raise SystemExit(f"{work} has other videos: take another folder")
    done = {row["step"]: row for row in noted if "seconds" in row}
    begun = {row["step"] for row in noted}
    for step in Street(work, **shape).steps():
        if step not in done:
            append_rows(work / NOTES, [{"step": step, "shape": shape}])
            row = _run(work, step, shape)
            done[step] = {**row, "after_a_kill": step in begun, "shape": shape}
            append_rows(work / NOTES, [done[step]])
        row = done[step]
        print(
            f"| {step}{' (the rest, after a kill)' if row['after_a_kill'] else ''} | "
            f"{row['seconds']:,.1f} | {row['core_seconds']:,.1f} | {row['memory_gb']:.2f} | "
            f"{row['files']:,} | {row['megabytes']:,.0f} |",
            flush=True,
        )
    return list(done.values())


def _run(work: Path, step: str, shape: dict[str, int]) -> dict[str, Any]:
    """Run a step in a process of its own, and count the files then."""
    options = [part for name, value in shape.items() for part in (f"--{name}", value)]
    command = [sys.executable, "-m", "benchmarks.many_videos", "--work", work, "--step", step]
    done = subprocess.run([*map(str, command + options)], stdout=subprocess.PIPE, check=True)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    row["files"], row["megabytes"] = files_below(work)
    return row


if __name__ == "__main__":
    main()
