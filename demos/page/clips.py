"""Clips that visitors choose: measured and decoded in a process of their own, encoded once, kept by what is in them."""

from __future__ import annotations

import io
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

from feature_extraction.engines import Engine, make_engine
from feature_extraction.errors import InputError
from feature_extraction.features import FeatureExtractor, FeatureOptions
from feature_extraction.guard import Guards, Limits
from feature_extraction.progress import Progress, silent
from feature_extraction.pyav_video import PyavVideo
from feature_extraction.storage import file_digest
from feature_extraction.video import CLIP_SECONDS, frame_at, stream_clips
from tokenization.codebook import Codebook
from videobert.clip_encoder import EncodedClip

LONGEST = 300
"""Seconds that a clip may have: 200 visual words."""
KEPT = 16
"""Clips that are remembered; whoever comes back to an older one waits again."""
FRAME_HEIGHT = 120
LIMITS = Limits(seconds=120.0)


@dataclass(frozen=True)
class KnownClip:
    """A clip as visual words, and the frame in the middle of each as JPEG."""

    name: str
    encoded: EncodedClip
    frames: list[bytes]

    def part(self, start: float, end: float) -> EncodedClip:
        """What is shown from ``start`` to ``end``, in seconds, by the middles of its words; InputError if nothing is."""
        clip, inside = self.encoded, self.inside(start, end)
        if not inside.any():
            raise InputError(f"{self.name} has no visual word between {start:g} and {end:g} s: choose a longer part")
        kept = {name: getattr(clip, name)[inside] for name in ("start", "end", "words", "features")}
        return replace(clip, **kept)

    def inside(self, start: float, end: float) -> np.ndarray:
        """Which visual words ``part`` keeps, bool [words]."""
        middles = (self.encoded.start + self.encoded.end) / 2
        return (start <= middles) & (middles <= end)


class ClipReader:
    """Files in, clips out; the same content is encoded once. One clip at a time: they share the engine."""

    def __init__(self, codebook: Codebook, weights: str | None = None) -> None:
        """``weights``: where the backbone's are now; those that the codebook names if None."""
        options = FeatureOptions(weights or codebook.options["features"]["weights"])
        self._codebook = codebook
        self._extractor = FeatureExtractor(options)
        self._guards = Guards(LIMITS)
        self._known: OrderedDict[str, KnownClip] = OrderedDict()
        self._reading = Lock()

    @cached_property
    def _engine(self) -> Engine:
        return make_engine(self._extractor.options.engine, self._extractor.backbone)

    def read(self, path: Path, name: str, progress: Progress = silent) -> str:
        """Encode a file unless it is known, and return the digest that ``known`` takes.

        InputError if it is no video or lasts more than LONGEST seconds, whatever its header says.
        """
        digest = file_digest(path)
        with self._reading:
            if digest not in self._known:
                try:
                    self._known[digest] = self._encode(path, name, progress)
                except InputError as error:  # where uploads are kept is nobody's business
                    raise InputError(str(error).replace(str(path), name)) from error
            self._known[digest] = replace(self._known[digest], name=name)
            self._known.move_to_end(digest)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return digest

    def known(self, digest: str | None) -> KnownClip:
        """The clip of a digest; InputError if none was chosen, or it has been forgotten."""
        clip = self._known.get(digest or "")
        if clip is None:
            raise InputError("choose a clip first" if not digest else "this clip has been forgotten: choose it again")
        return clip

    def close(self) -> None:
        """End the processes that decode."""
        self._guards.close()

    def _encode(self, path: Path, name: str, progress: Progress) -> KnownClip:
        spans, features = self._look(path, progress)
        start, end = np.array(spans, dtype=np.float64).T
        words = self._codebook.predict(features, self._extractor.provenance())
        frames = [_jpeg(self._guards.call(frame_at, path, middle, FRAME_HEIGHT)) for middle in ((start + end) / 2).tolist()]
        return KnownClip(name, EncodedClip(path, start, end, words, features), frames)

    def _look(self, path: Path, progress: Progress) -> tuple[list[tuple[float, float]], np.ndarray]:
        """Starts and ends in seconds, and features, as ClipEncoder has them; but it says how far it is, and where it stops."""
        declared = self._guards.call(declared_seconds, path)
        _refuse_longer(path, declared or 0)
        total = max(1, round((declared or LONGEST) / CLIP_SECONDS))
        progress("looking", 0, total)
        clips = self._guards.stream(stream_clips, path, self._extractor.backbone.preprocessing.size)
        spans: list[tuple[float, float]] = []
        features: list[np.ndarray] = []
        while batch := list(islice(clips, self._engine.batch)):
            _refuse_longer(path, batch[-1].end)
            spans += [(clip.start, clip.end) for clip in batch]
            features.append(self._engine(np.stack([clip.frames for clip in batch])).astype(np.float16))
            progress("looking", min(len(spans), total), total)
        return spans, np.concatenate(features)


def declared_seconds(path: Path) -> float | None:
    """How long a video says it is; InputError if it is none. Runs in a guard."""
    video = PyavVideo(path)
    video.close()
    return video.declared_end


def _refuse_longer(path: Path, seconds: float) -> None:
    if seconds > LONGEST + CLIP_SECONDS:
        raise InputError(f"{path} is longer than {LONGEST} s, the most that this page takes: cut a part out of it")


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=82)
    return buffer.getvalue()
