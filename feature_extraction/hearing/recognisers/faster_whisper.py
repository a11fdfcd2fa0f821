"""Whisper by way of CTranslate2 as a recogniser: the package faster-whisper, an extra."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_extraction.hearing.speech import OneModel, Segment
from feature_extraction.schema import Word
from workfolder.errors import InputError
from workfolder.files import file_digest

if TYPE_CHECKING:
    import faster_whisper

WEIGHTS_FILE = "model.bin"
"""Where the folder of a model of CTranslate2 keeps its weights."""


class FasterWhisper(OneModel["faster_whisper.WhisperModel"]):
    """One of faster_whisper.available_models(), OWNER/NAME on Hugging Face, or a model's folder, for all threads.

    Silence is left out before it hears. See speech.Recogniser.
    """

    kind = "faster-whisper"

    def provenance(self) -> dict[str, Any]:
        """See speech.Recogniser; the digest is that of a folder's weights."""
        _check(self._model)
        weights = Path(self._model) / WEIGHTS_FILE
        return {"model": self._model} | (
            {"model_digest": file_digest(weights)} if weights.is_file() else {}
        )

    def _load(self, model: str) -> faster_whisper.WhisperModel:
        """The model of a folder, or of a name, from Hugging Face's cache or else fetched into it."""
        _check(model)
        import faster_whisper

        try:
            return faster_whisper.WhisperModel(model)
        except (
            OSError,
            RuntimeError,
            ValueError,
        ) as error:  # huggingface_hub's errors are among them
            reason = str(error).partition("\n")[0]
            raise InputError(
                f"the speech model {model} cannot be loaded ({reason}): give faster-whisper a folder that holds "
                f"{WEIGHTS_FILE}, as huggingface.co/Systran/faster-whisper-base has it, or a network"
            ) from error

    def _hear(self, piece: np.ndarray, language: str | None) -> tuple[list[Segment], str]:
        """See speech.HearPiece."""
        import ctranslate2

        model = self._loaded()
        with self._turn:
            ctranslate2.set_random_seed(0)  # the same sound must give the same words
            segments, heard = model.transcribe(
                piece,
                language=language,
                word_timestamps=True,
                condition_on_previous_text=False,
                vad_filter=True,
            )
            return [
                _segment(segment) for segment in segments
            ], heard.language  # it is heard as it is asked for


def _check(model: str) -> None:
    """InputError if the package is not installed, or ``model`` is no name, no OWNER/NAME and no folder of a model."""
    try:
        import faster_whisper
    except ImportError as error:
        raise InputError(
            f"--asr faster-whisper needs a package ({error}): pip install 'videobert[faster-whisper]'"
        ) from error
    names = faster_whisper.available_models()
    if model not in names and "/" not in model and not (Path(model) / WEIGHTS_FILE).is_file():
        raise InputError(
            f"{model} is no model of faster-whisper: it takes a folder that holds {WEIGHTS_FILE}, OWNER/NAME on Hugging Face, "
            f"or one of {', '.join(names)}"
        )


def _segment(segment: Any) -> Segment:
    words = (
        Word(w.word, float(w.start), float(w.end), float(w.probability))
        for w in segment.words or ()
    )
    return Segment(
        segment.text,
        segment.no_speech_prob,
        segment.avg_logprob,
        segment.compression_ratio,
        tuple(words),
    )
