"""The README.md of a model's folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from videobert.learning.history import VALIDATION

UNITS = {"loss": "nats a question", "accuracy": "share of the questions"}
APART = "videos kept apart from training"


def model_card(made_with: Mapping[str, Any], config: Any, found: Mapping[str, float]) -> str:
    """Describe a model: what it is, what it learnt from, how far it came.

    Its first lines are what the Hub reads: the base model, and the scores as a model-index.

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
        _for_the_hub(options, found).to_yaml(),
        "---",
        "# A VideoBERT",
        "",
        f"{layers} layers, {width} wide, over {config.text_size:,} text ids, `[>]` "
        f"and {config.visual_size:,} visual words. Ask it with `videobert predict CLIP --model` "
        "and this folder, or its name on the Hub.",
        "",
        "    from videobert import VideoBertModel  # makes it known to the Auto classes",
        "    AutoModel.from_pretrained(FOLDER_OR_NAME, trust_remote_code=False)",
        "",
        "## Data and training",
        *(f"- {key}: {_told(value)}" for key, value in options.items()),
        "",
        f"## Found at step {found.get('step', 0)}, on training batches and on videos kept apart",
        *(f"- {key}: {value:.4g}" for key, value in found.items() if key != "step"),
        "",
        "![losses](losses.png)",
        "",
    ]
    return "\n".join(lines)


def _for_the_hub(options: Mapping[str, Any], found: Mapping[str, float]) -> ModelCardData:
    """Return what the Hub reads of a card.

    A base model is noted where ``--init`` is a name of the Hub, not a folder of this machine.
    """
    init = str(options.get("init", "none"))
    scores = list(_scores(found))
    return ModelCardData(
        library_name="transformers",
        tags=["videobert", "video", "video-text"],
        base_model=None if init == "none" or Path(init).exists() else init,
        model_name="VideoBERT" if scores else None,
        eval_results=scores or None,
    )


def _scores(found: Mapping[str, float]) -> Iterator[EvalResult]:
    for key, value in found.items():
        unit = UNITS.get(key.rpartition("_")[2])
        if key.startswith(VALIDATION) and unit:
            yield EvalResult(
                task_type="fill-mask",
                dataset_type="videobert-work-folder",
                dataset_name=APART,
                metric_type=key.rpartition("_")[2],
                metric_name=f"{key.removeprefix(VALIDATION)}, {unit}",
                metric_value=float(f"{value:.4g}"),
            )


def _told(value: Any) -> Any:
    """Return a value as a card tells it: of a path on this machine, the name."""
    is_place = isinstance(value, str | PurePath) and PurePath(value).is_absolute()
    return PurePath(value).name if is_place else value
