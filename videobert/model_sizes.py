"""The sizes of models, and the families of their encoders, by name."""

from __future__ import annotations

SIZES = {
    "tiny": (2, 128),
    "mini": (4, 256),
    "small": (4, 512),
    "base": (12, 768),
    "large": (24, 1024),
}
"""Layers and width. The first three are by Turc et al. (2019), "Well-Read Students Learn Better",
the last two by Devlin et al. (2019)."""
HEAD_WIDTH = 64
"""Width of one attention head in all of them."""
BERT, *_ = FAMILIES = (
    "bert",
    "roberta",
    "xlm-roberta",
    "albert",
    "electra",
    "distilbert",
    "mpnet",
    "modernbert",
)
"""As transformers calls them; encoders.py says in what they differ from a BERT."""
ELECTRA = "electra"
