"""OpenAI's Whisper as a recogniser: the package openai-whisper."""

from __future__ import annotations

import os
import pickle
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_extraction.hearing.speech import DEFAULT_MODEL, OneModel, Segment
from feature_extraction.schema import Word
from workfolder.errors import InputError
from workfolder.files import file_digest

if TYPE_CHECKING:
    import whisper


class OpenAIWhisper(OneModel["whisper.Whisper"]):
    """One of whisper.available_models(), or a checkpoint of such a model, for all threads. See speech.Recogniser."""

    kind = "whisper"

    def provenance(self) -> dict[str, Any]:
        """See speech.Recogniser; the digest is that of a file."""
        if self._model == DEFAULT_MODEL:  # to know that it is known takes no import of torch
            return {"model": self._model}
        path = _checkpoint(self._model)
        return {"model": self._model} | ({"model_digest": file_digest(path)} if path else {})

    def _load(self, model: str) -> whisper.Whisper:
        """The model of a name, from Whisper's cache or else fetched into it, or of a checkpoint.

        A checkpoint is Whisper's own: torch.save({"dims": ..., "model_state_dict": ...}); nothing in it is executed.
        """
        path = _checkpoint(model)
        return _load_named(model) if path is None else _load_checkpoint(path)

    def _hear(self, piece: np.ndarray, language: str | None) -> tuple[list[Segment], str]:
        """See speech.HearPiece."""
        import torch

        model = self._loaded()
        # What Whisper is not sure of it decodes again by drawing lots; the same sound must give the same words.
        with self._turn, torch.random.fork_rng():
            torch.manual_seed(0)
            heard = model.transcribe(
                piece,
                language=language,
                word_timestamps=True,
                condition_on_previous_text=False,  # else a loop goes on into the next 30 s
                fp16=model.device.type == "cuda",
            )
        return [_segment(segment) for segment in heard["segments"]], heard["language"]


def _load_checkpoint(path: Path) -> whisper.Whisper:
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
            f"{path} is no checkpoint of Whisper that is safe to load: it holds dims and model_state_dict, "
            'as torch.save({"dims": vars(model.dims), "model_state_dict": model.state_dict()}, PATH) writes them'
        ) from error
    return network.to("cuda" if torch.cuda.is_available() else "cpu")


def _load_named(name: str) -> whisper.Whisper:
    import whisper

    try:
        return whisper.load_model(name)
    except (OSError, HTTPException, RuntimeError) as error:
        url = whisper._MODELS[name]
        cache = (
            Path(os.getenv("XDG_CACHE_HOME", Path.home() / ".cache")) / "whisper"
        )  # as whisper.load_model has it
        raise InputError(
            f"the speech model {name} cannot be had ({error}): where there is no network, fetch {url} elsewhere and put it "
            f"into {cache}, or give captions beside the videos and say --asr captions"
        ) from error


def _checkpoint(model: str) -> Path | None:
    """The file that ``model`` is, None if it is a name that Whisper knows; InputError if it is neither."""
    import whisper

    if model in whisper.available_models():
        return None
    if not (path := Path(model)).is_file():
        names = ", ".join(whisper.available_models())
        raise InputError(
            f"{model} is no model of Whisper: --asr whisper:MODEL takes a checkpoint's file or one of {names}"
        )
    return path


def _segment(segment: dict[str, Any]) -> Segment:
    words = (
        Word(word["word"], *(float(word[key]) for key in ("start", "end", "probability")))
        for word in segment["words"]
    )
    return Segment(
        segment["text"],
        float(segment["no_speech_prob"]),
        float(segment["avg_logprob"]),
        float(segment["compression_ratio"]),
        tuple(words),
    )
