"""When each token of a known text is said, by where Whisper listens for it.

The text is forced through the decoder. Some of its heads listen to the moment of the sound that is
being written; dynamic time warping makes a path through time of that, as in whisper/timing.py.
``aligned`` does so for transformers' Whisper; the other libraries have it of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_extraction.schema import Word

if TYPE_CHECKING:
    import torch

FRAMES_PER_SECOND = 50
"""Positions of the encoder."""
FILTER_WIDTH = 7
"""Of the median filter over time, as in whisper/timing.py."""
MOST_TOKENS = 440
"""Tokens of a text: Whisper's decoder has 448 places, some of them for what stands around it."""


@dataclass(frozen=True)
class TokenTimes:
    """What is known of the tokens of a text.

    Attributes:
        starts: float64 [tokens + 1], the second at which each begins, and the end of the last.
        probabilities: float64 [tokens].
        avg_logprob: mean log probability of the tokens and of the end.
        no_speech: probability that nobody speaks; 0 where the model does not tell.
    """

    starts: list[float]
    probabilities: list[float]
    avg_logprob: float
    no_speech: float


def tokens_of(
    texts: Sequence[Sequence[str]], encode: Callable[[str], Sequence[int]]
) -> tuple[list[int], list[list[Sequence[int]]]]:
    """Return which texts can be aligned, and of each the tokens of its words.

    Args:
        texts: the words of each.
        encode: makes tokens of a text.
    """
    tokens = [[encode(f" {word}") for word in words] for words in texts]
    able = [place for place, text in enumerate(tokens) if sum(map(len, text)) <= MOST_TOKENS]
    return able, [tokens[place] for place in able]


def timed(
    words: Sequence[str],
    tokens: Sequence[Sequence[int]],
    starts: Sequence[float],
    probabilities: Sequence[float],
) -> list[Word]:
    """Return words with the times and the likelihood of their tokens.

    Args:
        words: of a text.
        tokens: of each word.
        starts: of each token in seconds, and the end of the last.
        probabilities: of each token.
    """
    made, last = [], 0
    for word, own in zip(words, tokens, strict=True):
        first, last = last, last + len(own)
        sure = np.log(np.maximum(probabilities[first:last], 1e-9)).mean()
        made.append(Word(word, float(starts[first]), float(starts[last]), float(np.exp(sure))))
    return made


def aligned(
    network: Any,
    features: torch.Tensor,
    beginning: Sequence[int],
    texts: Sequence[Sequence[int]],
    seconds: Sequence[float],
    no_speech: int | None = None,
) -> list[TokenTimes]:
    """Find when the tokens of each text are said.

    Args:
        network: WhisperForConditionalGeneration, with plain attention.
        features: float [texts, mels, frames].
        beginning: the tokens before the text.
        texts: the tokens of each text.
        seconds: how long each sound is.
        no_speech: the token that says that nobody speaks.
    """
    import torch

    end = int(network.config.eos_token_id)
    longest = max(map(len, texts))
    rows = [[*beginning, *text, *[end] * (longest - len(text) + 1)] for text in texts]
    made = network(
        input_features=features,
        decoder_input_ids=torch.tensor(rows, device=features.device),
        output_attentions=True,
    )
    logits = made.logits.float()
    attentions = torch.stack([made.cross_attentions[n][:, h] for n, h in _heads(network)], dim=1)
    found = []
    for row, (text, length) in enumerate(zip(texts, seconds, strict=True)):
        first = len(beginning) - 1  # here the first token of the text is foretold
        wanted = torch.tensor([*text, end], device=logits.device)
        shares = logits[row, first : first + len(wanted)].log_softmax(-1)
        sure = shares.gather(-1, wanted[:, None])[:, 0].cpu().double().numpy()
        silent = float(logits[row, 0].softmax(-1)[no_speech]) if no_speech is not None else 0.0
        frames = max(int(length * FRAMES_PER_SECOND), 1)
        listened = attentions[row, :, first : first + len(wanted), :frames].float().cpu()
        starts = _path(listened) if text else [0.0]
        found.append(TokenTimes(starts, np.exp(sure[:-1]).tolist(), float(sure.mean()), silent))
    return found


def _heads(network: Any) -> list[tuple[int, int]]:
    """Return the layers and heads that follow the sound; else all heads of the upper half."""
    known = getattr(network.generation_config, "alignment_heads", None)
    if known:
        return [(layer, head) for layer, head in known]
    layers, heads = network.config.decoder_layers, network.config.decoder_attention_heads
    return [(layer, head) for layer in range(layers // 2, layers) for head in range(heads)]


def _path(listened: torch.Tensor) -> list[float]:
    """Return when each token begins.

    Args:
        listened: float [heads, tokens, frames], how much each token listens to each frame.
    """
    from whisper.timing import dtw, median_filter

    listened = listened / listened.sum(-1, keepdim=True).clamp_min(1e-9)
    mean, spread = listened.mean(-2, keepdim=True), listened.std(-2, keepdim=True, unbiased=False)
    matrix = median_filter((listened - mean) / spread.clamp_min(1e-9), FILTER_WIDTH).mean(0)
    tokens, frames = dtw(-matrix)
    jumps = np.flatnonzero(np.diff(tokens, prepend=-1))
    return (np.asarray(frames)[jumps] / FRAMES_PER_SECOND).tolist()
