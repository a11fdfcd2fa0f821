"""The figures of a codebook and its page: right, complete, self-contained, and safe from what videos are called."""

from __future__ import annotations

import io
import json
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from safetensors.numpy import save_file

from tokenization import codebook_page
from tokenization.codebook import Codebook
from tokenization.codebook_page import write_page
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from tokenization.inspection import inspect_codebook
from tokenization.schema import PICTURES
from workfolder.errors import InputError

HOSTILE = [
    "</script><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "<!--<script>",
    "a\u2028b & c\\",
    "\x00é",
]


def jpeg(seed: int, size: tuple[int, int] = (24, 16), detail: int = 4) -> bytes:
    """A picture of ``detail`` times ``detail`` random patches that run into each other."""
    patches = np.random.default_rng(seed).integers(0, 256, (detail, detail, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def with_pictures(
    tree: HierarchicalKMeans, videos: list[str], jpegs: list[bytes | None] | None = None
) -> Codebook:
    """A codebook whose living words have pictures, taken in turn from ``jpegs``, or each its own."""
    rows = []
    for place, word in enumerate(np.flatnonzero(tree.sizes_[-1]).tolist()):
        picture = jpegs[place % len(jpegs)] if jpegs else jpeg(word)
        video = videos[place % len(videos)]
        rows.append(
            {
                "token": word,
                "video_id": video,
                "index": 3,
                "start": 4.5,
                "distance": 0.5,
                "jpeg": picture,
            }
        )
    options = {"branching": tree.branching, "features": {"weights": "random:0", "mean": [0.5, 1]}}
    return Codebook(tree, options, pa.Table.from_pylist(rows, schema=PICTURES))


@pytest.fixture(scope="module")
def lively() -> Codebook:
    features = np.random.default_rng(0).standard_normal((200, 5)).astype(np.float32)
    return with_pictures(HierarchicalKMeans(3, 2).fit(features), ["one", "two"])


@pytest.fixture(scope="module")
def deadly() -> Codebook:
    """Four different points, 1, 2, 3 and 10 times, so that of 9 words 4 live."""
    points = np.array([[0, 0], [0, 1], [9, 0], [50, 50]], dtype=np.float32)
    return with_pictures(
        HierarchicalKMeans(3, 2).fit(np.repeat(points, [1, 2, 3, 10], axis=0)), ["one"]
    )


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


def test_figures_are_those_counted_by_hand(deadly: Codebook) -> None:
    report = inspect_codebook(deadly)
    assert (report.words, report.words_in_use, report.dead_words, report.pictures) == (9, 4, 5, 4)
    shares = np.array([1, 2, 3, 10]) / 16
    assert report.perplexity == pytest.approx(np.prod(shares**-shares))
    words = report.levels[1]
    assert (words.level, words.nodes, words.smallest, words.median, words.largest) == (
        2,
        4,
        1,
        2.5,
        10,
    )
    assert (words.inertia, words.share) == (0, 0)


def test_a_level_adds_up_the_distances_to_its_nodes(deadly: Codebook) -> None:
    first = inspect_codebook(deadly).levels[
        0
    ]  # {(0, 0), 2 x (0, 1)}, {3 x (9, 0)}, {10 x (50, 50)}
    assert (first.level, first.nodes, first.smallest, first.median, first.largest) == (
        1,
        3,
        3,
        3,
        10,
    )
    assert first.inertia == pytest.approx((2 / 3) ** 2 + 2 * (1 / 3) ** 2, rel=1e-4)
    assert first.share == 1


def test_even_words_have_their_number_as_perplexity_and_no_inertia_is_whole() -> None:
    points = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    report = inspect_codebook(with_pictures(HierarchicalKMeans(3, 2).fit(points), ["one"]))
    assert report.perplexity == pytest.approx(3)
    assert [level.share for level in report.levels] == [1, 1]


def test_a_word_without_a_picture_is_not_counted_as_pictured(lively: Codebook) -> None:
    blind = with_pictures(lively.tree, ["one"], [None, jpeg(1)])
    assert inspect_codebook(blind).pictures == lively.pictures.num_rows // 2


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


def large_tree(folder: Path) -> HierarchicalKMeans:
    """A tree of 12^4 words and as many clips again, made up of random numbers."""
    rng = np.random.default_rng(0)
    tensors = {"mean": np.zeros(4, np.float32)}
    sizes = rng.integers(0, 5, 12**4)
    for level in range(4):
        tensors[f"centers.{level}"] = rng.standard_normal((12 ** (level + 1), 4)).astype(np.float32)
        tensors[f"sizes.{level}"] = sizes.reshape(12 ** (level + 1), -1).sum(axis=1)
    save_file(tensors, folder / "centroids.safetensors")
    parameters = {"branching": 12, "depth": 4}
    metadata = {
        "format": 1,
        "parameters": parameters,
        "n_features": 4,
        "inertia_by_level": [4.0, 3.0, 2.0, 1.0],
    }
    (folder / "codebook.json").write_text(json.dumps(metadata), encoding="utf-8")
    return HierarchicalKMeans.load(folder)


@pytest.mark.slow
def test_a_page_of_20736_words_is_below_60_megabytes(tmp_path: Path) -> None:
    jpegs: list[bytes | None] = [jpeg(seed, (128, 96), detail=48) for seed in range(60)]
    large = with_pictures(
        large_tree(tmp_path), [f"video_{number}" for number in range(5000)], jpegs
    )
    assert large.pictures["jpeg"].nbytes > 60_000_000
    write_page(large, tmp_path / "page.html")
    assert 20_000_000 < (tmp_path / "page.html").stat().st_size < 60_000_000
    (book,) = page_data(tmp_path / "page.html")
    assert sum(clip is not None for clip in book["clips"]) == np.count_nonzero(
        large.tree.sizes_[-1]
    )
