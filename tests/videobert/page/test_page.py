"""What stands behind the page: clips that are measured and kept, answers as HTML, doors that are closed."""

from __future__ import annotations

import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from feature_extraction.media import declared_seconds
from tests.toys.command_line import Run
from tests.toys.street import Street
from tests.toys.videos import coloured_recipe
from tokenization.codebook import Codebook
from videobert.answers import zero_shot
from videobert.answers.search import Hit
from videobert.answers.zero_shot import Guess
from videobert.data.clip_encoder import ClipEncoder
from videobert.page import clips, parts, serving
from videobert.page.answers import Answers
from videobert.page.films import film
from videobert.page.knowledge import common_words, knowledge, video_paths
from videobert.page.serving import clips_to_choose, first_choice
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
    assert len(known.film.stills) == len(alone.clips) and all(
        frame.startswith(b"\xff\xd8") for frame in known.film.stills
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
        shown.count('class="vb-moment vb-first"') == 1
        and "<time>3.0 s" in shown.partition('class="vb-moment vb-first"')[2]
    )
    assert answers.timeline(digest, 6, 3).count("vb-dim") == 6
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
    assert (
        shown.count('class="vb-moment"') == 2
        and shown.count("vb-first") == 1
        and shown.count("vb-moment vb-dim") == 3
    )
    words = [int(word) for word in re.findall(r"<figcaption>word (\d+)", shown)]
    assert words == answers.clips.known(digest).encoded.clips.words.tolist()
    assert shown.count("data:image/jpeg;base64,") == 13, "one is the film's"


def test_bars_are_the_models_answer_beside_that_without_the_clip(
    answers: Answers, digest: str
) -> None:
    template = "now we [MASK] the [MASK] square"
    markup = answers.fill(digest, 0, 4.5, template)
    words = answers.clips.known(digest).encoded.part(0, 4.5).clips.words
    expected = [
        (guess.word, f"{100 * guess.probability:.1f}")
        for mask in zip(
            *(zero_shot.predict(answers.model, seen, [template]).guesses for seen in (words, [])),
            strict=True,
        )
        for guesses in mask
        for guess in guesses
    ]
    assert shares(markup) == expected and 12 <= len(expected) <= 20, "the implausible are left out"
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


def test_what_does_not_work_is_not_there(answers: Answers, street: Street) -> None:
    assert answers.searches and not answers.captions
    assert not Answers(street.model).searches


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
    assert markup.count("<video") == markup.count("vb-hit"), "each hit plays"


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
            parts.answers(f"{evil} [MASK]", None, guesses), parts.hits([(hit, [0], None)], answers.album),
            answers.fill(None, 0, 0, evil), answers.fill(None, 0, 0, f"{evil} [MASK]"), parts.bars(guesses[0])]  # fmt: skip
    assert not any("<script" in markup for markup in made) and all(
        "&lt;script" in markup for markup in made
    )


def test_a_missing_model_ends_the_command_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, videobert: Run
) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed: the page cannot be tried")
    for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "")  # which the verb changes, and this undoes
    monkeypatch.setattr("signal.signal", lambda *_: None)
    result = videobert("page", "--model", tmp_path / "absent")
    assert result.status == 2
    assert re.search(r"^videobert: .*absent holds no model.*$", result.err, re.MULTILINE)


def test_without_gradio_the_extra_is_named(
    videobert: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    result = videobert("page", "--model", tmp_path)
    assert result.status == 2 and "pip install 'videobert[page]'" in result.err


def test_the_page_opens_with_a_clip_that_was_not_learnt_from(
    street: Street, clip: Path, tmp_path: Path
) -> None:
    own = clips_to_choose(street.work, None)
    assert set(own) == {f"recipe_{number}" for number in range(4)}
    assert first_choice(own, street.work) == "recipe_0"
    for name in ("a.mp4", "z.mp4"):
        shutil.copy(clip, tmp_path / name)
    (tmp_path / "a.mp4").unlink()
    (tmp_path / "a.mp4").symlink_to(street.videos / "recipe_1.mp4")
    choices = {path.stem: path for path in sorted(tmp_path.iterdir())}
    assert first_choice(choices, street.work) == "z", "the other was learnt from"
    assert first_choice({}, None) is None


def test_it_says_what_the_model_knows(street: Street, answers: Answers) -> None:
    knows = knowledge(answers.model, street.model, street.work)
    assert knows.videos == 4 and knows.corpus[0].endswith("/videos")
    assert set(knows.words) & {"red", "green", "blue", "yellow", "square"}
    assert not set(knows.words) & {"the", "now"} and common_words(answers.model) == knows.words
    markup = parts.header(knows, 300, 2**20)
    assert "<b>4 videos</b>" in markup and knows.words[0] in markup and "5 minutes" in markup
    assert str(street.work) not in markup
    untold = parts.header(knowledge(answers.model, street.videos, None), 300, 2**20)
    assert "some videos" in untold


def test_a_clip_is_a_film_of_its_length(clip: Path, street: Street) -> None:
    made = film(clip, 3.0, 6.0, [3.2, 5.9, 99.0])
    with av.open(io.BytesIO(made.mp4)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 30 and len(made.stills) == 3
    first, last = (frame[100, frame.shape[1] // 2].astype(int) for frame in (frames[2], frames[-2]))
    assert first[2] > 150 > first[0] and last[0] > 150 > last[2], "blue, then red"
    assert made.address.startswith("data:video/mp4;base64,")
    assert set(video_paths(street.work)) == {f"recipe_{number}" for number in range(4)}


def test_what_is_unlike_training_is_said(
    answers: Answers, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for unlike in (True, False):
        monkeypatch.setattr(Codebook, "is_unlike", lambda *_, unlike=unlike: unlike)
        markup = answers.fill(digest, 0, 4.5, "the [MASK] square")
        assert ("Unlike anything this model has seen" in markup) is unlike


def test_messages_name_no_path_and_no_command(answers: Answers, street: Street) -> None:
    message = (
        f"{street.work}/examples holds no example with visual words: run videobert tokenize "
        f"--work {street.work}"
    )
    assert (
        answers.for_visitors(message)
        == "the work folder/examples holds no example with visual words"
    )
    assert answers.for_visitors("the sentence is empty: write more") == (
        "the sentence is empty: write more"
    )


def test_of_a_long_clip_a_step_in_the_middle_is_asked_about() -> None:
    pytest.importorskip("gradio", reason="gradio is not installed: the page cannot be tried")
    from videobert.page.app import asked_first

    assert asked_first(9.0, 1.5) == (0, 9) and asked_first(12.0, 1.5) == (0, 12)
    start, end = asked_first(48.0, 1.5)
    assert start % 1.5 == end % 1.5 == 0 and end - start == 6 and abs(start + end - 48) <= 1.5
