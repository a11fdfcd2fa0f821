"""What is done in a clip, as a sentence: a small encoder-decoder that reads VideoBERT's features.

VideoBERT, section 4.6. The clip's visual words follow the template below. The mean of the hidden
states at the visual words and that at the masked words are read together, with the mean of S3D's
own features if it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_file
from transformers import PreTrainedTokenizerBase

from videobert.data.clip_encoder import EncodedClip
from videobert.data.stretches import Stretch
from videobert.finetune.captions.network import BEAM, CaptionerConfig, CaptionNetwork, Features
from videobert.finetune.captions.options import FEATURES, MASKED, S3D, VISUAL
from videobert.inference import in_batches
from videobert.loading import WEIGHTS_FILES, TrainedModel
from videobert.sequences import evenly_spaced
from workfolder.digests import check_digests
from workfolder.errors import InputError
from workfolder.files import file_digest, read_json, write_json
from workfolder.stage import OPTIONS_FILE

TEMPLATE = "now let's [MASK] the [MASK] to the [MASK], and then [MASK] the [MASK]"
"""PAPER.md, S: read in a second-hand summary."""
CONTRACTION = re.compile(r"(?<=\w) ' (?=(?:s|t|re|ve|ll|d|m)\b)")
"""let's is three pieces to BERT, and the tokenizer joins them with spaces."""
BATCH = 64
FOLDER, CONFIG_FILE, WEIGHTS_FILE = "captioner", "config.json", "model.safetensors"


def segment_features(
    model: TrainedModel, variant: str, stretches: Sequence[Stretch], batch: int = BATCH
) -> Features:
    """Compute what a captioner reads of stretches.

    Args:
        model: Reads the visual words.
        variant: One of FEATURES.
        stretches: Each with a visual word at least, and with its feature if the variant has S3D's.
        batch: Stretches that go through the network together.

    Raises:
        InputError: if the template is too long for the model.
    """
    parts = FEATURES[variant]
    found = _hidden_means(model, stretches, MASKED in parts, batch) if VISUAL in parts else {}
    if S3D in parts:
        means = [stretch.feature for stretch in stretches if stretch.feature is not None]
        if len(means) != len(stretches):
            raise ValueError(
                f"{variant} needs the mean S3D feature of each of {len(stretches)} segments"
            )
        found[S3D] = torch.from_numpy(np.stack(means).astype(np.float32))
    return {part: found[part] for part in parts}


def _hidden_means(
    model: TrainedModel, stretches: Sequence[Stretch], with_template: bool, batch: int
) -> dict[str, torch.Tensor]:
    """Average hidden states at the visual words and, with the template, at its masks.

    Returns:
        The means by part, each float32 [stretches, hidden].
    """
    longest = model.network.config.max_position_embeddings
    template, room = (TEMPLATE, _room_beside_template(model)) if with_template else ("", longest)
    parts = (VISUAL, MASKED) if with_template else (VISUAL,)
    width = model.network.config.hidden_size
    means = {part: torch.empty(len(stretches), width) for part in parts}
    (text,) = model.processor.text_ids([template])
    words = [stretch.words for stretch in stretches]
    shown = [its[evenly_spaced(len(its), room)] for its in words]
    for some in in_batches(model, [text] * len(shown), shown, size=batch):
        hidden = torch.from_numpy(some.hidden())
        at = {VISUAL: torch.from_numpy(some.seen), MASKED: torch.from_numpy(some.masked)}
        for part in parts:
            weights = at[part].float() / at[part].sum(dim=1, keepdim=True)
            means[part][some.places] = (weights[:, None] @ hidden)[:, 0]
    return means


def _room_beside_template(model: TrainedModel) -> int:
    """Count how many visual words go with the whole template, [CLS], [>] and [SEP].

    Raises:
        InputError: if there is room for none.
    """
    longest = model.network.config.max_position_embeddings
    pieces = len(model.processor.text_ids([TEMPLATE])[0])
    if pieces + 4 > longest:
        raise InputError(
            f"the captioning template is {pieces} pieces to a model of {longest} ids: pretrain "
            "with a higher --max-length, or take --features video"
        )
    return longest - pieces - 3


@dataclass(frozen=True)
class Caption:
    """A sentence about a segment, and the score by which it was chosen; see LENGTH_PENALTY."""

    text: str
    score: float


@dataclass(frozen=True)
class Captioner:
    """Writes captions.

    Attributes:
        network: Trained, in evaluation mode.
        tokenizer: Spells its words.
    """

    network: CaptionNetwork
    tokenizer: PreTrainedTokenizerBase

    @property
    def reads_features(self) -> bool:
        """Whether it reads the backbone's own features beside the visual words."""
        return S3D in FEATURES[self.network.config.features]

    @torch.inference_mode()
    def __call__(self, features: Features, beam: int = BEAM, batch: int = BATCH) -> list[Caption]:
        """Write a caption for each segment.

        Args:
            features: Of the segments; see segment_features.
            beam: Width of the search; 1 is greedy. A wider one may drop the greedy caption on its
                way and end with a worse one. The greedy one is taken then, so a beam never costs.
            batch: Segments that are searched together; captions do not depend on it.
        """
        count = len(next(iter(features.values())))
        captions = []
        for first in range(0, count, batch):
            some = {part: values[first : first + batch] for part, values in features.items()}
            found = [self._search(some, width) for width in sorted({1, beam})]
            for same in zip(*found, strict=True):
                captions.append(max(same, key=lambda caption: caption.score))
        return captions

    def _search(self, features: Features, beam: int) -> list[Caption]:
        config, special = self.network.config, self.tokenizer.all_special_ids
        never = sorted({number for number in special if number < config.text_size} - {config.end})
        pieces = self.network.search(features, beam, never)
        texts, scores = map(self._text, pieces.tolist()), self.network.scores(features, pieces)
        return [Caption(*found) for found in zip(texts, scores.tolist(), strict=True)]

    def _text(self, pieces: list[int]) -> str:
        return CONTRACTION.sub("'", str(self.tokenizer.decode(pieces, skip_special_tokens=True)))

    def save(self, folder: Path) -> None:
        """Write the configuration and the weights into a folder; the tokenizer is the model's."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(asdict(self.network.config), folder / CONFIG_FILE)
        # Named parameters come once each, shared or not.
        tensors = dict([*self.network.named_parameters(), *self.network.named_buffers()])
        kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(kept, folder / WEIGHTS_FILE)


def load_captioner(folder: Path, model: TrainedModel) -> Captioner:
    """Read the captioner of a model's folder.

    Args:
        folder: The model's.
        model: What was read from it.

    Raises:
        InputError: if there is none, it is damaged, or it learnt with another model.
    """
    home = folder / FOLDER
    advice = "delete it and run videobert finetune caption"
    if not home.is_dir():
        raise InputError(
            f"{folder} has no captioner yet: run videobert finetune caption --model {folder} "
            "--work DIR"
        )
    check_digests(home, f"delete {home} and run videobert finetune caption")
    if read_json(home / OPTIONS_FILE).get("model") != model_digest(folder):
        raise InputError(f"{home} learnt with another model than {folder} holds: {advice}")
    config = read_json(home / CONFIG_FILE)
    try:
        network = CaptionNetwork(CaptionerConfig(**config))
        load_model(network, home / WEIGHTS_FILE)
    except (OSError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{home} cannot be read ({reason}): {advice}") from error
    return Captioner(network.to(model.network.device).eval(), model.processor.tokenizer)


def model_digest(folder: Path) -> str:
    """Tell which weights a model's folder holds, in one file or several."""
    return "+".join(file_digest(path) for path in sorted(folder.glob(WEIGHTS_FILES)))


def caption(
    model: TrainedModel, captioner: Captioner, clip: EncodedClip, beam: int = BEAM
) -> Caption:
    """Write a sentence about a clip."""
    clips, variant = clip.clips, captioner.network.config.features
    times = float(clips.start[0]), float(clips.end[-1])
    whole = Stretch(clip.path.stem, *times, words=clips.words, feature=clips.mean_feature)
    return captioner(segment_features(model, variant, [whole]), beam)[0]
