"""The verbs that give a trained model a head for a task."""

from __future__ import annotations

import typer

from videobert.cli.options import Annotations, Json, Model, Work, takes
from videobert.finetune.captions.options import CaptionOptions

finetune = typer.Typer(
    help="Teach a trained model a task: captions.",
    no_args_is_help=True,
    callback=lambda: None,  # without one Typer would take the only command for the group
)


@finetune.command("caption")
@takes(options=CaptionOptions)
def finetune_caption(
    model: Model,
    work: Work,
    options: CaptionOptions,
    annotations: Annotations = None,
    json: Json = False,
) -> None:
    """Learn captions from what is said in --work, or from --annotations; written to MODEL/captioner."""
    from videobert.cli.console import print_json, print_line, print_missing, progress_bars
    from videobert.finetune.captions.training import finetune_captioner

    with progress_bars() as progress:
        report = finetune_captioner(model, work, options, annotations, progress)
    if json:
        print_json(report)
        return
    print_line(str(report))
    print_missing(report.unseen, report.missing)
