"""VideoBERT: one BERT over what is said and what is seen.

A name is looked up when it is first used, so importing the package does not import torch. Using one
name makes all of them known to the Auto classes of transformers.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "VideoBertConfig": "videobert.configuration_videobert",
    "VideoBertForMaskedLM": "videobert.modeling_videobert",
    "VideoBertForPreTraining": "videobert.modeling_videobert",
    "VideoBertModel": "videobert.modeling_videobert",
    "VideoBertProcessor": "videobert.processing_videobert",
    "VideoEncoderConfig": "videobert.modeling_videoencoder",
    "VideoEncoderForPreTraining": "videobert.modeling_videoencoder",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'videobert' has no attribute {name!r}")
    for home in {*_HOMES.values(), "videobert.auto_classes"}:
        import_module(home)
    return getattr(import_module(_HOMES[name]), name)
