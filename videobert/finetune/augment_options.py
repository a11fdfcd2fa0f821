"""The choices by which labelled texts are made more. No torch here: ``--help`` is quick."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from workfolder.options import Options, option

LEARNING = "Learning"


@dataclass(frozen=True)
class AugmentOptions(Options):
    """How labelled texts are made more. Dropout is that of the model's pre-training."""

    panel: ClassVar[str] = "What is made"

    annotations: str = option("", "Table with texts and labels.", shown="the only one")
    name: str | None = option(
        None,
        "Name of the table that is written.",
        shown="TABLE-more or TABLE-as-LABEL",
    )
    to: str | None = option(
        None, "Label that texts of other labels are turned to.", shown="each text keeps its label"
    )
    copies: int = option(1, "New texts of each row.", least=1, most=99)
    masked_share: float = option(
        0.15, "Share of a text's words that is written anew; one at least.", least=0.01, most=1
    )
    epochs: int = option(10, "Times that each row is seen.", least=1, panel=LEARNING)
    batch_size: int = option(32, "Rows in an update.", least=1, panel=LEARNING)
    accumulate: int = option(1, "Parts of a batch, one after the other.", least=1, panel=LEARNING)
    learning_rate: float = option(5e-5, "Peak; it rises, then falls to 0.", least=0, panel=LEARNING)
    seed: int = option(0, "Seed of all random choices.", least=0, most=2**32 - 1, panel=LEARNING)

    @property
    def table(self) -> str:
        """The name of the table that is written."""
        return self.name or self.annotations + (f"-as-{self.to}" if self.to else "-more")

    def of_learning(self) -> dict[str, Any]:
        """Return what changes the weights that are learnt, and not what they are used for."""
        used = ("name", "to", "copies")
        return {key: value for key, value in asdict(self).items() if key not in used}
