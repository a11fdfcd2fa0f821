"""What the verbs can be told, each with its help; the defaults are the verbs' own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Optional, get_type_hints

import typer

from videobert.pretraining.options import PretrainOptions, option_help

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


def takes_pretrain_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb that takes ``pretraining``, a PretrainOptions, one option for each of its fields."""
    helps = option_help()
    own = [parameter for name, parameter in signature(verb, eval_str=True).parameters.items() if name != "pretraining"]
    hints = get_type_hints(PretrainOptions)
    added = [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=Annotated[hints[field.name], typer.Option(help=helps[field.name], rich_help_panel="Learning")],
        )
        for field in fields(PretrainOptions)
        if field.name not in {parameter.name for parameter in own}
    ]

    @wraps(verb)
    def command(**given: Any) -> None:
        shared = {field.name: given[field.name] for field in fields(PretrainOptions)}
        verb(**{name: given[name] for name in (parameter.name for parameter in own)}, pretraining=PretrainOptions(**shared))

    command.__signature__ = Signature([parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in own] + added)  # type: ignore[attr-defined]
    return command
