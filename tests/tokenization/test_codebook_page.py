"""The page of a codebook: complete, self-contained, and safe from what videos are called."""

from __future__ import annotations

import io
import json
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.toys.codebook import jpeg, with_pictures
from tokenization import codebook_page
from tokenization.codebook import Codebook
from tokenization.codebook_page import write_page
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.hierarchical_kmeans.projection import Projection
from tokenization.hierarchical_kmeans.tree import Tree
from tokenization.inspection import inspect_codebook
from workfolder.errors import InputError

HOSTILE = [
    "</script><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "<!--<script>",
    "a\u2028b & c\\",
    "\x00é",
]


class _Reader(HTMLParser):
    """The tags of a page with their attributes, and the text of its script elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._within = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self._within = tag == "script"
        if self._within:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._within = False

    def handle_data(self, data: str) -> None:
        if self._within:
            self.scripts[-1] += data


def read_page(path: Path) -> _Reader:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return reader


def page_data(path: Path) -> list[dict[str, Any]]:
    return json.loads(read_page(path).scripts[0])


@pytest.mark.parametrize("which", ["lively", "deadly"])
def test_every_living_word_is_there_once_with_its_picture(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    codebook = request.getfixturevalue(which)
    write_page(codebook, tmp_path / "page.html")
    (book,) = page_data(tmp_path / "page.html")
    rows = {row["token"]: row for row in codebook.pictures.to_pylist()}
    assert {word for word, clip in enumerate(book["clips"]) if clip} == set(rows)
    for word, row in rows.items():
        video, start, distance, picture = book["clips"][word]
        assert (book["videos"][video], start, distance) == (
            row["video_id"],
            row["start"],
            row["distance"],
        )
        assert b64decode(picture) == row["jpeg"]
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(text.count(clip[3]) == 1 for clip in book["clips"] if clip)


def test_the_page_has_the_tree_and_the_figures(deadly: Codebook, tmp_path: Path) -> None:
    write_page(deadly, tmp_path / "page.html", names=("kitchen", ""))
    (book,) = page_data(tmp_path / "page.html")
    assert (book["name"], book["branching"], book["depth"], book["kind"]) == (
        "kitchen",
        3,
        2,
        "image/jpeg",
    )
    assert book["sizes"] == [level.tolist() for level in deadly.tree.sizes_]
    assert book["report"]["perplexity"] == inspect_codebook(deadly).perplexity
    assert book["options"] == [
        ["branching", "3"],
        ["features.weights", "random:0"],
        ["features.mean", "[0.5, 1]"],
    ]


def test_two_codebooks_share_a_page(lively: Codebook, deadly: Codebook, tmp_path: Path) -> None:
    write_page(lively, tmp_path / "page.html", deadly, ("mine", "yours"))
    books = page_data(tmp_path / "page.html")
    assert [(book["name"], book["digest"]) for book in books] == [
        ("mine", lively.digest),
        ("yours", deadly.digest),
    ]


def test_the_page_asks_for_nothing_else(lively: Codebook, tmp_path: Path) -> None:
    write_page(lively, tmp_path / "page.html")
    text, page = (
        (tmp_path / "page.html").read_text(encoding="utf-8"),
        read_page(tmp_path / "page.html"),
    )
    assert not any(
        phrase in text
        for phrase in ("://", "url(", "@import", "fetch(", "XMLHttpRequest", "innerHTML")
    )
    assert not any(
        {"src", "href", "srcset", "action"} & set(attributes) for _, attributes in page.tags
    )
    policy = next(
        attributes["content"] for _, attributes in page.tags if "http-equiv" in attributes
    )
    assert policy and policy.startswith("default-src 'none'; img-src data:;")


def test_hostile_names_stay_data(lively: Codebook, tmp_path: Path) -> None:
    write_page(lively, tmp_path / "plain.html")
    hostile = Codebook(
        lively.tree, {HOSTILE[0]: HOSTILE[2]}, with_pictures(lively.tree, HOSTILE).pictures
    )
    write_page(hostile, tmp_path / "page.html", names=(HOSTILE[0], ""))
    page = read_page(tmp_path / "page.html")
    assert page.tags == read_page(tmp_path / "plain.html").tags
    assert "<" not in page.scripts[0]
    (book,) = page_data(tmp_path / "page.html")
    assert (book["name"], book["videos"], book["options"]) == (
        HOSTILE[0],
        HOSTILE,
        [[HOSTILE[0], HOSTILE[2]]],
    )


def test_pictures_shrink_where_they_are_too_many(
    lively: Codebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codebook_page, "BUDGET", 15_000)
    large = with_pictures(
        lively.tree, ["one"], [jpeg(seed, (128, 96), detail=16) for seed in range(9)]
    )
    write_page(large, tmp_path / "page.html")
    (book,) = page_data(tmp_path / "page.html")
    pictures = [clip[3] for clip in book["clips"] if clip]
    assert book["kind"] == "image/webp"
    assert 5_000 < sum(map(len, pictures)) <= 15_000
    width, height = Image.open(io.BytesIO(b64decode(pictures[0]))).size
    assert (width, height) == pytest.approx((height * 4 / 3, height), abs=1) and height < 96


def test_a_page_is_whole_or_absent(
    lively: Codebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codebook_page, "BUDGET", 4)
    with pytest.raises(InputError, match="cannot be read"):
        write_page(with_pictures(lively.tree, ["one"], [b"not a picture"]), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def large_tree() -> HierarchicalKMeans:
    """A tree of 12^4 words and about 2 clips for each, made of random numbers."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(0, 5, 12**4)
    levels = [12 ** (level + 1) for level in range(4)]
    centers = [rng.standard_normal((nodes, 4)).astype(np.float32) for nodes in levels]
    tree = Tree(
        Projection(np.zeros(4, np.float32)),
        12,
        centers,
        [sizes.reshape(nodes, -1).sum(axis=1) for nodes in levels],
        [4.0, 3.0, 2.0, 1.0],
    )
    model = HierarchicalKMeans(12, 4)
    model._set_tree(tree)
    return model


@pytest.mark.slow
def test_a_page_of_20736_words_is_below_60_megabytes(tmp_path: Path) -> None:
    jpegs: list[bytes | None] = [jpeg(seed, (128, 96), detail=48) for seed in range(60)]
    large = with_pictures(large_tree(), [f"video_{number}" for number in range(5000)], jpegs)
    assert large.pictures["jpeg"].nbytes > 60_000_000
    write_page(large, tmp_path / "page.html")
    assert 20_000_000 < (tmp_path / "page.html").stat().st_size < 60_000_000
    (book,) = page_data(tmp_path / "page.html")
    assert sum(clip is not None for clip in book["clips"]) == np.count_nonzero(
        large.tree.sizes_[-1]
    )
