"""What servers of the tests share: they listen on the loopback, and say nothing of what they do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any


class QuietHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        return

    def _answer(self, value: Any, status: int = 200, **headers: str) -> None:
        """Bytes as they are, anything else as JSON."""
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self._begin(
            status, {name.replace("_", "-"): text for name, text in headers.items()}, content
        )
        if self.command != "HEAD":
            self.wfile.write(content)

    def _begin(self, status: int, headers: dict[str, str], content: bytes) -> None:
        """Send all that comes before the content."""
        self.send_response(status)
        for name, text in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, text)
        self.end_headers()


@contextmanager
def serving(
    handler: type[QuietHandler], secure: SSLContext | None = None, **given: Any
) -> Iterator[str]:
    """Run a server and yield its URL.

    Args:
        handler: answers; ``given`` are attributes of its own.
        secure: for HTTPS.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (handler,), given))
    if secure:
        server.socket = secure.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http{'s' if secure else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
