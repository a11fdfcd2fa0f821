from __future__ import annotations

import unicodedata
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workfolder.video_ids import id_of, video_id


@pytest.mark.parametrize("name", ["soup", "-_.9", "Wt-f9FErE64", "a" * 180])
def test_a_plain_name_is_its_own_id(name: str) -> None:
    assert id_of(name) == name


@pytest.mark.parametrize(
    ("name", "expected"), [(".soup", "%2Esoup"), ("soup\n", "soup%0A"), ("a~", "a%7E")]
)
def test_anything_else_is_encoded(name: str, expected: str) -> None:
    assert id_of(name) == expected


@given(
    st.lists(
        st.text(min_size=1, max_size=300).filter(lambda part: "/" not in part),
        min_size=1,
        max_size=4,
    )
)
def test_an_id_is_a_safe_file_name(parts: list[str]) -> None:
    below = PurePath("/".join(parts) + "x.mp4")
    name = video_id(below)
    assert name.isascii() and len(name) <= 180 and not name.startswith(".")
    assert not set(name) & set("/\\\0\n~ ")
    assert name == video_id(PurePath(unicodedata.normalize("NFC", str(below))))
