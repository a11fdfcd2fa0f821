"""Hardware decoding: what can be seen of it without a GPU.

What NVIDIA's decoder gives is not seen here. H.264, HEVC, VP9 and AV1 say each bit of a decoded
picture; PyAV brings it to the processor as nv12, where software gives yuv420p.
"""

from __future__ import annotations

import resource
from contextlib import closing
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from av.codec import Codec
from av.codec.hwaccel import HWAccel, hwdevices_available

from feature_extraction import features
from feature_extraction.features import FeatureExtractor
from feature_extraction.options import NVDEC, FeatureOptions
from feature_extraction.seeing.clips import check_decoder, open_video, stream_clips
from feature_extraction.seeing.frame import FrameSize
from feature_extraction.seeing.scaling import Scaler, resized
from tests.feature_extraction.seeing.test_clips import write_pictures
from tests.toys.decoders import VIDEO
from tests.toys.videos import grey_ramp
from workfolder.errors import InputError
from workfolder.guard import Guards
from workfolder.options import Limits


def has_gpu() -> bool:
    try:
        HWAccel("cuda").create(Codec("h264", "r"))
    except av.FFmpegError:
        return False
    return True


def test_pyav_is_built_with_the_decoders_of_nvidia() -> None:
    assert "cuda" in hwdevices_available()
    for codec in ("h264", "hevc", "vp9", "av1"):
        assert any(each.device_type.name == "cuda" for each in Codec(codec, "r").hardware_configs)


@pytest.mark.skipif(has_gpu(), reason="there is a GPU")
def test_a_machine_without_a_gpu_is_told_before_the_first_video() -> None:
    with pytest.raises(
        InputError,
        match=r"^--decoder nvdec needs a GPU of NVIDIA and its driver \(.+\): use .* pyav$",
    ):
        check_decoder(NVDEC)


def test_what_no_hardware_decodes_is_decoded_by_software(tmp_path: Path) -> None:
    path = write_pictures(tmp_path / "v.mkv", grey_ramp(50), codec="ffv1", options={})
    size = FrameSize(64, 64)
    found, plain = (list(stream_clips(path, size, name)) for name in ("nvdec:0", "pyav"))
    assert found == plain and len(found) == 2
    for one, other in zip(found, plain, strict=True):
        assert np.array_equal(one.frames, other.frames)


@pytest.mark.skipif(not has_gpu(), reason="there is no GPU")
def test_hardware_gives_the_pictures_of_the_software(tmp_path: Path) -> None:
    path = write_pictures(tmp_path / "v.mp4", grey_ramp(50))
    found, plain = (list(stream_clips(path, FrameSize(64, 64), name)) for name in (NVDEC, "pyav"))
    for one, other in zip(found, plain, strict=True):
        assert np.array_equal(one.frames, other.frames)


@pytest.mark.parametrize("side", [64, 256])
def test_a_picture_in_nv12_is_resized_as_one_in_yuv420p(shared_data: Path, side: int) -> None:
    size = FrameSize(side, side)
    with av.open(str(shared_data / "video" / "ask-anything" / "making_cake.mp4")) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == "yuv420p"
    planar, packed = (
        Scaler(partial(resized, size=size))(each) for each in (frame, frame.reformat(format="nv12"))
    )
    assert np.array_equal(planar, packed)


def test_each_video_is_decoded_by_the_next_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Noted(Guards):
        def stream(self, work: object, path: Path, *arguments: object) -> object:  # type: ignore[override]
            asked.append(str(arguments[1]))
            raise InputError("enough")

        def call(self, work: object, path: Path, *arguments: object) -> float:  # type: ignore[override]
            return 1.5

    monkeypatch.setattr(features, "Guards", Noted)
    monkeypatch.setattr(features, "make_engine", lambda *asked: None)
    extractor = FeatureExtractor(FeatureOptions("random:0", "cuda", decoder=NVDEC, devices="0,2"))
    for _ in range(3):
        with pytest.raises(InputError, match="enough"):
            extractor(features.Source("v", VIDEO))
    assert asked == ["nvdec:0", "nvdec:2", "nvdec:0"]
    assert extractor.options.provenance()["decoder"] == NVDEC


def address_space(path: Path) -> int:
    return resource.getrlimit(resource.RLIMIT_AS)[0]


def test_a_driver_may_have_all_the_addresses_that_it_wants() -> None:
    guards = Guards(Limits(memory=None))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    assert guards.call(address_space, VIDEO) == hard
    guards.close()


def test_a_number_says_which_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_pictures(tmp_path / "v.mkv", grey_ramp(30), codec="ffv1", options={})
    asked: list[tuple[str, str]] = []

    def noted(kind: str, number: str) -> HWAccel:
        asked.append((kind, number))
        return HWAccel(kind, number)

    monkeypatch.setattr("feature_extraction.seeing.clips.HWAccel", noted)
    for decoder in ("nvdec", "nvdec:3"):
        with closing(open_video(path, decoder=decoder)) as video:
            assert len(list(video.frames())) == 30
    assert asked == [("cuda", "0"), ("cuda", "3")]
