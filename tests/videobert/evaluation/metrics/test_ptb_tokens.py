"""Captions as the reference tokeniser cuts them."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from videobert.evaluation.metrics.meteor import MeteorError, find_jar, find_java
from videobert.evaluation.metrics.ptb_tokens import ptb_tokens

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
        shutil.copy(jar, tmp_path),  # in the C locale Java cannot read a path with an umlaut
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


def skip_without_meteor() -> None:
    try:
        find_java(), find_jar()
    except MeteorError as error:
        pytest.skip(str(error))


PAIR = ["the pan is hot", "a boy slices an onion"]
