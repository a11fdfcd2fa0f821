"""What Ray gives to the actors that transcribe: their share of the GPUs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper
from feature_extraction.hearing.recognisers.openai_whisper import OpenAIWhisper
from feature_extraction.hearing.recognisers.recogniser import Speech
from feature_extraction.options import TranscriptOptions
from feature_extraction.schema import Word
from feature_extraction.transcripts import Transcriber, transcribe
from tests.toys.ray_node import node_with_two_gpus
from tests.toys.sounds import tone, write_sound
from workfolder.files import read_table
from workfolder.runner import JobOptions
from workfolder.sources import Source


@pytest.fixture(scope="module")
def node() -> Iterator[None]:
    with node_with_two_gpus(cpus=2):
        yield


class SaysWhatItSees:
    """A recogniser whose words are the GPUs that it sees, as Ray tells CUDA."""

    name = "sees"

    def __init__(self, gpus: float) -> None:
        self.gpus = gpus

    def provenance(self) -> dict[str, float]:
        return {}

    def prepare(self) -> None: ...

    def __call__(self, sound: Iterable[np.ndarray], language: str | None = None) -> Speech:
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "all") or "none"
        return Speech((Word("gpu", 0.1, 0.2), Word(seen, 0.2, 0.4)), "en")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gpus", "seen"), [(1.0, {"gpu 0", "gpu 1"}), (0.25, {"gpu 0", "gpu 1"}), (0.0, {"gpu none"})]
)
def test_the_actors_that_listen_share_all_gpus(
    node: None, tmp_path: Path, gpus: float, seen: set[str]
) -> None:
    paths = [write_sound(tmp_path / f"{name}.flac", tone(1)) for name in "abcdefgh"]
    videos = [Source(path.stem, path) for path in paths]
    job = JobOptions(workers=2, runner="ray")
    work = tmp_path / "work"
    options = TranscriptOptions("sees")
    assert transcribe(videos, work, options, job, recogniser=SaysWhatItSees(gpus)).complete
    tables = [read_table(work / "transcripts" / f"{video.video_id}.parquet") for video in videos]
    told = {text for table in tables for text in table["text"].to_pylist()}
    # Two whole GPUs go to two actors; where one is enough for both, Ray may fill it first.
    assert told == seen if gpus in (0.0, 1.0) else told <= seen


@pytest.mark.parametrize(
    ("asr", "align", "share"),
    [
        ("whisper", "none", 0.25),
        ("faster-whisper", "none", 0.25),
        ("captions", "none", 0.0),
        ("captions", "faster-whisper", 0.25),
        ("none", "none", 0.0),
    ],
)
def test_a_transcriber_asks_for_the_share_of_who_listens_or_aligns(
    monkeypatch: pytest.MonkeyPatch, asr: str, align: str, share: float
) -> None:
    for kind in (OpenAIWhisper, FasterWhisper):
        monkeypatch.setattr(kind, "_has_gpu", lambda self: True)
    made = Transcriber(TranscriptOptions(asr, align=align))
    assert made.gpus == share
    made.close()
