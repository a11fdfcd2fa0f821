"""The README.md of a model's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from videobert.configuration_videobert import VideoBertConfig


def model_card(provenance: Mapping[str, Any], config: VideoBertConfig, history: pa.Table) -> str:
    """Markdown that says what the model is, what it learnt from, and how far it came."""
    last = history.slice(history.num_rows - 1).to_pylist()[0]
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
        f"## Training batches, averaged up to step {last['step']}",
        *(f"- {key}: {value:.4f}" for key, value in last.items() if key != "step"),
        "",
    ]
    return "\n".join(lines)
