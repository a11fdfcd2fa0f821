"""The verbs that exchange models with the Hub of Hugging Face."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from videobert.cli.options import Flag, Json, Out, OwnModel

Name = Annotated[str, typer.Argument(metavar="OWNER/NAME", help="A model on the Hub.")]
Revision = Annotated[
    Optional[str], typer.Option(help="A branch, a tag or a commit.", show_default="the newest")
]
Licence = Annotated[
    str, typer.Option("--license", help="Of the weights, as the Hub names it: apache-2.0, mit, ...")
]


def push(
    model: OwnModel,
    name: Name,
    licence: Licence = "other",
    public: Annotated[bool, Flag("--public", help="Let everybody read a new model.")] = False,
    no_training_data: Annotated[
        bool,
        Flag("--no-training-data", help="Leave out sentences and frames of the training videos."),
    ] = False,
    json: Json = False,
) -> None:
    """Put a model on the Hub."""
    from videobert import hub
    from videobert.cli.console import print_json, print_line

    pushed = hub.push(model, name, licence, public, training_data=not no_training_data)
    if json:
        print_json(pushed)
        return
    print_line(f"{pushed.url}: {pushed.files} files, {pushed.bytes / 1e6:.1f} MB")
    if not no_training_data:
        print_line("sentences and frames of its training are there, too: see --no-training-data")


def pull(name: Name, out: Out, revision: Revision = None, json: Json = False) -> None:
    """Write a model of the Hub to a folder. To ask it, --model OWNER/NAME is enough."""
    from videobert import hub
    from videobert.cli.console import print_json, print_line

    hub.pull(name, out, revision)
    if json:
        print_json({"model": str(out)})
    else:
        print_line(f"{name} is in {out}")


VERBS = (push, pull)
