"""The kitchen's promises: a seed gives the same corpus, splits hold, files are what the truth says."""

import re
import subprocess
import sys
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from demos.kitchen.__main__ import main
from demos.kitchen.corpus import make_corpus
from demos.kitchen.menu import combinations
from demos.kitchen.narration import DRIFT, SILENCE, narrate
from demos.kitchen.nouns import NOUNS
from demos.kitchen.recipes import NARRATION, plan, stream
from demos.kitchen.scene import frames
from demos.kitchen.style import BRISK, CALM
from demos.kitchen.truth import HELD_OUT_COMBINATIONS, SPLITS, TRAINING, read_truth
from demos.kitchen.verbs import VERBS
from demos.kitchen.video import write_video
from demos.kitchen.voice import RATE, can_speak
from workfolder.errors import InputError

ONE_STEP = replace(CALM, steps=(1, 1))


def make(out: Path, seed: int, workers: int) -> Path:
    """Three tiny videos."""
    assert len(list(make_corpus(out, 3, seed, workers, ONE_STEP))) == 3
    return out


def texts(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in {".vtt", ".json"}
    }


def decode(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("kitchen"), seed=5, workers=2)


@pytest.fixture(scope="module", params=[CALM, BRISK], ids=["calm", "brisk"])
def style(request):
    return request.param


@pytest.fixture(scope="module")
def planned(style):
    return plan(40, 3, style)


def test_same_seed_same_corpus_whatever_the_workers(tiny, tmp_path):
    other = make(tmp_path, seed=5, workers=1)
    assert len(texts(tiny)) == 4
    assert texts(tiny) == texts(other)
    for path in sorted(tiny.rglob("*.mp4")):
        assert path.read_bytes() == (other / path.relative_to(tiny)).read_bytes()


def test_the_same_frames_give_the_same_bytes_wherever_they_lie_in_memory(tmp_path):
    video = plan(72, seed=0).videos[1]  # x264's macroblock tree gave three files of it in six
    filmed = list(islice(frames(video, 0, 1), 300))
    rng, found = np.random.default_rng(0), set()
    for number in range(6):
        held = [np.ones(int(size), np.uint8) for size in rng.integers(10, 200_000, 1000)][::2]
        path = tmp_path / f"{number}.mp4"
        write_video(filmed, path, CALM)
        found.add(path.read_bytes())
        del held
    assert len(found) == 1


def test_a_folder_with_a_video_of_another_kitchen_is_refused_and_left_as_it_is(tmp_path, capsys):
    stray = tmp_path / TRAINING / "kitchen_0099.mp4"
    stray.parent.mkdir()
    stray.write_bytes(b"video")
    assert main(["--videos", "3", "--out", str(tmp_path)]) == 2
    assert (
        capsys.readouterr().err
        == f"python -m demos.kitchen: {stray} is of another kitchen: give an empty --out\n"
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [stray]


def test_another_seed_is_another_corpus():
    one, other = plan(3, 5, ONE_STEP), plan(3, 6, ONE_STEP)
    assert one.videos != other.videos and one.held_out_combinations != other.held_out_combinations
    first, second = (next(frames(one.videos[0], seed, 0)) for seed in (5, 6))
    assert (first != second).mean() > 0.5


def test_two_videos_of_the_same_recipe_look_different():
    video = plan(3, 5, ONE_STEP).videos[0]
    first, second = (next(frames(video, 5, index)) for index in (0, 1))
    assert (first != second).mean() > 0.5


def test_files_are_whole_and_as_long_as_the_truth_says(tiny):
    truth = read_truth(tiny / "truth.json")
    found = {str(path.relative_to(tiny).with_suffix("")) for path in tiny.rglob("*.mp4")}
    assert found == {video.video for video in truth.videos}
    assert not list(tiny.rglob("*.partial"))
    for video in truth.videos:
        pixels = decode(tiny / f"{video.video}.mp4")
        assert len(pixels) == round(video.duration * CALM.fps)
        assert pixels.shape[1:] == (240, 320, 3)
        assert (tiny / f"{video.video}.en.vtt").exists()


def test_the_menu_is_as_large_as_promised(planned):
    held_out = set(planned.held_out_combinations)
    pairs = set(combinations())
    assert len(VERBS) >= 12 and len(NOUNS) >= 20 and len(held_out) == 24
    assert held_out < pairs and len(pairs - held_out) >= 120
    assert {verb for verb, _ in pairs} == set(VERBS) and {noun for _, noun in pairs} == set(NOUNS)


@pytest.mark.parametrize("seed", range(5))
def test_splits_hold(seed, style):
    truth = plan(40, seed, style)
    cooked = {
        split: {(s.verb, s.noun) for v in truth.videos if v.split == split for s in v.steps}
        for split in SPLITS
    }
    held_out = set(truth.held_out_combinations)
    assert cooked[HELD_OUT_COMBINATIONS] <= held_out
    assert not held_out & (cooked[TRAINING] | cooked["held_out_videos"])
    assert len(cooked[TRAINING]) >= 120
    assert {verb for verb, _ in cooked[TRAINING]} == set(VERBS) and {
        noun for _, noun in cooked[TRAINING]
    } == set(NOUNS)
    held = {CALM: 6, BRISK: 3}[style]
    counts = [sum(v.split == split for v in truth.videos) for split in SPLITS]
    assert counts == [40 - 2 * held, held, held]


def test_steps_are_as_many_and_as_long_as_promised(planned, style):
    def within(seconds, bounds):
        return bounds[0] - 1 / style.fps <= seconds <= bounds[1] + 1 / style.fps

    for video in planned.videos:
        assert style.steps[0] <= len(video.steps) <= style.steps[1]
        assert len({(step.verb, step.noun) for step in video.steps}) == len(video.steps)
        assert within(video.steps[0].start, style.intro_seconds)
        assert all(within(step.end - step.start, style.step_seconds) for step in video.steps)
        ends = [step.end for step in video.steps]
        starts = [step.start for step in video.steps[1:]] + [video.duration]
        for end, start in zip(ends, starts, strict=True):
            assert within(start - end, style.pause_seconds)


def test_a_style_decides_how_large_and_dense_the_pictures_are(tmp_path):
    style = replace(BRISK, steps=(1, 1))
    for video in make_corpus(tmp_path, 3, 5, 1, style):
        pixels = decode(tmp_path / f"{video.video}.mp4")
        assert pixels.shape == (round(video.duration * 8), 120, 160, 3)


def test_small_pictures_are_the_large_ones_from_farther_away():
    video = plan(3, 5, ONE_STEP).videos[0]
    large, small = (
        next(islice(frames(video, 5, 0, replace(ONE_STEP, width=width)), 70, None)).astype(float)
        for width in (320, 160)
    )
    halved = large.reshape(120, 2, 160, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - small).mean() * 4 < np.abs(halved - small[:, ::-1]).mean()


def narrations(truth):
    return [(v, narrate(v, stream(truth.seed, i, NARRATION))) for i, v in enumerate(truth.videos)]


def test_words_keep_near_their_step_and_sentences_apart(planned):
    leans = []
    for video, sentences in narrations(planned):
        told = [sentence.step for sentence in sentences if sentence.step is not None]
        assert told == [index for index, step in enumerate(video.steps) if step.spoken]
        for before, after in pairwise(sentences):
            assert after.words[0].start - before.end >= SILENCE - 0.002
        for sentence in sentences:
            assert 0 <= sentence.words[0].start and sentence.end <= video.duration + DRIFT
            if sentence.step is not None:
                step = video.steps[sentence.step]
                assert (
                    step.start - DRIFT <= sentence.words[0].start
                    and sentence.end <= step.end + DRIFT
                )
                assert step.noun in [word.text for word in sentence.words]
                leans.append(sentence.words[0].start - step.start)
    assert min(leans) < -0.5 and max(leans) > 1.5


def test_narration_is_varied(planned, style):
    every = [sentence for _, sentences in narrations(planned) for sentence in sentences]
    assert len({word.text for sentence in every for word in sentence.words}) > 150
    spoken = [step.spoken for video in planned.videos for step in video.steps]
    assert abs(np.mean(spoken) - style.spoken_share) < 0.1
    filler = {word.text for sentence in every if sentence.step is None for word in sentence.words}
    assert not filler & (set(VERBS) | set(NOUNS))


def words_of(vtt: str) -> list[tuple[str, float]]:
    """A straightforward reader: of every cue with word times, the last line's words and when they start."""
    found = []
    for cue in vtt.split("\n\n")[1:]:
        times, _, line = cue.strip("\n").split("\n")[:3]
        if not line.strip():
            continue
        clock = times.split(" --> ")[0]
        for text in re.split(r"(<[\d:.]+>)", line.replace("<c>", "").replace("</c>", "")):
            if text.startswith("<"):
                clock = text.strip("<>")
            else:
                hours, minutes, seconds = clock.split(":")
                found.append((text.strip(), 3600 * int(hours) + 60 * int(minutes) + float(seconds)))
    return found


def test_captions_roll_and_hold_every_word_once(tiny):
    truth = read_truth(tiny / "truth.json")
    for video, sentences in narrations(truth):
        vtt = (tiny / f"{video.video}.en.vtt").read_text()
        assert vtt.startswith("WEBVTT\nKind: captions\nLanguage: en\n\n")
        spoken = [(word.text, word.start) for sentence in sentences for word in sentence.words]
        assert [text for text, _ in words_of(vtt)] == [text for text, _ in spoken]
        assert np.allclose(
            [start for _, start in words_of(vtt)], [start for _, start in spoken], atol=0.002
        )
        cues = [cue.strip("\n").split("\n") for cue in vtt.split("\n\n")[1:]]
        for timed, plain, following in zip(
            cues[0::2], cues[1::2], [*cues[2::2], None], strict=True
        ):
            assert re.sub(r"<[^>]*>", "", timed[2]) == plain[1]
            assert following is None or following[1] in (plain[1], " ")  # gone after a silence


@pytest.mark.parametrize(
    "arguments",
    [
        ["--videos", "2", "--out", "x"],
        ["--videos", "many", "--out", "x"],
        ["--videos", "3"],
        ["--seed", "-1", "--out", "x"],
        ["--videos", "3", "--out", "FILE"],
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, tmp_path):
    (tmp_path / "FILE").write_text("in the way")
    arguments = [str(tmp_path / a) if a in {"x", "FILE"} else a for a in arguments]
    run = subprocess.run(
        [sys.executable, "-m", "demos.kitchen", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert len(run.stderr.strip().splitlines()) == 1 and run.stdout == ""
    assert not (tmp_path / "x").exists()


def test_a_broken_truth_is_named(tmp_path):
    path = tmp_path / "truth.json"
    path.write_text("{}")
    for broken in (path, tmp_path / "absent.json"):
        with pytest.raises(InputError, match=f"^{broken} is not a kitchen's truth.json"):
            read_truth(broken)


@pytest.mark.skipif(
    not can_speak(), reason="espeak-ng is not installed: the kitchen cannot be heard"
)
def test_the_cook_speaks_when_the_captions_say_so(tmp_path):
    (video,) = [
        v
        for v in make_corpus(tmp_path, 3, 5, 2, ONE_STEP, speech=True)
        if v.video.startswith(TRAINING)
    ]
    with av.open(str(tmp_path / f"{video.video}.mp4")) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert abs(len(sound) / RATE - video.duration) < 0.1
    spoken = np.zeros(len(sound), dtype=bool)
    for sentence in narrate(video, stream(5, 0, NARRATION)):
        spoken[round(sentence.words[0].start * RATE) : round(sentence.words[-1].end * RATE)] = True
    assert (
        np.abs(sound[spoken]).mean() > 0.01
        and np.abs(sound[~spoken]).mean() < 0.1 * np.abs(sound[spoken]).mean()
    )


def test_without_espeak_the_kitchen_says_what_to_install(tmp_path):
    command = [
        sys.executable,
        "-m",
        "demos.kitchen",
        "--videos",
        "3",
        "--speech",
        "--out",
        str(tmp_path),
    ]
    result = subprocess.run(
        command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (
        result.returncode == 2
        and "apt-get install espeak-ng" in result.stderr
        and len(result.stderr.splitlines()) == 1
    )
