"""The encoder-decoder that makes captions: parts of a segment's features in, words out.

The paper does not say whether the parts are joined to one vector a segment or stand side by side. Here the encoder gets a
sequence of them, each projected from its own width and marked by its place: with one vector there would be nothing to
attend to, and a word of the caption may look at one part more than at another. Each number of a part is first brought to mean 0
and deviation 1 over the training segments, as hidden states, and features after a ReLU, are mostly what all segments share.

Legend of shapes: [segments], [pieces] of a caption, [SEP] included, [words] of the tokenizer's vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import BartConfig, BartForConditionalGeneration

from videobert.finetune.captions.options import BeamOptions
from videobert.model_sizes import HEAD_WIDTH

BEAM, LENGTH_PENALTY = BeamOptions.beam, 0.6
"""As Vaswani et al. (2017), section 6.1. Captions are ranked by their log probability over their length, [SEP] included, to the
power of the penalty: at 0 the short ones win, at 1 those that repeat themselves, as each further piece is sure."""

Features = Mapping[str, torch.Tensor]
"""For each part float32 [segments, width], on the CPU."""


@dataclass(frozen=True)
class CaptionerConfig:
    """The shape of a captioner.

    Attributes:
        features: what it reads, one of caption_options.FEATURES.
        widths: for each of its parts, in the order in which the encoder gets them, how many numbers it has.
        text_size: words of the tokenizer; no caption has ``[>]`` or a visual word.
        start, end, pad: ids of [CLS], [SEP] and [PAD].
        longest: pieces of a caption at most, [SEP] included.
        layers, width: of encoder and decoder alike.
        dropout: of embeddings and of what each layer adds.
    """

    features: str
    widths: dict[str, int]
    text_size: int
    start: int
    end: int
    pad: int
    longest: int
    layers: int
    width: int
    dropout: float

    def transformer(self) -> BartConfig:
        """As transformers' BART has it: Vaswani et al. (2017) with learned places, GELU and a norm on the embeddings."""
        return BartConfig(
            vocab_size=self.text_size, d_model=self.width, encoder_layers=self.layers, decoder_layers=self.layers,
            encoder_attention_heads=self.width // HEAD_WIDTH, decoder_attention_heads=self.width // HEAD_WIDTH,
            encoder_ffn_dim=4 * self.width, decoder_ffn_dim=4 * self.width, dropout=self.dropout, scale_embedding=True,
            init_std=0.02 * (768 / self.width) ** 0.5,  # as VideoBertConfig.of_size
            max_position_embeddings=max(self.longest, len(self.widths)),
            bos_token_id=self.start, decoder_start_token_id=self.start, eos_token_id=self.end, pad_token_id=self.pad,
            forced_eos_token_id=None,
        )  # fmt: skip


class Standardiser(torch.nn.Module):
    """Brings each number of a part to mean 0 and deviation 1 over the training segments."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))

    def fit(self, values: torch.Tensor) -> None:
        """Learn from [segments, width]; a number that never changes stays 0."""
        deviation, mean = torch.std_mean(values, dim=0, correction=0)
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(deviation > 1e-6, deviation, torch.inf))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """[segments, width], as they came, to [segments, width]."""
        return (values - self.mean) / self.deviation


class CaptionNetwork(torch.nn.Module):
    """Parts of features in, logits of words out."""

    def __init__(self, config: CaptionerConfig) -> None:
        super().__init__()
        self.config = config
        self.standardisers = torch.nn.ModuleDict(
            {part: Standardiser(width) for part, width in config.widths.items()}
        )
        self.projections = torch.nn.ModuleDict(
            {p: torch.nn.Linear(width, config.width) for p, width in config.widths.items()}
        )
        self.transformer = BartForConditionalGeneration(config.transformer())

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.transformer.device

    def fit_scales(self, features: Features) -> None:
        """Learn what the parts of the training segments are like."""
        for part, standardiser in self.standardisers.items():
            standardiser.fit(features[part])  # type: ignore[operator]  # ModuleDict does not know its modules

    def forward(
        self, features: Features, pieces: torch.Tensor, asked: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Logits of each piece of captions, given those before it: int64 [segments, pieces] -> [segments, pieces, words].

        Where ``asked``, bool [segments, pieces], is given, of those pieces alone: [asked, words]; most of the work is here.
        """
        first = torch.full_like(pieces[:, :1], self.config.start)
        before = torch.cat([first, pieces[:, :-1]], dim=1)
        hidden = self.transformer.model(
            inputs_embeds=self._embed(features), decoder_input_ids=before
        )[0]
        logits: torch.Tensor = self.transformer.lm_head(hidden if asked is None else hidden[asked])
        return logits + self.transformer.final_logits_bias

    def _embed(self, features: Features) -> torch.Tensor:
        """The encoder's input, [segments, parts, width]; the encoder adds what tells the places, so the parts, apart."""
        scaled = {
            part: scale(features[part].to(self.device))
            for part, scale in self.standardisers.items()
        }
        return torch.stack(
            [project(scaled[part]) for part, project in self.projections.items()], dim=1
        )

    def scores(self, features: Features, pieces: torch.Tensor) -> torch.Tensor:
        """Log probability of captions over their length to the power of LENGTH_PENALTY, [segments]."""
        there = pieces != self.config.pad
        losses = torch.nn.functional.cross_entropy(
            self(features, pieces, there), pieces[there], reduction="none"
        )
        summed = losses.new_zeros(len(pieces)).index_add(0, there.nonzero()[:, 0], losses)
        return -summed / there.sum(dim=1) ** LENGTH_PENALTY

    def search(self, features: Features, beam: int, never: Sequence[int]) -> torch.Tensor:
        """The likeliest captions that a beam of that width finds, int64 [segments, pieces]; none has a piece of ``never``."""
        found: torch.Tensor = self.transformer.generate(  # type: ignore[misc,assignment]  # it may give other things, too
            inputs_embeds=self._embed(features), num_beams=beam, do_sample=False, max_new_tokens=self.config.longest,
            suppress_tokens=list(never), length_penalty=LENGTH_PENALTY if beam > 1 else None,
        )  # fmt: skip
        pieces = found[:, 1:]
        ends = (
            pieces == self.config.end
        )  # where the id of [PAD] is 0, transformers fills up what a beam ended with [SEP]
        return pieces.masked_fill((ends.cumsum(dim=1) - ends.long()).bool(), self.config.pad)
