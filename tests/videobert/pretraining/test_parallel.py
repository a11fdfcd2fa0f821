"""The same videos told in two languages."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.toys.training_processes import PRETRAIN, TINY, Death, call_and_die
from tests.toys.work_folder import make_work
from videobert.data.corpus import NOBODY
from videobert.pretraining.batches import JOINT
from videobert.pretraining.learner import PretrainLearner, pack_batch
from videobert.pretraining.options import PretrainOptions
from videobert.pretraining.parallel import own_positions
from videobert.pretraining.start import start_run
from videobert.sequences import ALIGNED, MISALIGNED, Part
from workfolder.errors import InputError
from workfolder.files import read_table, write_table
from workfolder.stage import Stage


def ciphered(text: str) -> str:
    """Every word in a language of its own."""
    return " ".join(f"q{word[::-1]}" for word in text.split())


def change(work: Path, row_of: Any) -> None:
    """Change the rows of a work folder's examples."""
    stage = Stage(work / "examples")
    for video in stage.done():
        table = read_table(stage.path(video))
        rows = [row_of(row) for row in table.to_pylist()]
        write_table(type(table).from_pylist(rows, schema=table.schema), stage.path(video))


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    one, other = (make_work(tmp_path_factory.mktemp(name) / "work") for name in ("one", "other"))
    change(other, lambda row: {**row, "text": ciphered(row["text"])})
    return one, other


def options(other: Path, **changes: Any) -> PretrainOptions:
    return replace(TINY, parallel=str(other), **changes)


@pytest.fixture
def learner(works: tuple[Path, Path]) -> PretrainLearner:
    return start_run(works[0], options(works[1]))


def test_each_sentence_finds_the_one_that_is_said_at_the_same_time(
    learner: PretrainLearner,
) -> None:
    batches = learner.phases[0][0]
    corpus, found = batches.corpus, batches.partners
    half = len(corpus) // 2
    spoken = np.flatnonzero(corpus.spoken)
    assert len(spoken) > 20
    assert (found[spoken] == (spoken + half) % len(corpus)).all()
    assert (found[~corpus.spoken] == NOBODY).all()
    assert (corpus.video[:half] == corpus.video[half:]).all()


def test_two_texts_stand_before_what_is_seen_in_half_of_the_pairs(
    learner: PretrainLearner,
) -> None:
    decode, two, joint = learner.processor.tokenizer.decode, 0, 0
    vocabulary = learner.processor.vocabulary
    sep = learner.processor.tokenizer.sep_token_id
    whole = replace(learner.phases[0][0], masker=lambda ids, rng: (ids, np.full(ids.shape, -100)))
    for step in range(20):
        batch = whole.batch(step)
        for row, label in zip(
            batch.input_ids[batch.regime == JOINT],
            batch.alignment[batch.regime == JOINT],
            strict=True,
        ):
            text = row[1 : row.tolist().index(vocabulary.joiner)]
            joint += 1
            if sep in text:
                two += 1
                place = text.tolist().index(sep)
                one, other = (
                    str(decode(text[part])) for part in (slice(place), slice(place + 1, None))
                )
                assert ciphered(one) == other or ciphered(other) == one
                assert label in (ALIGNED, MISALIGNED)
    assert 0.3 < two / joint < 0.7


def test_positions_begin_anew_where_two_texts_stand(learner: PretrainLearner) -> None:
    layout = learner.phases[0][0].layout
    one, other = Part([7, 8, 9]), Part([5, 6])
    seen = Part(np.array([0, 1, 2]), seen=True)
    rows = [layout.arrange(one, other, seen), layout.arrange(one, seen), layout.arrange(one, other)]
    found = own_positions(rows, 13).tolist()
    # [CLS] 7 8 9 [SEP] 5 6 [>] v v v [SEP] and padding
    assert found[0] == [0, 1, 2, 3, 4, 1, 2, 3, 1, 2, 3, 4, 5]
    assert found[1] == list(range(13))
    assert found[2] == [0, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8]
    batch = learner.batch(0)
    packed = pack_batch(batch, np.arange(len(batch)))
    resets = (packed["position_ids"].diff(dim=1) < 0) & (packed["sequence_ids"].diff(dim=1) == 0)
    assert resets.any()  # within a sequence


def test_killed_and_started_again_it_ends_with_the_same_bytes(
    works: tuple[Path, Path], tmp_path: Path
) -> None:
    one, other = works
    models = [tmp_path / "one", tmp_path / "two"]
    death = Death("videobert.learning.trainer.Trainer.update", 13)
    assert call_and_die(PRETRAIN, (one, models[0], options(other)), death) == -signal.SIGKILL
    for model in models:
        assert call_and_die(PRETRAIN, (one, model, options(other))) == 0
    first, second = ((model / "model.safetensors").read_bytes() for model in models)
    assert first == second


def test_what_cannot_be_is_refused(works: tuple[Path, Path], tmp_path: Path) -> None:
    one, other = works
    for changes in ({"objective": "causal"}, {"sample_words": 0.2}):
        with pytest.raises(InputError, match="--parallel counts positions anew"):
            options(other, **changes)
    later = make_work(tmp_path / "later")
    change(later, lambda row: {**row, "start": row["start"] + 1e6, "end": row["end"] + 1e6})
    with pytest.raises(InputError, match="none of its sentences overlaps in time"):
        start_run(one, options(later))
    with pytest.raises(InputError, match="holds no examples"):
        start_run(one, options(tmp_path / "nothing"))
