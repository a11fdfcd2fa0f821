"""The options of transcription: what is taken, what is refused, and what reaches the disk."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from feature_extraction import transcripts
from feature_extraction.hearing import word_sources
from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.captions.beside import captions_in
from feature_extraction.hearing.recognisers.openai_whisper import OpenAIWhisper
from feature_extraction.hearing.recognisers.recogniser import Speech
from feature_extraction.schema import Word
from feature_extraction.transcripts import Transcriber, TranscriptOptions, transcribe
from tests.toys.command_line import Result
from tests.toys.sounds import tone, write_sound
from tests.toys.tiny_whisper import WORDS, tiny_whisper
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.report import Report
from workfolder.runner import JobOptions
from workfolder.sources import Source
from workfolder.stage import Stage


class Counting:
    """A recogniser that says how many seconds it heard."""

    name = "counting"
    gpus = 0.0

    def __init__(self, version: int = 1) -> None:
        self.version = version
        self.languages: list[str | None] = []

    def provenance(self) -> dict[str, int]:
        return {"version": self.version}

    def prepare(self) -> None: ...

    def __call__(self, sound: Iterable[np.ndarray], language: str | None = None) -> Speech:
        self.languages.append(language)
        seconds = sum(map(len, sound)) / SAMPLE_RATE
        words = (
            Word("I", 0.1, 0.2, 0.5),
            Word("heard", 0.2, 0.4, 0.75),
            Word(f"{seconds:.0f}.", 0.5, 0.9, 1.0),
        )
        return Speech(words, language or "en")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper(tmp_path_factory.mktemp("whisper") / "tiny.pt")


def texts(work: Path, video: str) -> list[str]:
    return read_table(work / "transcripts" / f"{video}.parquet").column("text").to_pylist()


def sources_of(work: Path, video: str) -> set[str]:
    return set(read_table(work / "transcripts" / f"{video}.parquet").column("source").to_pylist())


def hear(
    folder: Path, *paths: Path, asr: str = "auto", language: str | None = None, **more: object
) -> Report:
    videos = [Source(path.stem, path) for path in paths]
    options = TranscriptOptions(asr, language, voices="audible")
    return transcribe(videos, folder / "work", options, **more)  # type: ignore[arg-type]


def test_auto_reads_the_file_beside_then_the_stream_inside_then_listens(
    tmp_path: Path, shared_data: Path
) -> None:
    film = shutil.copy(
        shared_data / "video" / "torchcodec" / "nasa_13013.mp4", tmp_path / "both.mp4"
    )
    (tmp_path / "both.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nfrom the file\n")
    inside = shutil.copy(film, tmp_path / "inside.mp4")
    spoken = write_sound(tmp_path / "spoken.mkv", tone(3))
    report = hear(tmp_path, film, inside, spoken, recogniser=Counting())
    assert report.complete and not report.partial
    assert texts(tmp_path / "work", "both") == ["from the file"]
    assert texts(tmp_path / "work", "inside")[0].startswith(
        "This is the optical and science segment"
    )
    assert texts(tmp_path / "work", "spoken") == ["I heard 3."]
    found = [sources_of(tmp_path / "work", name) for name in ("both", "inside", "spoken")]
    assert found == [{"captions:both.srt"}, {"subtitles:2"}, {"counting"}]


def test_language_and_probabilities_are_kept(tmp_path: Path) -> None:
    recogniser = Counting()
    hear(tmp_path, write_sound(tmp_path / "a.mkv", tone(2)), language="ger", recogniser=recogniser)
    (row,) = read_table(tmp_path / "work" / "transcripts" / "a.parquet").to_pylist()
    assert (
        recogniser.languages == ["de"]
        and row["language"] == "de"
        and (row["start"], row["end"]) == (0.1, 0.9)
    )
    assert [word["probability"] for word in row["words"]] == [0.5, 0.75, 1.0]
    assert Stage(tmp_path / "work" / "transcripts").options()["language"] == "de"


def test_another_schema_is_refused_and_other_versions_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear(tmp_path, asr="none")
    assert "av" in Stage(tmp_path / "work" / "transcripts").options()["versions"]
    monkeypatch.setattr(transcripts, "versions", lambda *names: {})
    hear(tmp_path, asr="none")
    monkeypatch.setattr(transcripts, "SCHEMA_VERSION", 2)
    with pytest.raises(InputError, match="schema was 1 and is now 2"):
        hear(tmp_path, asr="none")


def test_one_that_is_handed_in_listens_alone_by_its_name(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.mkv", tone(2))
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nfrom the file\n")
    hear(tmp_path, path, asr="counting", recogniser=Counting())
    assert texts(tmp_path / "work", "a") == ["I heard 2."]


def test_a_folder_is_listed_once_however_many_videos_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write_video(tmp_path / f"{name}.mp4", grey_ramp(2)) for name in "abc"]
    for path in paths:
        path.with_suffix(".de.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nwir hacken\n")
    listed: list[Path] = []
    monkeypatch.setattr(
        word_sources,
        "captions_in",
        lambda folder, *_: listed.append(folder) or captions_in(folder),
    )
    assert hear(tmp_path, *paths, asr="captions").now == 3 and listed == [tmp_path]


@pytest.mark.parametrize("follow", [True, False])
def test_linked_captions_are_read_where_links_are_followed(tmp_path: Path, follow: bool) -> None:
    path = write_video(tmp_path / "videos" / "a.mp4", grey_ramp(2))
    elsewhere = tmp_path / "elsewhere.srt"
    elsewhere.write_text("1\n00:00:01,000 --> 00:00:02,000\nnow we chop\n", encoding="utf-8")
    path.with_suffix(".srt").symlink_to(elsewhere)
    job, options = JobOptions(follow_links=follow), TranscriptOptions("captions")
    report = transcribe([Source("a", path)], tmp_path / "work", options, job)
    assert report.complete == follow
    assert not follow or texts(tmp_path / "work", "a") == ["now we chop"]


def test_captions_of_any_name_are_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / os.fsdecode(b"caf\xe9.mp4"), grey_ramp(2))
    path.with_suffix(".srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nnow we chop\n")
    report = transcribe([Source("a", path)], tmp_path / "work", TranscriptOptions("captions"))
    assert report.complete and sources_of(tmp_path / "work", "a") == {"captions:caf\ufffd.srt"}


def test_captions_of_another_language_are_passed_over(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.mkv", tone(2))
    for language, text in (("en", "now we chop"), ("de", "jetzt hacken wir")):
        (tmp_path / f"a.{language}.srt").write_text(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n")
    for language, text in (
        (None, "now we chop"),
        ("ger", "jetzt hacken wir"),
        ("fr", "I heard 2."),
    ):
        hear(tmp_path / str(language), path, language=language, recogniser=Counting())
        assert texts(tmp_path / str(language) / "work", "a") == [text]


def test_a_video_with_nothing_to_read_or_hear_fails_with_what_to_do(tmp_path: Path) -> None:
    mute = write_video(tmp_path / "mute.mp4", grey_ramp(20))
    reason = hear(tmp_path, mute, recogniser=Counting()).failures["mute"]
    assert "mute.mp4 has no sound" in reason and "--asr none" in reason
    reason = hear(tmp_path / "2", mute, asr="captions").failures["mute"]
    assert "mute.en.vtt" in reason and "--asr auto" in reason
    assert hear(tmp_path / "3", mute, asr="none").complete and not texts(
        tmp_path / "3" / "work", "mute"
    )


def test_sound_that_is_not_whole_is_partial(tmp_path: Path) -> None:
    whole = write_sound(
        tmp_path / "a.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 160_000).astype(np.float32)
    )
    cut = tmp_path / "cut.flac"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    report = hear(tmp_path, cut, recogniser=Counting())
    assert (
        report.complete
        and "of 10.0 s" in report.partial["cut"]
        and set(report.seconds) >= {"read", "speech"}
    )


def test_other_models_are_not_mixed(tmp_path: Path, checkpoint: Path) -> None:
    path = write_sound(tmp_path / "a.mkv", tone(2))
    model = shutil.copy(checkpoint, tmp_path / "model.pt")
    hear(tmp_path, path, asr=f"whisper:{model}")
    tiny_whisper(model, seed=1)
    with pytest.raises(InputError, match="model_digest was"):
        hear(tmp_path, path, asr=f"whisper:{model}")
    with pytest.raises(InputError, match="asr was"):
        hear(tmp_path, path, asr="auto")
    hear(tmp_path / "2", path, recogniser=Counting())
    with pytest.raises(InputError, match="version was 1 and is now 2"):
        hear(tmp_path / "2", path, recogniser=Counting(2))


@pytest.mark.parametrize(
    "asr", ["ears", "captions:x", "none:x", "whisper:enormous", "whisper:absent.pt", "counting"]
)
def test_what_cannot_be_is_refused_before_anything_is_made(tmp_path: Path, asr: str) -> None:
    with pytest.raises(InputError, match=asr.partition(":")[2] or asr):
        hear(tmp_path, write_sound(tmp_path / "a.mkv", tone(1)), asr=asr)
    assert not (tmp_path / "work").exists()


def test_a_language_that_whisper_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--language 'klingon'"):
        hear(tmp_path, write_sound(tmp_path / "a.mkv", tone(1)), language="klingon")
    assert not (tmp_path / "work").exists()


def test_a_model_that_cannot_be_had_stops_the_job_only_if_all_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(self: OpenAIWhisper, model: str) -> None:
        raise InputError("no network")

    monkeypatch.setattr(OpenAIWhisper, "_load", absent)
    spoken, captioned = (
        write_sound(tmp_path / f"{name}.mkv", tone(1)) for name in ("spoken", "captioned")
    )
    (tmp_path / "captioned.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nfrom the file\n")
    with pytest.raises(InputError, match="no network"):
        hear(tmp_path, spoken, asr="whisper")
    assert not (tmp_path / "work").exists()
    report = hear(tmp_path, spoken, captioned)
    assert report.failures == {"spoken": "no network"} and report.now == 1
    hear(tmp_path, captioned)  # done: nobody needs the model
    assert hear(tmp_path / "2", spoken, asr="captions").failures
    with pytest.raises(
        InputError, match="asr was"
    ):  # failed, and not tried again: nobody needs it there
        hear(tmp_path / "2", spoken, asr="whisper")


def test_two_videos_in_two_lanes_are_heard_as_each_alone(tmp_path: Path, checkpoint: Path) -> None:
    paths = [
        write_sound(tmp_path / "a.mkv", tone(3, 300)),
        write_sound(tmp_path / "b.mp4", tone(6, 700), codec="aac"),
    ]
    asr = f"whisper:{checkpoint}"
    assert hear(tmp_path / "both", *paths, asr=asr, job=JobOptions(workers=2)).now == 2
    for path in paths:
        hear(tmp_path / path.stem, path, asr=asr)
        files = [
            tmp_path / run / "work" / "transcripts" / f"{path.stem}.parquet"
            for run in ("both", path.stem)
        ]
        assert read_table(files[0]).equals(read_table(files[1])) and read_table(files[0]).num_rows
        assert sources_of(tmp_path / "both" / "work", path.stem) == {asr}


def test_a_transcriber_travels_without_its_model(checkpoint: Path) -> None:
    made = Transcriber(TranscriptOptions(f"whisper:{checkpoint}"))
    made.recogniser.prepare()  # type: ignore[union-attr]
    copy = pickle.loads(pickle.dumps(made))
    assert copy.provenance() == made.provenance() and len(pickle.dumps(made)) < 2000
    made.close()
    copy.close()


def test_the_command_line_listens(
    tmp_path: Path, checkpoint: Path, videobert: Callable[..., Result]
) -> None:
    path = write_sound(tmp_path / "talk.mp4", tone(3), codec="aac")
    arguments = (
        "transcribe",
        path,
        "--work",
        tmp_path / "work",
        "--asr",
        f"whisper:{checkpoint}",
        *"--language en --voices audible --beam 1".split(),
    )
    result = videobert(*arguments)
    assert result.status == 0 and "1 done now" in result.out, result.err
    assert len(" ".join(texts(tmp_path / "work", "talk")).split()) == WORDS
    assert "nothing to do" in videobert(*arguments).out


@pytest.mark.parametrize("kind", ["whisper", "faster-whisper"])
def test_a_model_at_an_address_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match=r"^s3://bucket/model is an address") as refused:
        hear(tmp_path, asr=f"{kind}:s3://bucket/model")
    assert "\n" not in str(refused.value)
