"""The encoder-decoder that writes captions: parts of a segment's features in, words out.

The paper does not say whether the parts are joined to one vector or stand side by side. Here the
encoder reads a sequence of them, each projected from its own width and marked by its place. With
one vector there would be nothing to attend to, and a word of the caption may look at one part more
than at another. Hidden states, and features after a ReLU, are mostly what all segments share, so
each number of a part is first brought to mean 0 and deviation 1 over the training segments.

Shapes: [segments], [pieces] of a caption with its [SEP], [words] of the tokenizer's vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import BartConfig, BartForConditionalGeneration

from videobert.finetune.captions.options import BeamOptions
from videobert.model_sizes import HEAD_WIDTH

BEAM, LENGTH_PENALTY = BeamOptions.beam, 0.6
"""As Vaswani et al. (2017), section 6.1. Captions rank by their log probability over a power of
their length with [SEP]. At a power of 0 short ones win; at 1 those that repeat themselves win, as
each further piece is sure."""

Features = Mapping[str, torch.Tensor]
"""For each part float32 [segments, width], on the CPU."""


@dataclass(frozen=True)
class CaptionerConfig:
    """The shape of a captioner.

    Attributes:
        features: What it reads, one of options.FEATURES.
        widths: Numbers of each of its parts, in the order in which the encoder reads them.
        text_size: Words of the tokenizer; no caption has ``[>]`` or a visual word.
        start: Id of [CLS].
        end: Id of [SEP].
        pad: Id of [PAD].
        longest: Pieces of a caption at most, with its [SEP].
        layers: Of the encoder, and of the decoder.
        width: Of both.
        dropout: Of embeddings and of what each layer adds.
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
        """Make a BART: Vaswani et al. (2017) with learned places, GELU and normed embeddings."""
        heads, inner = self.width // HEAD_WIDTH, 4 * self.width
        return BartConfig(
            vocab_size=self.text_size,
            d_model=self.width,
            encoder_layers=self.layers,
            decoder_layers=self.layers,
            encoder_attention_heads=heads,
            decoder_attention_heads=heads,
            encoder_ffn_dim=inner,
            decoder_ffn_dim=inner,
            dropout=self.dropout,
            scale_embedding=True,
            init_std=0.02 * (768 / self.width) ** 0.5,  # as VideoBertConfig.of_size
            max_position_embeddings=max(self.longest, len(self.widths)),
            bos_token_id=self.start,
            decoder_start_token_id=self.start,
            eos_token_id=self.end,
            pad_token_id=self.pad,
            forced_eos_token_id=None,
        )


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
        """Standardise [segments, width]."""
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
            # ModuleDict does not know the type of its modules.
            standardiser.fit(features[part])  # type: ignore[operator]

    def forward(
        self, features: Features, pieces: torch.Tensor, asked: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Compute the logits of each piece of captions, given those before it.

        Args:
            features: Of the segments.
            pieces: The captions, int64 [segments, pieces].
            asked: The pieces that get logits, bool [segments, pieces]; None for all. Most of the
                work is here.

        Returns:
            [segments, pieces, words], or [asked, words] if some pieces were asked about.
        """
        first = torch.full_like(pieces[:, :1], self.config.start)
        before = torch.cat([first, pieces[:, :-1]], dim=1)
        hidden = self.transformer.model(
            inputs_embeds=self._embed(features), decoder_input_ids=before
        )[0]
        logits: torch.Tensor = self.transformer.lm_head(hidden if asked is None else hidden[asked])
        return logits + self.transformer.final_logits_bias

    def _embed(self, features: Features) -> torch.Tensor:
        """Make the encoder's input, [segments, parts, width].

        The encoder adds what tells places apart, and so the parts.
        """
        parts = []
        for part, project in self.projections.items():
            parts.append(project(self.standardisers[part](features[part].to(self.device))))
        return torch.stack(parts, dim=1)

    def scores(self, features: Features, pieces: torch.Tensor) -> torch.Tensor:
        """Score captions, [segments]: log probability over length to the power LENGTH_PENALTY."""
        there = pieces != self.config.pad
        losses = torch.nn.functional.cross_entropy(
            self(features, pieces, there), pieces[there], reduction="none"
        )
        summed = losses.new_zeros(len(pieces)).index_add(0, there.nonzero()[:, 0], losses)
        return -summed / there.sum(dim=1) ** LENGTH_PENALTY

    def search(self, features: Features, beam: int, never: Sequence[int]) -> torch.Tensor:
        """Find the likeliest captions of segments.

        Args:
            features: Of the segments.
            beam: Width of the search.
            never: Pieces that no caption may have.

        Returns:
            The captions, int64 [segments, pieces].
        """
        # generate may return other things than a tensor, too.
        found: torch.Tensor = self.transformer.generate(  # type: ignore[misc,assignment]
            inputs_embeds=self._embed(features),
            num_beams=beam,
            do_sample=False,
            max_new_tokens=self.config.longest,
            suppress_tokens=list(never),
            length_penalty=LENGTH_PENALTY if beam > 1 else None,
        )
        pieces = found[:, 1:]
        # If the id of [PAD] is 0, transformers fills up what a beam ended with [SEP].
        ends = pieces == self.config.end
        return pieces.masked_fill((ends.cumsum(dim=1) - ends.long()).bool(), self.config.pad)
