"""The verbs that teach a trained model a task."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from videobert.cli.options import Annotations, Json, Model, Out, Texts, Work, takes
from videobert.finetune.captions.options import CaptionOptions
from videobert.finetune.options import FinetuneOptions
from videobert.finetune.punctuation.options import PunctuationOptions


class _WithTasks(TyperGroup):
    """``finetune --task tag ...`` is short for ``finetune task --task tag ...``."""

    def parse_args(self, context: Any, arguments: list[str]) -> list[str]:
        if arguments and arguments[0].startswith("--") and arguments[0] != "--help":
            arguments = ["task", *arguments]
        return super().parse_args(context, arguments)


finetune = typer.Typer(
    help="Teach a trained model tasks (--task), captions, or the restorer its marks.",
    no_args_is_help=True,
    cls=_WithTasks,
)


@finetune.command("task")
@takes(options=FinetuneOptions)
def finetune_task(model: Model, work: Work, options: FinetuneOptions, json: Json = False) -> None:
    """Learn tasks of one's own labels: classify, align, choose, find, tag, moments."""
    from videobert.cli.console import print_report, progress_bars
    from videobert.finetune.training import finetune_tasks

    with progress_bars() as progress:
        report = finetune_tasks(model, work, options, progress)
    print_report(report, json)


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
    from videobert.cli.console import print_missing, print_report, progress_bars
    from videobert.finetune.captions.training import finetune_captioner

    with progress_bars() as progress:
        report = finetune_captioner(model, work, options, annotations, progress)
    print_report(report, json)
    if not json:
        print_missing(report.unseen, report.missing)


@finetune.command("punctuation")
@takes(options=PunctuationOptions)
def finetune_punctuation(
    texts: Texts, out: Out, options: PunctuationOptions, json: Json = False
) -> None:
    """Learn from punctuated transcripts where marks belong; for transcribe --punctuation OUT."""
    from videobert.cli.console import print_report, progress_bars
    from videobert.finetune.punctuation.training import finetune_punctuation as train

    with progress_bars() as progress:
        report = train(texts, out, options, progress)
    print_report(report, json)
