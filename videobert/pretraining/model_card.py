"""The README.md of a model's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from videobert.configuration_videobert import VideoBertConfig


def model_card(
    made_with: Mapping[str, Any], config: VideoBertConfig, found: Mapping[str, float]
) -> str:
    """Describe a model: what it is, what it learnt from, how far it came.

    Args:
        made_with: the options and the data; what a mapping holds is left out.
        config: the shape of the model.
        found: the latest value of each figure of the history.

    Returns:
        Markdown.
    """
    options = {key: value for key, value in made_with.items() if not isinstance(value, Mapping)}
    layers, width = config.num_hidden_layers, config.hidden_size
    lines = [
        "---",
        "library_name: transformers",
        "tags: [videobert]",
        "---",
        "# A VideoBERT",
        "",
        f"{layers} layers, {width} wide, over {config.text_size:,} WordPiece ids, `[>]` "
        f"and {config.visual_size:,} visual words. Ask it with `videobert predict CLIP --model` "
        "and this folder.",
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
