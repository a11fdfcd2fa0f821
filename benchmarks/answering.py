"""How long one answer takes, by its parts, and how long answers about many clips take.

    python -m benchmarks.answering CLIP --model MODEL            a minute: the least of five calls
    python -m benchmarks.answering CLIP --model MODEL --repeats 9
    python -m benchmarks.answering FOLDER --model MODEL          the first seconds of its videos

Each call is a process of its own, as for a user who types ``videobert predict``. The first call,
which exports the video network, is made in an empty cache and told apart. Times are those of the
clock; beside them stand the processor's seconds, which a busy machine stretches less.

Of a folder, the first seconds of each video are cut into a clip of its own. All are extracted, and
all are asked about, by turns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import av

from benchmarks.machine import line, machine
from workfolder.files import read_json

ALONE, BEYOND, MANY = (
    "predict, from the second call on",
    "beyond imports and looking",
    "asking over extracting, processor's seconds",
)
TARGETS = {ALONE: ("<=", 3.5), BEYOND: ("<=", 1), MANY: ("<=", 1.2)}
SECONDS = 5.0
"""Of each clip that is cut from a video."""
PARTS = ("imports", "model", "engine", "looking", "answer", "drawing")


def one_call(clip: Path, model: Path) -> dict[str, float]:
    """Do what ``videobert predict`` does, and return the seconds of each part."""
    spent: dict[str, float] = {}

    @contextmanager
    def part(name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        spent[name] = time.perf_counter() - began

    with part("imports"):
        import matplotlib.figure  # noqa: F401
        import openvino  # noqa: F401

        import videobert.cli.main  # noqa: F401
        from videobert.answers.options import TEMPLATE
        from videobert.answers.zero_shot import predict
        from videobert.cli.pictures import draw_prediction
        from videobert.data.clip_encoder import ClipEncoder
        from videobert.loading import load_to_ask
    with part("model"):
        trained = load_to_ask(model)
    encoder = ClipEncoder(trained.processor.codebook)
    with part("engine"):
        encoder.prepare()
    with part("looking"):
        encoded = encoder(clip)
    with part("answer"):
        answer = predict(trained, encoded.clips.words)
    with tempfile.TemporaryDirectory() as folder, part("drawing"):
        path = Path(folder) / "answer.png"
        draw_prediction(
            encoded, trained.processor.codebook.pictures, TEMPLATE, answer.guesses, path
        )
    return spent


def parts_of_a_call(clip: Path, model: Path) -> dict[str, float]:
    """Run ``one_call`` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.answering", str(clip), "--model", str(model)]
    said = subprocess.run([*command, "--once"], check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def whole_call(clip: Path, model: Path, cache: Path | None = None) -> tuple[float, float]:
    """Run ``videobert predict``; return its seconds, and the processor's."""
    command = [sys.executable, "-m", "videobert", "predict", str(clip), "--model", str(model)]
    hub = {"TORCH_HOME": str(cache)} if cache else {}
    with tempfile.TemporaryDirectory() as folder:
        picture = ["--picture", str(Path(folder) / "answer.png")]
        return seconds_of([*command, *picture], hub)


def seconds_of(command: Sequence[str], environment: Mapping[str, str] = {}) -> tuple[float, float]:
    """Run a command; return its seconds, and the processor's."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | environment)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, busy


def measure(clip: Path, model: Path, repeats: int) -> dict[str, float]:
    """Return the least of several calls."""
    with tempfile.TemporaryDirectory() as cache:
        first, _ = whole_call(clip, model, Path(cache))
    whole_call(clip, model)  # whatever was not kept before is kept now
    walls, busy = zip(*(whole_call(clip, model) for _ in range(repeats)), strict=True)
    calls = [parts_of_a_call(clip, model) for _ in range(repeats)]
    parts = {name: min(call[name] for call in calls) for name in PARTS}
    beyond = sum(parts[name] for name in ("model", "engine", "answer", "drawing"))
    return {
        "predict, the first call": first,
        ALONE: min(walls),
        "processor's seconds of it": min(busy),
        **{f"  {name}": seconds for name, seconds in parts.items()},
        BEYOND: beyond,
        "other work on the machine (load)": os.getloadavg()[0],
    }


def measure_many(videos: Path, model: Path, repeats: int) -> dict[str, float]:
    """Return the least seconds of extracting clips, and of asking about them."""
    codebook = read_json(model / "codebook" / "options.json")["features"]
    videobert = [sys.executable, "-m", "videobert"]
    with tempfile.TemporaryDirectory() as folder:
        clips = Path(folder) / "clips"
        clips.mkdir()
        for video in sorted(videos.glob("*.mp4")):
            cut(video, clips / video.name)
        told: dict[str, list[tuple[float, float]]] = {"extract": [], "predict": []}
        for turn in range(repeats):
            work = ["--work", f"{folder}/work_{turn}", "--weights", codebook["weights"]]
            pace = ["--frames-per-second", str(codebook["frames_per_second"])]
            extract = [*videobert, "extract", str(clips), *work, *pace]
            told["extract"].append(seconds_of(extract))
            told["predict"].append(
                seconds_of([*videobert, "predict", str(clips), "--model", str(model), "--json"])
            )
        count = len(list(clips.iterdir()))
    walls, busy = ({k: min(t[i] for t in v) for k, v in told.items()} for i in (0, 1))
    return {
        "clips": count,
        **{f"{verb} them, seconds": seconds for verb, seconds in walls.items()},
        **{f"{verb} them, processor's seconds": seconds for verb, seconds in busy.items()},
        "asking over extracting": walls["predict"] / walls["extract"],
        MANY: busy["predict"] / busy["extract"],
        "other work on the machine (load)": os.getloadavg()[0],
    }


def cut(video: Path, clip: Path) -> None:
    """Copy the first seconds of a video into a file of its own, as they are encoded."""
    with av.open(str(video)) as source, av.open(str(clip), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.pts is None or float(packet.pts * packet.time_base) > SECONDS:
                return
            packet.stream = copy
            target.mux(packet)


def main() -> None:
    """Parse the options, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clip", type=Path, help="a video of a few seconds, or a folder")
    parser.add_argument("--model", type=Path, required=True, help="a model's folder")
    parser.add_argument("--repeats", type=int, default=5, help="calls (default: %(default)s)")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        sys.stdout.write(json.dumps(one_call(options.clip, options.model)) + "\n")
        return
    about = machine("openvino", "torch")
    ask = measure_many if options.clip.is_dir() else measure
    found = {**about, **ask(options.clip, options.model, options.repeats)}
    sys.stdout.writelines(f"{line(name, value, TARGETS)}\n" for name, value in found.items())


if __name__ == "__main__":
    main()
