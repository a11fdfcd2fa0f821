"""MiniLM that learns further from what 1,736 cooks said; see benchmarks.real_tasks."""

from __future__ import annotations

from pathlib import Path

from benchmarks.real_text import transcripts
from videobert.loading import load_model
from videobert.pretraining.loop import pretrain
from videobert.pretraining.options import PretrainOptions
from workfolder.files import write_table
from workfolder.progress import Progress
from workfolder.stage import Stage

FURTHER = PretrainOptions(
    video_weight=0.0,
    joint_weight=0.0,
    stream=True,
    max_length=128,
    batch_size=16,
    steps=350,
    learning_rate=1e-4,
    warmup=0.1,
    precision="bf16",
    validation_share=0.0,
    checkpoint_every=50,
)
"""Half of the 1.5 million pieces are read, each once."""


def learn_further(model: Path, out: Path, narrations: Path, tiny: bool, progress: Progress) -> None:
    """Pre-train a model on the narrations, unless it is there; a killed run goes on.

    Args:
        model: where it begins.
        out: the model's folder.
        narrations: the folder with the texts.
        tiny: whether two updates do.
        progress: hears of each step.
    """
    codebook = load_model(model).processor.codebook
    work = out.with_name("narrations")
    stage = Stage(work / "examples")
    if not stage.done():
        codebook.save(work / "codebook")
        stage.claim({"codebook": codebook.digest})
        write_table(transcripts(narrations), stage.path("narrations"))
    own = {**vars(FURTHER), "init": str(model), "steps": 2 if tiny else FURTHER.steps}
    pretrain(work, out, PretrainOptions(**own), progress)
