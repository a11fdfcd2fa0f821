"""Videos come from a real S3 server, moto's, over the loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workfolder.test_scratch import MOST, Content, kitchen, made, work_through

s3fs = pytest.importorskip("s3fs", reason="needs s3fs")
moto = pytest.importorskip("moto.server", reason="needs moto, flask and flask-cors")
VIDEOS = 200
SECRET = "ThisIsTheSecretKey"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    s3fs.S3FileSystem.clear_instance_cache()
    yield
    s3fs.S3FileSystem.clear_instance_cache()
    running.stop()


@pytest.mark.slow
def test_a_bucket_of_a_server_gives_the_bytes_of_a_folder(tmp_path: Path, server: None) -> None:
    local = kitchen(tmp_path / "bucket", VIDEOS) / "cooking"
    system = s3fs.S3FileSystem()
    system.mkdir("kitchen")
    system.put(str(local), "kitchen/", recursive=True)
    maker = Content()
    report = work_through("s3://kitchen/cooking/", tmp_path / "remote", maker)
    assert report.complete and report.now == VIDEOS and max(maker.seen) <= MOST * 1e9
    assert work_through(local, tmp_path / "local").complete
    assert made(tmp_path / "remote") == made(tmp_path / "local")
    (tmp_path / "list.txt").write_text("s3://kitchen/none.mp4\n")
    report = work_through(tmp_path / "list.txt", tmp_path / "none")
    assert report.failures == {"none": "s3://kitchen/none.mp4 is not there"}
    assert SECRET not in "".join(
        path.read_text(errors="replace") for path in tmp_path.rglob("*.jsonl")
    )
