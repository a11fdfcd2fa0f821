"""Stretches with a sentence about each: what captions are learnt from and measured on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenization.codebook import Codebook
from videobert.data.stretches import Stretch, spoken, with_clips
from videobert.data.work import read_clips, read_examples, token_stage
from videobert.data.youcook2 import by_youtube_id, read_annotations
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.progress import Progress, silent
from workfolder.stage import Stage


@dataclass(frozen=True)
class SeenStretches:
    """The stretches in which a work folder has a clip.

    Attributes:
        stretches: With their visual words.
        unseen: How many stretches of videos that are there have no clip.
        missing: The videos that are not there.
    """

    stretches: Sequence[Stretch]
    unseen: int
    missing: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """The sentence about each stretch."""
        return [stretch.text for stretch in self.stretches]

    @property
    def videos(self) -> list[str]:
        """The video of each stretch."""
        return [stretch.video for stretch in self.stretches]


def spoken_stretches(work: Path) -> list[Stretch]:
    """Read the sentences of DIR/examples.

    Raises:
        InputError: if nobody speaks.
    """
    rows = read_examples(work).select(["video_id", "start", "end", "text"]).to_pylist()
    found = [Stretch(*row.values()) for row in rows if row["text"]]
    if not found:
        raise InputError(f"nobody speaks in the videos of {work}: give --annotations FILE")
    return found


def annotated_stretches(path: Path, subset: str) -> list[Stretch]:
    """Read the captions of a subset of YouCook2's annotations.

    Raises:
        InputError: if the file is something else, or the subset has no caption.
    """
    found = spoken(read_annotations(path).get(subset, []))
    if not found:
        raise InputError(
            f"{path} has no segment of the subset {subset!r}: give "
            "youcookii_annotations_trainval.json"
        )
    return found


def look_up(
    stretches: Sequence[Stretch],
    work: Path,
    codebook: Codebook,
    with_features: bool,
    progress: Progress = silent,
) -> SeenStretches:
    """Find the visual words that DIR/tokens has of stretches.

    Args:
        stretches: By the ids of DIR's videos, or by YouTube ids.
        work: DIR.
        codebook: The model's.
        with_features: Whether the mean of what DIR/features has is wanted, too.
        progress: Hears of each video that was read.

    Raises:
        InputError: if DIR has no clip of any, or its visual words are of another codebook.
    """
    wanted = dict.fromkeys(stretch.video for stretch in stretches)
    known = known_videos(token_stage(work, codebook).done(), wanted)
    there = [stretch for stretch in stretches if stretch.video in known]
    seen = with_clips(
        there,
        lambda video: read_clips(work, known[video], codebook, with_features),
        progress,
        "segments",
    )
    missing = tuple(sorted(wanted.keys() - known.keys()))
    if not seen:
        raise InputError(
            f"{work} has no clip of the {len(stretches):,} segments, and {len(missing)} of their "
            f"{len(wanted)} videos are not there: give the folder that has them"
        )
    return SeenStretches(seen, len(there) - len(seen), missing)


def heard_in(stretches: Sequence[Stretch], work: Path) -> list[str] | None:
    """Join the sentences of DIR/transcripts whose middle lies in each stretch.

    Args:
        stretches: By the ids of DIR's videos, or by YouTube ids.
        work: DIR.

    Returns:
        What is said in each, possibly nothing; None if no video of them has a transcript.
    """
    transcripts = Stage(work / "transcripts")
    known = known_videos(transcripts.done(), dict.fromkeys(each.video for each in stretches))
    if not known:
        return None
    columns = ["start", "end", "text"]
    rows = {
        video: read_table(transcripts.path(there), columns).to_pylist()
        for video, there in known.items()
    }
    return [
        " ".join(
            row["text"]
            for row in rows.get(each.video, [])
            if each.start <= (row["start"] + row["end"]) / 2 < each.end
        )
        for each in stretches
    ]


def known_videos(there: Collection[str], wanted: Iterable[str]) -> dict[str, str]:
    """Map wanted videos to those that are there: of the same id, or of the same YouTube id.

    Raises:
        InputError: if two videos have the YouTube id of a wanted one.
    """
    wanted = list(wanted)
    same = set(there) & set(wanted)
    others = set(wanted) - same
    alike = by_youtube_id(set(there) - same, others) if others else {}
    return {video: alike.get(video, video) for video in wanted if video in same or video in alike}
