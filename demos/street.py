"""The whole street on a small world of its own: make demo, or python -m demos.street.

Makes a kitchen corpus, runs every stage on it with the commands that a user would type, and asks
the model about videos that it never saw. Stages that are done are skipped, so a stopped demo goes
on where it was. It says before each step how long the rest takes on this machine.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise
from pathlib import Path

from demos.commands import say, started
from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, TRAINING, read_truth
from demos.timetable import Timetable, cores, slowness, spelled
from videobert.model_sizes import SIZES
from workfolder.errors import InputError
from workfolder.options import Options, described, option

LOOK = "--weights random:0:112 --frames-per-second 6"
"""A network of random weights takes any pictures: few and small ones cost little."""
BEST = "the best there is"
CODEBOOK = "--preparation whiten --components 64 --search flat"
PRETRAINING = (
    "--batch-size 48 --learning-rate 1e-3 --max-length 64 --dropout 0 --masked-share 0.3 "
    "--joint-weight 10 --join-probability 0.1"
)


@dataclass(frozen=True)
class Size(Options):
    """How much of everything; the default is what two cores do in six minutes."""

    videos: int = option(250, "videos to film", least=1)
    seed: int = option(0, "seed of the kitchen and of all that is learnt from it", least=0)
    engine: str = option(BEST, "what computes the features (see videobert extract --engine)")
    branching: int = option(12, "children of a node of the visual vocabulary's tree", least=2)
    depth: int = option(2, "levels of the tree", least=1)
    model: str = option("tiny", "size of the model", choices=SIZES)
    steps: int = option(5000, "updates of its weights", least=1)
    asr: str = option(
        "captions",
        "captions, or who listens (see videobert transcribe --asr): then the cook speaks",
    )

    @property
    def look(self) -> str:
        """How features are made."""
        return LOOK if self.engine == BEST else f"{LOOK} --engine {self.engine}"


@dataclass(frozen=True)
class Places:
    """Where everything lies.

    Attributes:
        kitchen: the videos, and what happens in them.
        work: what the training videos become.
        held_out: what the other videos become.
        model: what is learnt.
        answers: the folder of the table and of the picture.
    """

    kitchen: Path
    work: Path
    held_out: Path
    model: Path
    answers: Path

    @classmethod
    def below(cls, out: Path) -> Places:
        """Everything in one folder."""
        return cls(out / "kitchen", out / "work", out / "held_out", out / "model", out)


@dataclass(frozen=True)
class Step:
    """A step of the street.

    Attributes:
        name: a word for it.
        title: what happens, for people.
        command: what a user would type.
        seconds: how long it takes on the reference machine of the timetable.
        makes: a file that is there only once all of it is done; None where the command itself
            knows what is done already.
        beside: whether it runs beside the step before it.
    """

    name: str
    title: str
    command: tuple[str, ...]
    seconds: float
    makes: Path | None = None
    beside: bool = False

    @property
    def is_done(self) -> bool:
        """Whether an earlier run has done all of it."""
        return self.makes is not None and self.makes.exists()


def street(out: Path, size: Size) -> None:
    """Run every stage below ``out``; SystemExit with the stage's status if one fails.

    Raises:
        InputError: if there is a kitchen of another size.
    """
    _refuse_another_kitchen(out / "kitchen" / "truth.json", size)
    steps = [step for step in steps_of(Places.below(out), size) if not step.is_done]
    turns = list(_turns(steps))
    timetable = Timetable([_seconds(turn) for turn in turns], slowness())
    say(
        f"The demo takes about {spelled(timetable.left)} on this machine ({cores()}), less where "
        f"an earlier run has done a part. It has {len(steps)} steps; Ctrl-C stops it, and the same "
        "command goes on."
    )
    numbers = count(1)
    for turn in turns:
        when, taken = f"about {spelled(timetable.left)} left", 0.0
        with started([step.command for step in turn]) as commands:
            for step, command in zip(turn, commands, strict=True):
                say(f"\n== step {next(numbers)} of {len(steps)}, {when}: {step.title}")
                when, taken = "beside the last one", command.follow()
        timetable.done(taken)
    say(_what_next(out))


def _turns(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Group the steps that run beside each other."""
    firsts = [number for number, step in enumerate(steps) if not number or not step.beside]
    for first, after in pairwise([*firsts, len(steps)]):
        yield list(steps[first:after])


def _seconds(turn: Sequence[Step]) -> float:
    """Say how long steps beside each other take on the two cores of the reference machine."""
    seconds = [step.seconds for step in turn]
    return max(*seconds, sum(seconds) / 2)


def steps_of(at: Places, size: Size, seed: int | None = None) -> list[Step]:
    """List what a user would type, in its order.

    Args:
        at: where everything lies.
        size: how much of everything.
        seed: of all that is learnt; the kitchen's where it is None.
    """
    share = size.videos / Size.videos
    learning = _learning(at, size, share, size.seed if seed is None else seed)
    return [*_filming(at, size, share), *learning, *_asking(at, size, share)]


def _step(name: str, title: str, seconds: float, *command: Path | str) -> Step:
    """A path is one word, whatever its name is; text is as many as it has."""
    words = [part.split() if isinstance(part, str) else [str(part)] for part in command]
    return Step(name, title, tuple(word for part in words for word in part), seconds)


def _filming(at: Places, size: Size, share: float) -> Iterator[Step]:
    film = _step(
        *("film", "a kitchen: made-up recipes as ordinary .mp4 files with captions"),
        2 + 72 * share,
        f"python -m demos.kitchen --brisk --videos {size.videos} --seed {size.seed} --out",
        *(at.kitchen, "--speech" if size.asr != "captions" else ""),
    )
    yield replace(film, makes=at.kitchen / "truth.json")
    yield _step(
        *("look", "features: S3D (of random weights here) makes 1024 numbers of each 1.5 s"),
        9 + 70 * share,
        *("videobert extract", at.kitchen / TRAINING, "--work", at.work, size.look),
    )
    yield _step(
        *("hear", "transcripts: words become timed sentences"),
        3 + 2 * share,
        *("videobert transcribe", at.kitchen / TRAINING, "--work", at.work, "--asr", size.asr),
    )


def _learning(at: Places, size: Size, share: float, seed: int) -> Iterator[Step]:
    yield _step(
        *("cluster", "codebook: hierarchical k-means makes the visual vocabulary"),
        5 + 6 * share,
        *("videobert cluster --work", at.work, f"--seed {seed}"),
        f"--branching {size.branching} --depth {size.depth} {CODEBOOK}",
    )
    yield _step(
        *("tokenize", "tokens: a visual word for each clip, then the examples"),
        3 + 3 * share,
        *("videobert tokenize --work", at.work),
    )
    yield _step(
        *("pretrain", "pre-training: a BERT learns text and visual words as one language"),
        6 + size.steps / 50,
        *("videobert pretrain --work", at.work, "--out", at.model, "--init none"),
        f"--size {size.model} --steps {size.steps} --seed {seed} {PRETRAINING}",
    )


def _asking(at: Places, size: Size, share: float) -> Iterator[Step]:
    yield _step(
        *("look away", "features of the videos that the model never saw"),
        8 + 13 * share,
        *("videobert extract", at.kitchen / HELD_OUT_VIDEOS, at.kitchen / HELD_OUT_COMBINATIONS),
        *("--work", at.held_out, size.look),
    )
    yield _step(
        *("table", "the table: how often the first guess, and one of five, is right"),
        12 + 6 * share,
        *("python -m demos.kitchen.evaluation --truth", at.kitchen / "truth.json"),
        *("--training", at.work, "--held-out", at.held_out, "--model", at.model),
        *("--out", at.answers / "results.json"),
    )
    question = _step(
        *("question", "one clip that the model never saw: what is happening?"),
        12,
        *("python -m demos.kitchen.question --kitchen", at.kitchen, "--model", at.model),
        *("--picture", at.answers / "prediction.png"),
    )
    yield replace(question, beside=True)
    tag = _step(
        *("tag", "labels: the steps of the training videos teach the model to mark them in others"),
        14 + 6 * share,
        *("python -m demos.kitchen.steps --truth", at.kitchen / "truth.json"),
        *("--training", at.work, "--held-out", at.held_out, "--model", at.model),
        *("--picture", at.answers / "steps.png"),
    )
    yield replace(tag, beside=True)


def _refuse_another_kitchen(truth: Path, size: Size) -> None:
    if not truth.exists():
        return
    there = read_truth(truth)
    for name, has in (("videos", len(there.videos)), ("seed", there.seed)):
        if has != (wanted := getattr(size, name)):
            raise InputError(
                f"{truth} has {has} for {name}, not {wanted}: give --{name} {has}, or another --out"
            )


def _what_next(out: Path) -> str:
    """Name three things to try with what was made."""
    model, work = shlex.quote(str(out / "model")), shlex.quote(str(out / "work"))
    videobert = ".venv/bin/videobert"
    return f"""
Three things to try next:
  make page
      the same model in a browser: choose a clip, ask, search
  {videobert} search "stir the tomato" --model {model} --work {work}
      the stretches of video that fit a sentence
  {videobert} run my_videos/ --work my_work --out my_model --weights kinetics400
      the same on videos of your own (docs/real-data.md says what it takes)"""


def main() -> None:
    """Parse the options and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), help="the folder for everything (default: demo)"
    )
    for each in described(Size):
        says = f"{each.metadata['about'].help} (default: {each.default})"
        parser.add_argument(
            f"--{each.name}", type=type(each.default), default=each.default, help=says
        )
    options = vars(parser.parse_args())
    try:
        street(options.pop("out"), Size(**options))
    except InputError as error:
        sys.exit(f"python -m demos.street: {error}")


if __name__ == "__main__":
    main()
