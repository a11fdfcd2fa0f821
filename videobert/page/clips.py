"""Clips that visitors choose: read in a process of their own, encoded once, kept by content."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from tokenization.codebook import Codebook
from videobert.data.clip_encoder import ClipEncoder, EncodedClip
from videobert.page.films import Film, film
from workfolder.errors import InputError
from workfolder.files import file_digest
from workfolder.guard import Limits
from workfolder.progress import Progress, silent

LONGEST = 300
"""Seconds that a clip may have: 200 visual words."""
KEPT = 16
"""Clips that are remembered; whoever comes back to an older one waits again."""
LIMITS = Limits(seconds=120.0)


@dataclass(frozen=True)
class KnownClip:
    """A clip as visual words under its visitor's name, the middle frame of each, and a film."""

    encoded: EncodedClip
    film: Film


class ClipReader:
    """Turns files into clips, one at a time: they share the engine. Equal content is read once."""

    def __init__(self, codebook: Codebook, weights: str | None = None) -> None:
        """``weights``: where the backbone's are now; those that the codebook names if None."""
        self._encoder = ClipEncoder(codebook, weights, LIMITS)
        self._known: OrderedDict[str, KnownClip] = OrderedDict()
        self._reading = Lock()

    def read(self, path: Path, name: str, progress: Progress = silent) -> str:
        """Encode a file unless it is known, and return the digest that ``known`` takes.

        InputError if it is no video or lasts more than LONGEST seconds, whatever its header says.
        """
        digest = file_digest(path)
        with self._reading:
            if digest not in self._known:
                try:
                    self._known[digest] = self._encode(path, progress)
                except InputError as error:  # where uploads are kept is nobody's business
                    raise InputError(str(error).replace(str(path), name)) from error
            known = self._known[digest]
            self._known[digest] = replace(known, encoded=replace(known.encoded, path=Path(name)))
            self._known.move_to_end(digest)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return digest

    def known(self, digest: str | None) -> KnownClip:
        """The clip of a digest; InputError if none was chosen, or it has been forgotten."""
        clip = self._known.get(digest or "")
        if clip is None:
            raise InputError(
                "choose a clip first"
                if not digest
                else "this clip has been forgotten: choose it again"
            )
        return clip

    def _encode(self, path: Path, progress: Progress) -> KnownClip:
        encoded = self._encoder(path, progress=progress, longest=LONGEST)
        middles = ((encoded.clips.start + encoded.clips.end) / 2).tolist()
        return KnownClip(encoded, film(path, 0.0, float(encoded.clips.end[-1]), middles, LIMITS))
