from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import av
import pytest

from feature_extraction.hearing.captions.formats import Captions, read_captions
from feature_extraction.hearing.captions.subtitle_streams import Subtitles, read_subtitles
from feature_extraction.schema import Word
from tests.toys.videos import grey_ramp, write_video
from workfolder.errors import InputError
from workfolder.guard import Guards

Cue = tuple[float, float, str]


def write_subtitles(path: Path, *streams: list[Cue], languages: tuple[str, ...] = ()) -> Path:
    """A file of subtitles alone; each cue is its start, its end and its text."""
    with ExitStack() as stack:
        container = stack.enter_context(av.open(str(path), "w"))
        pairs = []
        for number, cues in enumerate(streams):
            lines = [
                f"00:00:{start:06.3f} --> 00:00:{end:06.3f}\n{text}\n" for start, end, text in cues
            ]
            script = path.with_name(f"{number}.srt_script")
            script.write_text("\n".join(lines).replace(".", ","))
            source = stack.enter_context(av.open(str(script), format="srt"))
            pairs.append((source, container.add_stream_from_template(source.streams.subtitles[0])))
            if languages:
                pairs[-1][1].metadata["language"] = languages[number]
        for source, stream in pairs:
            for packet in source.demux():
                if packet.size:
                    packet.stream = stream
                    container.mux(packet)
    return path


def said(path: Path, language: str | None = None) -> str | None:
    subtitles = read_subtitles(path, language)
    return subtitles and " ".join(word.text for word in subtitles.captions.words)


def test_the_subtitles_of_a_film_are_those_of_the_file_beside_it(shared_data: Path) -> None:
    folder = shared_data / "video" / "torchcodec"
    guards = Guards(returns=[Captions, Subtitles, Word])
    inside = guards.call(read_subtitles, folder / "nasa_13013.mp4")
    guards.close()
    beside = read_captions(folder / "nasa_13013.extracted_subs.srt")
    assert inside.captions.words == beside.words and len(beside.words) == 37
    assert (inside.stream, inside.captions.language, inside.damage) == (2, "en", None)


def test_tags_and_several_lines_are_read_as_in_a_file(tmp_path: Path) -> None:
    cues = [
        (0.5, 1.5, "<i>now</i> we\nchop"),
        (2.0, 3.5, "{\\an8}[Music] salt &amp; pepper"),
        (9.0, 10.0, "♪"),
    ]
    path = write_subtitles(tmp_path / "a.mkv", cues)
    subtitles = read_subtitles(path)
    assert subtitles and [word.text for word in subtitles.captions.words] == [
        "now",
        "we",
        "chop",
        "salt",
        "&",
        "pepper",
    ]
    words = subtitles.captions.words
    assert (words[0].start, words[2].end, words[3].start, words[-1].end) == (0.5, 1.5, 2.0, 3.5)


@pytest.mark.parametrize(
    ("language", "words"),
    [(None, "chop"), ("en", "chop"), ("de", "hacken"), ("ger", "hacken"), ("fr", None)],
)
def test_the_stream_is_chosen_by_its_language(
    tmp_path: Path, language: str | None, words: str | None
) -> None:
    path = write_subtitles(
        tmp_path / "a.mkv", [(0, 1, "chop")], [(0, 1, "hacken")], languages=("eng", "ger")
    )
    assert said(path, language) == words


def test_a_video_without_subtitles_or_without_text_in_them_has_none(
    tmp_path: Path, shared_data: Path
) -> None:
    assert read_subtitles(write_video(tmp_path / "a.mp4", grey_ramp(5))) is None
    assert said(shared_data / "video" / "decord" / "examples" / "flipping_a_pancake.mkv") is None


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"this is no video")
    with pytest.raises(InputError, match=r"a\.mp4 cannot be read as a video"):
        read_subtitles(tmp_path / "a.mp4")
