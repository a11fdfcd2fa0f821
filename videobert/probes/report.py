"""All findings about a model on the rows of a work folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tokenization.residual_kmeans.codes import KIND as RESIDUAL
from videobert.data.annotations import read_annotation_table
from videobert.data.stretches import Stretch, sample, spoken
from videobert.data.work import read_stretches, read_videos
from videobert.finetune.tuned import load_tuned
from videobert.finetune.two_stage import home_of
from videobert.loading import TrainedModel, load_model
from videobert.probes.attention import Attention, describe_heads, has_maps, read_maps
from videobert.probes.distance import Placement, cosine_by_distance
from videobert.probes.importance import Importance, measure_importance
from videobert.probes.isotropy import Isotropy, measure_isotropy
from videobert.probes.labels import LabelProbe, labelled_clips, probe_labels
from videobert.probes.order import Movement, measure_movement, usable_rows
from videobert.probes.states import States, read_states
from videobert.probes.tree import FEW, TreeProbe, probe_tree
from videobert.probes.tuning import Likeness, compare_layers
from workfolder.errors import InputError
from workfolder.progress import Progress, silent

ROWS = 400
"""Sentences with clips that are looked at, at most; drawn from all, always the same."""


@dataclass(frozen=True)
class ModelReport:
    """What is seen from inside.

    Attributes:
        model: its folder.
        work: the folder of the rows.
        rows: how many sentences with clips were looked at.
        isotropy, distance, labels, tree, attention, importance, order, tuning: the findings; None
            where ``left_out`` says why.
        left_out: the reason, by finding.
    """

    model: str
    work: str
    rows: int
    isotropy: Isotropy
    distance: Placement
    labels: LabelProbe | None
    tree: TreeProbe | None
    attention: Attention | None
    importance: Importance | None
    order: Movement | None
    tuning: Likeness | None
    left_out: dict[str, str]

    @property
    def findings(self) -> dict[str, Any]:
        """The findings that are there, by name."""
        names = "isotropy distance labels tree attention importance order tuning".split()
        found = {name: getattr(self, name) for name in names}
        return {name: finding for name, finding in found.items() if finding is not None}

    @property
    def sentences(self) -> dict[str, str]:
        """One sentence a finding, and the reason of each that is left out."""
        return {name: str(finding) for name, finding in self.findings.items()} | {
            name: f"left out: {reason}" for name, reason in self.left_out.items()
        }


@dataclass(frozen=True)
class _Rows:
    """A model, and rows of a work folder as it reads them."""

    model: TrainedModel
    texts: list[list[int]]
    visual: list[list[int]]

    @classmethod
    def of(cls, model: TrainedModel, stretches: list[Stretch]) -> _Rows:
        texts = model.processor.text_ids([stretch.text for stretch in stretches])
        return cls(model, texts, [stretch.words.tolist() for stretch in stretches])

    def states(self) -> States:
        return read_states(self.model, self.texts, self.visual)


class _LeftOut(Exception):
    """Why a finding cannot be had."""


def inspect_model(
    folder: Path,
    work: Path,
    annotations: str | None = None,
    other: Path | None = None,
    progress: Progress = silent,
) -> ModelReport:
    """Look at a model from inside.

    Args:
        folder: of the model.
        work: a folder of the same codebook, where somebody speaks.
        annotations: the name of a table with labels, for the linear probes.
        other: a model that was tuned from it, or it from that one; or MODEL/tasks/NAME.
        progress: hears of each finding.

    Raises:
        InputError: if the folders do not belong together, nobody speaks, or labels are too few.
    """
    model = load_model(folder)
    rows = _Rows.of(model, _drawn(work, model))
    states = rows.states()
    _refuse_few_words(states, work)
    isotropy, distance = measure_isotropy(states), cosine_by_distance(states.only(states.seen))
    ways: dict[str, Callable[[], Any]] = {
        "labels": partial(_labels, model, work, annotations),
        "tree": partial(_tree, model, states),
        "attention": partial(_attention, rows),
        "importance": partial(_importance, rows),
        "order": partial(_order, rows),
        "tuning": partial(_tuning, rows, states, work, other),
    }
    found, left_out = dict[str, Any](), dict[str, str]()
    for number, (name, way) in enumerate(ways.items(), 1):
        try:
            found[name] = way()
        except _LeftOut as reason:
            found[name], left_out[name] = None, str(reason)
        progress("findings", number, len(ways), name)
    return ModelReport(
        str(folder), str(work), len(rows.texts), isotropy, distance, **found, left_out=left_out
    )


def _drawn(work: Path, model: TrainedModel) -> list[Stretch]:
    found = sample(spoken(read_stretches(work, model.processor.codebook)), ROWS)
    if not found:
        raise InputError(
            f"no example of {work} has a sentence and clips: give a folder in which somebody speaks"
        )
    return found


def _refuse_few_words(states: States, work: Path) -> None:
    for name, which in (("piece", ~states.seen), ("visual word", states.seen)):
        if len(set(states.ids[which].tolist())) < 2:
            raise InputError(f"{work} has fewer than two {name}s: give a folder with more videos")


def _labels(model: TrainedModel, work: Path, annotations: str | None) -> LabelProbe:
    if annotations is None:
        raise _LeftOut("probes need labels: give --annotations NAME")
    table = read_annotation_table(work, annotations)
    return probe_labels(model, labelled_clips(table, read_videos(work, model.processor.codebook)))


def _tree(model: TrainedModel, states: States) -> TreeProbe:
    codebook, first = model.processor.codebook, model.processor.vocabulary.first_visual
    if codebook.tree.depth == 1 or codebook.options.get("kind") == RESIDUAL:
        raise _LeftOut("the codebook is no tree: all its words are equally far apart")
    found = probe_tree(states, first, codebook.tree.branching, codebook.tree.depth)
    if found is None:
        raise _LeftOut(f"fewer than {FEW} visual words occur")
    return found


def _attention(rows: _Rows) -> Attention:
    _refuse_others(rows)
    return describe_heads(read_maps(rows.model, rows.texts, rows.visual))


def _importance(rows: _Rows) -> Importance:
    _refuse_others(rows)
    return measure_importance(rows.model, rows.texts, rows.visual)


def _refuse_others(rows: _Rows) -> None:
    if not has_maps(rows.model.network):
        raise _LeftOut(
            "heads are read of a BERT that fills masks, with all heads in layers of their own"
        )


def _order(rows: _Rows) -> Movement:
    asked = usable_rows(rows.model, rows.texts, rows.visual)
    if len(asked) < 2:
        raise _LeftOut("fewer than two sentences have two different clips")
    return measure_movement(rows.model, asked)


def _tuning(rows: _Rows, states: States, work: Path, other: Path | None) -> Likeness:
    if other is None:
        raise _LeftOut("nothing to compare with: give --other MODEL or MODEL/tasks/NAME")
    home, task = home_of(other)
    model = load_model(home) if task is None else load_tuned(home, task).model
    own, theirs = rows.model.processor, model.processor
    if own.codebook.digest != theirs.codebook.digest or own.vocabulary != theirs.vocabulary:
        raise InputError(f"{other} reads other words than the model: give one tuned from it")
    return compare_layers(states, read_states(model, rows.texts, rows.visual))
