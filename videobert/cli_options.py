"""What the verbs can be told, each with its help; the defaults are the verbs' own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Optional, get_type_hints

import typer

from videobert.options import option_help

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
Sentence = Annotated[str, typer.Argument(help="A sentence about what is to be seen.")]
Clip = Annotated[Path, typer.Argument(help="A video.")]
Start = Annotated[float, typer.Option(help="Seconds at which the clip begins.", min=0)]
End = Annotated[float, typer.Option(help="Seconds at which it ends.", show_default="the video's end")]
NowWeights = Annotated[Optional[str], typer.Option("--weights", help="Where S3D's weights are now.", show_default="as trained")]
Top = Annotated[int, typer.Option(help="How many answers.", min=1)]
Steps = Annotated[
    Optional[list[int]], typer.Option("--step", help="Clips ahead; give several.", show_default="1, 2, 4, 8", min=1)
]
Lengths = Annotated[
    Optional[list[int]], typer.Option("--length", help="Clips in a window; give several.", show_default="2, 4, 8, 16", min=1)
]
Training = Annotated[Path, typer.Option(help="The work folder to learn counts from; not the one to evaluate on.")]
Candidates = Annotated[int, typer.Option(help="How many BM25 picks for the alignment head.", min=1)]
Weight = Annotated[float, typer.Option(help="The alignment head's share in the score.", min=0, max=1)]
Most = Annotated[int, typer.Option("--most", help="Of more examples, so many are drawn at random.", min=2)]
Context = Annotated[int, typer.Option(help="Of the visual words before, the last so many are read.", min=1)]
Masks = Annotated[int, typer.Option(help="Clips of 1.5 s that the sentence is shown.", min=1)]
Beam = Annotated[int, typer.Option(help="Width of the search; 1 is greedy.", min=1, max=64)]
Annotations = Annotated[
    Optional[Path], typer.Option(help="YouCook2's youcookii_annotations_trainval.json.", show_default="what is said in DIR")
]


def takes(name: str, kind: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb that takes ``name``, a dataclass of options, one option for each of its fields."""
    helps, hints = option_help(kind), get_type_hints(kind)

    def give(verb: Callable[..., None]) -> Callable[..., None]:
        own = {key: found for key, found in signature(verb, eval_str=True).parameters.items() if key != name}
        added = [
            Parameter(
                field.name,
                Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=Annotated[hints[field.name], typer.Option(help=helps[field.name], rich_help_panel="Learning")],
            )
            for field in fields(kind)
            if field.name not in own
        ]

        @wraps(verb)
        def command(**given: Any) -> None:
            options = kind(**{field.name: given[field.name] for field in fields(kind)})
            verb(**{key: given[key] for key in own}, **{name: options})

        mine = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in own.values()]
        command.__signature__ = Signature(mine + added)  # type: ignore[attr-defined]
        return command

    return give
