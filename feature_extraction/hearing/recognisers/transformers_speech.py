"""Speech models of transformers as a recogniser: --asr hf:OWNER/NAME or hf:FOLDER.

Whisper and its kin (distil-whisper) tell when a word was said by where they listened, networks with
CTC (Parakeet, wav2vec 2.0, HuBERT, WavLM) by the step at which they said it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.hallucinations import GUESSES, REPETITIONS
from feature_extraction.hearing.recognisers.one_model import OneModel, first_line
from feature_extraction.hearing.recognisers.whisper_alignment import aligned, timed, tokens_of
from feature_extraction.hearing.speech import Segment, doubt_of
from feature_extraction.schema import Word
from workfolder.errors import InputError
from workfolder.files import file_digest

if TYPE_CHECKING:
    import torch

TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0)
"""What Whisper tries one after another where it is not sure: section 4.5 of arXiv:2212.04356."""
SPACES = ("▁", "|", " ")
"""How vocabularies write a space: SentencePiece's, wav2vec 2.0's, and plainly."""
WHISPER, CTC = "whisper", "ctc"
FAMILIES: Mapping[str, str] = {
    "whisper": WHISPER,
    **dict.fromkeys("hubert parakeet_ctc wav2vec2 wavlm".split(), CTC),
}
"""How a model speaks, by transformers' ``model_type``."""


@dataclass(frozen=True)
class Loaded:
    """A network and what prepares its input."""

    family: str
    network: Any
    processor: Any

    @property
    def tokenizer(self) -> Any:
        """What makes text of numbers."""
        return self.processor.tokenizer


class TransformersSpeech(OneModel[Loaded]):
    """See recogniser.Recogniser; PyTorch's CUDA, batches, and Whisper's prompt and beam."""

    kind = "hf"
    otherwise = (
        "say a smaller model, set CUDA_VISIBLE_DEVICES= (empty) to use the CPU, or give captions "
        "beside the videos and say --asr captions"
    )

    def _weights(self) -> dict[str, Any]:
        folder = Path(self._model)
        files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
        digests = {path.name: file_digest(path) for path in files}
        return {"model": self._model} | ({"model_digest": digests} if digests else {})

    def _has_gpu(self) -> bool:
        import torch

        return torch.cuda.is_available()

    def _load(self, model: str) -> Loaded:
        """Read a folder's model, or a name's from Hugging Face's cache, else fetch it there."""
        import torch
        from transformers import AutoConfig, AutoProcessor

        try:
            config = AutoConfig.from_pretrained(model)
            family = FAMILIES.get(config.model_type)
            if family is None:
                raise InputError(
                    f"{model} is of the kind {config.model_type}, which is not known to speak: "
                    f"--asr hf:MODEL takes {', '.join(FAMILIES)}"
                )
            if self.options.prompt and family != WHISPER:
                raise InputError(f"--prompt is only for models of Whisper's kind, not for {model}")
            if self.options.align == self.name and family != WHISPER:
                raise InputError(f"--align is only for models of Whisper's kind, not for {model}")
            gpu = self._has_gpu()
            asked = self.options.compute_type
            numbers = ("float16" if gpu else "float32") if asked == "auto" else asked
            network = _auto_class(family).from_pretrained(
                model, dtype=getattr(torch, numbers), use_safetensors=True, **_attention(family)
            )
            processor = AutoProcessor.from_pretrained(model)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise InputError(
                f"the speech model {model} cannot be loaded ({first_line(error)}): give "
                "--asr hf:MODEL the folder of a model that transformers wrote, with safetensors "
                "and its processor, or OWNER/NAME and a network"
            ) from error
        return Loaded(family, network.eval().to("cuda" if gpu else "cpu"), processor)

    def _encode(self, model: Loaded, sound: np.ndarray) -> object:
        import torch

        inputs = _inputs(model, [sound])
        with torch.inference_mode():
            if model.family == WHISPER:
                return model.network.get_encoder()(inputs["input_features"])
            return model.network(**inputs)

    def _hear(
        self, model: Loaded, stretches: Sequence[np.ndarray], language: str | None
    ) -> tuple[list[list[Segment]], str | None]:
        import torch

        with torch.inference_mode():
            if model.family == WHISPER:
                return self._hear_whisper(model, stretches, language)
            phrases = hear_ctc(model, stretches)
        return [[phrase] for phrase in phrases], language

    def _hear_alone(
        self, model: Loaded, stretch: np.ndarray, language: str | None
    ) -> tuple[list[Segment], str | None]:
        import torch

        (phrases,), language = self._hear(model, [stretch], language)
        if model.family != WHISPER:
            return phrases, language
        with torch.random.fork_rng():
            torch.manual_seed(0)  # the same sound must give the same words
            for temperature in TEMPERATURES:
                if doubt_of(phrases[0]) not in (GUESSES, REPETITIONS):
                    break
                by_chance = {"do_sample": True, "temperature": temperature, "num_beams": 1}
                with torch.inference_mode():
                    (phrases,), _ = self._hear_whisper(model, [stretch], language, **by_chance)
        return phrases, language

    def _spoken(self, model: Loaded, sound: np.ndarray) -> str | None:
        import torch

        if model.family != WHISPER or not _is_multilingual(model):
            return None
        with torch.inference_mode():
            return _language(model, _inputs(model, [sound])["input_features"])

    def _align(
        self,
        model: Loaded,
        sounds: Sequence[np.ndarray],
        texts: Sequence[Sequence[str]],
        language: str | None,
    ) -> list[list[Word] | None]:
        import torch

        def encode(text: str) -> list[int]:
            return list(model.tokenizer.encode(text, add_special_tokens=False))

        able, tokens = tokens_of(texts, encode)
        found: list[list[Word] | None] = [None] * len(texts)
        if not able:
            return found
        begin = _beginning(model, language if _is_multilingual(model) else None)
        heard = [sounds[place] for place in able]
        with torch.inference_mode():
            spoken = aligned(
                model.network,
                _inputs(model, heard)["input_features"],
                begin,
                [[*chain.from_iterable(own)] for own in tokens],
                [len(sound) / SAMPLE_RATE for sound in heard],
            )
        for place, own, times in zip(able, tokens, spoken, strict=True):
            found[place] = timed(texts[place], own, times.starts, times.probabilities)
        return found

    def _hear_whisper(
        self, model: Loaded, stretches: Sequence[np.ndarray], language: str | None, **how: Any
    ) -> tuple[list[list[Segment]], str | None]:
        network = model.network
        features = _inputs(model, stretches)["input_features"]
        multilingual = _is_multilingual(model)
        named: dict[str, Any] = {}
        if multilingual:
            language = language or _language(model, features[:1])
            named = {"language": language, "task": "transcribe"}
        if self.options.prompt:
            ids = model.tokenizer.get_prompt_ids(self.options.prompt, return_tensors="pt")
            named["prompt_ids"] = ids.to(network.device)
        most = network.config.max_target_positions // 2  # the other half is for a prompt
        how = {"num_beams": self.options.beam, "do_sample": False, "max_new_tokens": most} | how
        written = network.generate(features, return_timestamps=False, **named, **how)
        tokens = [_text_tokens(model, row.tolist()) for row in written]
        begin = _beginning(model, language if multilingual else None)
        frames = [len(stretch) / SAMPLE_RATE for stretch in stretches]
        spoken = aligned(network, features, begin, tokens, frames, _no_speech(model))
        pairs = zip(tokens, spoken, strict=True)
        return [[_whisper_phrase(model, said, times)] for said, times in pairs], language or "en"


def _auto_class(family: str) -> Any:
    import transformers

    return transformers.AutoModelForCTC if family == CTC else transformers.AutoModelForSpeechSeq2Seq


def _attention(family: str) -> dict[str, str]:
    """Whisper must show where it listens, which only the plain attention does."""
    return {"attn_implementation": "eager"} if family == WHISPER else {}


def _inputs(model: Loaded, stretches: Sequence[np.ndarray]) -> dict[str, torch.Tensor]:
    """Prepare sound for a network, on its device and in its numbers."""
    sounds = [np.asarray(stretch, np.float32) for stretch in stretches]
    extra = {} if model.family == WHISPER else {"padding": True, "return_attention_mask": True}
    made = model.processor.feature_extractor(
        sounds, sampling_rate=SAMPLE_RATE, return_tensors="pt", **extra
    )
    return _moved(model, made)


def _moved(model: Loaded, made: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    network = model.network
    return {
        name: value.to(network.device, network.dtype if value.is_floating_point() else None)
        for name, value in made.items()
    }


def _is_multilingual(model: Loaded) -> bool:
    return bool(getattr(model.network.generation_config, "is_multilingual", False))


def _language(model: Loaded, features: torch.Tensor) -> str:
    """Find out the language of a stretch, as its code."""
    (token,) = model.network.detect_language(features).tolist()
    return str(model.tokenizer.convert_ids_to_tokens(token)).strip("<|>")


def _beginning(model: Loaded, language: str | None) -> list[int]:
    """Return the tokens before the text: that it begins, in which language, without times."""
    names = ["startoftranscript", *([language, "transcribe"] if language else []), "notimestamps"]
    return [int(model.tokenizer.convert_tokens_to_ids(f"<|{name}|>")) for name in names]


def _no_speech(model: Loaded) -> int | None:
    """Return the token that says that nobody speaks, if there is one."""
    for name in ("<|nospeech|>", "<|nocaptions|>"):
        token = model.tokenizer.convert_tokens_to_ids(name)
        if token is not None and token != model.tokenizer.unk_token_id:
            return int(token)
    return None


def _text_tokens(model: Loaded, row: list[int]) -> list[int]:
    """Return the tokens of the text alone: after the last beginning, without special ones."""
    begin, end = _beginning(model, None)[0], model.tokenizer.eos_token_id
    if begin in row:  # a prompt stands before it
        row = row[len(row) - row[::-1].index(begin) :]
    return [token for token in row if token < end]


def _whisper_phrase(model: Loaded, tokens: list[int], times: Any) -> Segment:
    """Make a phrase of Whisper's tokens, their times and probabilities."""
    words: list[Word] = []
    first = 0
    for last in range(1, len(tokens) + 1):
        text = model.tokenizer.decode(tokens[first:last])
        if "\ufffd" in text and last < len(tokens):  # a letter of several tokens
            continue
        sure = float(np.mean(times.probabilities[first:last]))
        words.append(Word(text, times.starts[first], times.starts[last], sure))
        first = last
    text = model.tokenizer.decode(tokens)
    return Segment(text, times.no_speech, times.avg_logprob, compression(text), tuple(words))


def hear_ctc(model: Loaded, stretches: Sequence[np.ndarray]) -> list[Segment]:
    """Hear by a network that says a letter or piece, or nothing, for each step of the sound."""
    inputs = _inputs(model, stretches)
    shares = model.network(**inputs).logits.float().softmax(-1)
    sure, tokens = (each.cpu().numpy() for each in shares.max(-1))
    nothing = int(model.network.config.pad_token_id)
    longest = max(map(len, stretches)) / SAMPLE_RATE
    step = longest / tokens.shape[1]
    phrases = []
    for row, probabilities, stretch in zip(tokens, sure, stretches, strict=True):
        steps = min(math.ceil(len(stretch) / SAMPLE_RATE / step), len(row))
        changes = np.flatnonzero(np.diff(row[:steps], prepend=-1))
        ends = np.append(changes[1:], steps)
        said = [
            (int(row[begin]), begin * step, end * step, float(probabilities[begin:end].mean()))
            for begin, end in zip(changes, ends, strict=True)
            if row[begin] != nothing
        ]
        phrases.append(_pieces_phrase(model, said))
    return phrases


def _pieces_phrase(
    model: Loaded, said: Sequence[tuple[int, float, float, float | None]]
) -> Segment:
    """Make a phrase of pieces of words with their times; a mark or a space begins a word."""
    special = set(model.tokenizer.all_special_ids)
    words: list[Word] = []
    begins = True
    for token, start, end, sure in said:
        piece = str(model.tokenizer.convert_ids_to_tokens(token))
        if token in special or piece in SPACES:
            begins = begins or piece in SPACES
            continue
        begins = begins or piece.startswith(SPACES)
        text = piece.lstrip("".join(SPACES))
        if text:
            words.append(Word(f" {text}" if begins else text, start, end, sure))
            begins = False
    text = "".join(word.text for word in words)
    sures = [sure for *_, sure in said if sure]
    logprob = float(np.log(sures).mean()) if sures else 0.0
    return Segment(text, 0.0, logprob, compression(text), tuple(words))


def compression(text: str) -> float:
    """Return how many times smaller zlib makes a text; high where it repeats itself."""
    content = text.encode()
    return len(content) / len(zlib.compress(content))
