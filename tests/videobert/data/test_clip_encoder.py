"""A clip as visual words: which part of it, whether it was whole, and what is left running."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest

from feature_extraction.features import FeatureOptions
from feature_extraction.schema import feature_column, features_schema
from tests.toys.codebook import MADE_WITH, WIDTH, toy_codebook
from tokenization.codebook import Codebook
from tokenization.hierarchical_kmeans.centring import VideoCentring
from videobert.data import clip_encoder
from videobert.data.clip_encoder import ClipEncoder
from workfolder.errors import InputError
from workfolder.guard import Limits
from workfolder.maker import Made
from workfolder.progress import silent
from workfolder.sources import Source

CLIPS = 4


class Extractor:
    """Extracts six seconds of any file but broken.mp4, and remembers what it was asked."""

    asked: ClassVar[list[tuple[Any, ...]]] = []
    partial: str | None = None

    def __init__(self, options: FeatureOptions, limits: Limits, *_: object) -> None:
        self.options, self.running = options, False

    def __call__(self, source: Source, *arguments: Any) -> Made:
        self.running = True
        self.asked.append((self, *arguments))
        if source.path.name == "broken.mp4":
            raise InputError(f"{source.path} is no video")
        starts = 1.5 * np.arange(CLIPS)
        features = np.random.default_rng(0).normal(size=(CLIPS, WIDTH)).astype(np.float16)
        columns = [["x"] * CLIPS, range(CLIPS), starts, starts + 1.5, feature_column(features)]
        table = pa.Table.from_arrays(
            [pa.array(column) for column in columns], schema=features_schema(WIDTH)
        )
        return Made(table, self.partial)

    def provenance(self) -> dict[str, Any]:
        return MADE_WITH

    def close(self) -> None:
        self.running = False


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> ClipEncoder:
    monkeypatch.setattr(clip_encoder, "FeatureExtractor", Extractor)
    monkeypatch.setattr(Extractor, "asked", [])
    return ClipEncoder(toy_codebook(), "random:0")


@pytest.mark.parametrize(
    ("start", "end", "starts"),
    [
        (0, np.inf, [0, 1.5, 3, 4.5]),
        (1.5, 4.5, [1.5, 3]),
        (1, 2, [1.5]),
        (0, 0.2, [0]),
        (5.9, np.inf, None),
        (5, 2, None),
    ],
)
def test_a_part_has_the_clips_that_any_stretch_has(
    encoder: ClipEncoder, start: float, end: float, starts: list[float] | None
) -> None:
    if starts is None:
        with pytest.raises(InputError, match=r"a\.mp4 ends at 6\.0 s: no clip lies between"):
            encoder(Path("a.mp4"), start, end)
        return
    clips = encoder(Path("a.mp4"), start, end).clips
    assert clips.start.tolist() == starts and clips.end.tolist() == [s + 1.5 for s in starts]
    assert clips.words.tolist() == toy_codebook().predict(clips.features, MADE_WITH).tolist()
    assert clips.mean_feature == pytest.approx(clips.features.astype(float).mean(axis=0), abs=1e-3)


def test_a_file_that_was_not_whole_is_known_as_such(
    encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert encoder(Path("a.mp4")).partial is None
    monkeypatch.setattr(Extractor, "partial", "ends after 6.0 s of 10.4 s")
    assert encoder(Path("a.mp4"), end=3.0).partial == "ends after 6.0 s of 10.4 s"


def test_nothing_runs_on_and_one_engine_serves_all_clips(encoder: ClipEncoder) -> None:
    encoder(Path("a.mp4"))
    with pytest.raises(InputError, match="is no video"):
        encoder(Path("broken.mp4"), progress=silent, longest=9)
    (first, *_), (second, *rest) = Extractor.asked
    assert first is second and not first.running and rest == [silent, 9, 0.0, np.inf]


def test_a_codebook_of_imported_features_takes_files_of_features(tmp_path: Path) -> None:
    made_with = {"imported": True, "seconds": 2.0, "start": 1.0, "step": 1.0}
    made_with |= {"width": WIDTH, "weights": "PE"}
    codebook = replace(toy_codebook(), options={"features": made_with})
    features = np.random.default_rng(0).normal(size=(CLIPS, WIDTH)).astype(np.float16)
    np.save(tmp_path / "soup.npy", features)
    encoded = ClipEncoder(codebook)(tmp_path / "soup.npy", start=2.5)
    assert encoded.clips.start.tolist() == [2, 3, 4] and not encoded.has_frames
    assert encoded.clips.words.tolist() == codebook.tree.predict(features)[1:].tolist()
    (tmp_path / "soup.mp4").touch()
    with pytest.raises(InputError, match=r"knows only imported ones \(PE\): give one of"):
        ClipEncoder(codebook)(tmp_path / "soup.mp4")
    np.save(tmp_path / "wide.npy", np.zeros((2, WIDTH + 1)))
    with pytest.raises(InputError, match="numbers a row"):
        ClipEncoder(codebook)(tmp_path / "wide.npy")


def made_with(**options: Any) -> Codebook:
    """The toy codebook, of features that were made with other options."""
    codebook = toy_codebook()
    return replace(codebook, options={**codebook.options, "features": {**MADE_WITH, **options}})


def test_a_clip_is_cut_at_the_pace_of_the_codebooks_features(encoder: ClipEncoder) -> None:
    slow = made_with(frames_per_second=8, clip_frames=16)
    options = replace(encoder, codebook=slow)._extractor.options
    assert (options.clip_seconds, options.frames_per_second) == (2.0, 8)
    assert options.weights == "random:0"


def test_a_model_may_not_choose_which_code_runs_here(encoder: ClipEncoder) -> None:
    named = made_with(weights="os:abort")
    with pytest.raises(InputError, match="give --weights os:abort if you trust it"):
        _ = ClipEncoder(named)._extractor
    assert replace(encoder, codebook=named)._extractor.options.weights == "random:0"
    for ours in ("timm:test_vit", "x3d_s:random:2", "hf:facebook/dinov2", "random:1"):
        assert ClipEncoder(made_with(weights=ours))._extractor.options.weights == ours


@pytest.mark.parametrize("centred", [False, True])
def test_the_whole_video_is_read_where_its_mean_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, centred: bool
) -> None:
    monkeypatch.setattr(clip_encoder, "FeatureExtractor", Extractor)
    Extractor.asked.clear()
    centring = VideoCentring(np.ones(WIDTH, np.float32)) if centred else None
    codebook = replace(toy_codebook(), centring=centring)
    encoded = ClipEncoder(codebook)(tmp_path / "soup.mp4", start=2.0, end=4.0)
    assert encoded.clips.start.tolist() == [1.5, 3.0]
    ((*_, start, end),) = Extractor.asked
    assert (start, end) == ((0.0, np.inf) if centred else (2.0, 4.0))
