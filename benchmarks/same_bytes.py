"""Check whether a change of the code leaves every byte and every loss as it was.

    python -m benchmarks.same_bytes make FOLDER NAME      # runs the small street
    python -m benchmarks.same_bytes compare FOLDER A B    # lists every file that differs

``make`` films twelve videos once, then takes them through every verb at fixed seeds, with the code
of the working folder. Each street runs at the same path, because inputs.jsonl and the features name
absolute paths, and is renamed to NAME at its end. To compare two commits, check each out and run
``make`` there with the same FOLDER.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

VOLATILE = ("tensorboard", "losses.png")
"""TensorBoard writes the time into its files; matplotlib's version decides a plot."""
PRETRAIN = (
    "--init none --size tiny --steps 200 --batch-size 48 --learning-rate 1e-3 --max-length 64 "
    "--masked-share 0.3 --joint-weight 10 --join-probability 0.1 --validate-every 50 "
    "--checkpoint-every 50 --accumulate 2"
).split()
CLUSTER = "--branching 4 --depth 2 --preparation whiten --components 24".split()
CAPTION = "--steps 60 --batch-size 16 --validate-every 20 --features videobert+s3d".split()


def make(folder: Path, name: str) -> None:
    """Run the street below ``folder``.

    Raises:
        subprocess.CalledProcessError: if a command fails.
    """
    films, run = folder / "films", folder / "run"
    if not films.exists():
        _run(None, "-m", "demos.kitchen", "--videos", 12, "--seed", 0, "--out", films)
    run.mkdir()
    work, held_out, model = run / "work", run / "held_out", run / "model"
    for where, videos in ((work, "training"), (held_out, "held_out_videos")):
        given = (films / videos, "--work", where)
        _videobert(None, "extract", *given, "--weights", "random:0")
        _videobert(None, "transcribe", *given, "--asr", "captions")
    _videobert(None, "cluster", "--work", work, *CLUSTER)
    _videobert(None, "tokenize", "--work", work)
    shutil.copytree(work / "codebook", held_out / "codebook")
    _videobert(None, "tokenize", "--work", held_out)
    _videobert(None, "pretrain", "--work", work, "--out", model, *PRETRAIN)
    _videobert(None, "finetune", "caption", "--model", model, "--work", work, *CAPTION)
    _ask(run, min((films / "held_out_videos").glob("*.mp4")))
    run.rename(folder / name)


def _ask(run: Path, clip: Path) -> None:
    """Ask every question that a user can ask, and keep the answers as JSON."""
    model, work, held_out = (run / name for name in ("model", "work", "held_out"))
    both = ("--work", held_out, "--training", work)
    sentence = "now let me show you how to chop the onion"
    asked = {
        "predict": (clip, "--picture", run / "predict.png"),
        "caption": (clip,),
        "forecast": (clip, "--picture", run / "forecast.png"),
        "imagine": (sentence, "--picture", run / "imagine.png"),
        "search": (sentence, "--work", work),
        "locate": (sentence, clip),
        "evaluate retrieval": both,
        "evaluate forecast": both,
        "evaluate localisation": ("--work", held_out),
        "evaluate caption": ("--work", held_out),
    }
    for verb, arguments in asked.items():
        out = run / f"{verb}.json"
        _videobert(out, *verb.split(), *arguments, "--model", model, "--json")
    _videobert(run / "status.json", "status", "--work", work, "--json")
    for what in ("features", "transcripts", "codebook"):
        _videobert(run / f"inspect {what}.json", "inspect", what, work, "--json")


def _videobert(out: Path | None, *arguments: object) -> None:
    _run(out, "-m", "videobert", *arguments)


def _run(out: Path | None, *arguments: object) -> None:
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    if out:
        out.write_text(done.stdout)


def compare(folder: Path, first: str, second: str) -> list[str]:
    """List the files that only one of two streets has, and those that differ, with what differs."""
    one, other = (dict(_contents(folder / name)) for name in (first, second))
    found = [f"{name}: only in {first}" for name in sorted(one.keys() - other.keys())]
    found += [f"{name}: only in {second}" for name in sorted(other.keys() - one.keys())]
    for name in sorted(one.keys() & other.keys()):
        if one[name] != other[name]:
            found.append(f"{name}: {_difference(folder / first / name, folder / second / name)}")
    return found


def _contents(run: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(run.rglob("*")):
        if path.is_file() and not any(part in VOLATILE for part in path.relative_to(run).parts):
            yield str(path.relative_to(run)), hashlib.sha256(path.read_bytes()).hexdigest()


def _difference(one: Path, other: Path) -> str:
    """Tell what differs in a table or in JSON, and the sizes of any other file."""
    if one.suffix == ".parquet":
        return _table_difference(pq.read_table(one), pq.read_table(other))
    if one.suffix == ".json":
        a, b = json.loads(one.read_text()), json.loads(other.read_text())
        if isinstance(a, dict) and isinstance(b, dict):
            keys = [key for key in {**a, **b} if a.get(key) != b.get(key)]
            return "; ".join(f"{key} {a.get(key)!r:.80} -> {b.get(key)!r:.80}" for key in keys)
    return f"{one.stat().st_size} and {other.stat().st_size} bytes"


def _table_difference(one: pa.Table, other: pa.Table) -> str:
    named = dict.fromkeys([*one.column_names, *other.column_names])
    differ = [
        name
        for name in named
        if not {name} <= set(one.column_names) & set(other.column_names)
        or not one[name].equals(other[name])
    ]
    if differ:
        return f"columns {differ}"
    return "the same rows, other bytes" if one.schema.equals(other.schema, True) else "the schema"


def main() -> None:
    """Make a street, or compare two; the exit status is 1 where something differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=("make", "compare"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+")
    given = parser.parse_args()
    if given.verb == "make":
        make(given.folder.resolve(), *given.names)
        return
    differences = compare(given.folder, *given.names)
    sys.stdout.write("\n".join([*differences, f"{len(differences)} files differ"]) + "\n")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
