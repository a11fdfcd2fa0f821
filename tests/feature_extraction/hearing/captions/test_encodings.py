"""In which encoding a caption file is."""

from __future__ import annotations

from pathlib import Path

import pytest

from feature_extraction.hearing.captions.encodings import check_encoding
from tests.feature_extraction.hearing.captions.caption_files import read, texts, vtt
from workfolder.errors import InputError

RUSSIAN, CHINESE, JAPANESE = "взбейте яйца", "把鸡蛋打进碗里。", "卵を割ります。"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", ["crème fraîche", RUSSIAN, CHINESE])
def test_unicode_is_known_whatever_is_said(tmp_path: Path, encoding: str, text: str) -> None:
    for given in (None, "cp1251"):
        found = read(tmp_path, vtt((1, 2, text)).encode(encoding), encoding=given)
        assert texts(found) == text.split() and found.assumed is None


def test_windows_1252_is_assumed_and_said(tmp_path: Path) -> None:
    found = read(tmp_path, vtt((1, 2, "crème fraîche")).encode("cp1252"))
    assert texts(found) == ["crème", "fraîche"] and found.assumed == "cp1252"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (CHINESE, "gb18030"),
        ("把雞蛋打進碗裡。", "big5"),
        (JAPANESE, "shift_jis"),
        ("계란을 깨세요", "euc-kr"),
        ("σπάστε τα αυγά", "cp1253"),
    ],
)
def test_another_alphabet_is_refused_until_its_encoding_is_said(
    tmp_path: Path, text: str, encoding: str
) -> None:
    content = vtt((1, 2, text)).encode(encoding)
    with pytest.raises(InputError, match=r"talk\.vtt is neither in Unicode.*--encoding cp1251"):
        read(tmp_path, content)
    found = read(tmp_path, content, encoding=encoding)
    assert texts(found) == text.split()


@pytest.mark.parametrize("name", ["cp1251", "gb18030", "Shift_JIS", "utf-16"])
def test_an_encoding_of_text_is_known(name: str) -> None:
    check_encoding(name)


@pytest.mark.parametrize("name", ["", "klingon", "hex", "rot13", "zip", "a\0b"])
def test_what_is_not_an_encoding_of_text_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="--encoding"):
        check_encoding(name)
