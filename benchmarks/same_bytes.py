"""Whether a change of the code leaves every byte and every loss as it was.

    python -m benchmarks.same_bytes make FOLDER NAME      # runs the small street with the code of the working folder
    python -m benchmarks.same_bytes compare FOLDER A B    # lists every file of A and B that differs

``make`` films twelve videos once, then takes them through every verb at fixed seeds. Each street runs at the
same path, because inputs.jsonl and the features name absolute paths, and is renamed to NAME at its end. To compare two
commits, check each out and run ``make`` there with the same FOLDER.
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

import pyarrow.parquet as pq

VOLATILE = ("tensorboard", "losses.png")
"""TensorBoard writes the time into its files; matplotlib's version decides a plot."""
PRETRAIN = (
    "--init none --size tiny --steps 200 --batch-size 48 --learning-rate 1e-3 --max-length 64 --masked-share 0.3 "
    "--joint-weight 10 --join-probability 0.1 --validate-every 50 --checkpoint-every 50 --accumulate 2"
).split()
CAPTION = "--steps 60 --batch-size 16 --validate-every 20 --features videobert+s3d".split()


def make(folder: Path, name: str) -> None:
    """Run the street below ``folder``; CalledProcessError if a command fails."""
    films, run = folder / "films", folder / "run"
    if not films.exists():
        _run(None, "-m", "demos.kitchen", "--videos", 12, "--seed", 0, "--out", films)
    run.mkdir()
    work, held_out, model = run / "work", run / "held_out", run / "model"
    training = films / "training"
    verb = ("-m", "videobert")
    for where, videos in ((work, training), (held_out, films / "held_out_videos")):
        _run(
            run / f"extract-{where.name}.json",
            *verb,
            "extract",
            videos,
            "--work",
            where,
            "--weights",
            "random:0",
        )
        _run(
            run / f"transcribe-{where.name}.json",
            *verb,
            "transcribe",
            videos,
            "--work",
            where,
            "--asr",
            "captions",
        )
    _run(
        None,
        *verb,
        "cluster",
        "--work",
        work,
        *"--branching 4 --depth 2 --preparation whiten --components 24".split(),
    )
    _run(None, *verb, "tokenize", "--work", work)
    shutil.copytree(work / "codebook", held_out / "codebook")
    _run(None, *verb, "tokenize", "--work", held_out)
    _run(None, *verb, "pretrain", "--work", work, "--out", model, *PRETRAIN)
    _run(None, *verb, "finetune", "caption", "--model", model, "--work", work, *CAPTION)
    _ask(run, min((films / "held_out_videos").glob("*.mp4")))
    run.rename(folder / name)


def _ask(run: Path, clip: Path) -> None:
    """Every question that a user can ask, its answer as JSON."""
    model, work, held_out = (run / name for name in ("model", "work", "held_out"))
    of = ("--work", held_out, "--training", work)
    sentence = "now let me show you how to chop the onion"
    asked = {
        "predict": (clip,), "caption": (clip,), "forecast": (clip,), "imagine": (sentence,),
        "search": (sentence, "--work", work), "locate": (sentence, clip),
        "status": ("--work", work), "inspect features": (work,), "inspect transcripts": (work,), "inspect codebook": (work,),
        "evaluate retrieval": of, "evaluate forecast": of,
        "evaluate localisation": ("--work", held_out), "evaluate caption": ("--work", held_out),
    }  # fmt: skip
    for words, arguments in asked.items():
        models = () if words.split()[0] in ("status", "inspect") else ("--model", model)
        picture = (
            ("--picture", run / f"{words}.png")
            if words in ("predict", "forecast", "imagine")
            else ()
        )
        _run(
            run / f"{words}.json",
            "-m",
            "videobert",
            *words.split(),
            *arguments,
            *models,
            *picture,
            "--json",
        )


def _run(out: Path | None, *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True
    )
    if out and not out.name.startswith(("extract", "transcribe")):  # those tell seconds
        out.write_text(done.stdout)


def compare(folder: Path, first: str, second: str) -> list[str]:
    """The files that only one of two streets has, or that differ, each with what differs."""
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
    """What differs in a table or in JSON; sizes for all else."""
    if one.suffix == ".parquet":
        a, b = pq.read_table(one), pq.read_table(other)
        columns = [
            name
            for name in a.column_names
            if name not in b.column_names or not a[name].equals(b[name])
        ]
        return (
            f"columns {columns}"
            if columns or a.schema != b.schema
            else "the same rows, other bytes"
        )
    if one.suffix == ".json":
        a, b = json.loads(one.read_text()), json.loads(other.read_text())
        if isinstance(a, dict) and isinstance(b, dict):
            keys = [key for key in {**a, **b} if a.get(key) != b.get(key)]
            return "; ".join(f"{key} {a.get(key)!r:.80} -> {b.get(key)!r:.80}" for key in keys)
    return f"{one.stat().st_size} and {other.stat().st_size} bytes"


def main() -> None:
    """Make a street, or compare two; exit status 1 where something differs."""
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
