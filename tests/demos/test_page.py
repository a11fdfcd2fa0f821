"""What stands behind the page: clips that are measured and kept, answers as HTML, doors that are closed."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from demos.page import clips, doors, parts
from demos.page.__main__ import main
from demos.page.answers import Answers
from feature_extraction.media import declared_seconds
from tests.toys.street import Street
from tests.toys.videos import coloured_recipe
from videobert.answers import zero_shot
from videobert.answers.search import Hit
from videobert.answers.zero_shot import Guess
from videobert.data.clip_encoder import ClipEncoder
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def answers(street: Street) -> Answers:
    return Answers(street.model, street.work)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coloured_recipe(
        tmp_path_factory.mktemp("clips") / "new.mp4", ["blue", "red"], spoken=False
    )


@pytest.fixture
def digest(answers: Answers, clip: Path) -> str:
    return answers.clips.read(clip, "new.mp4")


def shares(markup: str) -> list[str]:
    return re.findall(r'<span>(\w+)</span><div class="vb-track"><i style="width:([\d.]+)%', markup)


def test_a_clip_has_the_words_that_predict_gives_it(
    answers: Answers, clip: Path, digest: str
) -> None:
    known, alone = answers.clips.known(digest), ClipEncoder(answers.model.processor.codebook)(clip)
    for name in ("start", "end", "words", "features"):
        np.testing.assert_array_equal(
            getattr(known.encoded.clips, name), getattr(alone.clips, name)
        )
    assert len(known.frames) == len(alone.clips) and all(
        frame.startswith(b"\xff\xd8") for frame in known.frames
    )


def test_the_same_content_is_encoded_once(answers: Answers, tmp_path: Path) -> None:
    first = coloured_recipe(tmp_path / "first.mp4", ["green"], spoken=False)
    second = Path(shutil.copy(first, tmp_path / "second.mp4"))
    told: list[tuple[int, int]] = []
    for path in (first, second):
        digest = answers.clips.read(
            path, path.name, lambda stage, done, total, detail="": told.append((done, total))
        )
    assert told[0] == (0, 3) and told[-1] == (3, 3)
    assert told == sorted(set(told)), "the second one was looked at again"
    assert answers.clips.known(digest).encoded.path.name == "second.mp4"


def test_the_oldest_clip_is_forgotten(
    answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "KEPT", 1)
    paths = [
        coloured_recipe(tmp_path / f"{colour}.mp4", [colour], 1.5, spoken=False)
        for colour in ("red", "blue")
    ]
    old, new = (answers.clips.read(path, path.name) for path in paths)
    assert answers.clips.known(new).encoded.path.name == "blue.mp4"
    with pytest.raises(InputError, match="choose it again"):
        answers.clips.known(old)


def without_duration(path: Path, source: Path) -> Path:
    """The same pictures in a file whose header does not say how long they last."""
    with (
        av.open(str(source)) as there,
        av.open(str(path), "w", format="matroska", options={"live": "1"}) as here,
    ):
        stream = here.add_stream_from_template(there.streams.video[0])
        for packet in there.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                here.mux(packet)
    return path


@pytest.mark.parametrize("header", [True, False])
def test_a_long_clip_is_refused_whatever_its_header_says(
    answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: bool
) -> None:
    long = coloured_recipe(tmp_path / "new.mp4", ["yellow", "red"], spoken=False)
    long = long if header else without_duration(tmp_path / "new.mkv", long)
    assert (declared_seconds(long) is not None) is header
    monkeypatch.setattr(clips, "LONGEST", 4)
    with pytest.raises(InputError, match=r"^mine is longer than 4 s"):
        answers.clips.read(long, "mine")


def test_a_broken_file_is_called_by_the_visitors_name(answers: Answers, tmp_path: Path) -> None:
    (tmp_path / "upload.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match=r"^holiday\.mp4 cannot be read as a video") as error:
        answers.clips.read(tmp_path / "upload.mp4", "holiday.mp4")
    assert str(tmp_path) not in str(error.value)


def test_a_part_too_short_for_a_middle_shows_the_word_of_that_time(
    answers: Answers, digest: str
) -> None:
    shown = answers.timeline(digest, 2.9, 3.1)  # too short for a middle: the one shown then
    assert (
        shown.count('class="vb-moment"') == 1
        and "<time>3.0 s" in shown.partition('class="vb-moment"')[2]
    )
    assert answers.timeline(digest, 6, 3).count('class="vb-moment"') == 0
    assert "new.mp4 ends at 9.0 s: no clip lies between 6 and 3 s" in answers.fill(
        digest, 6, 3, "[MASK]"
    )


def test_a_clip_that_is_not_whole_says_so(answers: Answers, digest: str) -> None:
    known = answers.clips.known(digest)
    broken = replace(known, encoded=replace(known.encoded, partial="ends after 9.0 s of 20.0 s"))
    assert "it ends after 9.0 s of 20.0 s" in parts.timeline(broken, answers.album, 0, 9, 1.5)
    assert "ends after" not in parts.timeline(known, answers.album, 0, 9, 1.5)


def test_the_timeline_shows_each_word_and_dims_what_is_not_asked_about(
    answers: Answers, digest: str
) -> None:
    shown = answers.timeline(digest, 0, 4.5)
    assert shown.count('class="vb-moment"') == 3 and shown.count("vb-moment vb-dim") == 3
    words = [int(word) for word in re.findall(r"<figcaption>word (\d+)", shown)]
    assert words == answers.clips.known(digest).encoded.clips.words.tolist()
    assert shown.count("data:image/jpeg;base64,") == 12


def test_bars_are_the_models_answer_beside_that_without_the_clip(
    answers: Answers, digest: str
) -> None:
    template = "now we [MASK] the [MASK] square"
    markup = answers.fill(digest, 0, 4.5, template)
    words = answers.clips.known(digest).encoded.part(0, 4.5).clips.words
    expected = [
        (guess.word, f"{100 * guess.probability:.1f}")
        for mask in zip(
            *(zero_shot.predict(answers.model, seen, template) for seen in (words, [])), strict=True
        )
        for guesses in mask
        for guess in guesses
    ]
    assert shares(markup) == expected and len(expected) == 20
    assert answers.fill(digest, 4.5, 9, template) != markup


def test_without_a_clip_language_answers_alone(answers: Answers) -> None:
    markup = answers.fill(None, 0, 0, "the [MASK] square")
    assert "No clip is chosen" in markup and len(shares(markup)) == 5
    assert "vb-hint" in answers.timeline(None, 0, 0) + answers.caption(None, 0, 0) + answers.next(
        None, 0, 0
    )


@pytest.mark.parametrize(
    ("sentence", "message"),
    [("no blank here", "has no [MASK]"), ("", "has no [MASK]"), ("[MASK] " * 99, "400 at most")],
)
def test_what_cannot_be_asked_is_a_message(answers: Answers, sentence: str, message: str) -> None:
    assert "vb-problem" in answers.fill(None, 0, 0, sentence) and message in answers.fill(
        None, 0, 0, sentence
    )


def test_a_model_without_a_captioner_says_which_command_makes_one(
    answers: Answers, digest: str
) -> None:
    assert "videobert finetune caption" in answers.caption(digest, 0, 9)


def test_what_comes_next_is_four_steps_of_pictures(answers: Answers, digest: str) -> None:
    markup = answers.next(digest, 0, 9)
    assert (
        re.findall(r"<h4>([\d.]+) s later", markup) == ["1.5", "3", "6", "12"]
        and markup.count("<img") == 12
    )


def test_a_search_shows_what_it_found(answers: Answers, street: Street) -> None:
    markup = answers.search("now we paint the blue square")
    assert 1 <= markup.count("vb-hit") <= 8 and "recipe_" in markup and "<img" in markup
    assert "vb-problem" in answers.search(" ")
    assert "--work DIR" in Answers(street.model).search("blue")


def test_the_codebook_is_shown_without_its_dead_words(answers: Answers) -> None:
    tree = answers.model.processor.codebook.tree
    shown = "".join(answers.codebook(page) for page in range(1, answers.pages + 1))
    words = {int(word) for word in re.findall(r"<b>word (\d+)</b>", shown)}
    assert words == set(range(9)) - set(tree.dead_words_.tolist())
    assert answers.codebook(-5) == answers.codebook(1) and answers.codebook(
        1e9
    ) == answers.codebook(answers.pages)


def test_nothing_that_a_visitor_or_a_video_says_is_markup(answers: Answers) -> None:
    evil = "<script>alert(1)</script>"
    hit = Hit(evil, 0.0, 1.5, 1.0, False, evil, 0)
    guesses = [[Guess(evil, 0.5)]]
    made = [parts.problem(evil), parts.hint(evil), parts.quote(evil), parts.answers(f"{evil} [MASK]", guesses, guesses),
            parts.answers(f"{evil} [MASK]", None, guesses), parts.hits([(hit, [0])], answers.album),
            answers.fill(None, 0, 0, evil), answers.fill(None, 0, 0, f"{evil} [MASK]"), parts.bars(guesses[0])]  # fmt: skip
    assert not any("<script" in markup for markup in made) and all(
        "&lt;script" in markup for markup in made
    )


@pytest.mark.parametrize(
    ("method", "path", "length", "status"),
    [
        ("GET", "/", None, None),
        ("GET", "/assets/index-1a.js", None, None),
        ("GET", "/static/../../etc/passwd", None, 404),
        ("GET", "/gradio_api/file=/etc/passwd", None, 404),
        ("POST", "/gradio_api/process_recording", 10, 404),
        ("POST", "/gradio_api/run/predict", 10, 404),
        ("POST", "/gradio_api/upload", doors.BIGGEST, None),
        ("POST", "/gradio_api/upload", 2 * doors.BIGGEST, 413),
        ("POST", "/gradio_api/upload", None, 413),
        ("POST", "/gradio_api/queue/join", 1000, None),
        ("POST", "/gradio_api/queue/join", doors.BIGGEST, 413),
    ],
)
def test_doors(method: str, path: str, length: int | None, status: int | None) -> None:
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    assert (
        doors.refusal({"type": "http", "method": method, "path": path, "headers": headers})
        == status
    )


@pytest.mark.parametrize(
    ("body", "inside"),
    [
        ('{"data": ["a sentence", 1.5, null]}', True),
        ('{"data": [{"path": "FOLDER/ab/clip.mp4"}]}', True),
        ('{"data": [{"path": "FOLDER"}]}', False),
        ('{"data": [{"path": "FOLDERS/clip.mp4"}]}', False),
        ('{"data": [{"path": "FOLDER/../clip.mp4"}]}', False),
        ('{"data": [[{"a": {"path": "/etc/passwd"}}]]}', False),
        ('{"data": [{"path": "FOLDER/a.mp4", "path": "/etc/passwd"}]}', False),
        ('{"data": [{"path": "/etc/passwd", "path": "FOLDER/a.mp4"}]}', False),
        ('{"data": [{"path": "FOLDER/link"}]}', False),
        ('{"data": [{"path": "https://example.org/clip.mp4"}]}', False),
        ('{"data": [{"path": "FOLDER/a\\u0000b"}]}', False),
        ('{"data": [{"path": ["FOLDER/a"]}]}', False),
        ("[" * 100_000, False),
        ("no json", False),
    ],
)
def test_a_question_names_no_file_but_an_upload(tmp_path: Path, body: str, inside: bool) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert doors.names_only(body.replace("FOLDER", str(tmp_path)).encode(), str(tmp_path)) is inside


def test_a_missing_model_ends_the_command_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed: the page cannot be tried")
    for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "")  # which main changes, and this undoes
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main(["--model", str(tmp_path / "absent")]) == 2
    assert re.fullmatch(
        r"python -m demos\.page: .*absent holds no model.*\n", capsys.readouterr().err
    )
