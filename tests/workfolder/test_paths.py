"""Addresses are told from paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from workfolder.errors import InputError
from workfolder.paths import refuse_address


@pytest.mark.parametrize(
    "path",
    [
        "soup.mp4",
        "/videos/soup.mp4",
        "../a b",
        "s3",
        "C:/videos",
        "soup: hot/a.mp4",
        "concat:a|b",
        "",
    ],
)
def test_a_path_is_no_address(path: str) -> None:
    refuse_address(path)


def test_a_text_may_name_a_recogniser_and_its_file() -> None:
    refuse_address("whisper:/models/tiny.pt")
    with pytest.raises(InputError, match=r"^s3://bucket/tiny\.pt is an address"):
        refuse_address(Path("s3://bucket/tiny.pt"))


@pytest.mark.parametrize(
    "scheme", ["s3", "gs", "hf", "http", "https", "HTTPS", "ssh", "webdav+https"]
)
@pytest.mark.parametrize("make", [str, Path])
def test_an_address_is_refused_as_it_was_given(scheme: str, make: type) -> None:
    """Also where pathlib has made one slash of two."""
    with pytest.raises(InputError) as caught:
        refuse_address(make(f"{scheme}://bucket/soup.mp4"))
    assert str(caught.value).startswith(f"{scheme}://bucket/soup.mp4 is an address")
    assert "copy the files to a disk" in str(caught.value)


@pytest.mark.parametrize("make", [str, Path])
def test_of_a_file_address_the_path_is_asked_for(make: type) -> None:
    with pytest.raises(InputError, match=r"give the path alone, /videos/soup\.mp4$"):
        refuse_address(make("file:///videos/soup.mp4"))
