"""Small real things that the tests share: generated videos, and one work folder taken through every stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 200, 60),
    "blue": (40, 60, 220),
    "yellow": (230, 220, 40),
}


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip(
            "../shared/data is not there: real videos, captions and annotations cannot be tried"
        )
    return SHARED_DATA


def write_video(
    path: Path, frames: np.ndarray, rate: int = 20, times: list[int] | None = None
) -> Path:
    """An H.264 file of uint8 [count, height, width, 3]; ``times`` are presentation times in units of 1/rate s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=rate, options={"crf": "1", "preset": "ultrafast"}
        )
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, rate)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = times[number] if times else number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def grey_ramp(count: int, size: int = 64) -> np.ndarray:
    """Frames whose brightness, 4 * number + 10, tells which frame it is."""
    return np.broadcast_to(
        (4 * np.arange(count) + 10)[:, None, None, None], (count, size, size, 3)
    ).astype(np.uint8)


def coloured_recipe(
    path: Path, colours: list[str], seconds: float = 4.5, spoken: bool = True
) -> Path:
    """A video with a moving square in each colour in turn and captions that name it."""
    rng = np.random.default_rng(len(path.stem))
    frames, cues = [], ["WEBVTT", ""]
    for place, colour in enumerate(colours):
        start = place * seconds
        cues += [
            f"00:00:{start + 0.3:06.3f} --> 00:00:{start + seconds - 0.3:06.3f}",
            f"now we paint the {colour} square",
            "",
        ]
        for number in range(int(seconds * 20)):
            frame = np.full((64, 64, 3), 90 + rng.integers(20), dtype=np.uint8)
            left = 4 + number % 24
            frame[12:52, left : left + 32] = COLOURS[colour]
            frames.append(frame)
    write_video(path, np.stack(frames))
    if spoken:
        path.with_suffix(".en.vtt").write_text("\n".join(cues), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Result:
    """What a command did."""

    status: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def videobert(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process, as ``videobert("status", "--work", folder)``."""

    def run(*arguments: object) -> Result:
        from videobert.cli import main as cli

        monkeypatch.setattr("sys.argv", ["videobert", *map(str, arguments)])
        capfd.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 1
        return Result(status, *capfd.readouterr())

    return run


@dataclass(frozen=True)
class Street:
    """A folder of videos, and what every stage made of it."""

    videos: Path
    work: Path
    model: Path


TRAINING = ("--init", "none", "--size", "tiny", "--steps", "40", "--batch-size", "12", "--learning-rate", "2e-3",
            "--max-length", "48")  # fmt: skip


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory) -> Street:
    """Four short videos taken from extraction to a model; tests must leave it as it is."""
    from feature_extraction.features import FeatureOptions
    from tokenization.codebook import ClusterOptions
    from videobert.pipeline import RunOptions, run
    from videobert.pretraining.options import PretrainOptions

    folder = tmp_path_factory.mktemp("street")
    recipes = ["red green", "blue yellow red", "green blue", "yellow red green"]
    for number, recipe in enumerate(recipes):
        coloured_recipe(folder / "videos" / f"recipe_{number}.mp4", recipe.split())
    options = RunOptions(
        features=FeatureOptions("random:0"),
        codebook=ClusterOptions(branching=3, depth=2),
        pretraining=PretrainOptions(
            init="none", size="tiny", steps=40, batch_size=12, learning_rate=2e-3, max_length=48
        ),
    )
    made = Street(folder / "videos", folder / "work", folder / "model")
    reports = list(run([made.videos], made.work, made.model, options))
    assert all(report.complete and report.now for report in reports)
    return made
