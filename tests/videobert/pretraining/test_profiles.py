"""Visual words begin near the words that are said over them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.toys.training_processes import TINY
from tests.toys.work_folder import make_work
from tokenization.schema import EXAMPLES
from videobert.data.corpus import Corpus, make_corpus
from videobert.pretraining.profiles import profiles
from videobert.pretraining.start import start_run

WORDS, WIDTH = 6, 8


def corpus_of(*rows: tuple[list[int], list[int]]) -> Corpus:
    table = [
        {"video_id": "v", "start": float(n), "end": n + 1.0, "text": " ".join(map(str, text)), "visual": visual}
        for n, (text, visual) in enumerate(rows)
    ]  # fmt: skip
    return make_corpus(
        pa.Table.from_pylist(table, schema=EXAMPLES),
        lambda texts: [[int(word) for word in text.split()] for text in texts],
    )


@pytest.fixture
def embeddings() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(20, WIDTH)).astype(np.float32)


def test_a_row_is_the_mean_of_what_is_said_over_its_word(embeddings: np.ndarray) -> None:
    places = np.eye(WORDS, 10, dtype=np.float32) * 3
    said = [([10 + word, 2], [word, word]) for word in range(5)] + [([15, 16], [5])]
    found = profiles(corpus_of(*said), embeddings, places, signs={2})
    expected = [*embeddings[10:15], embeddings[15:17].mean(axis=0)]
    assert np.allclose(found, expected, atol=0.05)


def test_a_word_over_which_nobody_speaks_lies_where_its_likes_do(embeddings: np.ndarray) -> None:
    places = np.zeros((WORDS, 2), dtype=np.float32)
    places[:, 0] = [0, 0.1, 10, 10.1, 10.05, np.nan]
    said = [([10], [0, 1]), ([11], [2, 3]), ([], [4, 4, 5])]
    found = profiles(corpus_of(*said), embeddings, places, signs=())
    assert np.allclose(found[4], embeddings[11], atol=0.1)
    assert np.isnan(found[5]).all() and np.isfinite(found[:5]).all()


def test_where_nobody_speaks_there_are_none(embeddings: np.ndarray) -> None:
    places = np.eye(WORDS, dtype=np.float32)
    assert profiles(corpus_of(([], [1]), ([7], [])), embeddings, places, signs=()) is None
    assert profiles(corpus_of(([7], [1])), embeddings, places, signs={7}) is None


def test_a_run_begins_with_them(tmp_path: Path) -> None:
    """Video v works on noun v and shows word v, so word v begins nearest to that noun."""
    work, right = make_work(tmp_path), 0
    run = start_run(work, replace(TINY, visual_start="profiles"))
    rows, vocabulary = run.model.get_input_embeddings().weight.detach(), run.processor.vocabulary
    visual = rows[vocabulary.first_visual :]
    corpus = run.phases[0][0].corpus
    expected = profiles(
        corpus,
        rows.numpy(),
        run.processor.codebook.places,
        set(run.processor.tokenizer.all_special_ids),
    )
    alike = torch.cosine_similarity(visual, torch.from_numpy(expected), dim=1)
    right = int((alike > 0.999).sum())
    assert right == len(visual)
    norms = rows[: vocabulary.text_size].norm(dim=1).mean(), visual.norm(dim=1).mean()
    assert norms[0].item() == pytest.approx(norms[1].item(), rel=1e-4)
