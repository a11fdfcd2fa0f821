from __future__ import annotations

import pytest

from feature_extraction.imported.named_videos import NamedVideos
from workfolder.errors import InputError

KNOWN = ["raw%2F405%2FsdB8qBlLS2E", "Beef%20%5BGLd3aX16zBg%5D", "soup", "a%2Fbread", "b%2Fbread"]


@pytest.mark.parametrize(
    ("name", "video"),
    [
        ("soup", "soup"),
        ("soup.mp4", "soup"),
        ("sdB8qBlLS2E", KNOWN[0]),
        ("GLd3aX16zBg", KNOWN[1]),
        ("a/bread.mkv", "a%2Fbread"),
        ("stew", None),
    ],
)
def test_a_name_means_a_video(name: str, video: str | None) -> None:
    assert NamedVideos(KNOWN).find(name) == video


def test_a_name_of_two_videos_is_refused() -> None:
    with pytest.raises(InputError, match="bread means several videos"):
        NamedVideos(KNOWN).find("bread")


def test_without_a_folder_every_name_is_a_video() -> None:
    assert NamedVideos(None).find("a b/c.mp4") == "a%20b%2Fc"
