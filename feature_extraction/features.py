"""What is seen: the features of one video, and of many."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from feature_extraction.errors import InputError
from feature_extraction.jobs import Report, run_job
from feature_extraction.progress import Progress, silent
from feature_extraction.s3d import (
    FEATURE_WIDTH,
    FRAME_SIZE,
    PIXEL_MEAN,
    PIXEL_STD,
    Backbone,
    Engine,
    check_engine,
    engine_precision,
    make_engine,
)
from feature_extraction.schema import SCHEMA_VERSION, feature_column, features_schema
from feature_extraction.sources import Source
from feature_extraction.storage import Stage
from feature_extraction.video import CLIP_FRAMES, FRAMES_PER_SECOND, stream_clips

SOURCE_KEY = b"source"
"""Key of the Parquet file's metadata under which the video's absolute path stands, for who wants its pictures later."""


@dataclass(frozen=True)
class FeatureOptions:
    """How a clip becomes numbers.

    Attributes:
        weights: ``kinetics400``, ``random:SEED``, or a state dict's path.
        engine: ``cuda``, ``openvino`` or ``torch``.
    """

    weights: str = "kinetics400"
    engine: str = "torch"


@dataclass(frozen=True)
class FeatureExtractor:
    """A video in, its features out. The model is built when the first video comes, once a process."""

    options: FeatureOptions

    def __reduce__(self) -> tuple[type[FeatureExtractor], tuple[FeatureOptions]]:
        """Only the options travel to a worker process, which builds its own model."""
        return FeatureExtractor, (self.options,)

    @cached_property
    def backbone(self) -> Backbone:
        """The network with its weights."""
        return Backbone(self.options.weights)

    @cached_property
    def engine(self) -> Engine:
        """What runs the network."""
        return make_engine(self.options.engine, self.backbone)

    def provenance(self) -> dict[str, Any]:
        """Everything that decides what a feature is, as JSON can hold it."""
        return {
            "schema": SCHEMA_VERSION,
            "frames_per_second": FRAMES_PER_SECOND,
            "clip_frames": CLIP_FRAMES,
            **asdict(FRAME_SIZE),
            "pixel_mean": list(PIXEL_MEAN),
            "pixel_std": list(PIXEL_STD),
            **asdict(self.options),
            "precision": engine_precision(self.options.engine),
            "weights_digest": self.backbone.digest,
            "width": FEATURE_WIDTH,
        }

    def __call__(self, source: Source) -> pa.Table:
        """The rows of a video, see schema.features_schema; InputError if it cannot be decoded."""
        clips, features = [], []
        for clip in stream_clips(source.path, FRAME_SIZE):
            features.append(self.engine(clip.frames).astype(np.float16))
            clips.append((clip.index, clip.start, clip.end))
        if not np.isfinite(features).all():
            raise InputError(f"{source.path} gives features beyond float16: the weights {self.options.weights} are not S3D's")
        index, start, end = zip(*clips, strict=True)
        columns = [[source.video_id] * len(clips), index, start, end, feature_column(np.stack(features))]
        table = pa.Table.from_arrays([pa.array(column) for column in columns], schema=features_schema(FEATURE_WIDTH))
        return table.replace_schema_metadata({SOURCE_KEY: os.fsencode(source.path.resolve())})


def extract(
    videos: Sequence[Source],
    work: Path,
    options: FeatureOptions = FeatureOptions(),
    workers: int = 1,
    progress: Progress = silent,
) -> Report:
    """Write DIR/features/<video>.parquet for every video that has none yet.

    InputError if the weights cannot be had or DIR/features was made with other options; a video that fails is in the
    report and in failures.jsonl.
    """
    check_engine(options.engine)
    stage = Stage(work / "features")
    extractor = FeatureExtractor(options)
    stage.claim(extractor.provenance())
    return run_job(stage, videos, extractor, workers, progress)
