"""The options of the verbs, derived from the dataclasses of options.

No torch, numpy or pyarrow here: ``--help`` and a shell's completion do not wait for them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import MISSING, Field
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Optional, get_args, get_origin, get_type_hints

import typer

from videobert.cli.config import CONFIG, config_option
from workfolder.errors import InputError
from workfolder.options import About, Options, dashed, described
from workfolder.paths import refuse_address

MAKE, ASK, MEASURE = "Make a model", "Ask a model", "Measure a model"
"""The verbs, as ``videobert --help`` groups them."""

Flag = partial(typer.Option, show_default="off")


def _refuse_addresses(given: Path | list[Path] | None) -> Path | list[Path] | None:
    """Raise InputError if an address stands where a path is wanted."""
    for path in given if isinstance(given, list) else [given]:
        if path is not None:
            refuse_address(path)
    return given


def _find_model(context: typer.Context, given: Path | None) -> Path | None:
    """Return the folder of a model that is here or, as OWNER/NAME, on the Hub.

    Raises:
        InputError: if an address was given, the Hub has no such model, or the verb would write into
            the folder of one that was fetched.
    """
    _refuse_addresses(given)
    if given is None or given.parent == Path(".") or given.parent.exists() or given.exists():
        return given
    from videobert.hub import fetch_model, is_hub_name  # most models are folders

    if not is_hub_name(given):
        return given
    if "finetune" in context.command_path.split():
        raise InputError(
            f"{given} is on the Hub, and finetune writes into the folder of a model: "
            f"videobert pull {given} --out MODEL first"
        )
    return fetch_model(str(given))


PathOption = partial(typer.Option, callback=_refuse_addresses)
_PathArgument = partial(typer.Argument, callback=_refuse_addresses)

Videos = Annotated[
    list[str],
    typer.Argument(
        help="Videos, folders of videos, addresses (s3:// gs:// hf:// https://), or .txt files of "
        "those."
    ),
]
FeatureFiles = Annotated[
    list[Path],
    _PathArgument(
        help="Files of features (.npy .npz .h5 .pt .parquet .csv), their folders, or .txt files of "
        "paths."
    ),
]
Tables = Annotated[
    list[Path],
    _PathArgument(
        help="Tables of texts with times (.csv .tsv .json .jsonl .parquet), their folders, or .txt "
        "files of paths."
    ),
]
AnnotationFile = Annotated[
    Path, _PathArgument(help="What others labelled: a file, or CrossTask's folder.")
]
Work = Annotated[Path, PathOption(help="Folder that all stages share; made by extract or import.")]
Inspected = Annotated[Path, _PathArgument(help="Folder that all stages share.")]
Out = Annotated[Path, PathOption(help="Folder to write the model to.")]
Model = Annotated[
    Path,
    typer.Option(
        help="Folder that pretrain wrote, or OWNER/NAME on the Hub.", callback=_find_model
    ),
]
OwnModel = Annotated[Path, _PathArgument(help="Folder that pretrain wrote.")]
Texts = Annotated[
    list[Path],
    _PathArgument(metavar="TEXT...", help="Punctuated transcripts: .txt files, or their folders."),
]
Sentence = Annotated[str, typer.Argument(help="A sentence about what is to be seen.")]
Clip = Annotated[Path, _PathArgument(help="A video file.")]
Clips = Annotated[
    Optional[list[Path]],
    _PathArgument(
        metavar="CLIP...",
        help="A video; or several, folders of videos, or .txt files of paths: a line each.",
    ),
]
TaskName = Annotated[str, typer.Argument(help="What finetune --task taught: below MODEL/tasks.")]
FETCHING = ("shard", "scratch", "scratch_gb", "patience")
"""Options of the verbs that read videos, and of no other job."""
TRAINING = "Work folder of the training videos: word counts and profiles come from it."
Training = Annotated[Path, PathOption(help=TRAINING)]
ANNOTATIONS = "YouCook2's annotations, JSON."
Annotations = Annotated[
    Optional[Path], PathOption(help=ANNOTATIONS, show_default="what is said in --work")
]
Json = Annotated[bool, Flag("--json", help="Print JSON, for programs.")]


def takes(
    omit: Collection[str] = (), **made: type[Options]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb an option for each field of the dataclasses that its arguments are made of.

    And ``--config``, a file that has any of its options.

    Args:
        omit: fields that the verb has no use for; they keep their defaults.
        made: the dataclass of each argument. A field that two of them have is one option, as the
            first describes it.
    """

    def give(verb: Callable[..., None]) -> Callable[..., None]:
        own = {name: each for name, each in _parameters(verb).items() if name not in made}
        every = dict(own)
        for kind in made.values():
            fields = _options(kind)
            every |= {name: fields[name] for name in fields if name not in {*every, *omit}}
        config = config_option(every, _turned(made.values()))
        every[CONFIG] = Parameter(CONFIG, Parameter.KEYWORD_ONLY, default=None, annotation=config)

        @wraps(verb)
        def command(**given: Any) -> None:
            arguments = {name: _made(kind, given) for name, kind in made.items()}
            verb(**{name: given[name] for name in own}, **arguments)

        command.__signature__ = Signature(list(every.values()))  # type: ignore[attr-defined]
        command.__annotations__ = {name: each.annotation for name, each in every.items()}
        return command

    return give


def _turned(kinds: Iterable[type[Options]]) -> set[str]:
    """Name the flags that are on by default: the command line has ``--no-NAME`` for them."""
    return {each.name for kind in kinds for each in described(kind) if each.default is True}


def _made(kind: type[Options], given: dict[str, Any]) -> Options:
    """Make the options of what was given; None and an empty list stand for the default."""
    values = {each.name: given.get(each.name) for each in described(kind)}
    return kind(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if value not in (None, [])
        }
    )


def _parameters(verb: Callable[..., None]) -> dict[str, Parameter]:
    hints = get_type_hints(verb, include_extras=True)
    return {
        name: each.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[name])
        for name, each in signature(verb).parameters.items()
        if each.kind is not Parameter.VAR_KEYWORD
    }


def _options(kind: type[Options]) -> dict[str, Parameter]:
    hints = get_type_hints(kind)
    return {each.name: _option(each, hints[each.name], kind.panel) for each in described(kind)}


def _option(field: Field[Any], hint: Any, panel: str) -> Parameter:
    """Make the option of a field; a flag turns its default around.

    A field without a default is an option that must be given.
    """
    about: About = field.metadata["about"]
    name, default = dashed(field.name), None if field.default is MISSING else field.default
    more: dict[str, Any] = {
        "show_default": about.shown or True,
        "rich_help_panel": about.panel or panel,
    }
    if isinstance(default, bool):
        turned = default
        name = f"--no-{name[2:]}" if default else name
        default, more["callback"], more["show_default"] = False, lambda on: on != turned, "off"
    elif get_origin(hint) is tuple:
        default, hint = None, GenericAlias(list, get_args(hint)[:1])
    offered = list(about.choices or about.offered)
    help = f"{about.help.removesuffix('.')} ({about.accepted})." if about.accepted else about.help
    option = typer.Option(name, help=help, autocompletion=lambda: offered, **more)
    if field.default is MISSING and field.default_factory is MISSING:
        return Parameter(field.name, Parameter.KEYWORD_ONLY, annotation=Annotated[hint, option])
    annotated: Any = Annotated[hint if default is not None else Optional[hint], option]
    return Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=annotated)
