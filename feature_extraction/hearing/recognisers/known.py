"""The speech recognisers that --asr knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feature_extraction.hearing.recognisers.faster_whisper import FasterWhisper
from feature_extraction.hearing.recognisers.one_model import OneModel
from feature_extraction.hearing.recognisers.openai_whisper import OpenAIWhisper
from feature_extraction.hearing.recognisers.transformers_speech import TransformersSpeech

RECOGNISERS: Mapping[str, type[OneModel[Any]]] = {
    OpenAIWhisper.kind: OpenAIWhisper,
    FasterWhisper.kind: FasterWhisper,
    TransformersSpeech.kind: TransformersSpeech,
}
"""By the name before the colon of --asr NAME:MODEL. A new one is a file here and a line above."""
