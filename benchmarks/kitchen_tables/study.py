"""What a run keeps: its models and the figures of each table. Nothing is made twice."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.kitchen_tables.clock import Clock
from benchmarks.kitchen_tables.corpus import Kitchen, training_set
from benchmarks.kitchen_tables.sizes import PRETRAINING
from videobert.data.work import read_examples
from videobert.loading import TrainedModel, load_model
from videobert.pretraining.loop import pretrain
from videobert.pretraining.options import PretrainOptions
from workfolder.files import read_json, write_json
from workfolder.progress import Progress

ABLATIONS: dict[str, dict[str, Any]] = {
    "joint masked completion": {"joint_masking": False},
    "sentence joining": {"join_probability": 0.0},
    "subsampling": {"longest_step": 1},
    "centroid start": {"visual_start": "random"},
    "text-only regime": {"text_weight": 0.0},
    "video-only regime": {"video_weight": 0.0},
}
"""Each choice, and the options that leave it out."""


@dataclass(frozen=True)
class Study:
    """A kitchen, and what was found in it, kept below ``out``.

    Attributes:
        kitchen: The corpus.
        progress: Hears of each piece of work.
        say: Hears of each part that is made now.
        clock: Counts the time of finished work.
    """

    kitchen: Kitchen
    progress: Progress
    say: Callable[[str], None]
    clock: Clock

    def figures(self, name: str, make: Callable[[], Any]) -> Any:
        """Read the figures of a name, as JSON has them; ``make`` finds missing ones."""
        path = self.kitchen.out / "figures" / f"{name}.json"
        if not path.exists():
            self.say(f"figures: {name}")
            write_json(make(), path)
            self.clock.lap()
        return read_json(path)

    def model(
        self, videos: int, epochs: int, seed: int = 0, without: str | None = None
    ) -> TrainedModel:
        """Load a model, and train it if it is not there.

        Args:
            videos: How many training videos it learns from.
            epochs: For how long.
            seed: Of all its random choices.
            without: One of ABLATIONS that is left out.
        """
        work = self.kitchen.work(training_set(videos))
        name = "-".join([f"{videos}_videos", f"{epochs}_epochs", f"seed_{seed}", *slugs(without)])
        folder = self.kitchen.out / "models" / name
        left_out = ABLATIONS[without] if without else {}
        options: dict[str, Any] = (
            PRETRAINING | {"steps": self.updates(videos, epochs), "seed": seed} | left_out
        )
        pretrain(work, folder, PretrainOptions(**options), named(self.progress, name))
        return load_model(folder)

    def updates(self, videos: int, epochs: int) -> int:
        """Count the updates of so many epochs."""
        examples = read_examples(self.kitchen.work(training_set(videos)))
        return math.ceil(epochs * len(examples) / PRETRAINING["batch_size"])


def named(progress: Progress, name: str) -> Progress:
    """Give a model's progress a name of its own, as its pace says nothing of another's."""

    def tell(stage: str, done: int, total: int, detail: str = "") -> None:
        progress(name, done, total, detail)

    return tell


def slugs(without: str | None) -> list[str]:
    """List what a choice that is left out adds to a model's name."""
    return ["without_" + without.replace(" ", "_")] if without else []
