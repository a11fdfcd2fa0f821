"""Teach the model the steps of the kitchen by labels, and tag videos that it never saw.

python -m demos.kitchen.steps --truth demo/kitchen/truth.json --training demo/work \
    --held-out demo/held_out --model demo/model --picture demo/steps.png

The labels are the verbs of the steps, with their times. The picture is of the first video that was
held out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, TRAINING, Truth, read_truth
from tokenization.codebook import Codebook
from videobert.cli.console import print_line, print_table, progress_bars
from videobert.data.annotations import Annotation, import_annotations, table_path
from videobert.data.clips import Clips
from videobert.data.work import encode_clips
from videobert.evaluation.intervals import Estimate, estimate_figures
from videobert.evaluation.tasks import probed
from videobert.finetune.asking import answers
from videobert.finetune.data import read_footage
from videobert.finetune.examples import Example
from videobert.finetune.options import TAG, FinetuneOptions
from videobert.finetune.tasks.tag import Tag
from videobert.finetune.training import finetune_tasks
from videobert.finetune.tuned import Tuned, load_tuned
from videobert.loading import load_model
from workfolder.errors import InputError
from workfolder.files import save_png, write_whole
from workfolder.progress import Progress, silent
from workfolder.stage import Stage

TABLE = "steps"
LEARNING = FinetuneOptions(
    task=(TAG,), annotations=TABLE, name=TABLE, epochs=12, batch_size=16, learning_rate=1e-3
)
"""Some ten seconds for 190 videos on one core."""
SPLITS = (HELD_OUT_VIDEOS, HELD_OUT_COMBINATIONS)
PRIOR, PROBE, OURS = ROWS = ("prior", "linear_probe", "ours")


@dataclass(frozen=True)
class Strip:
    """The steps of one video.

    Attributes:
        video: its id.
        times: when each clip starts and ends in seconds, [clips, 2].
        really: the tag of each clip.
        found: what the model says.
    """

    video: str
    times: np.ndarray
    really: Sequence[str]
    found: Sequence[str]


def write_steps(truth: Truth, work: Path) -> None:
    """Write DIR/annotations/steps.parquet of the training videos, unless it is there."""
    if table_path(work, TABLE).exists():
        return
    rows = [
        {
            "video": Path(video.video).name,
            "start": step.start,
            "end": step.end,
            "text": step.caption,
            "label": step.verb,
        }
        for video in truth.videos
        if video.split == TRAINING
        for step in video.steps
    ]
    path = work / f"{TABLE}.jsonl"
    with write_whole(path) as part:
        part.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    import_annotations(path, work, "table", TABLE)


def annotations_of(truth: Truth, split: str) -> list[Annotation]:
    """Return the steps of a split in the form of the table."""
    return [
        Annotation(Path(video.video).name, step.start, step.end, step.caption, step.verb, (), None)
        for video in truth.videos
        if video.split == split
        for step in video.steps
    ]


def measure(
    tuned: Tuned, task: Tag, rows: Sequence[Annotation], learnt: Sequence[Example]
) -> tuple[dict[str, Mapping[str, Estimate]], Strip]:
    """Tag the videos of rows.

    Returns:
        The figures of each of ROWS, and the first video.
    """
    examples = task.examples(rows)
    found = {
        PRIOR: task.guesses(learnt, examples, None),
        PROBE: probed(task, learnt, examples),
        OURS: answers(tuned.network, TAG, task, examples),
    }
    figures = {}
    for name, said in found.items():
        assert not isinstance(said, str)
        marks = [task.marks(*each) for each in zip(said, examples, strict=True)]
        groups = np.array([example.video for example in examples])
        figures[name] = estimate_figures(task.figures, np.concatenate(marks), groups)
    first = examples[0]
    really = [task.classes[number] for number in first.truth]
    ours = found[OURS][0]
    assert isinstance(ours, np.ndarray)
    return figures, Strip(first.video, first.times, really, task.tags(ours))


def footage_of(truth: Truth, split: str, held_out: Path, codebook: Codebook) -> dict[str, Clips]:
    """Find the visual words of the videos of a split of which there are features."""
    features = Stage(held_out / "features")
    there = set(features.done())
    names = [Path(video.video).name for video in truth.videos if video.split == split]
    return {name: encode_clips(features, name, codebook) for name in names if name in there}


def draw_strip(strip: Strip, path: Path) -> None:
    """Draw what was done and what the model says as two strips of colours over time."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    labels = sorted({tag[2:] for tag in (*strip.really, *strip.found) if tag != "O"})
    colours = {label: colormaps["tab20"](n % 20) for n, label in enumerate(labels)}
    figure = Figure(figsize=(11, 2.6), layout="constrained", facecolor="white")
    axes = figure.subplots()
    for height, (_, tags) in enumerate((("said", strip.found), ("done", strip.really))):
        for (start, end), tag in zip(strip.times, tags, strict=True):
            colour = colours.get(tag[2:], "#eceff1")
            axes.barh(height, end - start, left=start, height=0.8, color=colour)
            if tag.startswith("B-"):
                axes.plot([start, start], [height - 0.4, height + 0.4], color="white", linewidth=2)
    axes.set_yticks([0, 1], ["the model", "really"])
    axes.set_xlabel("seconds")
    axes.set_title(f"{strip.video}, which the model never saw", loc="left", fontsize=11)
    axes.spines[:].set_visible(False)
    axes.set_xlim(strip.times[0, 0], strip.times[-1, 1])
    handles = [Patch(color=colours[label], label=label) for label in labels]
    figure.legend(handles=handles, loc="outside lower center", ncols=10, frameon=False, fontsize=9)
    save_png(figure, path)


def teach_and_tag(
    truth: Truth, training: Path, held_out: Path, model: Path, progress: Progress = silent
) -> tuple[dict[str, dict[str, Mapping[str, Estimate]]], Strip]:
    """Teach MODEL/tasks/steps unless it is there, and tag both held-out splits.

    Args:
        truth: what happens in the videos.
        training: the work folder of the training videos.
        held_out: that of the others.
        model: MODEL.
        progress: hears of the training.

    Returns:
        By split the figures of each of ROWS, and the first held-out video.
    """
    write_steps(truth, training)
    finetune_tasks(model, training, LEARNING, progress)
    codebook = load_model(model).processor.codebook
    rows = annotations_of(truth, TRAINING)
    known = read_footage(training, {row.video for row in rows}, codebook)
    learnt = _tagger(model, known)[1].examples(rows)
    found, strips = {}, []
    for split in SPLITS:
        tuned, task = _tagger(model, footage_of(truth, split, held_out, codebook))
        found[split], strip = measure(tuned, task, annotations_of(truth, split), learnt)
        strips.append(strip)
    return found, strips[0]


def _tagger(model: Path, footage: Mapping[str, Clips]) -> tuple[Tuned, Tag]:
    tuned = load_tuned(model, TABLE, footage)
    task = tuned.tasks[TAG]
    assert isinstance(task, Tag)
    return tuned, task


def main() -> None:
    """Teach, print the tables and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("truth", "training", "held-out", "model", "picture"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    try:
        truth = read_truth(options.truth)
        with progress_bars() as progress:
            asked = truth, options.training, options.held_out, options.model
            found, strip = teach_and_tag(*asked, progress)
        draw_strip(strip, options.picture)
    except InputError as error:
        sys.exit(f"python -m demos.kitchen.steps: {error}")
    for split, rows in found.items():
        columns = next(iter(rows.values()))
        cells = [[name.replace("_", " "), *map(str, rows[name].values())] for name in ROWS]
        print_table(f"steps of {split.replace('_', ' ')}", ["", *columns], cells)
    print_line(f"drawn: {options.picture}")


if __name__ == "__main__":
    main()
