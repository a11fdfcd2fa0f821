"""The page as its visitor has it: the real command, a real headless Chromium, and requests that no browser would make."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demos.screenshot import CHROMIUM, PATIENCE, bring, browser_at, screenshot
from tests.toys.street import Street
from tests.toys.videos import coloured_recipe
from videobert.page.doors import BIGGEST

pytest.importorskip("gradio", reason="gradio is not installed: the page cannot be tried")
pytest.importorskip("playwright", reason="playwright is not installed: nobody can drive a browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="there is no chromium: apt-get install chromium"
    ),
]
ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Site:
    """A page that is being served, and where it keeps uploads."""

    address: str
    uploads: Path


@pytest.fixture(scope="module")
def site(street: Street, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The command as a user types it; it has to end well, and leave nothing, when it is asked to."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "videobert",
        "page",
        "--model",
        street.model,
        "--work",
        street.work,
        "--videos",
        street.videos,
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*map(str, command)],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(folder)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    said = process.stdout.readline()
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert address, said + (folder / "log").read_text()
        yield Site(address[0], next(folder.glob("videobert-page-*")))
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "closed" in rest
    assert "Traceback" not in (folder / "log").read_text()
    assert [path.name for path in folder.iterdir()] == ["log"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coloured_recipe(
        tmp_path_factory.mktemp("clips") / "new.mp4", ["blue", "red"], spoken=False
    )


def test_a_clip_is_brought_and_asked_about(site: Site, clip: Path) -> None:
    with browser_at(site.address) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        bring(page, clip)
        assert page.locator(".vb-moment").count() == 6
        before = page.locator("#vb-words").inner_text()
        page.locator("#vb-template textarea").fill("now we [MASK] the [MASK] square")
        page.keyboard.press("Enter")
        page.wait_for_function(
            "before => document.querySelector('#vb-words').innerText != before", arg=before
        )
        assert (
            page.locator("#vb-words .vb-pair").count() == 2
            and 12 <= page.locator("#vb-words .vb-bar").count() <= 20
        )
        page.locator("#vb-template textarea").fill("nothing to fill")
        page.keyboard.press("Enter")
        page.locator("#vb-words .vb-problem", has_text="has no [MASK]").wait_for()
        page.locator("#vb-start input[type=number]").fill("4.5")
        page.locator(".vb-dim").nth(2).wait_for()
        assert page.locator(".vb-dim").count() == 3
        assert asked and all(url.startswith((site.address, "data:", "blob:")) for url in asked)
    assert not [path for path in site.uploads.rglob("*.mp4")]


def test_the_other_panels_answer(site: Site) -> None:
    with browser_at(site.address) as page:
        page.locator("#vb-choice input").click()
        page.get_by_role("option", name="recipe_1").click()
        page.locator("#vb-words .vb-pair").first.wait_for(timeout=PATIENCE)
        assert not page.get_by_role("tab", name="Caption").count(), "there is no captioner"
        page.get_by_role("tab", name="What comes next").click()
        page.locator("#vb-next .vb-steps img").nth(11).wait_for()
        page.get_by_role("tab", name="Search").click()
        page.locator("#vb-sentence textarea").fill("now we paint the red square")
        page.keyboard.press("Enter")
        page.locator(".vb-hit video").first.wait_for()
        page.get_by_role("tab", name="Visual words").click()
        page.locator("#vb-codebook img").first.wait_for()


def test_a_broken_file_shows_its_message(site: Site, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video")
    with browser_at(site.address) as page:
        page.locator("#vb-upload input[type=file]").set_input_files(broken)
        problem = page.locator("#vb-timeline .vb-problem")
        problem.wait_for(timeout=PATIENCE)
        assert problem.inner_text().startswith("broken.mp4 cannot be read as a video")
    assert not [path for path in site.uploads.rglob("*.mp4")]


@pytest.mark.parametrize("width", [1280, 400])
def test_a_picture_of_the_page_is_not_blank_and_as_wide_as_the_window(
    site: Site, clip: Path, tmp_path: Path, width: int
) -> None:
    screenshot(site.address, clip, tmp_path / "page.png", width)
    pixels = np.asarray(Image.open(tmp_path / "page.png").convert("RGB"))
    assert pixels.shape == (900, width, 3) and pixels.reshape(-1, 3).std(axis=0).min() > 10
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1000
    with browser_at(site.address, width) as page:
        bring(page, clip)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def answered(
    site: Site, path: str, body: bytes | None = None, kind: str = "application/json"
) -> tuple[int, str]:
    """Status and text of a request, a POST if it has a body."""
    request = urllib.request.Request(site.address + path, body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/file={}", "/gradio_api/file/{}", "/file={}", "/static/../../../../../../..{}", "/assets/..%2f..%2f..%2f..{}",
     "/gradio_api/proxy=http://127.0.0.1{}", "/gradio_api/stream/a/b/1/{}", "/svelte/..{}", "/custom_component/a/b/c/..{}"],
)  # fmt: skip
def test_no_path_leads_to_a_file(site: Site, street: Street, path: str) -> None:
    for file in ("/etc/passwd", str(street.model / "config.json")):
        status, text = answered(site, path.format(file))
        assert status == 404 and "root:" not in text and "hidden_size" not in text


def functions(site: Site) -> list[dict[str, object]]:
    return json.loads(answered(site, "/config")[1])["dependencies"]


@pytest.mark.parametrize(
    "outside",
    ["/etc/passwd", "{uploads}/../log", "{model}/config.json", "http://127.0.0.1:1/a.mp4"],
)
def test_a_path_that_was_not_uploaded_is_not_read(site: Site, street: Street, outside: str) -> None:
    path = outside.format(uploads=site.uploads, model=street.model)
    file = {"path": path, "orig_name": "a.mp4", "meta": {"_type": "gradio.FileData"}}
    for function in functions(site):
        asked = {
            "data": [file] * 4,
            "fn_index": function["id"],
            "session_hash": "abcdefgh",
            "event_data": None,
        }
        assert answered(site, "/gradio_api/queue/join", json.dumps(asked).encode()) == (
            403,
            "refused",
        )
    assert (street.model / "config.json").exists()


def test_no_function_can_be_called_but_through_the_page(site: Site) -> None:
    assert all(each["api_visibility"] == "private" for each in functions(site))
    for path in ("/gradio_api/info", "/gradio_api/openapi.json", "/docs", "/gradio_api/mcp/"):
        assert answered(site, path)[0] == 404
    for path in (
        "/gradio_api/run/predict",
        "/gradio_api/call/fill",
        "/gradio_api/process_recording",
        "/gradio_api/vibe-edit",
    ):
        assert answered(site, path, b"{}")[0] == 404


def test_what_is_too_big_is_refused_before_it_is_sent(site: Site) -> None:
    host, port = site.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(
            f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}\r\nContent-Length: {2 * BIGGEST}\r\n\r\n".encode()
        )
        assert b" 413 " in connection.recv(100)


def test_it_listens_on_one_address_alone(site: Site) -> None:
    port = int(site.address.rsplit(":", 1)[1])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), 5)


def test_uploads_have_gone_from_the_disk_when_their_clip_is_known(site: Site, clip: Path) -> None:
    other = Path(shutil.copy(clip, clip.with_name("gone.mp4")))
    with browser_at(site.address) as page:
        bring(page, other)
    assert not [path for path in site.uploads.rglob("*") if path.is_file() and path.stat().st_size]
