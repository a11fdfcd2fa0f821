"""Files and names that stand for other files or addresses: nothing else is opened."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
from pathlib import Path

import pytest

from feature_extraction.schema import Clip
from tests.toys.hostile_media import Brightness
from tests.toys.videos import grey_ramp, write_video
from workfolder.guard import Guards, Limits
from workfolder.runner import JobOptions, run_job
from workfolder.sources import Source
from workfolder.stage import Stage


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
DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT3S">
<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">
<BaseURL>{place}</BaseURL>
<SegmentBase/></Representation></AdaptationSet></Period></MPD>"""
SCRIPTS = {
    "hls_file": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{canary}\n#EXT-X-ENDLIST\n",
    "hls_beside": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\ncanary.ts\n#EXT-X-ENDLIST\n",
    "hls_http": "#EXTM3U\n#EXTINF:3,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
    "hls_key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1:{port}/k"\n'
    "#EXTINF:3,\ncanary.ts\n#EXT-X-ENDLIST\n",
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
    work = Brightness(Guards(Limits(seconds=8), returns=[Clip]))
    report = run_job(Stage(tmp_path / "stage"), sources, work, JobOptions(workers=2))
    assert report.failures.keys() == SCRIPTS.keys()
    refusal = re.compile("a playlist is not opened|cannot be read as a video|only sound or text")
    assert all(refusal.search(reason) for reason in report.failures.values()), report.failures
    assert listener.visits == 0


@pytest.mark.parametrize(
    "form",
    [
        "concat:{canary}|{canary}",
        "http://127.0.0.1:{port}/a.mp4",
        "file://{canary}",
        "pipe:0",
        "subfile:,,{canary}",
    ],
)
def test_a_name_that_looks_like_a_protocol_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    listener, canary = Listener(), tmp_path / "canary"
    os.mkfifo(canary)
    monkeypatch.chdir(tmp_path)
    source = Source("a", Path(form.format(canary="canary", port=listener.port)))
    report = run_job(
        Stage(tmp_path / "stage"), [source], Brightness(Guards(Limits(seconds=8), returns=[Clip]))
    )
    assert "does not exist" in report.failures["a"] and listener.visits == 0
    write_video(tmp_path / "real.mp4", grey_ramp(30))
    try:
        source.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "real.mp4", source.path)
    except OSError:
        pytest.skip("no file can have this name")
    report = run_job(
        Stage(tmp_path / "stage"), [source], Brightness(), JobOptions(retry_failed=True)
    )
    assert report.complete and listener.visits == 0
