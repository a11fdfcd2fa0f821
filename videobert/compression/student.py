"""A student: its teacher's network, made smaller in each way that is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from videobert.compression.layers import chosen_layers, with_layers
from videobert.compression.options import CompressOptions
from videobert.compression.shapes import (
    least_important,
    with_heads,
    with_narrow_rows,
    with_one_layer,
)
from videobert.data.stretches import sample, spoken
from videobert.data.work import read_stretches
from videobert.joint_network import JointNetwork
from videobert.loading import TrainedModel
from videobert.probes.attention import has_maps
from videobert.probes.importance import measure_importance
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError

ASKED = 400
"""Sentences with clips on which the importance of heads is measured, as videobert inspect does."""


def make_student(
    teacher: JointNetwork, processor: VideoBertProcessor, work: Path, options: CompressOptions
) -> JointNetwork:
    """Make a network smaller: layers first, then heads, then layers that share, then embeddings.

    Raises:
        InputError: if it cannot be made smaller so.
    """
    student, there = teacher, teacher.config.num_hidden_layers
    if options.layers is not None:
        student = with_layers(student, chosen_layers(there, options.layers))
    if options.heads is not None:
        importance = head_importance(TrainedModel(student.eval(), processor), work)
        kept = least_important(importance, options.heads, together=options.share)
        student = with_heads(student, kept)
    if options.share:
        student = with_one_layer(student)
    if options.embedding is not None:
        student = with_narrow_rows(student, options.embedding)
    return student


def head_importance(model: TrainedModel, work: Path) -> np.ndarray:
    """Measure how much the loss hangs on each head, [layers, heads]; see probes.importance.

    Raises:
        InputError: if the model's heads cannot be told apart, or nobody speaks in the videos.
    """
    if not has_maps(model.network):
        raise InputError(
            "--heads is for a BERT that fills masks, with all its heads in layers of their own"
        )
    drawn = sample(spoken(read_stretches(work, model.processor.codebook)), ASKED)
    if not drawn:
        raise InputError(f"--heads: no example of {work} has a sentence and clips to measure by")
    texts = model.processor.text_ids([stretch.text for stretch in drawn])
    words = [stretch.words.tolist() for stretch in drawn]
    return np.array(measure_importance(model, texts, words).heads)
