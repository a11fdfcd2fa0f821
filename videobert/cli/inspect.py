"""The verbs that inspect what a stage made: counts, plots and pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Optional

import typer

from videobert.cli.options import Inspected, Json, OwnModel, PathOption, Work

inspect = typer.Typer(help="Counts, plots and pages of what a stage made.", no_args_is_help=True)


@inspect.command("features")
def inspect_features(
    work: Inspected,
    picture: Annotated[
        Optional[Path], PathOption(help="PNG file to write.", show_default="WORK/features.png")
    ] = None,
    json: Json = False,
) -> None:
    """Print figures of the features, and draw their lengths and dimensions."""
    from feature_extraction.seeing.inspection import draw_features
    from feature_extraction.seeing.inspection import inspect_features as look
    from videobert.cli.console import progress_bars

    with progress_bars() as progress:
        report = look(work, progress)
    drawn = picture or work / "features.png"
    draw_features(report, drawn)
    _print_stage(work, "features", report.figures(), drawn, json)


@inspect.command("transcripts")
def inspect_transcripts(
    work: Inspected,
    picture: Annotated[
        Optional[Path], PathOption(help="PNG file to write.", show_default="WORK/transcripts.png")
    ] = None,
    json: Json = False,
) -> None:
    """Print and draw how much is said, how fast and in what sentences."""
    from feature_extraction.hearing.inspection import draw_transcripts
    from feature_extraction.hearing.inspection import inspect_transcripts as look
    from videobert.cli.console import progress_bars

    with progress_bars() as progress:
        report = look(work, progress)
    drawn = picture or work / "transcripts.png"
    draw_transcripts(report, drawn)
    _print_stage(work, "transcripts", report.figures(), drawn, json)


@inspect.command("codebook")
def inspect_codebook(
    work: Inspected,
    other: Annotated[
        Optional[Path],
        PathOption(help="Another work folder, to compare with.", show_default="none"),
    ] = None,
    page: Annotated[
        Optional[Path], PathOption(help="HTML file to write.", show_default="WORK/codebook.html")
    ] = None,
    json: Json = False,
) -> None:
    """Print figures of the visual words, and write a page of their pictures to browse."""
    from tokenization.codebook import Codebook
    from tokenization.codebook_page import write_page
    from tokenization.inspection import inspect_codebook as look
    from videobert.cli.console import print_codebook, print_json, print_line

    folders = [work] if other is None else [work, other]
    codebooks = [Codebook.load(folder / "codebook") for folder in folders]
    written = page or work / "codebook.html"
    write_page(codebooks[0], written, codebooks[1] if other else None, (str(work), str(other)))
    reports = {
        str(folder): look(codebook) for folder, codebook in zip(folders, codebooks, strict=True)
    }
    if json:
        print_json(reports | {"page": str(written)})
        return
    for name, report in reports.items():
        print_codebook(name, report)
    print_line(f"page: {written}")


@inspect.command("model")
def inspect_model(
    model: OwnModel,
    work: Work,
    annotations: Annotated[
        Optional[str],
        typer.Option(
            help="Name of a table that import annotations wrote, for probes.", show_default="none"
        ),
    ] = None,
    other: Annotated[
        Optional[Path],
        PathOption(
            help="A model that was tuned from this one, or MODEL/tasks/NAME.", show_default="none"
        ),
    ] = None,
    page: Annotated[
        Optional[Path], PathOption(help="HTML file to write.", show_default="MODEL/inside.html")
    ] = None,
    json: Json = False,
) -> None:
    """Look at a model from inside: its states, its heads, what moves its answers; write a page."""
    from dataclasses import asdict

    from videobert.cli.console import print_json, print_line, progress_bars
    from videobert.probes.page import TITLES, write_model_page
    from videobert.probes.report import inspect_model as look

    with progress_bars() as progress:
        report = look(model, work, annotations, other, progress)
    written = page or model / "inside.html"
    write_model_page(report, written)
    if json:
        print_json({**asdict(report), "says": report.sentences, "page": str(written)})
        return
    for name, sentence in report.sentences.items():
        print_line(f"{TITLES[name]}: {sentence}")
    print_line(f"page: {written}")


def _print_stage(
    work: Path, stage: str, figures: Mapping[str, float], drawn: Path, as_json: bool
) -> None:
    """Print a stage's figures, and the path of their picture."""
    from videobert.cli.console import print_figures, print_json, print_line

    if as_json:
        print_json({**figures, "picture": str(drawn)})
        return
    print_figures(str(work), stage, figures)
    print_line(f"drawn: {drawn}")
