"""moto's S3 server on the loopback, which can be slow, fail, and change what is read."""

from __future__ import annotations

import os
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

SECRET = "ThisIsTheSecretKey"
BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate</Message></Error>"

Answer = Callable[[str, list[tuple[str, str]]], Any]


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        return


@dataclass
class Server:
    """A server that does what it is told when an object is read, by the object's name.

    Attributes:
        delay: seconds that each answer takes.
        faults: how often the reading of an object still fails with 503.
        cuts: how often half of an object is sent before the connection ends.
        changes: how often an object still becomes another one while it is read.
        reads: how often it was read.
    """

    delay: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    _app: Any = field(default_factory=lambda: DomainDispatcherApplication(create_backend_app))
    _lock: Any = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start: Answer) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "GET" or not path.endswith(".mp4"):
            return self._app(environ, start)
        name = path.rpartition("/")[2]
        time.sleep(self.delay)
        with self._lock:
            self.reads[name] += 1
            if self.faults[name] > 0:
                self.faults[name] -= 1
                start("503 Slow Down", [("Content-Type", "application/xml")])
                return [BUSY]
            content = b"".join(self._app(environ, start))
            if self.cuts[name] > 0:
                self.cuts[name] -= 1
                return [content[: len(content) // 2]]
            if self.changes[name] > 0:
                self.changes[name] -= 1
                self._change(path)
            return [content]

    def _change(self, path: str) -> None:
        """Put another object there, as somebody else would."""
        import boto3

        _, bucket, key = path.split("/", 2)
        client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
        was = client.get_object(Bucket=bucket, Key=f"{key}.next")["Body"].read()
        client.put_object(Bucket=bucket, Key=key, Body=was)


@contextmanager
def s3_server() -> Iterator[Server]:
    """Run a server that s3fs finds in this process and in those that it starts."""
    import s3fs

    told = Server()
    server = make_server("127.0.0.1", 0, told, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    told_where = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        with patch.dict(os.environ, told_where):
            s3fs.S3FileSystem.clear_instance_cache()
            reset = urllib.request.Request(f"{told_where['AWS_ENDPOINT_URL']}/moto-api/reset", b"")
            urllib.request.urlopen(reset).close()  # moto keeps what an earlier server was given
            yield told
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        server.shutdown()
        thread.join()
        server.server_close()
