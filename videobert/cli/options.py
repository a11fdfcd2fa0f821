"""What the verbs can be told, each with its help. No torch here: ``--help`` and a shell's completion are not to wait for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, fields, is_dataclass
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, get_type_hints

import typer

from videobert.finetune.captions.options import FEATURES
from videobert.pretraining.options import PRECISIONS, SCHEDULES, TRUNCATIONS, VISUAL_STARTS
from workfolder.options import option_help

if TYPE_CHECKING:
    from feature_extraction.features import FeatureOptions
    from feature_extraction.transcripts import TranscriptOptions
    from tokenization.codebook import ClusterOptions
    from workfolder.runner import JobOptions

MAKE, ASK, MEASURE = "Make a model", "Ask a model", "Measure a model"
"""The verbs, as ``videobert --help`` groups them."""
TEMPLATE = "now let me show you how to [MASK] the [MASK]"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "asr": ("auto", "captions", "whisper", "faster-whisper", "none"), "decoder": ("pyav", "decord"),
    "engine": ("cuda", "openvino", "torch"), "features": tuple(FEATURES), "precision": PRECISIONS,
    "preparation": ("none", "pca", "whiten"), "runner": ("local", "ray"), "schedule": SCHEDULES,
    "size": ("tiny", "mini", "small", "base", "large"), "truncation": TRUNCATIONS, "visual_start": VISUAL_STARTS,
}  # fmt: skip
"""What a shell completes; whether a value will do is said where it is used."""


def _one_of(name: str, help: str, **more: Any) -> Any:
    return typer.Option(f"--{name}", help=help, autocompletion=lambda: list(CHOICES[name]), **more)


_seen, _said, _word, _many = (
    {"rich_help_panel": it} for it in ("Features", "Sentences", "Visual words", "Many videos")
)
_flag = partial(typer.Option, show_default="off")

Videos = Annotated[
    list[Path], typer.Argument(help="Videos, folders of videos, or .txt files of paths.")
]
Work = Annotated[Path, typer.Option(help="Folder that all stages share; made by extract.")]
Inspected = Annotated[Path, typer.Argument(help="Folder that all stages share.")]
Out = Annotated[Path, typer.Option(help="Folder to write the model to.")]
Model = Annotated[Path, typer.Option(help="Folder that pretrain wrote.")]
Json = Annotated[bool, _flag("--json", help="Print JSON, for programs.")]

Weights = Annotated[
    str,
    typer.Option(
        help="Of the video network: kinetics400, howto100m, kylemin, x3d_m ..., random:SEED or a file.",
        **_seen,
    ),
]
EngineName = Annotated[
    Optional[str],
    _one_of(
        "engine",
        "What computes: cuda, openvino or torch.",
        show_default="the best there is",
        **_seen,
    ),
]
Decoder = Annotated[
    str, _one_of("decoder", "pyav; or decord, for files that are trusted.", **_seen)
]
ASR_HELP = "Where words come from: auto (captions, else whisper), captions, whisper[:MODEL], faster-whisper[:MODEL] or none."
Asr = Annotated[str, _one_of("asr", ASR_HELP, **_said)]
Punctuation = Annotated[
    str,
    typer.Option(help="For text without it: none, restore, or the folder of a restorer.", **_said),
]
LANGUAGE_HELP = "Code such as en, to choose among captions and to recognise speech."
Language = Annotated[
    Optional[str],
    typer.Option(help=LANGUAGE_HELP, show_default="the default captions; as heard", **_said),
]
Branching = Annotated[int, typer.Option(help="Children of each node of the tree.", min=2, **_word)]
Depth = Annotated[
    int,
    typer.Option(
        help="Levels of the tree: branching ** depth visual words (12 ** 4 = 20,736).",
        min=1,
        **_word,
    ),
]
Preparation = Annotated[
    str, _one_of("preparation", "Of features, before clustering: none, pca or whiten.", **_word)
]
Components = Annotated[
    int, typer.Option(help="Dimensions that pca and whiten keep.", min=1, **_word)
]
Seed = Annotated[int, typer.Option(help="Seed of all random choices.", min=0)]
Workers = Annotated[
    Optional[int],
    typer.Option(help="Videos at the same time.", show_default="one a core", min=1, **_many),
]
Runner = Annotated[str, _one_of("runner", "local, or ray: the nodes of a Ray cluster.", **_many)]
Timeout = Annotated[
    float, typer.Option(help="Seconds that reading one file may take.", min=0, **_many)
]
RetryFailed = Annotated[
    bool, _flag("--retry-failed", help="Try failed and partial videos again.", **_many)
]
MaxFailures = Annotated[
    Optional[int],
    typer.Option(
        help="Stop when more videos than this have failed.", show_default="never", min=0, **_many
    ),
]

Sentence = Annotated[str, typer.Argument(help="A sentence about what is to be seen.")]
Clip = Annotated[Path, typer.Argument(help="A video file.")]
Start = Annotated[float, typer.Option(help="Where the part to look at begins, in seconds.", min=0)]
End = Annotated[
    float,
    typer.Option(
        help="Where the part to look at ends, in seconds.", show_default="the video's end"
    ),
]
NowWeights = Annotated[
    Optional[str],
    typer.Option(
        "--weights",
        help="File of the video network's weights, if it has moved.",
        show_default="as trained",
    ),
]
Template = Annotated[
    Optional[str],
    typer.Option(help="Sentence with a [MASK] for each word to find.", show_default=TEMPLATE),
]
Labels = Annotated[
    Optional[Path],
    typer.Option(help="File with a word a line; only these are ranked.", show_default="all"),
]
Top = Annotated[int, typer.Option(help="Answers to show.", min=1)]
DRAWN = 10
Drawn = Annotated[
    int,
    typer.Option(
        help=f"Answers to print; of answers, masks and steps the picture has the first {DRAWN}.",
        min=1,
    ),
]
Steps = Annotated[
    Optional[list[int]],
    typer.Option(
        "--step",
        help="How many clips (1.5 s each) ahead; may be repeated.",
        show_default="1, 2, 4, 8",
        min=1,
    ),
]
Lengths = Annotated[
    Optional[list[int]],
    typer.Option(
        "--length",
        help="Window in clips of 1.5 s; may be repeated.",
        show_default="2, 4, 8, 16",
        min=1,
    ),
]
ANNOTATIONS_HELP = "YouCook2's annotations, JSON."
TRAINING_HELP = "Work folder of the training videos: word counts and profiles come from it."
Training = Annotated[Path, typer.Option(help=TRAINING_HELP)]
FirstStage = Annotated[
    str,
    typer.Option(
        help="Finds candidates by profiles (what is said over such pictures), transcripts, or none."
    ),
]
Candidates = Annotated[int, typer.Option(help="Stretches that the alignment head re-ranks.", min=1)]
Weight = Annotated[
    float,
    typer.Option(help="Share of the alignment head in the score; the rest is BM25.", min=0, max=1),
]
Most = Annotated[
    int,
    typer.Option("--most", help="Examples at most; of more, so many are drawn at random.", min=2),
]
Context = Annotated[
    int, typer.Option(help="Visual words (1.5 s each) that are read before the forecast.", min=1)
]
Masks = Annotated[int, typer.Option(help="Visual words (1.5 s each) to imagine.", min=1)]
Beam = Annotated[
    int, typer.Option(help="Captions kept while searching; 1 is greedy.", min=1, max=64)
]
Annotations = Annotated[
    Optional[Path], typer.Option(help=ANNOTATIONS_HELP, show_default="what is said in --work")
]


def features(
    weights: Weights = "kinetics400", engine: EngineName = None, decoder: Decoder = "pyav"
) -> FeatureOptions:
    """How clips become numbers."""
    from feature_extraction.features import FeatureOptions
    from feature_extraction.seeing.engines import best_engine_name

    return FeatureOptions(weights, engine or best_engine_name(), decoder)


def transcripts(
    asr: Asr = "auto", language: Language = None, punctuation: Punctuation = "none"
) -> TranscriptOptions:
    """Where sentences come from."""
    from feature_extraction.transcripts import TranscriptOptions

    return TranscriptOptions(asr, language, punctuation)


def codebook(
    branching: Branching = 12,
    depth: Depth = 4,
    preparation: Preparation = "none",
    components: Components = 128,
    seed: Seed = 0,
) -> ClusterOptions:
    """The shape of the tree."""
    from tokenization.codebook import ClusterOptions

    return ClusterOptions(branching, depth, preparation, components, seed)


def job(
    workers: Workers = None, runner: Runner = "local", timeout: Timeout = 3600, retry_failed: RetryFailed = False,
    max_failures: MaxFailures = None,
) -> JobOptions:  # fmt: skip
    """How many videos are gone through."""
    from feature_extraction.seeing.engines import cores
    from workfolder.runner import JobOptions

    return JobOptions(workers or cores(), runner, timeout, retry_failed, max_failures)


LATER = dict.fromkeys(("FeatureOptions", "TranscriptOptions", "ClusterOptions", "JobOptions"), Any)
"""Types that are imported when their options are made."""


def takes(**made: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb one option for each that the functions and dataclasses which make its arguments take.

    Args:
        made: who makes the argument of that name. What two of them take is one option: of the verb, or of the first.
    """
    taken = {
        name: _options(maker) if is_dataclass(maker) else _parameters(maker)
        for name, maker in made.items()
    }

    def give(verb: Callable[..., None]) -> Callable[..., None]:
        own = {key: parameter for key, parameter in _parameters(verb).items() if key not in made}
        every = dict(own)
        for parameters in taken.values():
            every |= {key: parameter for key, parameter in parameters.items() if key not in every}

        @wraps(verb)
        def command(**given: Any) -> None:
            arguments = {
                name: maker(**{key: given[key] for key in taken[name]})
                for name, maker in made.items()
            }
            verb(**{key: given[key] for key in own}, **arguments)

        command.__signature__ = Signature(list(every.values()))  # type: ignore[attr-defined]
        command.__annotations__ = {key: parameter.annotation for key, parameter in every.items()}
        return command

    return give


def _parameters(function: Callable[..., Any]) -> dict[str, Parameter]:
    hints = get_type_hints(function, localns=LATER, include_extras=True)
    return {
        key: parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[key])
        for key, parameter in signature(function).parameters.items()
    }


def _options(kind: type) -> dict[str, Parameter]:
    helps, hints = option_help(kind), get_type_hints(kind)
    return {
        field.name: _option(field, hints[field.name], helps[field.name]) for field in fields(kind)
    }


def _option(field: Field[Any], hint: Any, help: str) -> Parameter:
    """The option of a field: of a truth value, a flag that turns its default around."""
    more: dict[str, Any] = {
        "rich_help_panel": "Learning",
        "autocompletion": lambda: list(CHOICES.get(field.name, ())),
    }
    flag, dashed, default = (
        isinstance(field.default, bool),
        field.name.replace("_", "-"),
        field.default,
    )
    if flag:
        more |= {"show_default": "off", "callback": lambda on: on != field.default}
        dashed, default = f"no-{dashed}" if field.default else dashed, False
    elif default == "":
        more["show_default"] = "none"
    option = typer.Option(f"--{dashed}", help=help.removeprefix("False: "), **more)
    return Parameter(
        field.name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[hint, option]
    )
