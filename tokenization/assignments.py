"""The visual words that the fit gave to its own clips, so that ``tokenize`` need not search again.

They lie beside the codebook, one row per video. A video's words count only if its features are the
same as at the fit: the fingerprint of the file must match, and the file must not be newer. All
other videos are searched, with the same result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from tokenization.hierarchical_kmeans.feature_source import FilePart, FolderSource
from tokenization.schema import ASSIGNMENTS, CODEBOOK_KEY
from workfolder.files import read_table, write_table
from workfolder.packs import fingerprint_of, written_at

ASSIGNMENTS_FILE = "assignments.parquet"


def write_assignments(source: FolderSource, words: np.ndarray, codebook: str, folder: Path) -> None:
    """Write the words of the fit into a codebook's folder.

    Args:
        source: the features that the codebook was fitted on.
        words: int32 [rows], the words of its rows.
        codebook: the digest of the codebook.
        folder: where to write.
    """
    files: dict[Path, list[FilePart]] = defaultdict(list)
    for part in source.parts:
        files[part.path].append(part)
    # The fit searches each row group for itself, tokenize a whole file.
    whole = {path: parts[0] for path, parts in files.items() if len(parts) == 1}
    columns = {
        "video_id": [path.stem for path in whole],
        "features": [source.fingerprints[path] for path in whole],
        "words": [words[part.first : part.first + part.rows] for part in whole.values()],
    }
    schema = ASSIGNMENTS.with_metadata({CODEBOOK_KEY: codebook})
    write_table(pa.Table.from_pydict(columns, schema), folder / ASSIGNMENTS_FILE)


@dataclass(frozen=True)
class Assignments:
    """The words of the videos that a codebook was fitted on.

    Attributes:
        words: int32 [clips], video after video.
        videos: by video id, the fingerprint of its features, its first place in ``words`` and the
            place after its last.
        written: when the file was written, in ns; 0 if there is none.
    """

    words: np.ndarray
    videos: Mapping[str, tuple[str, int, int]]
    written: int

    @classmethod
    def read(cls, folder: Path, codebook: str) -> Self:
        """Read the assignments in a codebook's folder; there are none if it has no such file.

        Args:
            folder: the codebook's.
            codebook: its digest. Assignments of another codebook are left out.

        Raises:
            InputError: if the file is damaged.
        """
        path = folder / ASSIGNMENTS_FILE
        table = read_table(path) if path.exists() else ASSIGNMENTS.empty_table()
        if (table.schema.metadata or {}).get(CODEBOOK_KEY) != codebook.encode():
            return cls(np.empty(0, np.int32), {}, 0)
        lists = table.column("words").combine_chunks()
        ends = lists.offsets.to_pylist()
        ids, fingerprints = (table.column(name).to_pylist() for name in ("video_id", "features"))
        spans = zip(fingerprints, ends, ends[1:], strict=False)
        videos = dict(zip(ids, spans, strict=True))
        return cls(lists.values.to_numpy(), videos, path.stat().st_mtime_ns)

    def words_of(self, path: Path) -> np.ndarray | None:
        """Look up the words of a file of features, int32 [clips].

        Returns:
            None if the fit did not read this file, or it has changed since.
        """
        fingerprint, start, stop = self.videos.get(path.stem, (None, 0, 0))
        if fingerprint is None or written_at(path) > self.written:
            return None
        return self.words[start:stop] if fingerprint_of(path) == fingerprint else None
