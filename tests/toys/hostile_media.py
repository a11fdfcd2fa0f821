"""Files that do harm, and a light work for the real reader, for the tests of hostile media."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pyarrow as pa

from feature_extraction.schema import Clip
from feature_extraction.seeing.clips import stream_clips
from feature_extraction.seeing.frame import FrameSize
from tests.toys.videos import write_video
from workfolder.guard import Guards, Limits
from workfolder.maker import Made, Maker
from workfolder.sources import Source

MB = 2**20
SMALL = FrameSize(resize=32, crop=32)


@dataclass(frozen=True)
class Brightness(Maker):
    """The mean pixel of each clip, through the real reader."""

    guards: Guards = field(
        default_factory=lambda: Guards(Limits(seconds=20, memory=512 * MB), returns=[Clip])
    )

    def __call__(self, source: Source) -> Made:
        reading = self.guards.stream(stream_clips, source.path, SMALL)
        clips = [(clip.end, float(clip.frames.mean())) for clip in reading]
        end, mean = zip(*clips, strict=True)
        partial, dropped = reading.result
        return Made(
            pa.table({"video_id": [source.video_id] * len(clips), "end": end, "mean": mean}),
            partial,
            dropped=dropped,
        )

    def close(self) -> None:
        self.guards.close()


def peak_memory(path: Path) -> int:
    """Bytes that this process had at most. Runs in the process behind a guard."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def memory(path: Path) -> int:
    """Bytes that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def write_noise(
    path: Path,
    count: int,
    size: tuple[int, int] = (64, 64),
    rate: int = 20,
    codec: str = "libx264",
    **muxing: str,
) -> Path:
    """Write a video of ``count`` frames of rolling noise, with options for its container."""
    noise = np.random.default_rng(0).integers(0, 60, (size[1], size[0], 3), dtype=np.uint8)
    frames = (np.roll(noise, n, axis=1) + np.uint8(n % 100) for n in range(count))
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    return write_video(
        path, frames, rate, None, muxing, codec=codec, pix_fmt=pix_fmt, options={"g": "10"}
    )


def remux(
    source: Path, path: Path, when: Callable[[int], int], last: int | None = None, **options: str
) -> Path:
    """The packets of a video with other time stamps; ``last`` is the duration of the last one."""
    with av.open(str(source)) as original, av.open(str(path), "w", options=options) as container:
        stream = container.add_stream_from_template(original.streams.video[0])
        packets = [packet for packet in original.demux(video=0) if packet.pts is not None]
        for number, packet in enumerate(packets):
            packet.stream = stream
            packet.dts = packet.pts = when(number) * int(1 / packet.time_base) // 1000
            if last and number == len(packets) - 1:
                packet.duration = last * int(1 / packet.time_base) // 1000
            container.mux(packet)
    return path


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def patch(path: Path, box: bytes, offset: int, value: bytes) -> Path:
    """Write over the header: ``value`` at an offset from each ``box``."""
    content = bytearray(path.read_bytes())
    place = content.find(box)
    assert place >= 0
    while place >= 0:
        content[place + offset : place + offset + len(value)] = value
        place = content.find(box, place + 4)
    path.write_bytes(content)
    return path


CENTURY = struct.pack(">I", 0xFFFFFFF0)


def century(path: Path) -> Path:
    """Its 40 frames are said to last 80 million seconds each."""
    write_noise(path, 40)
    for box in (b"mvhd", b"mdhd"):
        patch(patch(path, box, 16, struct.pack(">I", 1)), box, 20, CENTURY)
    patch(path, b"tkhd", 24, CENTURY)
    return patch(path, b"stts", 16, struct.pack(">I", 80_000_000))


def tagged_century(path: Path) -> Path:
    """The tag of an .mkv says that it lasts 876,000 hours."""
    write_noise(path, 40)
    return patch(path, b"00:00:02.000000000", 0, b"876000:00:00.00000")


def odd_tag(path: Path) -> Path:
    write_noise(path, 40)
    return patch(path, b"00:00:02.000000000", 0, b"0.0:0.0:2.00000000")


def huge_claim(path: Path) -> Path:
    """Each frame of a 64 x 64 MJPEG says that it has 65,535 x 65,535 pixels."""
    return patch(
        write_noise(path, 20, codec="mjpeg"), b"\xff\xc0", 5, struct.pack(">HH", 65535, 65535)
    )


def huge_track(path: Path) -> Path:
    """The container says so, the frames do not."""
    write_noise(path, 20, codec="mpeg4")
    patch(path, b"mp4v", 28, struct.pack(">HH", 65535, 65535))
    return patch(path, b"tkhd", 80, struct.pack(">II", 65535 << 16, 65535 << 16))


def bomb(path: Path) -> Path:
    """A small first frame, then one of 6,016 x 6,016 in the same stream."""
    small, large = (
        write_noise(path.with_suffix(f".{name}.avi"), 1, size, codec="mjpeg")
        for name, size in (("s", (64, 64)), ("l", (6016, 6016)))
    )
    with (
        av.open(str(small)) as first,
        av.open(str(large)) as second,
        av.open(str(path), "w") as container,
    ):
        stream = container.add_stream_from_template(first.streams.video[0])
        for number, packet in enumerate([*first.demux(video=0), *second.demux(video=0)]):
            if packet.size:
                packet.stream, packet.pts, packet.dts = stream, number, number
                container.mux(packet)
    small.unlink(), large.unlink()
    return path


def billion_frames(path: Path) -> Path:
    """Every sample lasts as before, but there are said to be a milliard of them."""
    write_noise(path, 40)
    return patch(path, b"stts", 12, struct.pack(">I", 10**9))


def jump(path: Path) -> Path:
    """Two hours pass between its frames 40 and 41."""
    return remux(
        write_noise(path.with_name("_.mp4"), 60),
        path,
        lambda number: number * 50 + (number > 40) * 7_200_000,
    )


def long_last(path: Path) -> Path:
    """Its last frame is to be shown for more than an hour."""
    return remux(
        write_noise(path.with_name("_.mp4"), 60), path, lambda number: number * 50, last=9**7
    )


def playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXTINF:1,\nneighbour.mp4\n#EXT-X-ENDLIST\n")


def sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 8000), dtype=np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def flipped(path: Path) -> Path:
    content = bytearray(write_noise(path, 60).read_bytes())
    for place in range(len(content) // 2, len(content), 200):
        content[place] ^= 0x55
    path.write_bytes(content)
    return path


MKV = {"cluster_time_limit": "500", "cluster_size_limit": "4000"}


def count_clips(path: Path) -> int:
    """How many clips there are, or -1 where it is refused. Runs in the process behind a guard."""
    try:
        return sum(1 for _ in stream_clips(path, SMALL))
    except ValueError:
        return -1
