"""Many clips as visual words: several files at a time, as each is done, failures among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tokenization.codebook import Codebook
from videobert.data.clip_encoder import ClipEncoder, EncodedClip
from videobert.data.options import ClipOptions, WindowOptions
from videobert.data.windows import windows
from videobert.data.work import read_clips, token_stage
from workfolder.errors import InputError
from workfolder.sources import Source


@dataclass(frozen=True)
class Seen:
    """A clip that can be asked about, or why it cannot.

    Attributes:
        name: Its path, or the id of its video.
        clip: The clip; None if it failed.
        failure: Why it failed; empty if it did not.
    """

    name: str
    clip: EncodedClip | None = None
    failure: str = ""


def look_at(encoder: ClipEncoder, sources: Sequence[Source], part: ClipOptions) -> Iterator[Seen]:
    """Encode files, ``encoder.lanes`` at a time, and yield each when it is done.

    Args:
        encoder: Reads them; its processes end when all are done.
        sources: The files; a refused one fails.
        part: The stretch of each that is looked at.

    Raises:
        InputError: once, if what every file needs does not work here.
    """
    encoder.prepare()

    def look(source: Source) -> Seen:
        name = str(source.path)
        try:
            if source.refusal:
                raise InputError(source.refusal)
            return Seen(name, encoder.encode(source.path, part.start, part.end))
        except InputError as error:
            return Seen(name, failure=str(error))

    remaining = iter(sources)
    with ThreadPoolExecutor(encoder.lanes) as pool:
        try:
            running: set[Future[Seen]] = {
                pool.submit(look, source) for source in islice(remaining, encoder.lanes)
            }
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(look, each) for each in islice(remaining, len(done))}
                yield from (future.result() for future in done)
        finally:  # left early, the files in flight end with their processes
            encoder.close()


def read_windows(
    work: Path,
    codebook: Codebook,
    videos: Sequence[str],
    how: WindowOptions,
    part: ClipOptions = ClipOptions(),
    with_features: bool = False,
) -> Iterator[list[Seen]]:
    """Read tokenized videos and yield the windows of each, in the order of time.

    Args:
        work: Folder with DIR/tokens.
        codebook: The model's.
        videos: Their ids; none for all that there are.
        how: How long a window is.
        part: The stretch of each video that is cut into windows.
        with_features: Whether the features in DIR/features are read, too.

    Raises:
        InputError: if the folder has no visual words, or those of another codebook.
    """
    stage = token_stage(work, codebook)
    there = stage.done()
    for video in videos or there:
        try:
            if video not in there:
                raise InputError(f"{video} is no video of {stage.folder}: see its file names")
            clips = read_clips(work, video, codebook, with_features)
            clips = EncodedClip(Path(video), clips).part(part.start, part.end).clips
        except InputError as error:
            yield [Seen(video, failure=str(error))]
            continue
        yield [Seen(video, EncodedClip(Path(video), each)) for each in windows(clips, how.window)]
