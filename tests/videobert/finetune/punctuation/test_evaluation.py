"""Figures of a restorer: by hand for given counts, near perfect for one that learnt the texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from feature_extraction.hearing.punctuation.restorer import PunctuationRestorer
from tests.toys.command_line import Run
from tests.toys.punctuation import TOY, write_corpus
from videobert.finetune.punctuation.evaluation import Evaluation, evaluate_punctuation
from videobert.finetune.punctuation.training import finetune_punctuation
from workfolder.errors import InputError


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("punctuation") / "texts")


@pytest.fixture(scope="module")
def model(corpus: Path) -> Path:
    """The folder of a restorer that has learnt the sentences."""
    finetune_punctuation([corpus], corpus.parent / "model", TOY)
    return corpus.parent / "model"


def test_precision_recall_and_f1_of_given_counts() -> None:
    counts = np.array([[3, 4, 6], [0, 0, 5], [0, 0, 0], [2, 2, 2]])
    found = Evaluation(1, 10, 5.0, {"restorer": counts})
    assert found.figures("restorer") == pytest.approx(
        np.array([[0.75, 0.5, 0.6], [0, 0, 0], [0, 0, 0], [1, 1, 1]])
    )
    assert "75.0  50.0  60.0" in str(found)


def test_held_out_transcripts_are_restored(corpus: Path, model: Path) -> None:
    found = evaluate_punctuation([corpus], PunctuationRestorer.load(model))
    assert 1 <= found.files < 30
    assert (found.figures("restorer")[:, 2] > 0.9).all()
    assert found.figures("restorer, then sentences")[3, 2] > 0.9
    assert (found.figures("pauses and length")[[0, 2]] == 0).all()


def test_what_has_no_marks_is_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="has no marks; give more transcripts, or captions"):
        evaluate_punctuation([tmp_path], PunctuationRestorer.load(model))


def test_the_command_evaluates_transcripts_and_captions(
    corpus: Path, model: Path, tmp_path: Path, videobert: Run
) -> None:
    captions = tmp_path / "clip.vtt"
    captions.write_text(
        "WEBVTT\n\n00:01.000 --> 00:05.000\nFirst, add the salt. Do you see that? Yes.\n",
        encoding="utf-8",
    )
    found = videobert("evaluate", "punctuation", captions, "--model", model)
    assert found.status == 0 and "1 files, 9 words" in found.out
    both = videobert("evaluate", "punctuation", corpus, captions, "--model", model, "--json")
    assert both.status == 0 and '"sentence end"' in both.out
