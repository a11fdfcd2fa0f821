"""A folder behind HTTP or HTTPS on the loopback, which can be slow, fail, and change what is read.

It also answers as Google's Cloud Storage does, with the folder as its bucket ``kitchen``.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.toys.loopback import QuietHandler, serving

SECRET = "token=ThisIsTheSecretToken"
BUCKET = "/storage/v1/b/kitchen"


@dataclass
class Site:
    """What the server has, and what it does when a file is asked for, by the file's name.

    Attributes:
        delay: seconds that each answer takes.
        faults: how often an answer is still 503, to HEAD or GET.
        cuts: how often half of the content is sent before the connection ends.
        changes: how often a file still becomes another one, NAME.next, while it is read.
        closed: files that may not be read.
        reads: how often content was asked for.
    """

    root: Path
    delay: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    closed: set[str] = field(default_factory=set)
    reads: Counter[str] = field(default_factory=Counter)
    url: str = ""
    lock: Any = field(default_factory=threading.Lock)


class Handler(QuietHandler):
    site: Site

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        time.sleep(self.site.delay)
        asked = urlsplit(self.path)
        path, query = unquote(asked.path), parse_qs(asked.query)
        if path.startswith(BUCKET):
            path = path.removeprefix(BUCKET)
            if path in ("", "/o"):
                self._listed(path, query)
                return
            if "alt" not in query:
                self._described(path.removeprefix("/o/"))
                return
            path = path.removeprefix("/o")
        elif path.startswith("/download"):
            path = path.removeprefix(f"/download{BUCKET}/o")
        self._file(self.site.root / path.lstrip("/"))

    def _refused(self, path: Path) -> bool:
        """Answer where the file is not given."""
        name = path.name
        with self.site.lock:
            fails = self.site.faults[name] > 0
            self.site.faults[name] -= fails
        if fails:
            self._answer(b"", 503)
        elif name in self.site.closed:
            self._answer(b"", 403)
        elif not path.is_file():
            self._answer(b"", 404)
        else:
            return False
        return True

    def _file(self, path: Path) -> None:
        if self._refused(path):
            return
        content, name = path.read_bytes(), path.name
        headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "Accept-Ranges": "bytes"}
        if self.command == "HEAD":
            self._answer(content, **headers)
            return
        with self.site.lock:
            self.site.reads[name] += 1
            cut, change = self.site.cuts[name] > 0, self.site.changes[name] > 0
            self.site.cuts[name] -= cut
            self.site.changes[name] -= change
        if change:
            path.write_bytes(path.with_name(f"{name}.next").read_bytes())
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if found:
            first, last = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            content = content[first : last + 1]
        if not cut:
            self._answer(content, 206 if found else 200, **headers)
            return
        self._begin(206 if found else 200, headers, content)
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True

    def _listed(self, path: str, query: dict[str, list[str]]) -> None:
        """A bucket, or the objects whose names begin so; those of a folder where it is asked so."""
        if not path:
            self._answer({"kind": "storage#bucket", "name": "kitchen"})
            return
        prefix, root = query.get("prefix", [""])[0], self.site.root
        names = [each.relative_to(root).as_posix() for each in sorted(root.rglob("*"))]
        names = [name for name in names if name.startswith(prefix) and (root / name).is_file()]
        found: dict[str, Any] = {"kind": "storage#objects"}
        if between := query.get("delimiter", [""])[0]:
            below = {name: name[len(prefix) :].partition(between) for name in names}
            names = [name for name, (_, slash, _) in below.items() if not slash]
            folders = {f"{prefix}{first}{slash}" for first, slash, _ in below.values() if slash}
            found["prefixes"] = sorted(folders)
        found["items"] = [self._object(name) for name in names]
        self._answer(found, Content_Type="application/json")

    def _described(self, name: str) -> None:
        if not self._refused(self.site.root / name):
            self._answer(self._object(name), Content_Type="application/json")

    def _object(self, name: str) -> dict[str, Any]:
        path = self.site.root / name
        content, written = path.read_bytes(), path.stat().st_mtime_ns
        when = datetime.fromtimestamp(written / 1e9, UTC).isoformat(timespec="milliseconds")
        return {
            "kind": "storage#object",
            "id": f"kitchen/{name}/{written}",
            "name": name,
            "bucket": "kitchen",
            "generation": str(written),
            "size": str(len(content)),
            "etag": hashlib.sha1(content).hexdigest(),
            "timeCreated": when.replace("+00:00", "Z"),
            "updated": when.replace("+00:00", "Z"),
            "mediaLink": f"{self.site.url}/download{BUCKET}/o/{name}?alt=media",
        }


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, private


@contextmanager
def web_server(root: Path, secure: tuple[Path, Path] | None = None) -> Iterator[Site]:
    """Serve a folder.

    Args:
        root: the folder.
        secure: a certificate and its key, for HTTPS.
    """
    context = None
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*secure)
    site = Site(root)
    with serving(Handler, context, site=site) as site.url:
        yield site
