"""The options of the visual vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workfolder.errors import InputError
from workfolder.options import Options, option

PREPARATIONS = ("none", "pca", "whiten")
MOST_WORDS = 2**31 - 1
"""Visual words are numbered as int32."""


@dataclass(frozen=True)
class ClusterOptions(Options):
    """The shape of the tree and the space that it divides."""

    panel: ClassVar[str] = "Visual words"

    branching: int = option(12, "Children of each node of the tree.", least=2)
    depth: int = option(
        4, "Levels of the tree: branching ** depth visual words; 12 ** 4 = 20,736.", least=1
    )
    preparation: str = option(
        "none", "Preparation of features before clustering.", choices=PREPARATIONS
    )
    components: int = option(128, "Dimensions that pca and whiten keep.", least=1)
    seed: int = option(0, "Seed of all random choices.", least=0)

    def __post_init__(self) -> None:
        """Raise InputError for more words than can be numbered."""
        super().__post_init__()
        refuse_too_many_words(self.branching, self.depth)


def refuse_too_many_words(branching: int, depth: int) -> None:
    """Raise InputError if there are more visual words than int32 can number."""
    if branching**depth > MOST_WORDS:
        raise InputError(
            f"{branching}^{depth} words are more than int32 can number: choose fewer levels"
        )
