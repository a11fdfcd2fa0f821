"""The verbs that measure: a benchmark each, as a table of what the model must beat and what it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from videobert.cli_options import Json, Model, Work

if TYPE_CHECKING:
    from videobert.tasks.action_table import ActionTable

evaluate = typer.Typer(help="How good a model is, on a benchmark.", no_args_is_help=True)

MISSING_SHOWN = 10


@evaluate.command("youcook2")
def evaluate_youcook2(
    annotations: Annotated[Path, typer.Option(help="YouCook2's youcookii_annotations_trainval.json.")],
    work: Work,
    model: Model,
    templates: Annotated[
        Optional[Path], typer.Option(help="A file of sentences with two [MASK]s, one a line.", show_default="the paper's")
    ] = None,
    json: Json = False,
) -> None:
    """The verbs and nouns of YouCook2's validation segments, named without training for it."""
    from videobert.console import print_json, print_line, progress_bars
    from videobert.loading import load_model
    from videobert.tasks import zero_shot
    from videobert.tasks.youcook2 import evaluate as measure

    asked = zero_shot.read_templates(templates) if templates else [zero_shot.TEMPLATE]
    with progress_bars() as progress:
        result = measure(annotations, work, load_model(model), asked, progress)
    if json:
        print_json(result)
        return
    table, missing = result.table, result.missing
    print_action_table("YouCook2, validation segments", table)
    print_line(
        f"{table.segments:,} of {result.segments:,} segments, in {table.videos:,} of {result.videos:,} videos; of the videos "
        f"that are there, {result.unnamed:,} segments name no listed verb and noun and {result.unseen:,} have no clip"
    )
    if missing:
        more = f" and {len(missing) - MISSING_SHOWN:,} more (--json names all)" if len(missing) > MISSING_SHOWN else ""
        print_line(f"missing videos, {len(missing):,}: {', '.join(missing[:MISSING_SHOWN])}{more}")


def print_action_table(title: str, table: ActionTable) -> None:
    """Print a table of methods in per cent, why a method is left out, and how much the answers hang on the template."""
    from videobert.console import print_line, print_table
    from videobert.tasks.action_table import COLUMNS

    print_table(title, ["", *(column.replace("_top", " top-") for column in COLUMNS)], table.cells())
    print_line("in per cent; in brackets 95 % bootstrap intervals over videos")
    for method, reason in table.left_out.items():
        print_line(f"{method.replace('_', ' ')} is left out: {reason}")
    if len(table.templates) > 1:
        for kind, moved in table.sensitivity.items():
            print_line(
                f"{kind}: {moved.agreement:.0%} of single templates' first words are those of all {len(table.templates)}; "
                f"{moved.distance:.0%} of the probability moves with the template"
            )
