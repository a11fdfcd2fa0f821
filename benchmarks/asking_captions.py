"""Whether captions, too, should be chosen by how much better they fit a clip than any clip.

    python -m benchmarks.asking_captions --held-out held_out model0 model1 model2

Each model has a captioner that reads no features (videobert finetune caption --features videobert).
The captions that it writes for all held-out stretches are ranked anew for each of them: by their
score, and by their score less its mean over the clips of the model's bank. CIDEr-D and ROUGE-L are
printed for both, and for the captions as they were written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.asking import LESS
from benchmarks.machine import machine
from videobert.data.stretches import Stretch, spoken
from videobert.data.work import read_stretches
from videobert.evaluation.metrics.captions import score_captions
from videobert.finetune.captions.captioner import Captioner, load_captioner, segment_features
from videobert.loading import TrainedModel, load_model
from workfolder.errors import InputError

ROWS = 512
"""Pairs of a clip and a caption that go through the network together."""


def captions(model: TrainedModel, captioner: Captioner, held_out: Path) -> dict[str, list[str]]:
    """Caption every stretch that somebody speaks of, in each way; and what was really said."""
    asked = spoken(read_stretches(held_out, model.processor.codebook))
    written = [each.text for each in captioner(_features(model, captioner, asked))]
    choices = sorted(set(written))
    assert model.bank
    any_clip = [Stretch("", 0.0, 1.0, words=words) for words in model.bank.visual]
    own, anyhow = (_scores(model, captioner, stretches, choices) for stretches in (asked, any_clip))
    ways = {"as the paper asks": own, LESS: own - anyhow.mean(axis=0)}
    return {
        "said": [stretch.text for stretch in asked],
        "as written": written,
        **{way: [choices[best] for best in found.argmax(axis=1)] for way, found in ways.items()},
    }


def _features(
    model: TrainedModel, captioner: Captioner, stretches: Sequence[Stretch]
) -> dict[str, torch.Tensor]:
    return dict(segment_features(model, captioner.network.config.features, stretches))


@torch.inference_mode()
def _scores(
    model: TrainedModel, captioner: Captioner, stretches: Sequence[Stretch], texts: Sequence[str]
) -> np.ndarray:
    """Score each text as the caption of each stretch, float32 [stretches, texts]."""
    network, features = captioner.network, _features(model, captioner, stretches)
    ids = captioner.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    pieces = [torch.tensor([*each, network.config.end]) for each in ids]
    padded = torch.nn.utils.rnn.pad_sequence(pieces, True, network.config.pad)
    clip, text = (part.ravel() for part in np.indices((len(stretches), len(texts))))
    found = [
        network.scores(
            {part: values[clip[first : first + ROWS]] for part, values in features.items()},
            padded[text[first : first + ROWS]],
        )
        for first in range(0, len(clip), ROWS)
    ]
    return torch.cat(found).numpy().reshape(len(stretches), len(texts))


def main() -> None:
    """Ask every captioner and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("models", type=Path, nargs="+")
    given = parser.parse_args()
    print(machine("torch"))
    for folder in given.models:
        try:
            model = load_model(folder)
            found = captions(model, load_captioner(folder, model), given.held_out)
        except InputError as error:
            sys.exit(f"python -m benchmarks.asking_captions: {error}")
        said = [[text] for text in found.pop("said")]
        for way, texts in found.items():
            scores = score_captions(texts, said, with_meteor=False)
            told = f"CIDEr-D {scores.cider_d.corpus:.3f}, ROUGE-L {scores.rouge_l.corpus:.3f}"
            print(f"{folder}  {way:20s} {told}", flush=True)


if __name__ == "__main__":
    main()
