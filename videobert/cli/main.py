"""The command line: verbs that make a model, verbs that ask it, verbs that measure it."""

from __future__ import annotations

import os
import sys

import typer

from videobert.cli import answers, clip_answers, hub, make, storage
from videobert.cli.apply import apply
from videobert.cli.augment import augment
from videobert.cli.compress import compress
from videobert.cli.evaluate import evaluate
from videobert.cli.finetune import finetune
from videobert.cli.imports import imports
from videobert.cli.inspect import inspect
from videobert.cli.options import ASK, MAKE, MEASURE
from videobert.cli.page import page
from workfolder.errors import InputError

INPUT_ERROR = 2
"""Exit status where the input cannot be used."""
STOPPED = 130
"""Exit status that Typer gives a Ctrl-C."""
PIPE_CLOSED = 1
"""Exit status that Typer gives output which nobody reads, as after ``| head -1``."""

app = typer.Typer(
    help="VideoBERT: learn from narrated videos what is said and what is seen, as one language.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
for verb in (*make.VERBS, *storage.VERBS, *hub.VERBS):
    app.command(rich_help_panel=MAKE)(verb)
app.add_typer(imports, name="import", rich_help_panel=MAKE)
app.add_typer(inspect, name="inspect", rich_help_panel=MAKE)
app.add_typer(finetune, name="finetune", rich_help_panel=MAKE)
app.command(rich_help_panel=MAKE)(augment)
app.command(rich_help_panel=MAKE)(compress)
for verb in (*clip_answers.VERBS, *answers.VERBS):
    app.command(rich_help_panel=ASK)(verb)
app.command(rich_help_panel=ASK)(apply)
app.command(rich_help_panel=ASK)(page)
app.add_typer(evaluate, name="evaluate", rich_help_panel=MEASURE)


def main() -> None:
    """Run the command line; what the user can mend is one line on stderr."""
    # The libraries' own bars and advice would stand between ours.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # where a terminal lacks a letter
    try:
        sys.exit(_status())
    except BrokenPipeError:
        # Python would write the rest at its end, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(PIPE_CLOSED)


def _status() -> int | str | None:
    """Run the verb that was asked for; return the exit status."""
    try:
        app()
    except InputError as error:
        _say(str(error))
        return INPUT_ERROR
    except SystemExit as end:
        if end.code == STOPPED:
            _say("stopped; whatever is finished is kept, and the same command goes on from there")
        sys.stdout.flush()
        return end.code
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"videobert: {text}\n")
