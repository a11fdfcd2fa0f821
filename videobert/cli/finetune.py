"""The verbs that teach a trained model a task."""

from __future__ import annotations

import typer

from videobert.cli.options import Annotations, Json, Model, Out, Texts, Work, takes
from videobert.finetune.captions.options import CaptionOptions
from videobert.finetune.punctuation.options import PunctuationOptions

finetune = typer.Typer(
    help="Teach a trained model a task, or the punctuation restorer its texts.",
    no_args_is_help=True,
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
    """Learn captions from --annotations or what is said in --work; write MODEL/captioner."""
    from videobert.cli.console import print_json, print_line, print_missing, progress_bars
    from videobert.finetune.captions.training import finetune_captioner

    with progress_bars() as progress:
        report = finetune_captioner(model, work, options, annotations, progress)
    if json:
        print_json(report)
        return
    print_line(str(report))
    print_missing(report.unseen, report.missing)


@finetune.command("punctuation")
@takes(options=PunctuationOptions)
def finetune_punctuation(
    texts: Texts, out: Out, options: PunctuationOptions, json: Json = False
) -> None:
    """Learn from punctuated transcripts where marks belong; for transcribe --punctuation OUT."""
    from videobert.cli.console import print_json, print_line, progress_bars
    from videobert.finetune.punctuation.training import finetune_punctuation as train

    with progress_bars() as progress:
        report = train(texts, out, options, progress)
    if json:
        print_json(report)
    else:
        print_line(str(report))
