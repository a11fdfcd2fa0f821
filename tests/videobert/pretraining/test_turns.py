"""Two stretches of a video are told apart by which comes first, with pictures and without."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from tests.toys.training_processes import TINY
from tests.toys.work_folder import make_work
from videobert.data.corpus import NOBODY
from videobert.loading import load_model
from videobert.pretraining.batches import JOINT, ORDER, ORDER_TEXT, Batches
from videobert.pretraining.learner import PretrainLearner
from videobert.pretraining.loop import HISTORY_FILE, pretrain
from videobert.pretraining.masking.masker import IGNORED
from videobert.pretraining.objectives import total_loss
from videobert.pretraining.start import start_run
from videobert.pretraining.turns import ELSEWHERE, NEXT, PREVIOUS, TURNS, Turns
from workfolder.errors import InputError
from workfolder.files import read_json

ORDERED = replace(TINY, order_weight=1.0, dropout=0.0)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def run(work: Path) -> PretrainLearner:
    return start_run(work, ORDERED)


def batches_of(run: PretrainLearner) -> Batches:
    return run.phases[0][0]


def test_pairs_follow_one_another_or_are_of_two_videos(run: PretrainLearner) -> None:
    batches = batches_of(run)
    corpus, turns, rng = batches.corpus, batches.turns, np.random.default_rng(0)
    followed = corpus.following != NOBODY
    assert turns.pool.tolist() == np.flatnonzero(followed & batches.members).tolist()
    for example in turns.pool.tolist():
        after = int(corpus.following[example])
        assert turns.draw(example, NEXT, rng) == (example, after)
        assert turns.draw(example, PREVIOUS, rng) == (after, example)
        first, second = turns.draw(example, ELSEWHERE, rng)
        assert first == example and corpus.video[second] != corpus.video[example]
        assert batches.members[second]


def test_each_turn_is_a_third_half_of_it_without_pictures_and_nothing_is_hidden_there(
    run: PretrainLearner,
) -> None:
    first_visual, tokenizer = run.processor.vocabulary.first_visual, run.processor.tokenizer
    counts: Counter[tuple[int, int]] = Counter()
    for step in range(12):
        batch = run.batch(step)
        for row in np.flatnonzero(batch.regime >= ORDER).tolist():
            ids = batch.input_ids[row][batch.attention_mask[row] == 1]
            counts[int(batch.regime[row]), int(batch.alignment[row])] += 1
            assert (batch.labels[row] == IGNORED).all() and tokenizer.mask_token_id not in ids
            signs = (ids == tokenizer.sep_token_id).sum(), (ids == first_visual - 1).sum()
            blind = batch.regime[row] == ORDER_TEXT
            assert signs == ((2, 0) if blind else (1, 3)) and (ids >= first_visual).any() != blind
    assert set(counts) == {(regime, turn) for regime in (ORDER, ORDER_TEXT) for turn in TURNS}
    assert set(counts.values()) == {6}  # 12 batches of 3 pairs
    assert {*batch.alignment[batch.regime == JOINT]} <= {0, 1}


def test_the_loss_of_turns_reaches_the_encoder_and_adds_up(run: PretrainLearner) -> None:
    batch, everything = run.batch(0), np.arange(len(run.batch(0)))
    asked, device = run.asked(batch), torch.device("cpu")
    assert asked["order"] + asked["order_text_alone"] == 3
    model = run.model.eval()

    def scores(chosen: np.ndarray) -> dict[str, torch.Tensor]:
        found = run.scores(model, batch, chosen, device)
        return {name: score for name, score in found.items() if name.startswith("order")}

    whole = total_loss(scores(everything), asked)
    parts = [total_loss(scores(everything[part::3]), asked) for part in range(3)]
    assert float(sum(parts).detach()) == pytest.approx(float(whole.detach()), abs=1e-5)
    whole.backward()
    gradient = model.get_input_embeddings().weight.grad
    assert gradient is not None and gradient.abs().sum() > 0
    model.zero_grad()


def test_history_has_both_accuracies_and_the_head_is_thrown_away(
    work: Path, tmp_path: Path
) -> None:
    pretrain(work, tmp_path / "model", replace(ORDERED, steps=10))
    history = pq.read_table(tmp_path / "model" / HISTORY_FILE)
    for name in ("order", "order_text_alone"):
        found = [
            each for each in history.column(f"{name}_accuracy").to_pylist() if each is not None
        ]
        assert found and all(0 <= each <= 1 for each in found)
    assert load_model(tmp_path / "model").network.turns is None
    assert read_json(tmp_path / "model" / "options.json")["order_weight"] == 1.0


def test_validation_asks_it_where_two_videos_are_kept_apart(
    run: PretrainLearner, work: Path
) -> None:
    assert run.kept_apart is not None and run.kept_apart.counts == (3, 3, 3, 3)
    few = start_run(work, replace(ORDERED, validation_share=0.1)).kept_apart
    assert few is not None and few.counts[3] == 0


def test_one_video_alone_cannot_be_told_from_another(run: PretrainLearner) -> None:
    corpus = batches_of(run).corpus
    with pytest.raises(InputError, match=r"fewer than two videos .* --order-weight 0"):
        Turns(corpus, corpus.video == 0).check()
