"""Order and negation: a model without places does not see that clips are shuffled."""

from __future__ import annotations

import torch

from tests.toys.model import SENTENCES, toy_model
from videobert.probes.order import Movement, measure_movement, usable_rows


def movement(places: bool) -> Movement:
    model = toy_model(SENTENCES * 2)
    with torch.no_grad():  # an untrained model hardly looks; a louder one does
        for layer in model.network.bert.encoder.layer:
            layer.attention.self.value.weight *= 20
        if not places:
            model.network.bert.embeddings.position_embeddings.weight.zero_()
    texts = model.processor.text_ids(SENTENCES)
    rows = usable_rows(model, [*texts, []], [[1, 2, 3], [4, 5, 6], [7, 8, 1], [2, 2], [1, 2]])
    assert len(rows) == 3  # the others cannot be shuffled, or say nothing
    return measure_movement(model, rows)


def test_a_bag_of_words_moves_by_other_clips_and_not_by_shuffled_ones() -> None:
    moved = {change.name: change for change in movement(places=False).changes}
    assert moved["clips shuffled"].moved < 1e-5
    assert moved["clips shuffled"].alignment < 1e-5
    assert moved["words shuffled"].moved < 1e-5
    for change in ("clips of another row", "sentence of another row", "negated"):
        assert moved[change].moved > 1e-4, change


def test_a_model_with_places_moves() -> None:
    moved = {change.name: change.moved for change in movement(places=True).changes}
    assert moved["clips shuffled"] > 1e-4
    assert all(0 <= each <= 1 for each in moved.values())
