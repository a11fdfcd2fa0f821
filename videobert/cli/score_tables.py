"""Tables of what a model must beat and what it does, as ``evaluate`` prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videobert.evaluation.actions import ActionResult
    from videobert.evaluation.captioning import CaptionResult
    from videobert.evaluation.retrieval import RetrievalResult
    from videobert.evaluation.tasks import TaskTable

CIDER = "CIDEr-D"
"""The one measure of captions that is no share."""


def print_task_table(table: TaskTable) -> None:
    """Print the seven rows of a task, and why a row is left out."""
    from videobert.cli.console import print_line

    title = (
        f"{table.task}: {table.examples:,} examples of {table.videos:,} videos, {table.subset} rows"
    )
    columns = next(iter(table.rows.values()))
    print_measures(title, ["", *columns], table.rows.cells())
    for method, reason in table.left_out.items():
        print_line(f"{method.replace('_', ' ')} is left out: {reason}")
    if table.unknown:
        print_line(f"not learnt, so not measured: {', '.join(table.unknown)}")


def print_action_table(title: str, table: ActionResult) -> None:
    """Print a table of methods in per cent.

    Below it stand why a method is left out and how much the answers depend on the template.
    """
    from videobert.cli.console import print_line, print_table
    from videobert.evaluation.actions import COLUMNS

    print_table(
        title, ["", *(column.replace("_top", " top-") for column in COLUMNS)], table.rows.cells()
    )
    print_line("in per cent; in brackets 95 % bootstrap intervals over videos")
    for method, reason in table.left_out.items():
        print_line(f"{method.replace('_', ' ')} is left out: {reason}")
    if len(table.templates) > 1:
        for kind, moved in table.sensitivity.items():
            print_line(f"{kind}: {moved}")


def print_retrieval(table: RetrievalResult, of: str) -> None:
    """Print how well sentences and clips of a place, ``of``, find each other."""
    from videobert.evaluation.retrieval import KS

    title = f"{table.sentences:,} sentences and {table.passages:,} clips of {of}"
    print_measures(title, ["", *(f"R@{k}" for k in KS), "median rank"], table.cells())


def print_captions(result: CaptionResult) -> None:
    """Print the measures of the paper's Table 3 and BLEU-1 and 2.

    All are in per cent but CIDEr-D, which goes from 0 to 10 as in the paper.
    """
    from videobert.cli.console import print_line, print_missing, print_table

    columns = {result.features: result.scores}
    if result.transcript:
        columns["transcript alone"] = result.transcript
    rows = [
        [
            "CIDEr-D, 0 to 10" if name == CIDER else name,
            *(_caption_score(name, each.corpus[name]) for each in columns.values()),
        ]
        for name in result.scores.corpus
    ]
    print_table(
        f"captions of {result.segments:,} segments, beam {result.beam}", ["", *columns], rows
    )
    if result.scores.why_no_meteor:
        print_line(f"METEOR is not measured: {result.scores.why_no_meteor}")
    print_missing(result.unseen, result.missing)


def _caption_score(name: str, score: float | None) -> str:
    if score is None:
        return "not measured"
    return f"{score:.2f}" if name == CIDER else f"{score:.2%}"


def print_measures(title: str, header: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Print a table of shares."""
    from videobert.cli.console import print_line, print_table

    print_table(title, header, cells)
    print_line("shares in per cent; in brackets 95 % bootstrap intervals over videos")
