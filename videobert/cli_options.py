"""What the verbs can be told, each with its help; the defaults are the verbs' own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

Videos = Annotated[list[Path], typer.Argument(help="Videos, folders of videos, or .txt files of paths.")]
Work = Annotated[Path, typer.Option(help="The work folder.")]
Out = Annotated[Path, typer.Option(help="The model's folder.")]
Model = Annotated[Path, typer.Option(help="A model's folder, as pretrain wrote it.")]
Workers = Annotated[Optional[int], typer.Option(help="Videos at a time.", show_default="one a core", min=1)]
Timeout = Annotated[float, typer.Option(help="Seconds that reading one file may take.", min=0)]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Try failed and partial videos again.")]
MaxFailures = Annotated[Optional[int], typer.Option(help="Stop after more failures than this.", show_default="never", min=0)]
Runner = Annotated[str, typer.Option(help="local, or ray: the nodes of a Ray cluster.")]
Decoder = Annotated[str, typer.Option(help="pyav; or decord, for files that are trusted.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Weights = Annotated[str, typer.Option(help="kinetics400, howto100m, kylemin, x3d_m, ..., random:SEED, a file.")]
EngineName = Annotated[
    Optional[str], typer.Option("--engine", help="cuda, openvino or torch.", show_default="the best there is")
]
Asr = Annotated[str, typer.Option(help="auto, captions, whisper[:MODEL], faster-whisper[:MODEL] or none.")]
Punctuation = Annotated[str, typer.Option(help="Where words have none: none, restore, or a restorer's folder.")]
Language = Annotated[
    Optional[str], typer.Option(help="Of captions and sound, as en, where there are several.", show_default="the default ones")
]
Branching = Annotated[int, typer.Option(help="Children of a node.", min=2)]
Depth = Annotated[int, typer.Option(help="Levels; there are branching ** depth words.", min=1)]
Preparation = Annotated[str, typer.Option(help="Before clustering: none, pca or whiten.")]
Components = Annotated[int, typer.Option(help="Principal components kept by pca and whiten.", min=1)]
Seed = Annotated[int, typer.Option(help="Decides every draw.", min=0)]
Init = Annotated[str, typer.Option(help="A BERT checkpoint: name, folder, or none.")]
Size = Annotated[str, typer.Option(help="tiny, mini, small, base, large; where --init is none.")]
Steps = Annotated[int, typer.Option(help="Updates of the weights.", min=1)]
BatchSize = Annotated[int, typer.Option(help="Sequences in an update.", min=2)]
LearningRate = Annotated[float, typer.Option(help="The peak learning rate.", min=0)]
Dropout = Annotated[float, typer.Option(help="Of hidden states and attention.", min=0, max=0.9)]
MaxLength = Annotated[int, typer.Option(help="Ids in a sequence at most.", min=8)]
Precision = Annotated[str, typer.Option(help="fp32 or bf16.")]
JoinProbability = Annotated[float, typer.Option(help="How often a sentence takes its neighbour in.", min=0, max=1)]
MaskedShare = Annotated[float, typer.Option(help="Share of a sequence that is hidden.", min=0, max=1)]
TextWeight = Annotated[float, typer.Option(help="Share of text alone in a batch.", min=0)]
VideoWeight = Annotated[float, typer.Option(help="Share of video alone in a batch.", min=0)]
JointWeight = Annotated[float, typer.Option(help="Share of text with video in a batch.", min=0)]
