"""A small server of the Hub's API on the loopback, which can cut answers off.

Models and data sets share one list of names.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.toys.loopback import QuietHandler, serving

TOKEN = "hf_ThisIsTheSecretToken"
LARGE = (".safetensors", ".parquet", ".png")
API = "/api/models/"
ROOT = Path(__file__).parents[2]


@dataclass
class Hub:
    """What the server has, and how it fails.

    Attributes:
        repositories: files by path, by OWNER/NAME.
        visibility: of each, as it was asked for.
        cuts: how often an answer with a file still ends in its middle, by the file's path.
        faults: how often an answer with a file is still 503.
        changes: what a file becomes once it was read, by its path.
        delay: seconds that an answer with a file takes.
        listings: how often a folder was listed.
        asked: how often a file was asked for.
    """

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    visibility: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    cuts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    changes: dict[str, bytes] = field(default_factory=dict)
    delay: float = 0.0
    listings: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    url: str = ""

    def commit(self, name: str) -> str:
        """Name the state of a repository, as git does."""
        digest = hashlib.sha1(name.encode())
        for path, content in sorted(self.repositories[name].items()):
            digest.update(path.encode() + content)
        return digest.hexdigest()


class Handler(QuietHandler):
    hub: Hub

    def parse_request(self) -> bool:
        understood = super().parse_request()
        if understood:
            self.path = re.sub(
                r"^(/api)?/datasets/", lambda found: f"{found[1] or ''}/models/", self.path
            )
            self.path = re.sub(r"^/models/", "/", self.path)
        return understood

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _knows(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _name(self) -> str:
        found = re.match(r"(?:/api/models)?/([^/]+/[^/?]+?)(?:\.git)?(?:[/?]|$)", self.path)
        return found[1] if found else ""

    def do_POST(self) -> None:
        body, name = self._body(), self._name()
        if self.path.startswith(f"{API}{name}/paths-info/"):
            files, asked = self.hub.repositories[name], parse_qs(body.decode())["paths"]
            self._answer([entry(path, files[path]) for path in asked if path in files])
        elif not self._knows():
            self._answer({"error": "Invalid username or password."}, 401)
        elif self.path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            self.hub.repositories.setdefault(name, {})
            self.hub.visibility.setdefault(name, asked.get("visibility", "public"))
            self._answer({"url": f"{self.hub.url}/{name}", "id": name})
        elif self.path.startswith(f"{API}{name}/preupload/"):
            files = json.loads(body)["files"]
            self._answer(
                {"files": [{**how(each["path"]), "shouldIgnore": False} for each in files]}
            )
        elif self.path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {
                    **each,
                    "actions": {"upload": {"href": f"{self.hub.url}/lfs/{each['oid']}"}},
                }
                for each in json.loads(body)["objects"]
            ]
            self._answer({"transfer": "basic", "objects": objects})
        else:
            self._commit(name, body)

    def _commit(self, name: str, body: bytes) -> None:
        files = self.hub.repositories[name]
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        url = f"{self.hub.url}/{name}/commit/{self.hub.commit(name)}"
        self._answer({"success": True, "commitOid": self.hub.commit(name), "commitUrl": url})

    def do_PUT(self) -> None:
        content, oid = self._body(), self.path.rpartition("/")[2]
        right = hashlib.sha256(content).hexdigest() == oid
        if right:
            self.hub.objects[oid] = content
        self._answer({}, 200 if right else 400)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        name = self._name()
        files = self.hub.repositories.get(name)
        hidden = self.hub.visibility.get(name) == "private" and not self._knows()
        if files is None or hidden:
            self._answer({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")
            return
        commit = self.hub.commit(name)
        if self.path == f"{API}{name}" or self.path.startswith(f"{API}{name}/revision/"):
            siblings = [{"rfilename": path} for path in files]
            self._answer({"id": name, "sha": commit, "siblings": siblings, "tags": []})
        elif self.path.startswith(f"{API}{name}/tree/"):
            self.hub.listings += 1
            self._answer([entry(path, content) for path, content in files.items()])
        else:
            self._file(files, commit)

    def _file(self, files: dict[str, bytes], commit: str) -> None:
        path = unquote(self.path.partition("?")[0].split("/", 5)[5])
        if path not in files:
            self._answer({}, 404, X_Error_Code="EntryNotFound")
            return
        content = files[path]
        etag = entry(path, content)["oid"]
        headers = {"X-Repo-Commit": commit, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        if self.command == "GET":
            time.sleep(self.hub.delay)
            self.hub.asked[path] += 1
        if self.command == "GET" and self.hub.faults[path] > 0:
            self.hub.faults[path] -= 1
            self._answer({}, 503)
            return
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        rest = content
        if found:
            start, end = int(found[1]), min(int(found[2] or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            rest = content[start : end + 1]
        self._begin(206 if found else 200, headers, rest)
        if self.command == "HEAD":
            return
        if self.hub.cuts[path] > 0:
            self.hub.cuts[path] -= 1
            rest = rest[: len(rest) // 2]
            self.close_connection = True
        self.wfile.write(rest)
        if path in self.hub.changes:
            files[path] = self.hub.changes.pop(path)


def how(path: str) -> dict[str, str]:
    return {"path": path, "uploadMode": "lfs" if path.endswith(LARGE) else "regular"}


def entry(path: str, content: bytes) -> dict[str, Any]:
    """A file in a tree; the Hub's etag is git's, or LFS's where it is large."""
    header = f"blob {len(content)}\0".encode()
    found = {
        "type": "file",
        "path": path,
        "size": len(content),
        "oid": hashlib.sha1(header + content).hexdigest(),
    }
    if path.endswith(LARGE):
        oid = hashlib.sha256(content).hexdigest()
        found |= {"oid": oid, "lfs": {"oid": oid, "size": len(content), "pointerSize": 134}}
    return found


@contextmanager
def hub_server() -> Iterator[Hub]:
    """Run a server; HF_ENDPOINT is its ``url``."""
    hub = Hub()
    with serving(Handler, hub=hub) as hub.url:
        yield hub


def hub_environment(hub: Hub, folder: Path, token: str | None = TOKEN) -> dict[str, str]:
    """What a process is told whose Hub is a server; the address is read once in a process."""
    told = {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_XET": "1"}
    known = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"}
    return {**known, "PYTHONPATH": str(ROOT), **told, **({"HF_TOKEN": token} if token else {})}


def ask_hub(
    hub: Hub, folder: Path, *words: object, token: str | None = TOKEN
) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder with a server as its Hub."""
    command, environment = [sys.executable, *map(str, words)], hub_environment(hub, folder, token)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done
