"""A codebook as one HTML file: its figures, and its tree to browse by the frames nearest each word."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image

from tokenization.codebook import Codebook
from tokenization.inspection import inspect_codebook
from workfolder.errors import InputError
from workfolder.files import write_whole

TEMPLATE = "codebook_page.html"
BUDGET = 40_000_000
"""Characters of base64 that the pictures of a page may take; browsers open such a page in a second or two."""
HEIGHTS = (96, 84, 72, 60, 48, 40, 32)
"""Pixels that pictures are shrunk to where they are too many; the last is taken whatever it comes to."""
QUALITY = 50
SAMPLE = 200


def write_page(
    codebook: Codebook,
    path: Path,
    other: Codebook | None = None,
    names: tuple[str, str] = ("Codebook", "Other codebook"),
) -> None:
    """Write the page of a codebook, or of two side by side, to ``path``, whole or not at all.

    The page is one file that opens from disk and asks for nothing else. Where the pictures exceed BUDGET, it holds smaller
    ones.

    Args:
        names: what the page calls the codebooks, such as their folders.

    Raises:
        InputError: a picture has to shrink and cannot be read.
    """
    shown = [codebook] if other is None else [codebook, other]
    data = [_book(one, name, BUDGET // len(shown)) for one, name in zip(shown, names, strict=False)]
    before, after = (files("tokenization") / TEMPLATE).read_text(encoding="utf-8").split("__DATA__")
    with write_whole(path) as part, part.open("w", encoding="utf-8") as file:
        file.writelines([before, _script_json(data), after])


def _script_json(data: Any) -> str:
    """JSON that a script element can hold: nothing in it can end the element or begin a comment."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _book(codebook: Codebook, name: str, budget: int) -> dict[str, Any]:
    """All that the page knows of a codebook; ``clips`` is, for each word, [video, start in s, distance, picture] or null."""
    rows = codebook.pictures.to_pylist()
    kind, pictures = _fitting([row["jpeg"] for row in rows], budget)
    videos = {
        video: number for number, video in enumerate(dict.fromkeys(row["video_id"] for row in rows))
    }
    clips = {
        row["token"]: _clip(row, videos, picture)
        for row, picture in zip(rows, pictures, strict=True)
    }
    sizes = [level.tolist() for level in codebook.tree.sizes_]
    return {
        "name": name,
        "branching": codebook.tree.branching,
        "depth": codebook.tree.depth,
        "digest": codebook.digest,
        "report": asdict(inspect_codebook(codebook)),
        "options": list(_flat(codebook.options)),
        "sizes": sizes,
        "videos": list(videos),
        "kind": kind,
        "clips": [clips.get(word) if size else None for word, size in enumerate(sizes[-1])],
    }


def _clip(row: Mapping[str, Any], videos: Mapping[str, int], picture: bytes | None) -> list[Any]:
    encoded = b64encode(picture).decode() if picture else None
    return [videos[row["video_id"]], round(row["start"], 2), round(row["distance"], 3), encoded]


def _flat(options: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Options by their dotted names, values as JSON writes them."""
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value if isinstance(value, str) else json.dumps(value)


def _fitting(jpegs: Sequence[bytes | None], budget: int) -> tuple[str, list[bytes | None]]:
    """The pictures and their media type: as they are where base64 of them takes ``budget`` characters at most, or smaller."""
    if _characters(jpegs) <= budget:
        return "image/jpeg", list(jpegs)
    there = [jpeg for jpeg in jpegs if jpeg]
    sample = there[:: max(1, len(there) // SAMPLE)]
    for height in HEIGHTS:
        shrink = partial(_thumbnail, height=height)
        if _characters(list(map(shrink, sample))) / len(sample) * len(there) <= 0.95 * budget:
            break
    return "image/webp", [shrink(jpeg) if jpeg else None for jpeg in jpegs]


def _characters(pictures: Sequence[bytes | None]) -> int:
    return sum(4 * ((len(picture) + 2) // 3) for picture in pictures if picture)


def _thumbnail(jpeg: bytes, height: int) -> bytes:
    """A picture at most ``height`` pixels high as WebP, which spares the 600 bytes of tables that each JPEG has."""
    buffer = io.BytesIO()
    try:
        with Image.open(io.BytesIO(jpeg)) as image:
            image.thumbnail((4 * height, height))
            image.convert("RGB").save(buffer, "WEBP", quality=QUALITY, method=4)
    except OSError as error:
        raise InputError(
            f"a picture of the codebook cannot be read ({error}): run videobert cluster again"
        ) from error
    return buffer.getvalue()
