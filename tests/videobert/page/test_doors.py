"""What a visitor may ask the page for."""

from __future__ import annotations

from pathlib import Path

import pytest

from videobert.page import doors


@pytest.mark.parametrize(
    ("method", "path", "length", "status"),
    [
        ("GET", "/", None, None),
        ("GET", "/assets/index-1a.js", None, None),
        ("GET", "/static/../../etc/passwd", None, 404),
        ("GET", "/gradio_api/file=/etc/passwd", None, 404),
        ("POST", "/gradio_api/process_recording", 10, 404),
        ("POST", "/gradio_api/run/predict", 10, 404),
        ("POST", "/gradio_api/upload", doors.BIGGEST, None),
        ("POST", "/gradio_api/upload", 2 * doors.BIGGEST, 413),
        ("POST", "/gradio_api/upload", None, 413),
        ("POST", "/gradio_api/queue/join", 1000, None),
        ("POST", "/gradio_api/queue/join", doors.BIGGEST, 413),
    ],
)
def test_doors(method: str, path: str, length: int | None, status: int | None) -> None:
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    assert (
        doors.refusal({"type": "http", "method": method, "path": path, "headers": headers})
        == status
    )


@pytest.mark.parametrize(
    ("body", "inside"),
    [
        ('{"data": ["a sentence", 1.5, null]}', True),
        ('{"data": [{"path": "FOLDER/ab/clip.mp4"}]}', True),
        ('{"data": [{"path": "FOLDER"}]}', False),
        ('{"data": [{"path": "FOLDERS/clip.mp4"}]}', False),
        ('{"data": [{"path": "FOLDER/../clip.mp4"}]}', False),
        ('{"data": [[{"a": {"path": "/etc/passwd"}}]]}', False),
        ('{"data": [{"path": "FOLDER/a.mp4", "path": "/etc/passwd"}]}', False),
        ('{"data": [{"path": "/etc/passwd", "path": "FOLDER/a.mp4"}]}', False),
        ('{"data": [{"path": "FOLDER/link"}]}', False),
        ('{"data": [{"path": "https://example.org/clip.mp4"}]}', False),
        ('{"data": [{"path": "FOLDER/a\\u0000b"}]}', False),
        ('{"data": [{"path": ["FOLDER/a"]}]}', False),
        ("[" * 100_000, False),
        ("no json", False),
    ],
)
def test_a_question_names_no_file_but_an_upload(tmp_path: Path, body: str, inside: bool) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert doors.names_only(body.replace("FOLDER", str(tmp_path)).encode(), str(tmp_path)) is inside
