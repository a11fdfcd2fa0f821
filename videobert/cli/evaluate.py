"""The verbs that measure: each prints a table of what a model must beat and what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from videobert.answers.options import (
    TEMPLATE,
    Asking,
    ForecastOptions,
    ImagineOptions,
    LocateOptions,
    SearchOptions,
)
from videobert.cli.options import (
    ANNOTATIONS,
    Annotations,
    Json,
    Model,
    PathOption,
    TaskName,
    Texts,
    Training,
    Work,
    takes,
)
from videobert.cli.score_tables import (
    print_action_table,
    print_captions,
    print_measures,
    print_retrieval,
    print_task_table,
)
from videobert.evaluation.options import ForecastSampleOptions, SampleOptions
from videobert.finetune.captions.options import BeamOptions
from workfolder.errors import InputError

evaluate = typer.Typer(help="Measure a model against what it must beat.", no_args_is_help=True)


@evaluate.command("youcook2")
@takes(asking=Asking)
def evaluate_youcook2(
    annotations: Annotated[Path, PathOption(help=ANNOTATIONS)],
    work: Work,
    model: Model,
    asking: Asking,
    templates: Annotated[
        Optional[Path],
        PathOption(
            help="File with a template of two [MASK]s a line; answers are averaged.",
            show_default=f"{TEMPLATE}, and those of the model's training",
        ),
    ] = None,
    clips: Annotated[
        Optional[Path],
        PathOption(
            help="Table of clips and captions that are to find each other, too: "
            "validation_youcook.csv of MIL-NCE.",
            show_default="none",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Name the verb and noun of YouCook2's validation segments, without training for it."""
    from videobert.answers.templates import count_masks, read_templates
    from videobert.cli.console import print_json, print_line, print_missing, progress_bars
    from videobert.evaluation.youcook2 import evaluate_youcook2 as measure
    from videobert.loading import load_answering

    trained = load_answering(model)
    asked = read_templates(templates, trained.processor) if templates else None
    if asked and count_masks(asked[0]) != 2:
        raise InputError(f"{templates}: write two [MASK]s in each line, for the verb and the noun")
    with progress_bars() as progress:
        result = measure(annotations, work, trained, asked, asking, clips, progress)
    if json:
        print_json(result)
        return
    table, missing = result.table, result.missing
    print_action_table("YouCook2, validation segments", table)
    print_line(
        f"{table.segments:,} of {result.segments:,} segments, in {table.videos:,} of "
        f"{result.videos:,} videos; of the videos that are there, {result.unnamed:,} segments "
        f"name no listed verb and noun and {result.unseen:,} have no clip"
    )
    print_missing(0, missing)
    if result.retrieval:
        print_retrieval(result.retrieval, str(clips))


@evaluate.command("caption")
@takes(how=BeamOptions)
def evaluate_caption(
    model: Model,
    work: Work,
    how: BeamOptions,
    annotations: Annotations = None,
    json: Json = False,
) -> None:
    """Score captions against YouCook2's, or against what is said in --work."""
    from videobert.cli.console import print_json, progress_bars
    from videobert.evaluation.captioning import evaluate_captions
    from videobert.finetune.captions.captioner import load_captioner
    from videobert.loading import load_answering

    trained = load_answering(model)
    captioner = load_captioner(model, trained)
    with progress_bars() as progress:
        result = evaluate_captions(trained, captioner, work, annotations, how.beam, progress)
    if json:
        print_json(
            {
                **vars(result),
                "scores": result.scores.corpus,
                "transcript": result.transcript and result.transcript.corpus,
                "why_no_meteor": result.scores.why_no_meteor,
            }
        )
    else:
        print_captions(result)


@evaluate.command("retrieval")
@takes(how=SearchOptions, sample=SampleOptions, omit=["first_stage", "top", "whole_videos", "best"])
def evaluate_retrieval(
    model: Model,
    work: Work,
    training: Training,
    how: SearchOptions,
    sample: SampleOptions,
    json: Json = False,
) -> None:
    """Measure how well sentences and clips of a work folder find each other."""
    from videobert.cli.console import print_json, progress_bars
    from videobert.data.stretches import sample as drawn
    from videobert.data.stretches import spoken
    from videobert.data.work import read_stretches
    from videobert.evaluation import retrieval
    from videobert.loading import load_answering

    trained = load_answering(model)
    codebook = trained.processor.codebook
    pool = drawn(spoken(read_stretches(work, codebook)), sample.most, sample.seed)
    learnt = read_stretches(training, codebook)
    if work.samefile(training):
        raise InputError(
            f"{training} is both --work and --training, so BM25 would know the answers: "
            "give other videos"
        )
    with progress_bars() as progress:
        table = retrieval.evaluate_retrieval(
            trained, pool, learnt, how.weight, how.candidates, progress
        )
    if json:
        print_json(table)
        return
    print_retrieval(table, str(work))


@evaluate.command("forecast")
@takes(
    how=ForecastOptions,
    imagining=ImagineOptions,
    sample=ForecastSampleOptions,
    omit=["top"],
)
def evaluate_forecast(
    model: Model,
    work: Work,
    training: Training,
    how: ForecastOptions,
    imagining: ImagineOptions,
    sample: ForecastSampleOptions,
    json: Json = False,
) -> None:
    """Measure how often the next visual words are forecast and a sentence's are imagined."""
    from videobert.cli.console import print_json, print_line, progress_bars
    from videobert.data.stretches import sample as drawn
    from videobert.data.stretches import spoken
    from videobert.data.work import read_stretches, read_videos
    from videobert.evaluation import forecasting
    from videobert.evaluation.imagining import KS, evaluate_imagining
    from videobert.loading import load_answering

    trained = load_answering(model)
    codebook = trained.processor.codebook
    videos = {video: clips.words for video, clips in read_videos(work, codebook).items()}
    learnt = [clips.words for clips in read_videos(training, codebook).values()]
    asked = drawn(read_stretches(work, codebook), sample.most, sample.seed)
    examples = read_stretches(training, codebook)
    with progress_bars() as progress:
        ahead = forecasting.evaluate_forecasts(
            trained, videos, learnt, how.step, how.context, sample.most, sample.seed, progress
        )
        imagined = None
        if spoken(asked) and spoken(examples):
            imagined = evaluate_imagining(trained, asked, examples, imagining.masks, progress)
    if json:
        print_json({"forecast": ahead, "imagine": imagined})
        return
    title = f"the visual words to come, {max(ahead.words.values()):,} of them"
    print_measures(title, ["", *(f"top-{k}" for k in forecasting.KS)], ahead.cells())
    if imagined:
        title = f"the visual words of {imagined.examples:,} sentences"
        print_measures(title, ["", *(f"recall@{k}" for k in KS)], imagined.rows.cells())
    else:
        print_line("nobody speaks, so no sentence's visual words were imagined")


@evaluate.command("localisation")
@takes(how=LocateOptions, sample=SampleOptions, omit=["top"])
def evaluate_localisation(
    model: Model, work: Work, how: LocateOptions, sample: SampleOptions, json: Json = False
) -> None:
    """Measure how well sentences are found in their whole videos."""
    from videobert.cli.console import print_json, progress_bars
    from videobert.data.work import read_stretches, read_videos
    from videobert.evaluation.localisation import IOUS
    from videobert.evaluation.localisation import evaluate_localisation as measure
    from videobert.loading import load_answering

    trained = load_answering(model)
    codebook = trained.processor.codebook
    stretches, videos = read_stretches(work, codebook), read_videos(work, codebook)
    with progress_bars() as progress:
        table = measure(trained, stretches, videos, how.length, sample.most, sample.seed, progress)
    if json:
        print_json(table)
        return
    title = f"{table.sentences:,} sentences in {table.videos:,} videos"
    print_measures(
        title, ["", "mean IoU", *(f"IoU {least:g}" for least in IOUS)], table.rows.cells()
    )


@evaluate.command("punctuation")
def evaluate_punctuation(
    texts: Texts,
    model: Annotated[
        Optional[Path],
        PathOption(
            help="Folder that finetune punctuation wrote.", show_default="that of the package"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """How often marks are right, on held-out transcripts and on punctuated caption files."""
    from feature_extraction.hearing.punctuation.restorer import PunctuationRestorer
    from videobert.cli.console import print_json, print_line
    from videobert.finetune.punctuation import evaluation

    result = evaluation.evaluate_punctuation(texts, PunctuationRestorer.load(model))
    if json:
        counts = {method: found.tolist() for method, found in result.counts.items()}
        print_json({**vars(result), "scored": list(evaluation.SCORED), "counts": counts})
        return
    for line in str(result).splitlines():
        print_line(line)


@evaluate.command("task")
def evaluate_task(name: TaskName, model: Model, work: Work, json: Json = False) -> None:
    """Measure what a model was taught on rows that it did not learn from."""
    from videobert.cli.console import print_json, progress_bars
    from videobert.evaluation.tasks import evaluate_task as measure

    with progress_bars() as progress:
        tables = measure(model, work, name, progress)
    if json:
        print_json(tables)
        return
    for table in tables:
        print_task_table(table)
