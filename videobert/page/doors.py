"""Which requests reach Gradio: only those that the page itself makes, up to a size.

Gradio has routes that this page does not need: files by path, a proxy, and one that gives an upload
to ffmpeg without a guard. It also fetches any file that a question names. So every route outside
the list below is closed, whatever a later Gradio adds, and a question may name uploaded files only.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

BIGGEST = 200 * 2**20
"""Bytes of an upload."""
AROUND = 2**16
"""Bytes that a form adds to a file."""
OPEN = re.compile(
    r"/|/config|/theme\.css|/favicon\.ico|/(assets|static)/[\w./-]+"
    r"|/gradio_api/(upload|upload_progress|queue/join|queue/data|heartbeat/\w+|startup-events)"
)
UPLOAD, QUESTION = "/gradio_api/upload", "/gradio_api/queue/join"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Doors:
    """ASGI middleware that answers what must not pass.

    404: a path that OPEN does not match. 413: a body that is too big. 403: a question that names a
    file outside the uploads.
    """

    def __init__(
        self, app: Callable[[Message, Receive, Send], Awaitable[None]], uploads: str
    ) -> None:
        self._app, self._uploads = app, uploads

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """See the ASGI specification, version 3."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        status = refusal(scope) if scope["type"] == "http" else None
        if status is None and scope["type"] == "http" and scope["path"] == QUESTION:
            body = await _whole(receive)
            status = None if names_only(body, self._uploads) else 403
            receive = _again(body, receive)
        if status is None:
            await self._app(scope, receive, send)
            return
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"text/plain")],
            }
        )
        await send({"type": "http.response.body", "body": b"refused"})


def refusal(scope: Message) -> int | None:
    """The HTTP status of a refused request, or None. A request with a body must tell its length."""
    if not OPEN.fullmatch(scope["path"]) or ".." in scope["path"]:
        return 404
    length = dict(scope["headers"]).get(b"content-length", b"")
    most = AROUND + (BIGGEST if scope["path"] == UPLOAD else 0)
    if scope["method"] == "POST" and not (length.isdigit() and int(length) <= most):
        return 413
    return None


def names_only(body: bytes, folder: str) -> bool:
    """Whether a question is JSON, and every ``path`` in it is a file's below ``folder``."""
    inside = os.path.realpath(folder) + os.sep
    found: list[Any] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        found.extend(value for key, value in pairs if key == "path")

    try:
        json.loads(body, object_pairs_hook=note)
        return all(
            isinstance(path, str) and os.path.realpath(path).startswith(inside) for path in found
        )
    except (ValueError, RecursionError):  # also a path with a null character
        return False


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """What hands ``body`` over once more."""
    kept: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return kept.pop() if kept else await receive()

    return replay
