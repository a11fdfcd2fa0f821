"""The features of one video, and of many."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cached_property
from itertools import cycle, islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from feature_extraction.media import declared_seconds
from feature_extraction.options import INT8, NVDEC, FeatureOptions
from feature_extraction.pace import Pace
from feature_extraction.schema import (
    SCHEMA_VERSION,
    SOURCE_KEY,
    Clip,
    feature_column,
    features_schema,
)
from feature_extraction.seeing.backbones.backbone import Backbone, PublishedBackbone
from feature_extraction.seeing.backbones.names import find_backbone
from feature_extraction.seeing.clips import check_decoder, stream_clips
from feature_extraction.seeing.engines import (
    Engine,
    check_engine,
    engine_precision,
    exported,
    make_engine,
)
from feature_extraction.seeing.int8_network import CALIBRATION_CLIPS, Int8Network, int8_network
from feature_extraction.seeing.kept_networks import usual_cache
from workfolder.build_once import Once
from workfolder.errors import InputError
from workfolder.guard import Guards, Limits, Reading
from workfolder.maker import Made, Maker
from workfolder.progress import Progress, silent
from workfolder.report import Report
from workfolder.runner import JobOptions, begin, run_job
from workfolder.shards import own_share
from workfolder.sources import Source
from workfolder.stage import VERSIONS, Stage, versions

ACTORS_A_GPU = 8
"""Under --runner ray, how many actors share a GPU: one decodes on one core, and a GPU is faster."""


PACKAGES = ("av", "decord", "openvino", "timm", "torch", "torchvision", "transformers")
"""Whose versions are noted."""


class FeatureExtractor(Maker):
    """Turns videos into their features, several at a time.

    The model is built once, when the first video comes. Each video is decoded in its own process.
    """

    def __init__(
        self,
        options: FeatureOptions,
        limits: Limits = Limits(),
        lanes: int = 1,
        use_cache: bool = True,
    ) -> None:
        """Store the options.

        Args:
            options: how a clip becomes numbers.
            limits: what reading a file may take.
            lanes: how many videos are extracted at a time.
            use_cache: whether an exported network is kept, and used again; see kept_networks.
        """
        self.options = options
        self.gpus = 1 / ACTORS_A_GPU if options.engine == "cuda" else 0.0
        self._limits = limits
        if options.decoder == NVDEC:  # a driver takes addresses for all of a GPU's memory
            limits = replace(limits, memory=None)
        self._guards = Guards(limits, returns=[Clip])
        self._decoding_gpus = cycle(options.gpus or (0,))
        self._cache = usual_cache() if use_cache else None
        self._int8: Int8Network | None = None
        self._lanes = lanes
        self._engine = Once(self._make_engine)

    def __reduce__(self) -> tuple[Callable[..., FeatureExtractor], tuple[Any, ...]]:
        """Send an actor the options alone; it builds its own model for one video at a time."""
        use_cache = self._cache is not None
        return _extractor, (self.options, self._limits, use_cache, self._int8)

    @cached_property
    def backbone(self) -> Backbone:
        """The network that looks.

        Raises:
            InputError: if there are no such weights.
        """
        return find_backbone(self.options.weights, self.options.pooling)

    def provenance(self) -> dict[str, Any]:
        """Return everything that decides what a feature is, as JSON can hold it."""
        preprocessing = self.backbone.preprocessing
        return {
            "schema": SCHEMA_VERSION,
            **self.options.pace.provenance(),
            **asdict(preprocessing.size),
            "pixel_mean": list(preprocessing.mean),
            "pixel_std": list(preprocessing.std),
            **self.options.provenance(),
            **self._computed_by(),
            "weights_digest": self._weights_digest,
            "width": self.backbone.width,
            VERSIONS: versions(*PACKAGES),
        }

    def calibrate(self, folder: Path, videos: Sequence[Source]) -> None:
        """Find or make the network in whole numbers, which the engine INT8 needs.

        Args:
            folder: where it is kept.
            videos: the first of them are what it is calibrated on.

        Raises:
            InputError: if it cannot be made.
        """
        check_engine(self.options.engine)
        self._int8 = int8_network(
            folder,
            self.backbone,
            self.options.pace,
            lambda: exported(self.backbone, self.options.pace.clip_frames),
            lambda: self._calibration_clips(videos),
        )

    def _calibration_clips(self, videos: Sequence[Source]) -> list[np.ndarray]:
        """Read every eighth clip of the first videos that can be read."""
        clips: list[np.ndarray] = []
        for video in videos:
            with suppress(InputError):  # the job itself will note why
                clips += [clip.frames[None] for clip in islice(self._read(video.path), 0, 64, 8)]
            if len(clips) >= CALIBRATION_CLIPS:
                break
        return clips[:CALIBRATION_CLIPS]

    def _make_engine(self) -> Engine:
        frames, int8 = self.options.pace.clip_frames, self._int8.path if self._int8 else None
        asked = self.options
        return make_engine(
            asked.engine, self.backbone, self._lanes, frames, self._cache, int8, asked.gpus
        )

    def _computed_by(self) -> dict[str, str]:
        """Return the engine and its precision.

        Of the networks in PublishedBackbone they are known without building the engine.
        """
        name = self.options.engine
        if self._int8:
            calibration = {"calibration": self._int8.calibration}
            return {"engine": name, "precision": "int8", **calibration}
        if isinstance(self.backbone, PublishedBackbone):
            return {"engine": name, "precision": engine_precision(name)}
        engine = self._engine()
        return {"engine": engine.name, "precision": engine.precision}

    @cached_property
    def _weights_digest(self) -> str:
        """The digest of the backbone's weights; they are not read where it was kept."""
        kept = (
            self._cache.find(self.backbone, self.options.pace.clip_frames) if self._cache else None
        )
        return kept.weights_digest if kept else self.backbone.digest

    def prepare(self) -> None:
        """Try what every video needs.

        Raises:
            InputError: if the decoder, the weights or the engine do not work on this machine.
        """
        self._guards.start(stream_clips)  # it starts while the network is built
        check_decoder(self.options.decoder)
        self._engine()

    def __call__(
        self,
        source: Source,
        progress: Progress = silent,
        longest: float = math.inf,
        start: float = 0.0,
        end: float = math.inf,
    ) -> Made:
        """Return the rows of the clips between two times, as schema.features_schema has them.

        Args:
            source: the video.
            progress: is told how many clips are done, and how many are expected.
            longest: seconds that the video may last; one clip more is let pass.
            start: seconds at which the clips of interest begin.
            end: seconds at which they end.

        Raises:
            InputError: if the video cannot be decoded, is too long, or shows nothing between those
                times.
        """
        pace = self.options.pace
        declared = self._guards.call(declared_seconds, source.path) or 0.0
        _refuse_longer(source.path, declared, longest, pace)
        expected = round((min(declared, end) - min(declared, start)) / pace.clip_seconds)
        progress("look", 0, max(expected, 1))
        engine = self._engine()
        reading = self._read(source.path)
        spans: list[tuple[int, float, float]] = []
        features: list[np.ndarray] = []
        model_seconds = 0.0
        for clips in _batches(_clips_between(reading, start, end), engine.batch):
            _refuse_longer(source.path, clips[-1].end, longest, pace)
            begin = time.perf_counter()
            features.append(engine(np.stack([clip.frames for clip in clips])).astype(np.float16))
            model_seconds += time.perf_counter() - begin
            spans += [(clip.index, clip.start, clip.end) for clip in clips]
            progress("look", len(spans), max(expected, len(spans)))
        if not spans:
            raise _nothing_shown(source.path, declared, start, end)
        table = self._table(source, spans, np.concatenate(features))
        partial, dropped = reading.result or (None, {})  # None: what comes later was not read
        seconds = {"read": reading.seconds, "model": model_seconds}
        return Made(table, partial, seconds, dropped)

    def close(self) -> None:
        """End the processes that decode."""
        self._guards.close()

    def _read(self, path: Path) -> Reading:
        """Begin to decode a video in another process."""
        pace, wanted, decoder = self.options.pace, self.backbone.preprocessing, self.options.decoder
        if decoder == NVDEC:
            decoder = f"{NVDEC}:{next(self._decoding_gpus)}"
        looked_at = wanted.looked_at(pace.clip_frames)
        return self._guards.stream(stream_clips, path, wanted.size, decoder, pace, looked_at)

    def _table(
        self, source: Source, spans: list[tuple[int, float, float]], features: np.ndarray
    ) -> pa.Table:
        if not np.isfinite(features).all():
            reason = f"the weights {self.options.weights} do not fit it"
            raise InputError(f"{source.path} gives features beyond float16: {reason}")
        index, start, end = zip(*spans, strict=True)
        columns = [[source.video_id] * len(spans), index, start, end, feature_column(features)]
        schema = features_schema(features.shape[1])
        table = pa.Table.from_arrays([pa.array(column) for column in columns], schema=schema)
        shown = source.where if source.is_elsewhere else source.path.resolve()
        return table.replace_schema_metadata({SOURCE_KEY: os.fsencode(shown)})


def extract(
    videos: Sequence[Source],
    work: Path,
    options: FeatureOptions,
    job: JobOptions = JobOptions(),
    progress: Progress = silent,
) -> Report:
    """Write DIR/features/<video>.parquet for every video that has none yet.

    A video that fails is in the report and in failures.jsonl.

    Raises:
        InputError: if the weights, the engine or the decoder do not work here, DIR/features was
            made with other options, or the job has to stop.
    """
    if options.devices and job.runner == "ray":
        raise InputError("--devices is for one machine: Ray gives each actor a GPU itself")
    stage = Stage(work / "features")
    extractor = FeatureExtractor(options, job.limits, job.workers, job.cache)
    if options.engine == INT8:  # on the first of all videos, so every share has the same network
        extractor.calibrate(work / "int8", [one for one in videos if not one.is_elsewhere])
    share = own_share(videos, job)
    begin(stage, share, extractor, extractor.provenance(), job)
    return run_job(stage, share, extractor, job, progress)


def _extractor(
    options: FeatureOptions, limits: Limits, use_cache: bool, int8: Int8Network | None
) -> FeatureExtractor:
    """Make an actor's extractor, for one video at a time."""
    extractor = FeatureExtractor(options, limits, 1, use_cache)
    extractor._int8 = int8
    return extractor


def _refuse_longer(path: Path, seconds: float, longest: float, pace: Pace) -> None:
    if seconds > longest + pace.clip_seconds:
        raise InputError(f"{path} is longer than {longest:g} s: cut a part out of it")


def _nothing_shown(path: Path, declared: float, start: float, end: float) -> InputError:
    lasts = f" lasts {declared:.1f} s and" if declared else ""
    until = "on" if math.isinf(end) else f"to {end:g} s"
    return InputError(f"{path}{lasts} shows nothing from {start:g} s {until}: give other times")


def _clips_between(clips: Iterable[Clip], start: float, end: float) -> Iterator[Clip]:
    """Yield the clips between two times, in seconds; later ones are not read."""
    return (clip for clip in takewhile(lambda clip: clip.start <= end, clips) if clip.end >= start)


def _batches(clips: Iterable[Clip], size: int) -> Iterator[list[Clip]]:
    """Yield lists of ``size`` clips; the last may be shorter."""
    remaining = iter(clips)
    while batch := list(islice(remaining, size)):
        yield batch
