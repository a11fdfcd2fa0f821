"""A codebook as one HTML file: its figures, and its tree to browse by the frames of its words."""

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
"""The most characters of base64 for the pictures of a page. Browsers open it in a second or two."""
HEIGHTS = (96, 84, 72, 60, 48, 40, 32)
"""Pixels to which pictures shrink if they exceed the budget. The last is used in any case."""
QUALITY = 50
"""Of WebP, 0 to 100."""
SAMPLE = 200
"""Pictures by which the size of all is estimated."""


def write_page(
    codebook: Codebook,
    path: Path,
    other: Codebook | None = None,
    names: tuple[str, str] = ("Codebook", "Other codebook"),
) -> None:
    """Write the page of a codebook, or of two side by side, whole or not at all.

    The page is one file that opens from the disk and loads nothing else. If the pictures exceed
    BUDGET, it holds smaller ones.

    Args:
        codebook: what to show.
        path: where to write.
        other: a second codebook to show beside it.
        names: what the page calls the codebooks, such as their folders.

    Raises:
        InputError: if a picture has to shrink and cannot be read.
    """
    shown = [codebook] if other is None else [codebook, other]
    data = [_book(one, name, BUDGET // len(shown)) for one, name in zip(shown, names, strict=False)]
    before, after = (files("tokenization") / TEMPLATE).read_text(encoding="utf-8").split("__DATA__")
    with write_whole(path) as part, part.open("w", encoding="utf-8") as file:
        file.writelines([before, script_json(data), after])


def script_json(data: Any) -> str:
    """Write JSON for a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _book(codebook: Codebook, name: str, budget: int) -> dict[str, Any]:
    """Gather what the page shows of a codebook.

    ``clips`` has [video, start in seconds, distance, picture] for each word in use, null for the
    others.
    """
    rows = codebook.pictures.to_pylist()
    kind, pictures = _shrunk([row["jpeg"] for row in rows], budget)
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
        "options": list(_flatten(codebook.options)),
        "sizes": sizes,
        "videos": list(videos),
        "kind": kind,
        "clips": [clips.get(word) if size else None for word, size in enumerate(sizes[-1])],
    }


def _clip(row: Mapping[str, Any], videos: Mapping[str, int], picture: bytes | None) -> list[Any]:
    encoded = b64encode(picture).decode() if picture else None
    return [videos[row["video_id"]], round(row["start"], 2), round(row["distance"], 3), encoded]


def _flatten(options: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield options by their dotted names, with their values as JSON writes them."""
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{above}{key}.")
        else:
            yield above + key, value if isinstance(value, str) else json.dumps(value)


def _shrunk(jpegs: Sequence[bytes | None], budget: int) -> tuple[str, list[bytes | None]]:
    """Shrink pictures until their base64 takes at most ``budget`` characters.

    Returns:
        The media type and the pictures.
    """
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
    """Shrink a picture to at most ``height`` pixels.

    It becomes WebP, which saves the 600 bytes of tables that each JPEG has.
    """
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
