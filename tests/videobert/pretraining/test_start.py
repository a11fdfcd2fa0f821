from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from tests.toys.bert import write_bert
from tests.toys.codebook import toy_codebook
from tests.toys.training_processes import TINY
from tests.toys.work_folder import make_work
from tokenization.schema import EXAMPLES
from videobert.pretraining.batches import JOINT, TEXT, VIDEO
from videobert.pretraining.start import start_run
from workfolder.errors import InputError
from workfolder.files import write_table
from workfolder.stage import Stage


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"))


def test_validation_videos_are_not_trained_on(work: Path) -> None:
    run = start_run(work, TINY)
    trained, apart = run.phases[0][0].members, run.kept_apart.members
    corpus = run.kept_apart.corpus
    assert len(set(corpus.video[apart])) == 3 and not set(corpus.video[apart]) & set(
        corpus.video[trained]
    )
    assert (trained | apart).all()
    other = start_run(work, replace(TINY, seed=5)).kept_apart.members
    assert (other != apart).any()


@pytest.mark.parametrize(("share", "videos"), [(0.0, 10), (0.05, 8), (0.3, 1)])
def test_where_too_few_videos_are_kept_apart_none_are(
    tmp_path: Path, share: float, videos: int
) -> None:
    run = start_run(
        make_work(tmp_path, videos), replace(TINY, validation_share=share, negative_margin=0.0)
    )
    assert run.kept_apart is None and run.phases[0][0].members.all()


def test_validation_leaves_out_what_its_videos_cannot_be_asked(work: Path) -> None:
    one = start_run(work, replace(TINY, validation_share=0.1, negative_margin=1000.0)).kept_apart
    assert one.counts[JOINT] == 0 and one.counts[TEXT] == one.counts[VIDEO] == 6


def test_validation_asks_only_what_is_trained_and_all_of_it_alike(work: Path) -> None:
    counts = start_run(work, replace(TINY, text_weight=0.0, video_weight=9.0)).kept_apart.counts
    assert counts == (0, 6, 6, 0)


def test_each_phase_has_its_length_and_batch(work: Path) -> None:
    run = start_run(work, replace(TINY, phases="8:6:5,24:3:5"))
    batches = [phase.batch(0) for phase, _ in run.phases]
    assert [len(batch.regime) for batch in batches] == [6, 3]
    assert batches[0].input_ids.shape[1] <= 8 < batches[1].input_ids.shape[1] <= 24
    assert run.model.config.max_position_embeddings == 24


def test_nobody_speaks(tmp_path: Path) -> None:
    work = make_work(tmp_path, spoken=False)
    with pytest.raises(InputError, match="nobody speaks"):
        start_run(work, TINY)


def test_a_regime_without_examples_is_refused(tmp_path: Path) -> None:
    work = make_work(tmp_path / "work", spoken=False)
    bert = write_bert(tmp_path / "bert", 23)
    with pytest.raises(InputError, match="text regime"):
        start_run(work, replace(TINY, init=str(bert)))


def test_examples_of_another_codebook_are_refused(tmp_path: Path) -> None:
    work = make_work(tmp_path)
    toy_codebook(seed=1).save(work / "codebook")
    with pytest.raises(InputError, match=r"another codebook.*videobert tokenize"):
        start_run(work, TINY)


def test_visual_words_beyond_the_codebook_are_refused(tmp_path: Path) -> None:
    work = make_work(tmp_path)
    row = {"video_id": "v0", "start": 0.0, "end": 5.0, "text": "", "visual": [9]}
    write_table(pa.Table.from_pylist([row], schema=EXAMPLES), Stage(work / "examples").path("v0"))
    with pytest.raises(InputError, match=r"examples has visual words beyond the 9"):
        start_run(work, TINY)
