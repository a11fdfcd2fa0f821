"""Whisper by way of CTranslate2 as a recogniser: the package faster-whisper, an extra."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_extraction.hearing.recognisers.one_model import OneModel
from feature_extraction.hearing.speech import Segment
from feature_extraction.schema import Word
from workfolder.errors import InputError
from workfolder.files import file_digest

if TYPE_CHECKING:
    import faster_whisper

WEIGHTS_FILE = "model.bin"
"""Where the folder of a model of CTranslate2 keeps its weights."""

_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


class FasterWhisper(OneModel["faster_whisper.WhisperModel"]):
    """One of faster_whisper.available_models(), OWNER/NAME on Hugging Face, or a model's folder.

    Silence is left out before it hears. See recogniser.Recogniser.
    """

    kind = "faster-whisper"
    # It does not fall back to the CPU: a job that was planned for a GPU would take weeks unnoticed.
    otherwise = (
        "say --asr whisper, which uses PyTorch's CUDA, or set CUDA_VISIBLE_DEVICES= (empty) for "
        "faster-whisper to use the CPU"
    )

    def provenance(self) -> dict[str, Any]:
        """See Recogniser; the digest is that of a folder's weights."""
        _check(self._model)
        weights = Path(self._model) / WEIGHTS_FILE
        digest = {"model_digest": file_digest(weights)} if weights.is_file() else {}
        return {"model": self._model} | digest

    def _has_gpu(self) -> bool:
        import ctranslate2

        return bool(ctranslate2.get_cuda_device_count())

    def _load(self, model: str) -> faster_whisper.WhisperModel:
        """Read a folder's model, or a name's from Hugging Face's cache, else fetch it there."""
        _check(model)
        import faster_whisper

        # CTranslate2 warns where it must convert float16 for a CPU by itself, which has none.
        precision = "default" if self._has_gpu() else "float32"
        try:
            return faster_whisper.WhisperModel(model, compute_type=precision)
        except (
            Exception
        ) as error:  # httpx, huggingface_hub and CTranslate2 have errors of their own
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(
                f"the speech model {model} cannot be loaded ({reason}): give faster-whisper a "
                f"folder that holds {WEIGHTS_FILE}, as huggingface.co/Systran/faster-whisper-base "
                "has it, or a network"
            ) from error

    def _encode(self, model: faster_whisper.WhisperModel, sound: np.ndarray) -> object:
        return model.encode(model.feature_extractor(sound))

    def _hear(
        self, model: faster_whisper.WhisperModel, piece: np.ndarray, language: str | None
    ) -> tuple[list[Segment], str]:
        import ctranslate2

        with self._turn:
            ctranslate2.set_random_seed(0)  # the same sound must give the same words
            segments, heard = model.transcribe(
                piece,
                language=language,
                word_timestamps=True,
                condition_on_previous_text=False,
                vad_filter=True,
            )
            return [_segment(each) for each in segments], heard.language  # heard as it is asked for


def _check(model: str) -> None:
    """Raise InputError if the package is not installed or there can be no such model."""
    try:
        import faster_whisper
    except ImportError as error:
        raise InputError(
            f"--asr faster-whisper needs a package ({error}): "
            "pip install 'videobert[faster-whisper]'"
        ) from error
    path = Path(model)
    if path.is_file():
        raise InputError(f"{model} is a file, such as --asr whisper:FILE takes: give a folder")
    names = faster_whisper.available_models()
    if model in names or (path / WEIGHTS_FILE).is_file():
        return
    if path.is_dir() or not _HUB_NAME.fullmatch(model):
        lacks = f"holds no {WEIGHTS_FILE}" if path.is_dir() else "is not a folder that is there"
        raise InputError(
            f"{model} {lacks}: --asr faster-whisper:MODEL takes a folder that holds "
            f"{WEIGHTS_FILE}, OWNER/NAME on Hugging Face, or one of {', '.join(names)}"
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
