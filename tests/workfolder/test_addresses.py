"""What an address is, what it is called, and what of it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.toys.bucket import SECRET, bucket
from workfolder.addresses import as_address, shown
from workfolder.errors import InputError
from workfolder.sources import find_videos


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("s3://bucket/a//b.mp4", "s3://bucket/a//b.mp4"),
        ("HTTPS://host/a.mp4", "https://host/a.mp4"),
        (Path("s3://bucket/a.mp4"), "s3://bucket/a.mp4"),
        ("s3:/bucket/a.mp4", None),
        ("soup.mp4", None),
        ("/videos/soup.mp4", None),
        ("ftp://host/a.mp4", None),
    ],
)
def test_an_address_keeps_its_slashes(given: str | Path, address: str | None) -> None:
    assert as_address(given) == address


def test_ids_are_those_of_a_folder_and_secrets_are_not_shown(tmp_path: Path) -> None:
    address = f"https://user:{SECRET}@host/dir/soup%201.mp4?token={SECRET}"
    assert shown(address) == "https://host/dir/soup%201.mp4"
    (source,) = find_videos([address])
    assert source.video_id == "soup%201" and source.address == address
    assert SECRET not in f"{source.label}{source.where}{source.path}"
    other = f"https://host/other/soup%201.mp4?token={SECRET}"
    (refused,) = find_videos([address, other])
    assert "have the same video id" in (refused.refusal or "")
    assert SECRET not in (refused.refusal or "")


def test_an_address_that_cannot_be_listed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a web server lists no folders"):
        find_videos(["https://host/videos/"])
    with pytest.raises(InputError, match="chain of addresses"):
        find_videos(["s3://kitchen/a::file:///etc"])
    (tmp_path / "empty").mkdir()
    with bucket(tmp_path), pytest.raises(InputError, match="holds no video"):
        find_videos(["s3://kitchen/empty"])
