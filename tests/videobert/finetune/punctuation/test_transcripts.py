"""Transcripts become words as captions have them, apart from their marks."""

from __future__ import annotations

from pathlib import Path

import pytest

from feature_extraction.hearing.punctuation.restorer import COMMA, NONE, QUESTION, STOP
from videobert.finetune.punctuation.transcripts import (
    IGNORED,
    find_texts,
    make_transcript,
    read_words,
)
from workfolder.errors import InputError


def test_treebank_tokens_become_words_as_captions_have_them(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("it 's not too.\nsalty , do n't you\nthink ? , OK.", encoding="utf-8")
    words = ["it's", "not", "too.", "salty,", "don't", "you", "think?", "OK."]
    assert read_words(path) == words


def test_words_are_taken_apart_from_their_marks() -> None:
    made = make_transcript(["It's", "salty,", "...", "you", "think?", "Stir!", "and"])
    assert made.words == ["it's", "salty", "you", "think", "stir", "and"]
    assert made.tags.tolist() == [NONE, COMMA, NONE, QUESTION, STOP, IGNORED]


def test_folders_and_files_are_found_by_name(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.vtt"):
        (tmp_path / name).write_text("")
    found = find_texts([tmp_path, tmp_path / "c.vtt"])
    assert [path.name for path in found] == ["a.txt", "b.txt", "c.vtt"]
    with pytest.raises(InputError, match=r"nowhere is not there: give a folder of \.txt"):
        find_texts([tmp_path / "nowhere"])


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(b"caf\xe9")
    with pytest.raises(InputError, match=r"text\.txt cannot be read .*give transcripts in UTF-8"):
        read_words(tmp_path / "text.txt")
