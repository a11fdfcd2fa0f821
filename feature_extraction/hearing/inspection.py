"""What lies in DIR/transcripts: how much is said, how fast, in what sentences; what was dropped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from feature_extraction.seeing.inspection import COLOUR
from workfolder.errors import InputError
from workfolder.files import read_table, save_png
from workfolder.ledger import Ledger, total
from workfolder.progress import Progress, silent
from workfolder.stage import Stage


@dataclass(frozen=True)
class TranscriptReport:
    """What a transcripts folder holds.

    Attributes:
        videos: how many, with speech or without.
        ends_guessed: how many with speech have no features, so that their last sentence is taken
            for their end.
        sources: videos with speech by where their words come from: captions, subtitles, imported,
            or the name of a recogniser.
        languages: videos with speech by language, "unknown" among them.
        lengths: sentences by their number of words.
        dropped: how much was left out, by reason.
        words: int64 [videos], how many are said.
        speech: float64 [videos], seconds during which a sentence is said; two at once count once.
        seconds: float64 [videos], the length of the video: to the end of its last clip if known.
    """

    videos: int
    ends_guessed: int
    sources: Counter[str]
    languages: Counter[str]
    lengths: Counter[int]
    dropped: Counter[str]
    words: np.ndarray = field(repr=False)
    speech: np.ndarray = field(repr=False)
    seconds: np.ndarray = field(repr=False)

    @property
    def rates(self) -> np.ndarray:
        """Words in a minute of speech, float64 [videos with speech]."""
        said = self.speech > 0
        return self.words[said] / self.speech[said] * 60

    @property
    def shares(self) -> np.ndarray:
        """Share of the time under speech, in [0, 1]: float64 [videos whose length is known]."""
        known = self.seconds > 0
        return self.speech[known] / self.seconds[known]

    def figures(self) -> dict[str, float]:
        """Return every number of the report by its name."""
        spoken = int((self.words > 0).sum())
        minutes = self.seconds.sum() / 60
        sizes = (
            np.repeat(list(self.lengths), list(self.lengths.values()))
            if self.lengths
            else np.zeros(1)
        )
        return {
            "videos": self.videos,
            "videos with speech": spoken,
            "videos without speech": self.videos - spoken,
            "videos whose end is their last sentence's": self.ends_guessed,
            "hours of video": float(minutes / 60),
            "hours of speech": float(self.speech.sum() / 3600),
            "share of the time under speech": float(
                self.speech.sum() / max(self.seconds.sum(), 1e-9)
            ),
            "words": int(self.words.sum()),
            "words a minute of speech": float(self.words.sum() / max(self.speech.sum(), 1e-9) * 60),
            "words a minute of video": float(self.words.sum() / max(minutes, 1e-9)),
            "sentences": sum(self.lengths.values()),
            "shortest sentence, words": int(sizes.min()),
            "median sentence, words": float(np.median(sizes)),
            "longest sentence, words": int(sizes.max()),
            **{f"videos by {source}": count for source, count in self.sources.most_common()},
            **{f"videos in {language}": count for language, count in self.languages.most_common()},
            **{f"dropped {reason}": count for reason, count in self.dropped.most_common()},
        }


def inspect_transcripts(work: Path, progress: Progress = silent) -> TranscriptReport:
    """Read every sentence of DIR/transcripts, one video at a time.

    Raises:
        InputError: if there is no transcript.
    """
    stage, features = Stage(work / "transcripts"), Stage(work / "features")
    videos = stage.done()
    if not videos:
        raise InputError(
            f"{stage.folder} holds no transcripts: run videobert transcribe VIDEOS --work {work}"
        )
    sources, languages, lengths = Counter[str](), Counter[str](), Counter[int]()
    totals = np.zeros((len(videos), 3))
    guessed = 0
    for place, video in enumerate(videos):
        table = read_table(
            stage.path(video), columns=["start", "end", "source", "language", "words"]
        )
        sizes = pc.list_value_length(table.column("words")).to_pylist()
        spans = sorted(
            zip(table.column("start").to_pylist(), table.column("end").to_pylist(), strict=True)
        )
        end = _video_end(features, video)
        if table.num_rows:
            guessed += end is None
            sources[_kind(table.column("source")[0].as_py())] += 1
            languages[table.column("language")[0].as_py() or "unknown"] += 1
            lengths.update(sizes)
        last = max((end for _, end in spans), default=0.0)
        totals[place] = sum(sizes), covered(spans), max(end or 0.0, last)
        progress("transcripts", place + 1, len(videos))
    return TranscriptReport(
        len(videos),
        guessed,
        sources,
        languages,
        lengths,
        total(Ledger(stage).read().dropped),
        totals[:, 0].astype(np.int64),
        *totals[:, 1:].T,
    )


def covered(spans: list[tuple[float, float]]) -> float:
    """Return how many seconds spans cover together, which are in the order of their starts."""
    seconds = until = 0.0
    for start, end in spans:
        seconds += max(0.0, end - max(start, until))
        until = max(until, end)
    return seconds


def _video_end(features: Stage, video: str) -> float | None:
    """Return the second at which a video's last clip ends; None where it has no features."""
    if not features.has(video):
        return None
    ends = read_table(features.path(video), columns=["end"]).column("end")
    return ends[-1].as_py() if len(ends) else None


def _kind(source: str) -> str:
    """Return captions for captions:talk.en.vtt, subtitles for subtitles:2, else the name."""
    kind = source.partition(":")[0]
    return kind if kind in ("captions", "subtitles", "imported") else source


def draw_transcripts(report: TranscriptReport, path: Path) -> None:
    """Draw the length of the sentences, how fast people speak and how much of the time, as PNG."""
    from matplotlib.figure import Figure

    figures = report.figures()
    figure = Figure(figsize=(13, 4), layout="constrained", facecolor="white")
    sentences, rates, shares = figure.subplots(1, 3)
    sentences.bar(list(report.lengths), list(report.lengths.values()), width=0.9, color=COLOUR)
    sentences.set(
        title=f"length of {figures['sentences']:,} sentences", xlabel="words", ylabel="sentences"
    )
    rates.hist(report.rates, bins=30, color=COLOUR)
    rates.set(title="how fast it is said", xlabel="words a minute of speech", ylabel="videos")
    shares.hist(report.shares, bins=20, range=(0, 1), color=COLOUR)
    without = figures["videos without speech"]
    shares.set(
        title=f"how much is under speech; {without:,} of {report.videos:,} without", ylabel="videos"
    )
    shares.set_xlabel("share of the video's time")
    for axes in (sentences, rates, shares):
        axes.yaxis.get_major_locator().set_params(integer=True)
    save_png(figure, path)
