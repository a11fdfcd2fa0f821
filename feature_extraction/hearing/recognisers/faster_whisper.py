"""Whisper by way of CTranslate2 as a recogniser: the package faster-whisper, an extra."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from feature_extraction.hearing.audio import SAMPLE_RATE
from feature_extraction.hearing.recognisers.one_model import OneModel, first_line
from feature_extraction.hearing.recognisers.packaged_weights import installed
from feature_extraction.hearing.recognisers.whisper_alignment import (
    FILTER_WIDTH,
    FRAMES_PER_SECOND,
    timed,
    tokens_of,
)
from feature_extraction.hearing.speech import Segment
from feature_extraction.hearing.stretches import LONGEST_SECONDS
from feature_extraction.options import COMPUTE_TYPES
from feature_extraction.schema import Word
from workfolder.errors import InputError
from workfolder.files import file_digest
from workfolder.options import cores

if TYPE_CHECKING:
    import faster_whisper

WEIGHTS_FILE = "model.bin"
"""Where the folder of a model of CTranslate2 keeps its weights."""

FASTEST = {
    "cuda": ("float16", "bfloat16", "int8", "float32"),
    "cpu": ("int8", "float32"),
}
"""What to compute with on a device, the first that it can."""

HALVES = 2
"""Parts of a batch that a CPU hears at once. Each has half of the cores, so that fewer threads wait
for one another. On two cores that is faster by a sixth, and by a quarter beside other programs."""

T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger(__name__)

_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


class FasterWhisper(OneModel["faster_whisper.WhisperModel"]):
    """One of faster_whisper.available_models(), OWNER/NAME on Hugging Face, or a model's folder.

    Weights of an installed package are taken before a network is asked. See recogniser.Recogniser.
    """

    kind = "faster-whisper"
    otherwise = "say --asr whisper, or give captions beside the videos and say --asr captions"
    compute_types = COMPUTE_TYPES

    def _weights(self) -> dict[str, Any]:
        _check(self._model)
        weights = Path(self._model) / WEIGHTS_FILE
        if packaged := installed(self._model):
            return {"model": self._model, "model_digest": packaged.digest[:16]}
        digest = {"model_digest": file_digest(weights)} if weights.is_file() else {}
        return {"model": self._model} | digest

    def _has_gpu(self) -> bool:
        import ctranslate2

        return bool(ctranslate2.get_cuda_device_count())

    def _load(self, model: str) -> faster_whisper.WhisperModel:
        """Read a model onto the GPU, if there is one that works, else onto the CPU."""
        _check(model)
        found = self._found(model)
        if self._has_gpu():
            try:
                loaded = self._load_onto("cuda", *found)
                self._encode(loaded, np.zeros(SAMPLE_RATE, np.float32))
                return loaded
            except (RuntimeError, ValueError) as error:
                # CTranslate2 wants the libraries of CUDA 12, and PyTorch may bring those of 13.
                logger.warning(
                    "%s cannot use the GPU (%s) and uses the CPU; --asr whisper would use the GPU",
                    self.name,
                    first_line(error),
                )
        try:
            return self._load_onto("cpu", *found)
        except (OSError, RuntimeError, ValueError) as error:
            raise _cannot_be_loaded(model, error) from error

    def _found(self, model: str) -> tuple[str, dict[str, bytes] | None]:
        """Return the folder of a model, or the files of one in installed packages.

        A model of Hugging Face that is not in its cache is fetched.
        """
        import faster_whisper

        if packaged := installed(model):
            packages = " and ".join(packaged.packages)
            logger.warning("%s: weights of the installed %s", self.name, packages)
            return model, packaged.files()
        if Path(model).is_dir():
            return model, None
        try:
            return faster_whisper.download_model(model), None
        except Exception as error:  # httpx and huggingface_hub have errors of their own
            raise _cannot_be_loaded(model, error) from error

    def _load_onto(
        self, device: str, model: str, files: dict[str, bytes] | None
    ) -> faster_whisper.WhisperModel:
        import ctranslate2
        import faster_whisper

        asked = self.options.compute_type
        if asked == "auto":
            can = ctranslate2.get_supported_compute_types(device)
            asked = next(kind for kind in FASTEST[device] if kind in can)
        workers = HALVES if device == "cpu" and self.options.batch > 1 else 1
        return faster_whisper.WhisperModel(
            model,
            device=device,
            compute_type=asked,
            num_workers=workers,
            cpu_threads=max(1, cores() // workers),  # more would wait for one another
            **({"files": {**files}} if files else {}),
        )

    def _encode(self, model: faster_whisper.WhisperModel, sound: np.ndarray) -> object:
        return model.encode(model.feature_extractor(sound))

    def _hear(
        self,
        model: faster_whisper.WhisperModel,
        stretches: Sequence[np.ndarray],
        language: str | None,
    ) -> tuple[list[list[Segment]], str]:
        language = language or self._spoken(model, stretches[0])
        heard = _at_once(model, lambda part: self._hear_part(model, part, language), stretches)
        return [*chain.from_iterable(heard)], language

    def _hear_part(
        self, model: faster_whisper.WhisperModel, stretches: Sequence[np.ndarray], language: str
    ) -> list[list[Segment]]:
        import faster_whisper

        size = int(LONGEST_SECONDS * SAMPLE_RATE)
        # Each has its place at a multiple of 30 s: ``seek`` then tells where a phrase belongs.
        sound = np.zeros(size * len(stretches), np.float32)
        for place, stretch in enumerate(stretches):
            sound[place * size :][: len(stretch)] = stretch
        clips = [
            {"start": begin, "end": begin + len(stretch) / SAMPLE_RATE}
            for begin, stretch in zip(count(0, LONGEST_SECONDS), stretches, strict=False)
        ]
        segments, _ = faster_whisper.BatchedInferencePipeline(model).transcribe(
            sound,
            batch_size=len(stretches),
            clip_timestamps=clips,
            **self._asked(language),
        )
        phrases: list[list[Segment]] = [[] for _ in stretches]
        for segment in segments:
            place = round(segment.seek / model.frames_per_second / LONGEST_SECONDS)
            phrases[place].append(_segment(segment, LONGEST_SECONDS * place))
        return phrases

    def _hear_alone(
        self, model: faster_whisper.WhisperModel, stretch: np.ndarray, language: str | None
    ) -> tuple[list[Segment], str]:
        import ctranslate2

        ctranslate2.set_random_seed(0)  # the same sound must give the same words
        segments, heard = model.transcribe(
            stretch, condition_on_previous_text=False, vad_filter=False, **self._asked(language)
        )
        return [_segment(each) for each in segments], heard.language  # heard as it is asked for

    def _spoken(self, model: faster_whisper.WhisperModel, sound: np.ndarray) -> str:
        if not model.model.is_multilingual:
            return "en"
        language, _, _ = model.detect_language(sound)
        return str(language)

    def _align(
        self,
        model: faster_whisper.WhisperModel,
        sounds: Sequence[np.ndarray],
        texts: Sequence[Sequence[str]],
        language: str | None,
    ) -> list[list[Word] | None]:
        pairs = list(zip(sounds, texts, strict=True))
        found = _at_once(model, lambda part: _aligned(model, part, language), pairs)
        return [*chain.from_iterable(found)]

    def _asked(self, language: str | None) -> dict[str, Any]:
        """Return what both ways of hearing are asked for."""
        return {
            "language": language,
            "word_timestamps": True,
            "beam_size": self.options.beam,
            "initial_prompt": self.options.prompt,
        }


def _at_once(
    model: faster_whisper.WhisperModel, work: Callable[[Sequence[T]], R], things: Sequence[T]
) -> list[R]:
    """Deal things in equal parts to the workers of a model."""
    size = -(-len(things) // model.model.num_workers)
    parts = [things[first : first + size] for first in range(0, len(things), size)]
    with ThreadPoolExecutor(len(parts)) as threads:
        return list(threads.map(work, parts))


def _aligned(
    model: faster_whisper.WhisperModel,
    pairs: Sequence[tuple[np.ndarray, Sequence[str]]],
    language: str | None,
) -> list[list[Word] | None]:
    """Find words in sounds, each pair a sound and its words. See alignment.Align."""
    from faster_whisper.audio import pad_or_trim
    from faster_whisper.tokenizer import Tokenizer

    sounds, texts = zip(*pairs, strict=True)
    multilingual = model.model.is_multilingual
    tokenizer = Tokenizer(model.hf_tokenizer, multilingual, "transcribe", language)
    able, tokens = tokens_of(texts, tokenizer.encode)
    found: list[list[Word] | None] = [None] * len(texts)
    if not able:
        return found
    features = [model.feature_extractor(sounds[place])[..., :-1] for place in able]
    results = model.model.align(
        model.encode(np.stack([pad_or_trim(each) for each in features])),
        tokenizer.sot_sequence,
        [[*chain.from_iterable(text)] for text in tokens],
        [each.shape[-1] for each in features],
        median_filter_width=FILTER_WIDTH,
    )
    for place, own, result in zip(able, tokens, results, strict=True):
        path = np.array(result.alignments)  # token and frame of each step
        starts = path[np.diff(path[:, 0], prepend=-1) > 0, 1] / FRAMES_PER_SECOND
        found[place] = timed(texts[place], own, starts, result.text_token_probs)
    return found


def _cannot_be_loaded(model: str, error: Exception) -> InputError:
    return InputError(
        f"the speech model {model} cannot be loaded ({first_line(error)}): give faster-whisper a "
        f"folder that holds {WEIGHTS_FILE}, as huggingface.co/Systran/faster-whisper-base has it, "
        "or a network"
    )


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


def _segment(segment: Any, begin: float = 0.0) -> Segment:
    """Make a phrase of faster-whisper's, whose stretch begins at a second of what was heard."""
    words = (
        Word(w.word, float(w.start) - begin, float(w.end) - begin, float(w.probability))
        for w in segment.words or ()
    )
    return Segment(
        segment.text,
        segment.no_speech_prob,
        segment.avg_logprob,
        segment.compression_ratio,
        tuple(words),
    )
