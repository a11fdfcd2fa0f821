"""Caption scores against the figures of the reference program, and captions as its tokeniser cuts them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from videobert.evaluation.metrics import meteor as meteor_module
from videobert.evaluation.metrics.captions import CaptionScores, Score, score_captions
from videobert.evaluation.metrics.meteor import MeteorError, converse, find_jar, find_java, question
from videobert.evaluation.metrics.ptb_tokens import ptb_tokens
from workfolder.errors import InputError

# What the reference program's PTBTokenizer (stanford-corenlp-3.4.1) makes of these, less punctuation.
REFERENCE_TOKENS = {
    "A man's dogs' bowl; I don't, it's...": "a man 's dogs bowl i do n't it 's",
    "they'd've shouldn't've CANNOT gonna gimme 'tis": "they 'd 've should n't 've can not gon na gim me 't is",
    "rock'n'roll, get 'em 'til 5 o'clock, y'all ma'am": "rock 'n' roll get 'em 'til 5 o'clock y' all ma'am",
    "mix (salt) [pepper] – “slowly”": "mix -lrb- salt -rrb- -lsb- pepper -rsb- slowly",
    "wait... what?! no!! yes?": "wait what ?! no !! yes",
    "Mr. Smith vs. Dr. Who, approx. 5 oz. at 5 p.m. in the U.S.": "mr. smith vs. dr. who approx 5 oz at 5 p.m. in the u.s.",
    "No. 5 is no. Plan b.": "no. 5 is no plan b.",
    "3½ cups, ¼-inch, 350°F, 50% of $3.50 or £4": "3 1/2 cups 1/4 inch 350 ° f 50 % of $ 3.50 or # 4",
    "2 1/2 cups, 2-1/2 and 1/2-inch": "2\u00a01/2 cups 2-1/2 and 1/2-inch",
    "1,000 3.5-4 8:30pm 2+2 4x4 '90s 1990's": "1,000 3.5-4 8:30 pm 2 +2 4x4 '90s 1990 's",
    "deep-fried and/or Q&A salt&pepper -end- ok.then": "deep-fried and/or q&a salt & pepper end ok.then",
    "jalapeño 豆腐 <unk> [UNK] nice 😀 :)": "jalapeño 豆腐 <unk> -lsb- unk -rsb- nice :-rrb-",
    "it’s &amp; &quot;so&quot; www.foo.com x@y.com #tag": "it 's & so www.foo.com x@y.com #tag",
}


@pytest.mark.parametrize("caption", REFERENCE_TOKENS)
def test_tokens_are_the_reference_programs(caption):
    assert " ".join(ptb_tokens(caption)) == REFERENCE_TOKENS[caption]


@pytest.mark.parametrize("caption", ["", " \n", "...", "'\"", "-- ;"])
def test_a_caption_without_words_has_no_tokens(caption):
    assert ptb_tokens(caption) == []


@pytest.mark.parametrize(
    "text",
    ["." * 20_000, "a." * 10_000, "a-" * 10_000, "a/" * 10_000, "ai" * 10_000, "1," * 10_000],
)
def test_a_long_and_silly_caption_is_cut(text):
    assert set("".join(ptb_tokens(text))) <= set(
        text
    )  # backtracking without end would not come back


def test_every_youcook2_caption_is_cut_as_by_the_reference_program(shared_data, tmp_path):
    """Runs the reference tokeniser itself, where the extra `meteor` has brought it."""
    skip_without_meteor()
    annotations = json.loads(
        (shared_data / "annotations/youcook2/youcookii_annotations_trainval.json").read_text(
            "utf-8"
        )
    )
    segments = [
        segment for video in annotations["database"].values() for segment in video["annotations"]
    ]
    captions = [" ".join(segment["sentence"].split()) for segment in segments]
    asked = tmp_path / "captions.txt"
    asked.write_text("\n".join(captions) + "\n", encoding="utf-8")
    jar = find_jar().parents[1] / "tokenizer" / "stanford-corenlp-3.4.1.jar"
    command = [
        find_java(),
        "-cp",
        jar,
        "edu.stanford.nlp.process.PTBTokenizer",
        "-preserveLines",
        "-lowerCase",
        asked,
    ]
    lines = subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=120, check=True
    ).stdout.split("\n")[:-1]
    dropped = "'' ' `` ` -LRB- -RRB- -LCB- -RCB- . ? ! , : - -- ... ;".split()
    theirs = [[word for word in line.split(" ") if word and word not in dropped] for line in lines]
    assert len(captions) == 13_829
    assert [ptb_tokens(caption) for caption in captions] == theirs


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


def scored(folder: Path, case: str, with_meteor: bool = False) -> tuple[dict, CaptionScores]:
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


def agree(scores: dict[str, Score], expected: dict) -> None:
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


def test_without_java_meteor_is_none_with_the_reason(monkeypatch):
    monkeypatch.setenv("PATH", "")
    scores = score_captions(PAIR, [[caption] for caption in PAIR], with_meteor=True)
    assert scores.meteor is None and scores.corpus["METEOR"] is None
    assert "install a Java runtime" in scores.why_no_meteor
    assert scores.bleu[0].corpus == pytest.approx(1)


def test_without_the_extra_meteor_is_none_with_the_reason(monkeypatch):
    monkeypatch.setattr(meteor_module, "PACKAGE", "no_such_package_here")
    monkeypatch.setattr(meteor_module, "find_java", lambda: "java")
    scores = score_captions(PAIR, [[caption] for caption in PAIR], with_meteor=True)
    assert scores.meteor is None and "videobert[meteor]" in scores.why_no_meteor


# A program that talks as METEOR's does: the count of words of a caption is its statistic and its score.
TALKER = """
import sys
for line in sys.stdin:
    verb, *fields = line.strip().split(" ||| ")
    print(len(fields[-1].split()) if verb == "SCORE" else "\\n".join([*fields, str(sum(map(int, fields)))]), flush=True)
"""


def test_the_conversation_gives_each_score_and_then_that_of_all():
    questions = [question(caption.split(), [["a"]]) for caption in PAIR * 2000]
    answers = converse([sys.executable, "-c", TALKER], questions, timeout=60)
    assert answers == [4.0, 5.0] * 2000 + [18_000.0]


def test_a_caption_cannot_break_out_of_its_field():
    assert question(["a", "|||", "b"], [["c|||d"]]).count("|||") == 2


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import time; time.sleep(3600)", "took more than 1 s"),
        ("import sys; print('no heap', file=sys.stderr)", "no heap"),
        ("print('what?'); input(); print('what?'); input()", "what?"),
    ],
)
def test_a_program_that_hangs_dies_or_babbles_is_an_error(program, message):
    with pytest.raises(MeteorError, match=message):
        converse([sys.executable, "-c", program], ["SCORE ||| a ||| a"], timeout=1)


def test_a_machine_with_other_work_to_do_is_no_hang(monkeypatch):
    monkeypatch.setattr(meteor_module, "find_java", lambda: "java")
    monkeypatch.setattr(meteor_module, "find_jar", lambda: "jar")
    limits = []
    monkeypatch.setattr(
        meteor_module,
        "converse",
        lambda command, questions, timeout: limits.append(timeout) or [0.5] * 3,
    )
    meteor_module.meteor([["a"]] * 2, [[["a"]]] * 2)
    assert limits[0] > 500  # 18 captions took more than a minute


def test_a_program_that_is_not_there_is_an_error():
    with pytest.raises(MeteorError, match="no_such_program"):
        converse(["/no_such_program"], ["SCORE ||| a ||| a"], timeout=1)
