from __future__ import annotations

import os
import random
import re
import shutil
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pytest

from feature_extraction.accounts import Accounts
from feature_extraction.frames import LONGEST_VIDEO, FrameSize
from feature_extraction.guard import Guards, Limits
from feature_extraction.jobs import JobOptions, Made, Report, Work, run_job
from feature_extraction.pyav_video import PyavVideo
from feature_extraction.sources import Source, find_videos
from feature_extraction.storage import Stage, read_table
from feature_extraction.video import stream_clips
from tests.conftest import grey_ramp, write_video

MB = 2**20
SMALL = FrameSize(resize=32, crop=32)


@dataclass(frozen=True)
class Brightness(Work):
    """The mean pixel of each clip, through the real reader."""

    guards: Guards = field(default_factory=lambda: Guards(Limits(seconds=20, memory=512 * MB)))

    def __call__(self, source: Source) -> Made:
        reading = self.guards.stream(stream_clips, source.path, SMALL)
        clips = [(clip.end, float(clip.frames.mean())) for clip in reading]
        end, mean = zip(*clips, strict=True)
        return Made(pa.table({"video_id": [source.video_id] * len(clips), "end": end, "mean": mean}), reading.result)

    def close(self) -> None:
        self.guards.close()


def peak_memory(path: Path) -> int:
    """Bytes that this process had at most. Runs in the process behind a guard."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def memory(path: Path) -> int:
    """Bytes that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def encode(
    path: Path, frames: int, size: tuple[int, int] = (64, 64), rate: int = 20, codec: str = "libx264", **options: str
) -> Path:
    """A grey video with options for its container; the parts of an .mkv with its own clusters, so that a cut leaves some."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = 10
        noise = np.random.default_rng(0).integers(0, 60, (size[1], size[0], 3), dtype=np.uint8)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, number, axis=1) + np.uint8(number % 100), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def remux(source: Path, path: Path, when: Callable[[int], int], last: int | None = None, **options: str) -> Path:
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
    encode(path, 40)
    for box in (b"mvhd", b"mdhd"):
        patch(patch(path, box, 16, struct.pack(">I", 1)), box, 20, CENTURY)
    patch(path, b"tkhd", 24, CENTURY)
    return patch(path, b"stts", 16, struct.pack(">I", 80_000_000))


def tagged_century(path: Path) -> Path:
    """The tag of an .mkv says that it lasts 876,000 hours."""
    encode(path, 40)
    return patch(path, b"00:00:02.000000000", 0, b"876000:00:00.00000")


def odd_tag(path: Path) -> Path:
    encode(path, 40)
    return patch(path, b"00:00:02.000000000", 0, b"0.0:0.0:2.00000000")


def huge_claim(path: Path) -> Path:
    """Each frame of a 64 x 64 MJPEG says that it has 65,535 x 65,535 pixels."""
    return patch(encode(path, 20, codec="mjpeg"), b"\xff\xc0", 5, struct.pack(">HH", 65535, 65535))


def huge_track(path: Path) -> Path:
    """The container says so, the frames do not."""
    encode(path, 20, codec="mpeg4")
    patch(path, b"mp4v", 28, struct.pack(">HH", 65535, 65535))
    return patch(path, b"tkhd", 80, struct.pack(">II", 65535 << 16, 65535 << 16))


def bomb(path: Path) -> Path:
    """A small first frame, then one of 6,016 x 6,016 in the same stream."""
    small, large = (
        encode(path.with_suffix(f".{name}.avi"), 1, size, codec="mjpeg")
        for name, size in (("s", (64, 64)), ("l", (6016, 6016)))
    )
    with av.open(str(small)) as first, av.open(str(large)) as second, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(first.streams.video[0])
        for number, packet in enumerate([*first.demux(video=0), *second.demux(video=0)]):
            if packet.size:
                packet.stream, packet.pts, packet.dts = stream, number, number
                container.mux(packet)
    small.unlink(), large.unlink()
    return path


def billion_frames(path: Path) -> Path:
    """Every sample lasts as before, but there are said to be a milliard of them."""
    encode(path, 40)
    return patch(path, b"stts", 12, struct.pack(">I", 10**9))


def jump(path: Path) -> Path:
    """Two hours pass between its frames 40 and 41."""
    return remux(encode(path.with_name("_.mp4"), 60), path, lambda number: number * 50 + (number > 40) * 7_200_000)


def long_last(path: Path) -> Path:
    """Its last frame is to be shown for more than an hour."""
    return remux(encode(path.with_name("_.mp4"), 60), path, lambda number: number * 50, last=9**7)


def playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXTINF:1,\nneighbour.mp4\n#EXT-X-ENDLIST\n")


def sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def flipped(path: Path) -> Path:
    content = bytearray(encode(path, 60).read_bytes())
    for place in range(len(content) // 2, len(content), 200):
        content[place] ^= 0x55
    path.write_bytes(content)
    return path


MKV = {"cluster_time_limit": "500", "cluster_size_limit": "4000"}

# what -> how it is made, what becomes of it, a piece of the reason, rows
TABLE: dict[str, tuple[Callable[[Path], object], str, str, int]] = {
    "zero.mp4": (lambda path: path.write_bytes(b""), "failed", "is empty", 0),
    "nul.mp4": (lambda path: path.write_bytes(bytes(50_000)), "failed", "is no video", 0),
    "random.mp4": (lambda path: path.write_bytes(random.Random(0).randbytes(50_000)), "failed", "is no video", 0),
    "text.avi": (lambda path: path.write_text("this is no video\n" * 100), "failed", "is no video", 0),
    "cut.mkv": (lambda path: cut(encode(path, 120, **MKV), 0.5), "partial", "ends after 2.* of 6.0 s", 2),
    "cut_faststart.mp4": (lambda path: cut(encode(path, 120, movflags="faststart"), 0.6), "partial", "of 6.0 s are kept", 2),
    "cut_end.mp4": (lambda path: cut(encode(path, 120), 0.9), "failed", "is no video", 0),
    "flipped.mp4": (flipped, "any", "", -1),
    "sound.mp4": (sound_only, "failed", "has no picture", 0),
    "one_frame.mp4": (lambda path: encode(path, 1), "done", "", 1),
    "instant.mp4": (lambda path: encode(path, 3, rate=1_000_000), "done", "", 1),
    "fast.mp4": (lambda path: encode(path, 2000, (16, 16), rate=1000), "done", "", 1),
    "huge_claim.avi": (huge_claim, "failed", "", 0),
    "huge_track.mp4": (huge_track, "done", "", 1),
    "bomb.avi": (bomb, "partial", "is damaged after 0.0 s", 1),
    "slow_century.mp4": (century, "partial", "ends after 0.1 s", 1),
    "billion.mp4": (billion_frames, "done", "", 1),
    "jump.mkv": (jump, "partial", "jumps from 2.0 s to 72", 1),
    "long_last.mkv": (long_last, "partial", "ends after 3.0 s", 2),
    "century.mkv": (tagged_century, "failed", "more than 24", 0),
    "odd_tag.mkv": (odd_tag, "done", "", 1),
    "unknown.mp4": (lambda path: patch(encode(path, 20), b"avc1", 0, b"qqqq"), "failed", "", 0),
    "hls.mp4": (playlist, "failed", "is no video", 0),
    "concat.mp4": (lambda path: path.write_text("ffconcat version 1.0\nfile neighbour.mp4\n"), "failed", "is no video", 0),
}  # fmt: skip


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Stage, Report]:
    """All of them in one folder with a good neighbour, gone through by one job."""
    folder = tmp_path_factory.mktemp("zoo")
    for name, (make, *_) in TABLE.items():
        make(folder / name)
    (folder / "_.mp4").unlink()
    write_video(folder / "neighbour.mp4", grey_ramp(60))
    write_video(folder / "zz_last.mp4", grey_ramp(60))
    stage = Stage(folder.parent / "zoo_stage")
    report = run_job(stage, find_videos([folder]), Brightness(), JobOptions(workers=2))
    return folder, stage, report


@pytest.mark.parametrize("name", TABLE)
def test_each_kind_of_bad_file_has_its_status(zoo: tuple[Path, Stage, Report], name: str) -> None:
    _, stage, _ = zoo
    account = Accounts(stage).read()
    video, (_, status, reason, rows) = Path(name).stem, TABLE[name]
    found = "failed" if video in account.failed else "partial" if video in account.partial else "done"
    told = account.failed.get(video) or account.partial.get(video) or ""
    print(name, found, told)
    assert status in (found, "any"), told
    if status != "any":
        assert re.search(reason, told), told
    assert not told or (name in told and ": unexpected " not in told and "ended the process" not in told)
    if rows > 0:
        assert read_table(stage.path(video)).num_rows == rows
    if rows == 0:
        assert not stage.path(video).exists()


def test_good_neighbours_are_unharmed(zoo: tuple[Path, Stage, Report]) -> None:
    folder, stage, report = zoo
    expected = [clip.frames.mean() for clip in stream_clips(folder / "neighbour.mp4", SMALL)]
    for video in ("neighbour", "zz_last"):
        assert read_table(stage.path(video))["mean"].to_pylist() == pytest.approx(expected)
    assert report.now + len(report.failures) == len(TABLE) + 2
    account = Accounts(stage).read()
    assert len(account.done) + len(account.failed) == len(TABLE) + 2 and not account.waiting


@pytest.mark.parametrize(
    "name",
    [
        "huge_claim.avi",
        "huge_track.mp4",
        "bomb.avi",
        "slow_century.mp4",
        "century.mkv",
        "billion.mp4",
        "long_last.mkv",
        "jump.mkv",
        "fast.mp4",
    ],
)
def test_a_bomb_takes_little_memory(zoo: tuple[Path, Stage, Report], name: str) -> None:
    guards = Guards(Limits(seconds=20))
    guards.call(count_clips, zoo[0] / "neighbour.mp4")
    before = guards.call(peak_memory, zoo[0])
    guards.call(count_clips, zoo[0] / name)
    grown = guards.call(peak_memory, zoo[0]) - before
    print(name, "peak", before // MB, "MB, then", grown // MB, "MB more")
    assert grown < 100 * MB
    guards.close()


def count_clips(path: Path) -> int:
    """How many clips there are, or -1 where it is refused. Runs in the process behind a guard."""
    try:
        return sum(1 for _ in stream_clips(path, SMALL))
    except ValueError:
        return -1


class Listener:
    """An address of this machine that notes who comes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.visits = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            visitor, _ = self._socket.accept()
            self.visits += 1
            visitor.close()


SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=x
c=IN IP4 127.0.0.1
t=0 0
m=video {port} RTP/AVP 96
a=rtpmap:96 H264/90000
"""
DASH = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT3S">
<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{place}</BaseURL>
<SegmentBase/></Representation></AdaptationSet></Period></MPD>"""
SCRIPTS = {
    "hls_file": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{canary}\n#EXT-X-ENDLIST\n",
    "hls_beside": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\ncanary.ts\n#EXT-X-ENDLIST\n",
    "hls_http": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
    "hls_key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1:{port}/k"\n#EXTINF:3,\ncanary.ts\n#EXT-X-ENDLIST\n',
    "concat_beside": "ffconcat version 1.0\nfile canary.ts\n",
    "concat_file": "ffconcat version 1.0\nfile '{canary}'\n",
    "concat_http": "ffconcat version 1.0\nfile 'http://127.0.0.1:{port}/a.mp4'\n",
    "sdp": SDP,
    "dash_file": DASH.replace("{place}", "{canary}"),
    "dash_http": DASH.replace("{place}", "http://127.0.0.1:{port}/a.mp4"),
    "asx": '<asx version="3.0"><entry><ref href="http://127.0.0.1:{port}/a.wmv"/></entry></asx>',
    "asf_reference": "[Reference]\nRef1=http://127.0.0.1:{port}/a.asf?MSWMExt=.asf\n",
    "sami": "ASF http://127.0.0.1:{port}/a.asf\n",
}


@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".sdp"])
def test_what_names_other_files_or_addresses_opens_neither(tmp_path: Path, suffix: str) -> None:
    """The canary is a pipe that nobody writes to: who opens it waits until the time limit."""
    listener, canary = Listener(), tmp_path / "canary.ts"
    os.mkfifo(canary)
    for name, script in SCRIPTS.items():
        (tmp_path / f"{name}{suffix}").write_text(script.format(canary=canary, port=listener.port))
    sources = [Source(name, tmp_path / f"{name}{suffix}") for name in SCRIPTS]
    work = Brightness(Guards(Limits(seconds=8)))
    report = run_job(Stage(tmp_path / "stage"), sources, work, JobOptions(workers=2))
    assert report.failures.keys() == SCRIPTS.keys()
    assert all("is no video that can be read" in reason for reason in report.failures.values()), report.failures
    assert listener.visits == 0


@pytest.mark.parametrize(
    "form", ["concat:{canary}|{canary}", "http://127.0.0.1:{port}/a.mp4", "file://{canary}", "pipe:0", "subfile:,,{canary}"]
)
def test_a_name_that_looks_like_a_protocol_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    listener, canary = Listener(), tmp_path / "canary"
    os.mkfifo(canary)
    monkeypatch.chdir(tmp_path)
    source = Source("a", Path(form.format(canary="canary", port=listener.port)))
    report = run_job(Stage(tmp_path / "stage"), [source], Brightness(Guards(Limits(seconds=8))))
    assert "does not exist" in report.failures["a"] and listener.visits == 0
    write_video(tmp_path / "real.mp4", grey_ramp(30))
    try:
        source.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "real.mp4", source.path)
    except OSError:
        pytest.skip("no file can have this name")
    report = run_job(Stage(tmp_path / "stage"), [source], Brightness(), JobOptions(retry_failed=True))
    assert report.complete and listener.visits == 0


def test_links_out_of_the_folder_are_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    write_video(tmp_path / "outside.mp4", grey_ramp(30))
    write_video(folder / "real.mp4", grey_ramp(30))
    for name, target in (("out", "../outside.mp4"), ("inside", "real.mp4"), ("nothing", "absent.mp4"), ("loop", "loop.mp4")):
        (folder / f"{name}.mp4").symlink_to(target)
    report = run_job(Stage(tmp_path / "stage"), find_videos([folder]), Brightness())
    assert report.now == 2 and report.failures.keys() == {"out", "nothing", "loop"}
    assert "leads out" in report.failures["out"] and "does not exist" in report.failures["nothing"]


def test_every_name_is_read_and_written_inside_the_folder(tmp_path: Path) -> None:
    real = write_video(tmp_path / "real.mp4", grey_ramp(30))
    names = ["..a.mp4", "...mp4", "-i.mp4", "a\nb.mp4", "süß \u202e.mp4", "a" * 251 + ".mp4", "~.mp4"]
    names += [
        "%2e%2e%2f.mp4",
        "b" * 200 + "/" + "c" * 200 + ".mp4",
        "concat:a|b.mp4",
        "%03d.mp4",
        "*.mp4",
        "a?b#c.mp4",
        "CON.mp4",
        "a'\"$(x).mp4",
    ]
    for name in names:
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real, tmp_path / "videos" / name)
    sources = find_videos([tmp_path / "videos"])
    before = {path for path in tmp_path.rglob("*") if "stage" not in path.parts}
    report = run_job(Stage(tmp_path / "stage"), sources, Brightness(), JobOptions(workers=2))
    assert (report.now, report.failures, report.partial) == (len(names), {}, {})
    assert len(list((tmp_path / "stage").glob("*.parquet"))) == len(names)
    assert {path for path in tmp_path.rglob("*") if "stage" not in path.parts} == before


def mutated(content: bytes, other: bytes, rng: random.Random) -> bytes:
    """A video after one accident: bits flipped, cut, spliced with another, its header patched, a piece twice or gone."""
    data, kind = bytearray(content), rng.randrange(6)
    if kind == 0:
        for _ in range(rng.choice([1, 5, 50, 500])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[rng.randrange(len(data)) :]
    elif kind == 2:
        data = data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]
    elif kind == 3:  # numbers of the header, at either end of the file
        for _ in range(rng.choice([1, 3, 10])):
            place = rng.randrange(min(1500, len(data) - 8))
            place = place if rng.random() < 0.5 else len(data) - 8 - place
            value = rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, rng.getrandbits(32)])
            data[place : place + 4] = struct.pack(rng.choice("<>") + "I", value)
    elif kind == 4:
        start, end = sorted(rng.randrange(len(data)) for _ in range(2))
        del data[start:end]
    else:
        start, end = sorted(rng.randrange(len(data)) for _ in range(2))
        data[start:start] = data[start:end]
    return bytes(data)


def seeds(folder: Path, shared: Path) -> list[Path]:
    made = [encode(folder / f"seed.{kind}", 25) for kind in ("mp4", "mkv", "ts", "flv")]
    made.append(encode(folder / "early.mp4", 25, movflags="faststart"))
    made.append(encode(folder / "old.mpg", 25, codec="mpeg1video", rate=25))
    made += [encode(folder / "jpeg.avi", 10, codec="mjpeg"), encode(folder / "old.avi", 25, codec="mpeg4")]
    real = [path for path in shared.rglob("*") if path.suffix in (".mp4", ".mkv", ".mov") and path.stat().st_size < 60_000]
    return made + sorted(real)


@pytest.mark.parametrize("count", [60, pytest.param(2100, marks=pytest.mark.slow)])
def test_mutated_files_are_all_accounted_for(tmp_path: Path, count: int) -> None:
    shared = Path(__file__).resolve().parents[3] / "shared" / "data" / "video"
    (tmp_path / "seeds").mkdir()
    originals = seeds(tmp_path / "seeds", shared)
    contents = [path.read_bytes() for path in originals]
    rng = random.Random(count)
    folder = tmp_path / "fuzz"
    folder.mkdir()
    for number in range(count):
        chosen = number % len(originals)
        data = mutated(contents[chosen], rng.choice(contents), rng)
        (folder / f"{number:04d}_{originals[chosen].stem}{originals[chosen].suffix}").write_bytes(data)
    stage = Stage(tmp_path / "stage")
    report = run_job(
        stage, find_videos([folder]), Brightness(Guards(Limits(seconds=5, memory=512 * MB))), JobOptions(workers=2)
    )
    account = Accounts(stage).read()
    assert len(account.done) + len(account.failed) == count and not account.waiting
    assert report.now == len(account.done) > count / 5
    for video in account.done:
        assert np.isfinite(read_table(stage.path(video))["mean"].to_numpy()).all()
    odd = [reason for reason in account.failed.values() if ": unexpected " in reason or "ended the process" in reason]
    slow = [reason for reason in account.failed.values() if "could not be read in" in reason or "GB to read" in reason]
    print(f"{len(account.done)} done, {len(account.partial)} of them partial, {len(account.failed)} failed, "
          f"{len(slow)} over their limits, in {report.seconds['all']:.0f} s", *odd, *slow, sep="\n")  # fmt: skip
    assert not odd


def clips_and_memory(path: Path) -> Iterator[tuple[int, int]]:
    for clip in stream_clips(path, SMALL):
        yield clip.index, memory(path)


def test_a_title_in_another_alphabet_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "latin.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "caf\u00e9 au lait"
        stream = container.add_stream("mpeg4", rate=20)
        stream.width = stream.height = 64
        container.mux(stream.encode(av.VideoFrame.from_ndarray(grey_ramp(1)[0], format="rgb24")))
        container.mux(stream.encode())
    patch(path, "caf\u00e9 ".encode(), 3, b"\xe9 ")
    assert len(list(stream_clips(path, SMALL))) == 1


def test_frames_minutes_apart_do_not_add_up_to_more_than_a_day(tmp_path: Path) -> None:
    path = remux(encode(tmp_path / "_.mp4", 200), tmp_path / "endless.mkv", lambda n: n * 599_000, live="1")
    with closing(PyavVideo(path)) as video:
        times = [frame.time for frame in video.frames()]
        assert video.declared_end is None and video.damage == "goes on after 24 hours"
    assert LONGEST_VIDEO - 600 < times[-1] <= LONGEST_VIDEO


@pytest.mark.slow
def test_two_hours_take_no_more_memory_than_two_minutes(tmp_path: Path) -> None:
    path = encode(tmp_path / "long.mp4", 2 * 3600 * 5, (32, 32), rate=5)
    guards = Guards()
    theirs, ours = [], []
    for _, bytes_there in guards.stream(clips_and_memory, path):
        theirs.append(bytes_there)
        ours.append(memory(path))
    assert len(theirs) == 4800
    print("decoder", min(theirs[80:]) // MB, max(theirs) // MB, "parent", min(ours[80:]) // MB, max(ours) // MB)
    assert max(theirs) - theirs[80] < 20 * MB and max(ours) - ours[80] < 20 * MB


@pytest.mark.slow
def test_two_thousand_videos_through_one_process_leave_nothing_behind(tmp_path: Path) -> None:
    kinds = ["a.mp4", "b.mkv", "c.avi", "d.ts", "e.mp4"]
    paths = [encode(tmp_path / name, 30 + number) for number, name in enumerate(kinds)]
    cut(paths[-1], 0.5)
    guards = Guards()
    sizes = []
    for turn in range(400):
        for path in paths:
            guards.call(count_clips, path)
        if turn % 20 == 19:
            sizes.append(guards.call(memory, path))
    print("MB after each hundred:", [size // MB for size in sizes])
    assert max(sizes) - sizes[1] < 20 * MB
