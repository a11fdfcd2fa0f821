from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from feature_extraction.imported import json_stream
from feature_extraction.imported.json_stream import json_members
from workfolder.errors import InputError


@pytest.mark.parametrize("chunk", [1, 3, 2**20])
@pytest.mark.parametrize(
    "document",
    [{}, [], {"a": [1, {"b": "}]"}], "ü": None, "c": 12345}, [12, "x", -1.5e3, True, [[]]]],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_members_are_those_of_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, document: Any, indent: int | None
) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", chunk)
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document, indent=indent, ensure_ascii=False), encoding="utf-8")
    members = list(json_members(path))
    if isinstance(document, list):
        assert members == [(None, value) for value in document]
    else:
        assert dict(members) == document and len(members) == len(document)


@pytest.mark.parametrize(
    "text", ["", "3", '{"a": 1', '{"a" 1}', "[1 2]", '{"a": nope}', "[1,", "{1: 2}", "\ud7ff\x00"]
)
def test_what_is_no_json_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.json"):
        list(json_members(path))


def test_memory_holds_one_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", 64)
    monkeypatch.setattr(json_stream, "LARGEST", 256)
    path = tmp_path / "a.json"
    path.write_text(json.dumps([list(range(20))] * 500))
    assert sum(1 for _ in json_members(path)) == 500
    path.write_text(json.dumps([list(range(2000))]))
    with pytest.raises(InputError, match=r"a\.json"):
        list(json_members(path))
