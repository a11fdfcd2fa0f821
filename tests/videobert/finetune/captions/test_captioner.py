from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.toys.codebook import WIDTH
from tests.toys.model import CAPTIONS, captioning_model
from tests.toys.work_folder import toy_stretches
from videobert.data.clip_encoder import EncodedClip
from videobert.data.clips import Clips
from videobert.data.stretches import Stretch
from videobert.finetune.captions import captioner as captioning
from videobert.finetune.captions.captioner import (
    FEATURES,
    FOLDER,
    WEIGHTS_FILE,
    Captioner,
    caption,
    load_captioner,
    model_digest,
    segment_features,
)
from videobert.finetune.captions.network import CaptionNetwork, Features
from videobert.finetune.captions.options import CaptionOptions
from videobert.finetune.captions.training import train_captioner
from videobert.loading import TrainedModel
from workfolder.errors import InputError
from workfolder.files import write_json
from workfolder.stage import OPTIONS_FILE

HIDDEN, LENGTH = 128, 512
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return captioning_model()


@pytest.fixture(scope="module")
def captioner(model: TrainedModel) -> Captioner:
    stretches = toy_stretches(copies=12)
    sentences = [stretch.text for stretch in stretches]
    videos = [stretch.video for stretch in stretches]
    options = CaptionOptions(dropout=0.1, batch_size=16, steps=100, validate_every=25)
    features = segment_features(model, options.features, stretches)
    return train_captioner(model.processor, features, sentences, videos, options).captioner


@pytest.fixture(scope="module")
def untrained(captioner: Captioner) -> Captioner:
    """It says nonsense of any length, so that greedy search and beams part."""
    torch.manual_seed(3)
    network = CaptionNetwork(captioner.network.config).eval()
    return Captioner(network, captioner.tokenizer)


def toy_features(model: TrainedModel, seed: int = 9, copies: int = 2) -> Features:
    return segment_features(model, "videobert+s3d", toy_stretches(copies, seed))


def seen(*visual: np.ndarray) -> list[Stretch]:
    return [Stretch("video", 0, 1.5 * len(words), words=words) for words in visual]


@pytest.mark.parametrize(
    ("variant", "widths"),
    [
        ("s3d", {"s3d": WIDTH}),
        ("video", {"visual": HIDDEN}),
        ("videobert", {"visual": HIDDEN, "masked": HIDDEN}),
        ("videobert+s3d", {"visual": HIDDEN, "masked": HIDDEN, "s3d": WIDTH}),
    ],
)
def test_each_variant_reads_its_parts(
    model: TrainedModel, variant: str, widths: dict[str, int]
) -> None:
    features = segment_features(model, variant, toy_stretches(copies=2))
    assert {part: tuple(values.shape) for part, values in features.items()} == {
        k: (10, width) for k, width in widths.items()
    }
    assert list(features) == list(FEATURES[variant]) and all(
        values.dtype == torch.float32 for values in features.values()
    )


@torch.inference_mode()
def test_parts_are_means_of_hidden_states_whatever_the_batch(model: TrainedModel) -> None:
    visual = [np.array([3, 1, 4]), np.array([2]), np.array([8, 8, 0, 5, 1])]
    features = segment_features(model, "videobert", seen(*visual), batch=2)
    for place, words in enumerate(visual):
        inputs = model.processor([captioning.TEMPLATE], [words], LENGTH)
        hidden = model.network.bert(**inputs)[0][0]
        at_masks = hidden[inputs["input_ids"][0] == model.processor.tokenizer.mask_token_id]
        assert len(at_masks) == 5
        assert torch.allclose(features["masked"][place], at_masks.mean(dim=0), atol=1e-5)
        assert torch.allclose(
            features["visual"][place], hidden[-1 - len(words) : -1].mean(dim=0), atol=1e-5
        )


def test_video_only_never_sees_the_template(
    model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    stretches = toy_stretches(copies=1)
    alone, joined = (
        segment_features(model, variant, stretches)["visual"] for variant in ("video", "videobert")
    )
    monkeypatch.setattr(captioning, "TEMPLATE", "cut the [MASK]")
    assert torch.equal(segment_features(model, "video", stretches)["visual"], alone)
    assert not torch.allclose(
        segment_features(model, "videobert", stretches)["visual"], joined, atol=1e-3
    )


def test_long_segments_are_thinned_so_that_the_template_stays_whole(model: TrainedModel) -> None:
    long = seen(np.arange(700) % 9)
    assert torch.isfinite(segment_features(model, "videobert", long)["masked"]).all()


def test_a_template_that_is_longer_than_the_model(
    model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captioning, "TEMPLATE", "[MASK] " * (LENGTH - 3))
    stretches = toy_stretches(copies=1)
    with pytest.raises(InputError, match=r"509 pieces to a model of 512 ids.*--max-length"):
        segment_features(model, "videobert", stretches)
    assert segment_features(model, "video", stretches)["visual"].shape == (5, HIDDEN)


@pytest.mark.parametrize("beam", [1, 4])
def test_it_says_what_it_learnt_of_segments_it_never_saw(
    model: TrainedModel, captioner: Captioner, beam: int
) -> None:
    found = captioner(toy_features(model), beam)
    assert [caption.text for caption in found] == [*CAPTIONS, *CAPTIONS]


@torch.inference_mode()
def test_greedy_takes_the_likeliest_piece_each_time(
    model: TrainedModel, untrained: Captioner
) -> None:
    features, network = toy_features(model), untrained.network
    never = [
        i
        for i in untrained.tokenizer.all_special_ids
        if i not in (network.config.end, model.processor.vocabulary.joiner)
    ]
    for place, found in enumerate(untrained(features, beam=1)):
        one = {part: values[[place]] for part, values in features.items()}
        pieces: list[int] = []
        while len(pieces) < network.config.longest and network.config.end not in pieces:
            logits = network(one, torch.tensor([[*pieces, 0]]))[0, -1]
            logits[never] = -torch.inf
            pieces.append(int(logits.argmax()))
        assert found.text == untrained._text(pieces)
        assert not any(token in found.text for token in untrained.tokenizer.all_special_tokens)
        probabilities = network(one, torch.tensor([pieces]))[0].log_softmax(dim=-1)[
            range(len(pieces)), pieces
        ]
        assert found.score == pytest.approx(
            float(probabilities.sum()) / len(pieces) ** 0.6, abs=1e-4
        )


def test_a_beam_is_never_worse_and_sometimes_better(
    model: TrainedModel, untrained: Captioner
) -> None:
    features = {
        part: 3 * torch.randn(12, values.shape[1]) for part, values in toy_features(model).items()
    }
    greedy, wide = (
        np.array([caption.score for caption in untrained(features, beam)]) for beam in (1, 4)
    )
    assert (wide >= greedy).all() and (wide > greedy + 1e-3).any()


def test_a_beam_that_lost_the_greedy_caption_on_its_way_gives_way(
    model: TrainedModel, captioner: Captioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    features, search = toy_features(model), CaptionNetwork.search

    def lost(
        network: CaptionNetwork, features: Features, beam: int, never: list[int]
    ) -> torch.Tensor:
        return search(
            network,
            {k: v.flip(0) for k, v in features.items()} if beam > 1 else features,
            beam,
            never,
        )

    greedy = captioner(features, 1)
    monkeypatch.setattr(CaptionNetwork, "search", lost)
    assert captioner(features, 4) == greedy


@pytest.mark.parametrize("beam", [1, 4])
@torch.inference_mode()
def test_behind_the_end_is_nothing_that_a_score_would_count(
    model: TrainedModel, captioner: Captioner, beam: int
) -> None:
    config = captioner.network.config
    pieces = captioner.network.search(toy_features(model), beam, [])
    for row, ids in zip(
        pieces.tolist(), model.processor.text_ids([*CAPTIONS, *CAPTIONS]), strict=True
    ):
        assert row == [*ids, config.end] + [config.pad] * (len(row) - len(ids) - 1)


def test_captions_do_not_hang_on_the_batch(model: TrainedModel, captioner: Captioner) -> None:
    features = toy_features(model)
    together, alone = (captioner(features, 3, batch) for batch in (64, 1))
    assert [caption.text for caption in together] == [caption.text for caption in alone]
    assert np.allclose(
        [caption.score for caption in together], [caption.score for caption in alone], atol=1e-4
    )
    assert captioner({part: values[:0] for part, values in features.items()}) == []


def test_a_clip_is_captioned_by_its_words_and_its_mean_feature(
    model: TrainedModel, captioner: Captioner
) -> None:
    stretch = toy_stretches(copies=1)[3]
    start = np.arange(len(stretch.words)) * 1.5
    features = np.repeat(stretch.feature[None], len(start), axis=0).astype(np.float16)
    clip = EncodedClip(Path("x.mp4"), Clips(start, start + 1.5, stretch.words, features))
    assert caption(model, captioner, clip).text == CAPTIONS[3]


@pytest.fixture(scope="module")
def folder(
    model: TrainedModel, captioner: Captioner, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.network.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    captioner.save(folder / FOLDER)
    write_json({"model": model_digest(folder)}, folder / FOLDER / OPTIONS_FILE)
    return folder


def test_a_fresh_process_says_the_same(
    model: TrainedModel, captioner: Captioner, folder: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    folder.rename(moved)
    code = f"""
import json, sys; from pathlib import Path
from tests.videobert.finetune.captions.test_captioner import toy_features
from videobert.loading import load_model; from videobert.finetune.captions.captioner import load_captioner
model = load_model(Path({str(moved)!r}))
captions = load_captioner(Path({str(moved)!r}), model)(toy_features(model))
sys.stdout.write(json.dumps([vars(caption) for caption in captions]))
"""
    try:
        command = [sys.executable, "-c", code]
        said = json.loads(subprocess.run(command, check=True, cwd=ROOT, capture_output=True).stdout)
    finally:
        moved.rename(folder)
    here = captioner(toy_features(model))
    assert [caption["text"] for caption in said] == [caption.text for caption in here]
    assert [caption["score"] for caption in said] == pytest.approx(
        [caption.score for caption in here], abs=1e-5
    )


def test_a_captioner_that_cannot_be_used_is_refused(
    model: TrainedModel, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        InputError, match="has no captioner yet: run videobert finetune caption --model"
    ):
        load_captioner(tmp_path, model)
    weights = folder / FOLDER / WEIGHTS_FILE
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        load_captioner(folder, model)
    weights.write_bytes(whole)
    write_json({"model": "another"}, folder / FOLDER / OPTIONS_FILE)
    with pytest.raises(InputError, match="learnt with another model"):
        load_captioner(folder, model)
