"""Tells a Parquet file from others of its name, without reading its rows."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq

FOOTER_END = 8
"""Bytes after the footer of a Parquet file: its length, and the name of the format."""

PAGE_HEADER = 64
"""Bytes at the start of a Parquet page that are sure to hold its checksum."""


def file_fingerprint(path: Path, metadata: pq.FileMetaData | None = None) -> str:
    """Hash what tells a file from others of its name: 16 hexadecimal digits.

    The hash covers the size of the file, its footer (rows, sizes and ranges of every column), and
    the headers of each row group's first pages, which hold the pages' checksums.

    Args:
        path: the file.
        metadata: its footer, if that is at hand.
    """
    metadata = metadata or pq.read_metadata(path)
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        file.seek(size - metadata.serialized_size - FOOTER_END)
        digest.update(file.read())
        for group in range(metadata.num_row_groups):
            column = metadata.row_group(group).column(metadata.num_columns - 1)
            for offset in (column.dictionary_page_offset, column.data_page_offset):
                file.seek(offset or 0)
                digest.update(file.read(PAGE_HEADER))
    return digest.hexdigest()[:16]
