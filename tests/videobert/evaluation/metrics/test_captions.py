"""Caption scores against those of the reference program."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from videobert.evaluation.metrics.captions import CaptionMetrics, Metric, score_captions
from videobert.evaluation.metrics.meteor import MeteorError, find_jar, find_java
from workfolder.errors import InputError

CASES = ["clipscore_good", "clipscore_bad", "nlg-eval"]


@pytest.mark.parametrize("case", CASES)
def test_scores_are_the_reference_programs(shared_data, case):
    expected, scores = scored(shared_data / "scoring", case)
    ours = {f"Bleu_{order}": score for order, score in enumerate(scores.bleu, start=1)}
    agree(ours | {"ROUGE_L": scores.rouge_l, "CIDEr": scores.cider_d}, expected)
    assert scores.meteor is None and "not asked for" in scores.why_no_meteor


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_meteor_is_the_reference_programs(shared_data, case):
    skip_without_meteor()
    expected, scores = scored(shared_data / "scoring", case, with_meteor=True)
    assert scores.meteor is not None, scores.why_no_meteor
    agree({"METEOR": scores.meteor}, expected)


def scored(folder: Path, case: str, with_meteor: bool = False) -> tuple[dict, CaptionMetrics]:
    expected = json.loads((folder / "EXPECTED.json").read_text("utf-8"))[case]
    if case == "nlg-eval":
        ours, first, second = (
            (folder / case / f"{name}.txt").read_text().splitlines()
            for name in ("hyp", "ref1", "ref2")
        )
        return expected, score_captions(
            ours, list(zip(first, second, strict=True)), tokenised=True, with_meteor=with_meteor
        )
    captions = json.loads(
        (folder / "clipscore" / f"{case.removeprefix('clipscore_')}_captions.json").read_text(
            "utf-8"
        )
    )
    references = json.loads((folder / "clipscore" / "refs.json").read_text("utf-8"))
    theirs = [references[name] for name in captions]
    return expected, score_captions(list(captions.values()), theirs, with_meteor=with_meteor)


def agree(scores: dict[str, Metric], expected: dict) -> None:
    for name, score in scores.items():
        assert score.corpus == pytest.approx(
            expected["computed_with_pycocoevalcap"][name], abs=1e-6
        ), name
        assert score.corpus == pytest.approx(expected["published"][name], abs=1e-4), name
        np.testing.assert_allclose(score.items, expected["per_item"][name], atol=1e-6, err_msg=name)


def skip_without_meteor() -> None:
    try:
        find_java(), find_jar()
    except MeteorError as error:
        pytest.skip(str(error))


PAIR = ["the pan is hot", "a boy slices an onion"]


def test_the_reference_itself_scores_highest():
    scores = score_captions(PAIR, [[caption] for caption in PAIR])
    for score in (*scores.bleu, scores.rouge_l):
        np.testing.assert_allclose(score.items, 1, atol=1e-6)
    np.testing.assert_allclose(scores.cider_d.items, 10)
    assert list(scores.corpus) == [
        "BLEU-1",
        "BLEU-2",
        "BLEU-3",
        "BLEU-4",
        "METEOR",
        "ROUGE-L",
        "CIDEr-D",
    ]


def test_words_in_another_order_lose_only_what_looks_at_order():
    scores = score_captions(["hot is pan the", PAIR[1]], [[caption] for caption in PAIR])
    assert scores.bleu[0].items[0] == pytest.approx(1)
    assert scores.bleu[1].items[0] == pytest.approx(0, abs=1e-3)
    assert scores.rouge_l.items[0] == pytest.approx(1 / 4)
    assert 0 < scores.cider_d.items[0] < scores.cider_d.items[1]


def test_the_brevity_penalty_takes_the_closest_reference_and_the_shorter_of_two():
    references = [["a b c d e f", "a b"]]
    assert score_captions(["a b c d"], references).bleu[0].corpus == pytest.approx(
        1
    )  # 2 and 6 are as near to 4
    assert score_captions(["a b c d e"], references).bleu[0].corpus == pytest.approx(
        np.exp(1 - 6 / 5)
    )


def test_an_empty_caption_scores_nothing_and_the_rest_is_as_it_was():
    references = [[caption] for caption in PAIR]
    scores = score_captions(["...", PAIR[1]], references)
    full = score_captions(PAIR, references)
    for score, whole in zip(
        (*scores.bleu, scores.rouge_l, scores.cider_d),
        (*full.bleu, full.rouge_l, full.cider_d),
        strict=True,
    ):
        assert score.items[0] == 0
        assert score.items[1] == whole.items[1]


def test_an_empty_reference_gives_numbers():
    scores = score_captions(["a pan", ""], [[""], ["", "an egg"]])
    assert scores.rouge_l.items.tolist() == [
        0,
        1,
    ]  # to the reference program two empty captions are alike
    assert all(np.isfinite(score.items).all() for score in (*scores.bleu, scores.cider_d))


def test_one_clip_has_no_rare_words():
    assert score_captions(["the pan"], [["the pan"]]).cider_d.corpus == 0


@pytest.mark.parametrize(
    ("candidates", "references", "message"),
    [
        ([], [], "no captions to score"),
        (["a"], [["a"], ["b"]], "1 captions and references for 2 do not match"),
        (["a", "b"], [["a"], []], "references of caption 1"),
        (["a"], ["a"], "references of caption 0"),
    ],
)
def test_what_cannot_be_scored_is_said_in_one_line(candidates, references, message):
    with pytest.raises(InputError, match=message) as error:
        score_captions(candidates, references)
    assert "\n" not in str(error.value)
