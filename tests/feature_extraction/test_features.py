from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from feature_extraction import features
from feature_extraction.features import FeatureExtractor, FeatureOptions, extract
from feature_extraction.schema import feature_matrix
from feature_extraction.seeing import engines
from feature_extraction.seeing.backbones.names import find_backbone
from feature_extraction.seeing.engines import cores
from feature_extraction.seeing.weights import randomise
from tests.toys.videos import grey_ramp, write_video
from workfolder.attempt import Attempt
from workfolder.build_once import Once
from workfolder.errors import InputError
from workfolder.runner import JobOptions
from workfolder.sources import Source, find_videos
from workfolder.stage import Stage

PLAIN = FeatureOptions("random:0", "torch")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Three and one clip."""
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "long.mp4", grey_ramp(80))
    write_video(folder / "short.mp4", grey_ramp(20))
    return find_videos([folder])


def test_files_are_the_same_for_any_number_of_workers_and_are_made_once(
    videos: list[Source], tmp_path: Path
) -> None:
    content = []
    for workers in (1, 2):
        work = tmp_path / str(workers)
        report = extract(videos, work, PLAIN, JobOptions(workers))
        assert report.now == 2 and set(report.seconds) == {"read", "model", "write", "all"}
        content.append(
            {path.name: path.read_bytes() for path in (work / "features").glob("*.parquet")}
        )
    assert content[0] == content[1] and set(content[0]) == {"long.parquet", "short.parquet"}
    assert extract(videos, tmp_path / "1", PLAIN).now == 0


def test_what_made_a_feature_is_kept_and_never_mixed(videos: list[Source], tmp_path: Path) -> None:
    Stage(tmp_path / "features").claim(FeatureExtractor(PLAIN).provenance())
    kept = Stage(tmp_path / "features").options()
    assert (kept["frames_per_second"], kept["clip_frames"], kept["resize"], kept["crop"]) == (
        20,
        30,
        256,
        224,
    )
    assert (
        kept["precision"] == "float32"
        and len(kept["weights_digest"]) == 64
        and kept["width"] == 1024
    )
    with pytest.raises(InputError, match="weights was 'random:0' and is now 'random:1'"):
        extract(videos, tmp_path, FeatureOptions("random:1", "torch"))


def test_the_versions_that_began_a_folder_are_kept_and_refuse_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract([], tmp_path, PLAIN)
    began = Stage(tmp_path / "features").options()["versions"]
    assert began["av"] == av.__version__ and began["torch"] == torch.__version__.partition("+")[0]
    monkeypatch.setattr(features, "versions", lambda *names: {"av": "1"})
    extract([], tmp_path, PLAIN)
    assert Stage(tmp_path / "features").options()["versions"] == began


def test_another_schema_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extract([], tmp_path, PLAIN)
    monkeypatch.setattr(features, "SCHEMA_VERSION", 2)
    with pytest.raises(InputError, match="schema was 1 and is now 2"):
        extract([], tmp_path, PLAIN)


def test_other_weights_under_one_name_are_refused(tmp_path: Path) -> None:
    weights, options = (
        tmp_path / "weights.pth",
        FeatureOptions(str(tmp_path / "weights.pth"), "torch"),
    )
    network = find_backbone("random:0").module.network
    for seed in (0, 1):
        randomise(network, seed)
        torch.save(network.state_dict(), weights)
        with pytest.raises(InputError, match="weights_digest was ") if seed else nullcontext():
            extract([], tmp_path, options)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e6])
def test_what_float16_cannot_hold_is_never_written(
    videos: list[Source], tmp_path: Path, bad: float
) -> None:
    class Broken:
        batch = 1

        def __call__(self, frames: np.ndarray) -> np.ndarray:
            return np.full((len(frames), 1024), bad, np.float32)

    extractor = FeatureExtractor(PLAIN)
    extractor._engine = Once(Broken)  # type: ignore[assignment]
    with pytest.raises(InputError, match=r"long\.mp4 gives features beyond float16"):
        extractor(videos[0])
    extractor.close()


def test_an_engine_that_cannot_be_built_stops_the_job_before_anything_is_made(
    videos: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def fail(backbone: object, lanes: int) -> None:
        tries.append(lanes)
        raise RuntimeError("out of memory.\nTried to allocate")

    monkeypatch.setattr(engines, "TorchEngine", fail)
    refusal = r"^the engine 'torch' does not work \(out of memory\.\): use another --engine$"
    with pytest.raises(InputError, match=refusal):
        extract(videos, tmp_path, PLAIN)
    assert len(tries) == 1 and not (tmp_path / "features").exists()
    task = Attempt(
        Stage(tmp_path / "features"), FeatureExtractor(PLAIN)
    )  # as an actor of Ray has it
    assert [task(video).stop for video in videos] == [task(videos[0]).stop] * 2 and len(tries) == 2


def test_whoever_listens_is_told_the_clips_so_far_and_those_expected(videos: list[Source]) -> None:
    told: list[tuple[int, int]] = []
    extractor = FeatureExtractor(PLAIN, lanes=cores())  # a clip at a time
    extractor(videos[0], progress=lambda stage, done, total, detail="": told.append((done, total)))
    extractor.close()
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("silent", [False, True])
def test_what_is_too_long_is_refused_whatever_its_header_says(
    videos: list[Source], monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    if silent:
        monkeypatch.setattr(features, "declared_seconds", no_header)
    extractor = FeatureExtractor(PLAIN)
    assert extractor(videos[0], longest=3).table.num_rows == 3  # a clip more is let pass
    with pytest.raises(InputError, match=r"long\.mp4 is longer than 2 s: cut"):
        extractor(videos[0], longest=2)
    extractor.close()


@pytest.mark.parametrize(
    ("start", "end", "indices"),
    [(0, 1, [0]), (1.6, 2.9, [1]), (2, 9, [1, 2]), (3, 3, [1, 2]), (4.1, 9, None), (2, 1, None)],
)
def test_only_what_is_shown_in_a_stretch_is_looked_at(
    videos: list[Source], start: float, end: float, indices: list[int] | None
) -> None:
    extractor, told = FeatureExtractor(PLAIN), []
    whole = feature_matrix(extractor(videos[0]).table)
    if indices is None:
        with pytest.raises(
            InputError,
            match=rf"long\.mp4 lasts 4.0 s and shows nothing from {start:g} s to {end:g} s",
        ):
            extractor(videos[0], start=start, end=end)
    else:
        made = extractor(videos[0], lambda _, done, total: told.append(done), start=start, end=end)
        assert made.table.column("index").to_pylist() == indices and told[-1] == len(indices)
        np.testing.assert_array_equal(feature_matrix(made.table), whole[indices])
    extractor.close()


def no_header(path: Path) -> None:
    """Stands for video.declared_seconds, in a process behind a guard, too."""


def test_rows_are_the_clips_in_order(videos: list[Source]) -> None:
    extractor = FeatureExtractor(PLAIN)
    made = extractor(videos[0])
    extractor.close()
    assert made.partial is None and made.table.column("index").to_pylist() == [0, 1, 2]
    assert made.table.column("start").to_pylist() == [0.0, 1.5, 3.0] and made.table.column(
        "end"
    ).to_pylist() == [1.5, 3.0, 4.0]
    assert feature_matrix(made.table).shape == (3, 1024)
