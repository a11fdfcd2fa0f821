"""The states of words and clips: each token once, where it stands, without signs."""

from __future__ import annotations

import numpy as np
import torch

from tests.toys.model import SENTENCES, toy_model
from videobert.probes.states import read_states


def test_each_word_and_clip_is_there_once_with_the_state_that_the_network_has() -> None:
    model = toy_model(SENTENCES * 2)
    texts, visual = model.processor.text_ids(["fry the onion", "", "wash"]), [[1, 2], [3, 4, 5], []]
    states = read_states(model, texts, visual)
    first = model.processor.vocabulary.first_visual
    for row, (text, words) in enumerate(zip(texts, visual, strict=True)):
        own = states.only(states.rows == row)
        assert own.ids.tolist() == [*text, *(first + word for word in words)]
        assert own.seen.tolist() == [False] * len(text) + [True] * len(words)
        inputs = model.processor.inputs([text], [words], 64)
        with torch.no_grad():
            expected = torch.stack(model.network.states(**inputs)).numpy()[:, 0, own.places]
        assert np.abs(own.layers - expected).max() < 1e-5
