"""METEOR's program: the conversation with it, and what if it cannot be had."""

from __future__ import annotations

import sys

import pytest

from videobert.evaluation.metrics import meteor as meteor_module
from videobert.evaluation.metrics.captions import score_captions
from videobert.evaluation.metrics.meteor import MeteorError, converse, question

PAIR = ["the pan is hot", "a boy slices an onion"]


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
