"""YouCook2's file, and which video is which."""

from __future__ import annotations

from pathlib import Path

import pytest

from videobert.data.youcook2 import by_youtube_id, read_annotations
from workfolder.errors import InputError

VIDEOS = {
    "abcdefghij1": "training",
    "abcdefghij2": "training",
    "abcdefghij3": "validation",
    "-bcdefghi_4": "validation",
}


def test_which_video_is_which() -> None:
    there = [
        "abcdefghij1",
        "course%2F-bcdefghi_4",
        "Soup%20%5Babcdefghij3%5D",
        "another",
        "abcdefghij2.part",
    ]
    assert by_youtube_id(there, VIDEOS) == {
        "abcdefghij1": "abcdefghij1",
        "-bcdefghi_4": "course%2F-bcdefghi_4",
        "abcdefghij3": "Soup%20%5Babcdefghij3%5D",
    }
    with pytest.raises(InputError, match="the same YouTube id"):
        by_youtube_id(["abcdefghij1", "again-abcdefghij1"], VIDEOS)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"database": []}', '{"database": {"x": {}}}', '{"database": {"x": {"subset": "validation"}}}', "\xff",
     '{"database": {"x": {"subset": "validation", "annotations": [{"segment": [1], "sentence": "cut"}]}}}',
     '{"database": {"x": {"subset": "validation", "annotations": [{"segment": ["a", "b"], "sentence": "cut"}]}}}',
     '{"database": {"x": {"subset": "validation", "annotations": [{"segment": [1, NaN], "sentence": "cut"}]}}}',
     '{"database": {"x": {"subset": "validation", "annotations": [{"segment": [2, 1], "sentence": "cut"}]}}}',
     '{"database": {"x": {"subset": "validation", "annotations": [{"segment": [-1, 1], "sentence": "cut"}]}}}',
     '{"database": {"x": {"subset": "validation", "annotations": [{"segment": [1, 1e999], "sentence": "cut"}]}}}',
     '{"database": {"x": {"subset": "validation", "annotations": [{"segment": [1, 1' + 400 * "0" + '], "sentence": "cut"}]}}}',
     100_000 * "[",
     '{"database": {"x": {"subset": "validation", "annotations": [{"segment": [1, 2], "sentence": null}]}}}',
     '{"database": {"x": {"subset": "training", "annotations": [{"segment": [1, 2], "sentence": "cut"}]}}}', None],
)  # fmt: skip
def test_annotations_of_another_shape_are_refused_by_name(
    tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    with pytest.raises(InputError, match=path.name):
        read_annotations(path)
