"""The options of the visual vocabulary."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from workfolder.errors import InputError
from workfolder.options import Options, option

PREPARATIONS = ("none", "pca", "whiten")
KINDS = ("tree", "balanced", "residual")
NEAR_WORDS = 8
"""Words of a clip that are enough to draw from."""
TREE, FLAT = SEARCHES = ("tree", "flat")
ALL, VIDEOS = CENTRES = ("all", "videos")
DEVICES = ("cpu", "cuda")
LATER = frozenset({"kind", "centre", "search"})
"""Options that codebooks of the first version did not have."""
NEW = object()
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
    kind: str = option(
        "tree",
        "How words divide the space. balanced: a tree whose children are more even. residual: each "
        "level divides what the levels before left over.",
        choices=KINDS,
    )
    centre: str = option(
        "all",
        "Whose mean is taken off each feature, here and wherever words are found: that of all, or "
        "that of its own video.",
        choices=CENTRES,
    )
    search: str = option(
        TREE,
        "How the word of a clip is found: down the tree, as in the paper, or flat: the nearest of "
        "all words.",
        choices=SEARCHES,
    )
    seed: int = option(0, "Seed of all random choices.", least=0)

    def __post_init__(self) -> None:
        """Raise InputError for more words than can be numbered."""
        super().__post_init__()
        refuse_too_many_words(self.branching, self.depth)

    def provenance(self) -> dict[str, Any]:
        """Return the options as JSON can hold them.

        Those that earlier versions did not have are left out where they have their defaults, so
        that codebooks of those versions can still be used.
        """
        later = {each.name: each.default for each in fields(self) if each.name in LATER}
        return {
            name: value for name, value in asdict(self).items() if value != later.get(name, NEW)
        }


@dataclass(frozen=True)
class TokenizeOptions(Options):
    """Where words are found, which are the same up to ties within float32, and what is kept."""

    panel: ClassVar[str] = "Words"

    device: str = option("cpu", "What finds the visual words.", choices=DEVICES)
    near_words: int = option(
        0,
        "Nearest words kept of each clip, with their distances, for pretrain --sample-words.",
        least=0,
    )


def refuse_too_many_words(branching: int, depth: int) -> None:
    """Raise InputError if there are more visual words than int32 can number."""
    if branching**depth > MOST_WORDS:
        raise InputError(
            f"{branching}^{depth} words are more than int32 can number: choose fewer levels"
        )
