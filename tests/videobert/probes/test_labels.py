"""Linear probes: those of scikit-learn, on videos held out, beside labels by chance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit
from sklearn.preprocessing import OneHotEncoder

from tests.toys.model import SENTENCES, toy_model
from videobert.data.annotations import Annotation
from videobert.data.clips import Clips
from videobert.probes.labels import TEST, accuracies, labelled_clips, probe_labels
from workfolder.errors import InputError

VERBS = np.array(["chop", "fry", "wash"])


def test_the_probe_of_one_hot_words_is_the_probe_of_words() -> None:
    rng = np.random.default_rng(0)
    words, videos = rng.integers(30, size=600), np.repeat(np.arange(20), 30)
    labels = VERBS[np.where(rng.random(600) < 0.3, rng.integers(3, size=600), words % 3)]
    one_hot = np.eye(30)[words]
    train, test = next(
        GroupShuffleSplit(1, test_size=TEST, random_state=1).split(words, labels, videos)
    )
    coded = OneHotEncoder().fit_transform(words[:, None])
    probe = LogisticRegression(max_iter=500).fit(coded[train], labels[train])
    found, _ = accuracies(one_hot, labels, words, videos, seed=1)
    assert found == pytest.approx(probe.score(coded[test], labels[test]), abs=1 / len(test))


def test_labels_of_the_word_are_memory_and_labels_of_the_context_are_selective() -> None:
    rng = np.random.default_rng(0)
    words, context = rng.integers(30, size=900), rng.integers(3, size=900)
    videos = np.repeat(np.arange(30), 30)
    states = np.hstack([np.eye(30)[words], np.eye(3)[context]])
    of_word, control = accuracies(states, VERBS[words % 3], words, videos)
    assert of_word > 0.99
    assert control > 0.99  # the control is as good: nothing but the word is known
    of_context, _ = accuracies(states, VERBS[context], words, videos)
    blind, _ = accuracies(states[:, :30], VERBS[context], words, videos)
    assert of_context > 0.99
    assert blind < 0.5


def _annotation(video: str, start: float | None, label: str | None) -> Annotation:
    return Annotation(video, start, None if start is None else start + 3, "", label, (), None)


def test_clips_get_the_label_of_their_stretch_and_every_layer_is_probed() -> None:
    start = np.arange(0.0, 12, 1.5)
    footage = {f"v{n}": Clips(start, start + 1.5, np.arange(8) % 3 + 3 * (n % 2)) for n in range(6)}
    rows = [_annotation(f"v{n}", 3.0 * k, VERBS[n % 2]) for n in range(6) for k in range(4)]
    rows += [_annotation("absent", 0.0, "chop"), _annotation("v0", None, None)]
    labelled = labelled_clips(rows, footage)
    assert len(labelled.words) == 24
    assert labelled.words[0].tolist() == [0, 1]
    model = toy_model(SENTENCES * 2)
    found = probe_labels(model, labelled)
    assert len(found.right) == model.network.config.num_hidden_layers + 1
    assert (found.clips, found.labels, found.commonest) == (48, 2, 0.5)
    assert found.right[0] == 1  # words tell the label


def test_one_class_is_refused() -> None:
    footage = {"v": Clips(np.zeros(1), np.ones(1), np.zeros(1, dtype=int))}
    with pytest.raises(InputError, match="two labels and three videos"):
        labelled_clips([_annotation("v", None, "chop")] * 3, footage)
