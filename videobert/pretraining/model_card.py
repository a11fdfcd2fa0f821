"""The README.md of a model's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from videobert.configuration_videobert import VideoBertConfig


def model_card(
    provenance: Mapping[str, Any], config: VideoBertConfig, found: Mapping[str, float]
) -> str:
    """Markdown that says what the model is, what it learnt from, and how far it came: each figure as ``found`` last."""
    options = {key: value for key, value in provenance.items() if not isinstance(value, Mapping)}
    lines = [
        "---",
        "library_name: transformers",
        "tags: [videobert]",
        "---",
        "# A VideoBERT",
        "",
        f"{config.num_hidden_layers} layers, {config.hidden_size} wide, over {config.text_size:,} WordPiece ids, `[>]` "
        f"and {config.visual_size:,} visual words. Ask it with `videobert predict CLIP --model` and this folder.",
        "",
        "## Training",
        *(f"- {key}: {value}" for key, value in options.items()),
        "",
        f"## Found at step {found.get('step', 0)}, on training batches and on videos kept apart",
        *(f"- {key}: {value:.4g}" for key, value in found.items() if key != "step"),
        "",
        "![losses](losses.png)",
        "",
    ]
    return "\n".join(lines)
