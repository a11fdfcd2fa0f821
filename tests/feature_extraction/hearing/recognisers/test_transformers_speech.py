"""Speech models of transformers: small random ones that the tests make, and Whisper's real weights."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from feature_extraction.hearing.audio import SAMPLE_RATE, stream_sound
from feature_extraction.hearing.recognisers.packaged_weights import installed
from feature_extraction.hearing.recognisers.transformers_speech import TransformersSpeech
from feature_extraction.options import TranscriptOptions
from tests.toys.real_whisper import transformers_folder
from workfolder.errors import InputError

AUDIBLE = TranscriptOptions(voices="audible", beam=1)
LETTERS = "abcdefgh"


@pytest.fixture(scope="module")
def wav2vec2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with CTC over eight letters and a space."""
    import torch
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )

    folder = tmp_path_factory.mktemp("wav2vec2")
    names = ["<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS]
    (folder / "vocab.json").write_text(json.dumps({name: n for n, name in enumerate(names)}))
    config = Wav2Vec2Config(
        vocab_size=len(names), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, conv_dim=(8,) * 7, num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2, pad_token_id=0,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Wav2Vec2ForCTC(config)
        torch.nn.init.normal_(network.lm_head.weight, std=9)
    network.save_pretrained(folder)
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    extractor = Wav2Vec2FeatureExtractor(return_attention_mask=True)
    Wav2Vec2Processor(extractor, tokenizer).save_pretrained(folder)
    return folder


def noisy(seconds: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.2, int(seconds * SAMPLE_RATE))
    return noise.astype(np.float32)


def test_a_network_with_ctc_gives_timed_words(wav2vec2: Path) -> None:
    recogniser = TransformersSpeech(str(wav2vec2), replace(AUDIBLE, batch=3))
    recogniser.prepare()
    phrases, _ = recogniser._hear(recogniser._loaded(), [noisy(4), noisy(2.5)], None)
    for (phrase,), seconds in zip(phrases, (4.0, 2.5), strict=True):
        assert phrase.words and set(phrase.text) <= {*LETTERS, " "}
        assert phrase.text == "".join(word.text for word in phrase.words)
        times = [time for word in phrase.words for time in (word.start, word.end)]
        assert all(before <= after for before, after in pairwise(times))
        assert 0 <= times[0] and times[-1] <= seconds + 0.03
        assert all(0 < (word.probability or 0) <= 1 for word in phrase.words)
    again = pickle.loads(pickle.dumps(recogniser))
    assert again([noisy(4)]) == recogniser([noisy(4)])
    digests = recogniser.provenance()["model_digest"]
    assert list(digests) == ["model.safetensors"]


def test_what_cannot_be_prompted_says_so(wav2vec2: Path) -> None:
    with pytest.raises(InputError, match="--prompt is only for models of Whisper's kind"):
        TransformersSpeech(str(wav2vec2), replace(AUDIBLE, prompt="soup")).prepare()


def test_a_model_that_does_not_speak_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(InputError, match=r"is of the kind bert, .*takes whisper, hubert"):
        TransformersSpeech(str(tmp_path)).prepare()


@pytest.mark.parametrize("content", [None, "{", '{"model_type": "wav2vec2"}'])
def test_a_folder_without_a_model_says_what_to_give(tmp_path: Path, content: str | None) -> None:
    if content:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(InputError, match=r"cannot be loaded .*the folder of a model"):
        TransformersSpeech(str(tmp_path)).prepare()


def test_real_weights_hear_kennedy_word_by_word(shared_data: Path, tmp_path: Path) -> None:
    packaged = installed("tiny.en")
    if packaged is None:
        pytest.skip("the extra speech-weights is not installed: real weights cannot be tried")
    folder = transformers_folder(packaged, tmp_path / "tiny.en")
    recogniser = TransformersSpeech(str(folder), replace(AUDIBLE, prompt="Kennedy", batch=2))
    heard = recogniser(stream_sound(shared_data / "speech" / "whisper" / "jfk.flac"))
    said = [word.text.lower().strip(".,;") for word in heard.words]
    assert " ".join(said) == (
        "and so my fellow americans ask not what your country can do for you ask what you can do "
        "for your country"
    )
    starts = dict(zip(said, (word.start for word in heard.words), strict=True))
    # As openai-whisper's own test of this file has it: "ask what" begins after 7 s.
    assert 0 <= starts["and"] < 1 and starts["fellow"] == pytest.approx(1.4, abs=0.3)
    assert starts["country"] == pytest.approx(10.0, abs=0.5)
    shares = [word.probability or 0 for word in heard.words]
    assert all(0 < share <= 1 for share in shares) and np.mean(shares) > 0.5
