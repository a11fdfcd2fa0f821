"""OpenAI's Whisper as a recogniser: the package openai-whisper."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from http.client import HTTPException
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.recognisers.faster_whisper import WEIGHTS_FILE
from feature_extraction.hearing.recognisers.one_model import DEFAULT_MODEL, OneModel
from feature_extraction.hearing.recognisers.whisper_alignment import timed, tokens_of
from feature_extraction.hearing.speech import Segment
from feature_extraction.schema import Word
from workfolder.errors import InputError
from workfolder.files import file_digest

if TYPE_CHECKING:
    import torch
    import whisper
    from whisper.tokenizer import Tokenizer

FRAMES_PER_SECOND = 100
"""Columns of Whisper's spectrogram, see whisper.audio.FRAMES_PER_SECOND."""


class OpenAIWhisper(OneModel["whisper.Whisper"]):
    """One of whisper.available_models(), or a checkpoint of one. See recogniser.Recogniser."""

    kind = "whisper"
    compute_types = ("auto", "float16", "float32")
    otherwise = (
        "say a smaller model, such as --asr whisper:tiny, set CUDA_VISIBLE_DEVICES= (empty) to use "
        "the CPU, or give captions beside the videos and say --asr captions"
    )

    def _weights(self) -> dict[str, Any]:
        if self._model == DEFAULT_MODEL:  # is known: needs no import of torch
            return {"model": self._model}
        path = _checkpoint(self._model)
        return {"model": self._model} | ({"model_digest": file_digest(path)} if path else {})

    def _has_gpu(self) -> bool:
        import torch

        return torch.cuda.is_available()

    def _load(self, model: str) -> whisper.Whisper:
        """Read a checkpoint, or the model of a name from Whisper's cache, else fetch it there."""
        path = _checkpoint(model)
        return _load_named(model) if path is None else _load_checkpoint(path)

    def _encode(self, model: whisper.Whisper, sound: np.ndarray) -> object:
        import torch
        import whisper

        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(sound), model.dims.n_mels)
        with torch.inference_mode():
            return model.embed_audio(mel[None].to(model.device))

    def _hear(
        self, model: whisper.Whisper, stretches: Sequence[np.ndarray], language: str | None
    ) -> tuple[list[list[Segment]], str]:
        import torch
        import whisper

        mels = torch.stack(
            [
                whisper.log_mel_spectrogram(whisper.pad_or_trim(stretch), model.dims.n_mels)
                for stretch in stretches
            ]
        ).to(model.device)
        language = language or _language(model, mels[0])
        asked = whisper.DecodingOptions(
            language=language,
            beam_size=self._beam,
            prompt=self.options.prompt,
            without_timestamps=True,
            fp16=self._fp16(model),
        )
        with torch.inference_mode():
            features = model.embed_audio(mels.half() if asked.fp16 else mels)
            # Its search with a beam takes one stretch at a time.
            together = 1 if self._beam else len(stretches)
            decoded = [
                result
                for some in features.split(together)
                for result in whisper.decode(model, some, asked)
            ]
        return [
            [_timed(model, mel, len(stretch) / SAMPLE_RATE, result)]
            for mel, stretch, result in zip(mels, stretches, decoded, strict=True)
        ], language

    def _hear_alone(
        self, model: whisper.Whisper, stretch: np.ndarray, language: str | None
    ) -> tuple[list[Segment], str]:
        import torch

        # What Whisper is not sure of it decodes again by chance; the same sound must give the same
        # words.
        with torch.random.fork_rng():
            torch.manual_seed(0)
            heard = model.transcribe(
                stretch,
                language=language,
                beam_size=self._beam,
                initial_prompt=self.options.prompt,
                word_timestamps=True,
                condition_on_previous_text=False,  # else a loop goes on into the next 30 s
                fp16=self._fp16(model),
            )
        return [_segment(segment) for segment in heard["segments"]], heard["language"]

    def _spoken(self, model: whisper.Whisper, sound: np.ndarray) -> str:
        import whisper

        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(sound), model.dims.n_mels)
        return _language(model, mel.to(model.device))

    def _align(
        self,
        model: whisper.Whisper,
        sounds: Sequence[np.ndarray],
        texts: Sequence[Sequence[str]],
        language: str | None,
    ) -> list[list[Word] | None]:
        import whisper
        from whisper.timing import find_alignment

        tokenizer = _tokenizer(model, language)
        able, tokens = tokens_of(texts, tokenizer.encode)
        found: list[list[Word] | None] = [None] * len(texts)
        for place, own in zip(able, tokens, strict=True):
            sound = sounds[place]
            mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(sound), model.dims.n_mels)
            frames = max(round(len(sound) / SAMPLE_RATE * FRAMES_PER_SECOND), 2)
            pieces = find_alignment(
                model, tokenizer, [*chain.from_iterable(own)], mel.to(model.device), frames
            )
            starts = [piece.start for piece in pieces for _ in piece.tokens]
            shares = [piece.probability for piece in pieces for _ in piece.tokens]
            found[place] = timed(texts[place], own, [*starts, pieces[-1].end], shares)
        return found

    @property
    def _beam(self) -> int | None:
        """The width of the beam; None is Whisper's greedy search."""
        return self.options.beam if self.options.beam > 1 else None

    def _fp16(self, model: whisper.Whisper) -> bool:
        """Say whether to compute in float16: on a GPU, unless something else is asked."""
        asked = self.options.compute_type
        return asked == "float16" or (asked == "auto" and model.device.type == "cuda")


def _language(model: whisper.Whisper, mel: torch.Tensor) -> str:
    """Find out the language of a stretch."""
    import whisper

    if not model.is_multilingual:
        return "en"
    _, shares = whisper.detect_language(model, mel)
    return str(max(shares, key=shares.get))


def _tokenizer(model: whisper.Whisper, language: str | None) -> Tokenizer:
    from whisper.tokenizer import get_tokenizer

    return get_tokenizer(
        model.is_multilingual,
        num_languages=model.num_languages,
        language=language,
        task="transcribe",
    )


def _timed(
    model: whisper.Whisper, mel: torch.Tensor, seconds: float, result: whisper.DecodingResult
) -> Segment:
    """Make a phrase of what was decoded from a stretch, with the times of its words."""
    from whisper.timing import add_word_timestamps

    phrase: dict[str, Any] = {
        "seek": 0,
        "start": 0.0,
        "end": seconds,
        "text": result.text,
        "tokens": result.tokens,
        "no_speech_prob": result.no_speech_prob,
        "avg_logprob": result.avg_logprob,
        "compression_ratio": result.compression_ratio,
        "words": [],
    }
    add_word_timestamps(
        segments=[phrase],
        model=model,
        tokenizer=_tokenizer(model, result.language),
        mel=mel,
        num_frames=max(round(seconds * FRAMES_PER_SECOND), 2),
        last_speech_timestamp=0.0,
    )
    return _segment(phrase)


def _load_checkpoint(path: Path) -> whisper.Whisper:
    """Read torch.save({"dims": ..., "model_state_dict": ...}); nothing in it is executed."""
    import torch
    import whisper

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        network = whisper.Whisper(whisper.ModelDimensions(**state["dims"]))
        network.load_state_dict(state["model_state_dict"])
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        OSError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise InputError(
            f"{path} is not a checkpoint of Whisper that is safe to load: it holds dims and "
            'model_state_dict, as torch.save({"dims": vars(model.dims), "model_state_dict": '
            "model.state_dict()}, PATH) writes them"
        ) from error
    return network.to("cuda" if torch.cuda.is_available() else "cpu")


def _load_named(name: str) -> whisper.Whisper:
    import whisper

    try:
        return whisper.load_model(name)
    except (OSError, HTTPException, RuntimeError) as error:
        url = whisper._MODELS[name]
        cache = Path(os.getenv("XDG_CACHE_HOME", Path.home() / ".cache")) / "whisper"
        raise InputError(
            f"the speech model {name} cannot be had ({error}): where there is no network, fetch "
            f"{url} elsewhere and put it into {cache}, or give captions beside the videos and say "
            "--asr captions"
        ) from error


def _checkpoint(model: str) -> Path | None:
    """Return the file that ``model`` names, None for a name of Whisper's; else InputError."""
    import whisper

    if model in whisper.available_models():
        return None
    path = Path(model)
    if (path / WEIGHTS_FILE).is_file():
        raise InputError(f"{model} is a model of faster-whisper: say --asr faster-whisper:{model}")
    if not path.is_file():
        names = ", ".join(whisper.available_models())
        raise InputError(
            f"{model} is not a model of Whisper: --asr whisper:MODEL takes a checkpoint's file or "
            f"one of {names}"
        )
    return path


def _segment(segment: dict[str, Any]) -> Segment:
    words = (
        Word(w["word"], float(w["start"]), float(w["end"]), float(w["probability"]))
        for w in segment["words"]
    )
    return Segment(
        segment["text"],
        float(segment["no_speech_prob"]),
        float(segment["avg_logprob"]),
        float(segment["compression_ratio"]),
        tuple(words),
    )
