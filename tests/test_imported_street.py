"""Real features and steps that other programs made, from files to an answer."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.toys.command_line import Run

STEPS = 150
pytestmark = pytest.mark.slow


def run(videobert: Run, *arguments: object) -> str:
    done = videobert(*arguments)
    assert done.status == 0, done.err
    return done.out


def test_real_recordings_go_from_arrays_to_an_answer(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, videobert: Run
) -> None:
    kitchens = shared_data / "features" / "captaincook4d_pe"
    index = json.loads((kitchens / "index.json").read_text())
    held_out = {each["video_id"] for each in index["recordings"] if each["split"] == "val"}
    learnt = [path for path in (kitchens / "npy").glob("*.npy") if path.stem not in held_out]
    (tmp_path / "learnt.txt").write_text("\n".join(map(str, learnt)))
    work, model = tmp_path / "work", tmp_path / "model"
    to = ("--work", work)
    imported = ("--seconds", 1, "--weights-note", "PE ViT-B/16", "--follow-links")
    run(videobert, "import", "features", tmp_path / "learnt.txt", *to, *imported)
    said = run(videobert, "import", "transcripts", kitchens / "index.json", *to, "--text", "done")
    assert "66 done now" in said and "15 videos without features" in said
    run(videobert, "cluster", *to, "--branching", 12, "--depth", 2, "--centre", "videos")
    run(videobert, "tokenize", *to)
    status = json.loads(run(videobert, "status", *to, "--verify", "--json"))
    assert not status["damaged"]
    for stage in ("features", "transcripts", "tokens", "examples"):
        assert len(status[stage]["done"]) == 66
    learning = ("--init", "none", "--size", "tiny", "--steps", STEPS, "--batch-size", 32)
    learning += ("--learning-rate", 1e-3, "--dropout", 0, "--validation-share", 0)
    run(videobert, "pretrain", *to, "--out", model, *learning)
    losses = pq.read_table(model / "history.parquet").column("masked_joint_loss").to_pylist()
    assert losses[-1] < 0.85 * losses[0]
    monkeypatch.chdir(tmp_path)
    clip = kitchens / "npy" / f"{min(held_out)}.npy"
    asked = ("predict", clip, "--model", model, "--template", "[MASK] the [MASK]", "--json")
    answers = [
        json.loads(run(videobert, *asked, "--start", start, "--end", start + 60))
        for start in (100, 300)
    ]
    for answer in answers:
        assert len(answer["visual"]["words"]) == 60 and len(answer["masks"]) == 2
        assert Path(answer["picture"]).stat().st_size > 10_000
    assert answers[0]["masks"] != answers[1]["masks"]
    assert answers[0]["visual"]["words"] != answers[1]["visual"]["words"]
    refused = videobert("predict", tmp_path / "soup.mp4", "--model", model)
    assert refused.status == 2
