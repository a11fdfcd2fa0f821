"""The zero-shot rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.toys.model import toy_model
from videobert.data.stretches import Stretch
from videobert.evaluation.actions import ActionLabels, evaluate_actions
from videobert.evaluation.labels import nouns, verbs
from videobert.loading import TrainedModel


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return toy_model(
        [
            f"now let me show you how to {verb} the {noun}"
            for verb in verbs().words
            for noun in nouns().words
        ]
    )


def test_a_model_that_reads_the_video_is_told_from_one_that_does_not(model: TrainedModel) -> None:
    labels = ActionLabels(["cut", "stir"], ["onion", "rice"], [3, 1], [3, 1])
    stretches = [
        Stretch(f"v{n}", 0, 1.5, words=np.array([n // 2]), labels=(n // 2, n // 2))
        for n in range(4)
    ]

    class Reading:
        """Says label 0 of word 0 and label 1 of word 1; of no video label 0."""

        def __call__(self, input_ids: Any, **_: Any) -> Any:
            from videobert.joint_network import VideoBertOutput

            processor = model.processor
            ids = [processor.text_ids([word])[0][0] for word in ("cut", "onion", "stir", "rice")]
            seen = (input_ids == processor.vocabulary.first_visual + 1).any(dim=1).long()
            logits = np.zeros((len(seen), 2, processor.vocabulary.size), dtype=np.float32)
            for row, word in enumerate(seen.tolist()):
                logits[row, [0, 1], ids[2 * word : 2 * word + 2]] = 9
            import torch

            return VideoBertOutput(
                prediction_logits=torch.from_numpy(logits.reshape(-1, logits.shape[-1]))
            )

        config, device = model.network.config, model.network.device

    reading = TrainedModel(Reading(), model.processor)
    table = evaluate_actions(reading, stretches, [], labels)
    right = {method: row["verb_top1"].value for method, row in table.rows.items()}
    assert right == {
        "chance": 0.5,
        "frequency_prior": 0.5,
        "language_prior": 0.5,
        "shuffled_video": 0,
        "cross_modal": 1,
    }
    assert {method: row["noun_top1"].value for method, row in table.rows.items()} == right
