"""What happens in the corpus, and the JSON file of it that only evaluation reads; in seconds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from workfolder.errors import InputError

TRAINING, HELD_OUT_VIDEOS, HELD_OUT_COMBINATIONS = SPLITS = (
    "training",
    "held_out_videos",
    "held_out_combinations",
)


@dataclass(frozen=True)
class Step:
    """One action on one ingredient."""

    verb: str
    noun: str
    caption: str
    start: float
    end: float
    spoken: bool  # whether the narration says so


@dataclass(frozen=True)
class Video:
    """A recipe; `video` is its path below the corpus, without a suffix."""

    video: str
    split: str
    duration: float
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Truth:
    """The whole corpus, in the order of its videos' numbers."""

    seed: int
    verbs: tuple[str, ...]
    nouns: tuple[str, ...]
    held_out_combinations: tuple[tuple[str, str], ...]  # (verb, noun)
    videos: tuple[Video, ...]


def write_truth(truth: Truth, path: Path) -> None:
    """Write it as JSON, under a temporary name first."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(asdict(truth), indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def read_truth(path: str | Path) -> Truth:
    """Read what `write_truth` wrote. InputError if it is absent or something else."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        return Truth(
            seed=data["seed"],
            verbs=tuple(data["verbs"]),
            nouns=tuple(data["nouns"]),
            held_out_combinations=tuple(
                (verb, noun) for verb, noun in data["held_out_combinations"]
            ),
            videos=tuple(_video(row) for row in data["videos"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not a kitchen's truth.json ({error!r}): make one by python -m demos.kitchen"
        ) from error


def _video(row: dict) -> Video:
    return Video(
        row["video"], row["split"], row["duration"], tuple(Step(**step) for step in row["steps"])
    )
