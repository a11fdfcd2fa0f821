"""Files whose clock starts again or slips; the right times are those of a player."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest

from feature_extraction.containers import open_container
from feature_extraction.seeing.pyav_video import PyavVideo
from feature_extraction.stream_clock import clock_restarts, packets_on_one_clock
from tests.toys.videos import grey_ramp, write_video


def joined(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def times(path: Path) -> list[float]:
    with closing(PyavVideo(path)) as video:
        return [frame.time for frame in video.frames()]


def pieces(path: Path, *pieces: tuple[range, int]) -> Path:
    """Write 20 frames a second as a .ts; each piece has some frames, and the ms they are late."""
    source = write_video(path.with_name("plain.mp4"), grey_ramp(20))
    parts = []
    for number, (frames, late) in enumerate(pieces):
        part = path.with_name(f"{number}.ts")
        with av.open(str(source)) as original, av.open(str(part), "w") as container:
            stream = container.add_stream_from_template(original.streams.video[0])
            for place, packet in enumerate(list(original.demux(video=0))[:-1]):
                if place in frames:
                    packet.stream = stream
                    packet.dts = packet.pts = packet.pts + round(late / 1000 / packet.time_base)
                    container.mux(packet)
        parts.append(part)
    return joined(path, *parts)


def test_the_joined_recording_of_the_report_lasts_both_its_parts(shared_data: Path) -> None:
    path = shared_data / "reported" / "joined-timestamps" / "joined.ts"
    found = times(path)
    assert len(found) == 200
    assert found[-1] + 0.04 == pytest.approx(8, abs=0.05)
    np.testing.assert_allclose(np.diff(found), 0.04, atol=0.025)


def test_sound_and_pictures_of_joined_parts_stay_together(shared_data: Path) -> None:
    path = shared_data / "reported" / "joined-timestamps" / "joined.ts"
    with closing(open_container(path)) as container:
        sound = [
            float(packet.pts * packet.time_base)
            for packet in packets_on_one_clock(container, container.streams.audio[0])
            if packet.pts is not None
        ]
    assert sound[-1] - sound[0] == pytest.approx(8.04 - 0.02, abs=0.05)
    assert max(np.diff(sound)) < 0.1


@pytest.mark.parametrize("kind", ["ts", "mpg", "webm"])
def test_parts_follow_one_another_in_every_container_that_can_be_joined(
    tmp_path: Path, kind: str
) -> None:
    codec = {"mpg": "mpeg1video", "webm": "libvpx"}.get(kind, "libx264")
    options = {"options": {}} if kind in ("mpg", "webm") else {}
    rate = 25 if kind == "mpg" else 20
    part = write_video(tmp_path / f"a.{kind}", grey_ramp(60), rate, codec=codec, **options)
    alone, found = times(part), times(joined(tmp_path / f"b.{kind}", part, part))
    assert len(found) >= 2 * len(alone) - 1
    np.testing.assert_allclose(np.diff(found), 1 / rate, atol=2 / rate)
    assert found[-1] == pytest.approx(2 * alone[-1] + 1 / rate, abs=2 / rate)


def test_a_later_clock_is_a_restart_where_the_format_may_jump(tmp_path: Path) -> None:
    path = pieces(tmp_path / "v.ts", (range(10), 0), (range(10, 20), 1_000_000))
    np.testing.assert_allclose(times(path), np.arange(20) / 20, atol=1e-3)


def test_a_frame_that_is_ahead_alone_is_put_back(tmp_path: Path) -> None:
    """As reported: one time stamp 300 s ahead made 304 s, of which 290 were one picture."""
    path = pieces(tmp_path / "v.ts", (range(10), 0), (range(10, 11), 300_000), (range(11, 20), 0))
    np.testing.assert_allclose(times(path), np.arange(20) / 20, atol=1e-3)


def test_a_time_of_showing_that_is_far_from_that_of_decoding_is_not_believed(
    tmp_path: Path,
) -> None:
    source, path = write_video(tmp_path / "a.mp4", grey_ramp(20)), tmp_path / "b.mp4"
    with av.open(str(source)) as original, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        for number, packet in enumerate(original.demux(video=0)):
            if packet.pts is not None:
                packet.stream = stream
                if number == 10:
                    packet.pts += round(300 / packet.time_base)
                container.mux(packet)
    np.testing.assert_allclose(np.diff(times(path)), 0.05, atol=1e-3)


def test_only_files_whose_clock_may_jump_are_read_to_see_whether_it_does(tmp_path: Path) -> None:
    def restarts(path: Path) -> bool:
        with closing(open_container(path)) as container:
            return clock_restarts(container, container.streams.video[0])

    part = write_video(tmp_path / "a.ts", grey_ramp(60))
    assert not restarts(part) and restarts(joined(tmp_path / "b.ts", part, part))
    assert not restarts(write_video(tmp_path / "a.mp4", grey_ramp(20)))


def test_the_times_of_a_whole_file_stay_as_they_are(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", grey_ramp(40))
    with closing(open_container(path)) as container:
        packets = packets_on_one_clock(container, container.streams.video[0])
        stamps = [packet.pts for packet in packets]
    assert stamps == [50 * number for number in range(40)] + [None]
