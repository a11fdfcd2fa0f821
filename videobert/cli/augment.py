"""The verb that makes more of a table of labelled texts."""

from __future__ import annotations

from videobert.cli.options import Json, Model, Work, takes
from videobert.finetune.augment_options import AugmentOptions


@takes(options=AugmentOptions)
def augment(model: Model, work: Work, options: AugmentOptions, json: Json = False) -> None:
    """Write a table of annotations with new texts for its labels."""
    from videobert.cli.console import print_report, progress_bars
    from videobert.finetune.augmenting import augment as make

    with progress_bars() as progress:
        report = make(model, work, options, progress)
    print_report(report, json)
