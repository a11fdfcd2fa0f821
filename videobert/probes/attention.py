"""What each head looks at, by where the mass of its attention lies.

The kinds are those of Kovaleva et al. (2019), "Revealing the Dark Secrets of BERT", told by shares
of mass in place of a trained network; the distance between heads is that of Clark et al. (2019),
"What Does BERT Look At?". A row's parts are text and video, its signs all else.

Shapes:
    maps: [layers, heads, length, length], a row's attention; what a place looks at sums to 1.
    sign, seen: bool [length], which places hold a sign, and which a clip.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from videobert.inference import in_batches
from videobert.joint_network import JointNetwork
from videobert.loading import TrainedModel
from videobert.model_sizes import BERT
from videobert.orders import MASKED
from videobert.probes.states import is_sign
from videobert.sequences import Ids

DIAGONAL, VERTICAL, BOTH = "diagonal", "vertical", "vertical + diagonal"
BLOCK, HETEROGENEOUS = "block", "heterogeneous"
MOST, PART = 0.5, 0.2
"""A head is of a kind if half of what it could have beyond even attention is there; of both kinds
if each has a fifth."""
ROWS = 16
"""In a batch; maps of 512 ids and 144 heads take 2.4 GB in it."""
Row = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Maps, sign and seen of one row."""


@dataclass(frozen=True)
class Head:
    """Shares of the mass of one head, over what words and clips look at in all rows.

    Attributes:
        diagonal: on itself and its neighbours, signs left out.
        vertical: on signs.
        own: elsewhere in the own part.
        to_video: of words, on clips.
        to_text: of clips, on words.
        kind: DIAGONAL, VERTICAL, BOTH, BLOCK or HETEROGENEOUS.
    """

    diagonal: float
    vertical: float
    own: float
    to_video: float
    to_text: float
    kind: str


@dataclass(frozen=True)
class Attention:
    """What the heads look at.

    Attributes:
        heads: by layer and head.
        apart: by layer, the Jensen-Shannon divergence of each two heads in bits, 0 to 1.
        even: what a head that looks everywhere alike would have.
    """

    heads: list[list[Head]]
    apart: list[list[list[float]]]
    even: Head

    def __str__(self) -> str:
        kinds = [head.kind for layer in self.heads for head in layer]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
        every = [head for layer in self.heads for head in layer]
        to_video, to_text = (
            max(getattr(head, name) for head in every) for name in ("to_video", "to_text")
        )
        return (
            f"Of {len(every)} heads: {counts}. A word gives clips up to {to_video:.0%} of its "
            f"attention (even: {self.even.to_video:.0%}), a clip gives words up to {to_text:.0%} "
            f"(even: {self.even.to_text:.0%})."
        )


def describe_heads(rows: Iterable[Row]) -> Attention:
    """Sum up the attention of all heads over rows that have words and clips.

    Raises:
        ValueError: if there is no row.
    """
    mass: Any = 0
    even: Any = 0
    apart: Any = 0
    count = 0
    for maps, sign, seen in rows:
        length = maps.shape[-1]
        mass = mass + _mass(maps, sign, seen)
        even = even + _mass(np.full((1, 1, length, length), 1 / length), sign, seen)
        apart = apart + np.stack([divergences(layer[:, ~sign]) for layer in maps])
        count += 1
    if not count:
        raise ValueError("no row has words and clips")
    return Attention(
        [[_head(head, even[0, 0]) for head in layer] for layer in mass],
        (apart / count).tolist(),
        _head(even[0, 0], even[0, 0]),
    )


def _mass(maps: np.ndarray, sign: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Sum the mass of words' and of clips' attention, [layers, heads, 2, 4].

    The last four are diagonal, vertical, own part and other part.
    """
    places = np.arange(len(sign))
    near = (np.abs(places[:, None] - places) <= 1) & ~sign
    same = seen[:, None] == seen
    where = (near, np.broadcast_to(sign, near.shape), same & ~near & ~sign, ~same & ~sign)
    asking = (~sign & ~seen, ~sign & seen)
    sums = [[(maps * (each & rows[:, None])).sum((2, 3)) for each in where] for rows in asking]
    return np.moveaxis(np.array(sums), (0, 1), (2, 3))


def _head(mass: np.ndarray, even: np.ndarray) -> Head:
    """Turn the sums of one head, [2, 4], into shares."""
    total = mass.sum()
    diagonal, vertical, own, _ = (float(share) for share in mass.sum(axis=0) / total)
    to_video, to_text = (mass[:, 3] / mass.sum(axis=1)).tolist()
    return Head(diagonal, vertical, own, to_video, to_text, _kind(mass, even))


def _kind(mass: np.ndarray, even: np.ndarray) -> str:
    """Name a head by what its shares have beyond even attention: 0 for none, 1 for all."""
    own, chance = (sums.sum(axis=0) / sums.sum() for sums in (mass, even))
    diagonal, vertical = (own - chance)[:2] / (1 - chance)[:2]
    if diagonal + vertical >= MOST and min(diagonal, vertical) >= PART:
        return BOTH
    if max(diagonal, vertical) >= MOST:
        return DIAGONAL if diagonal > vertical else VERTICAL
    inside, even_inside = (
        float(np.mean(sums[:, 2] / np.maximum(sums[:, 2:].sum(axis=1), 1e-12)))
        for sums in (mass, even)
    )
    return BLOCK if inside - even_inside >= MOST * (1 - even_inside) else HETEROGENEOUS


def divergences(maps: np.ndarray) -> np.ndarray:
    """Return the mean Jensen-Shannon divergence of each two heads, [heads, heads], in bits.

    Args:
        maps: of one layer, [heads, places, length].
    """
    wide = maps.astype(np.float64)
    own = _entropy(wide)
    middle = _entropy((wide[:, None] + wide) / 2)
    mean: np.ndarray = (middle - (own[:, None] + own) / 2).mean(axis=-1)
    return np.maximum(mean, 0)


def _entropy(shares: np.ndarray) -> np.ndarray:
    found: np.ndarray = -(shares * np.log2(np.maximum(shares, 1e-30))).sum(axis=-1)
    return found


def has_maps(network: JointNetwork) -> bool:
    """Tell whether heads can be read: those of a BERT that fills masks and has all of them."""
    whole = network.kind == BERT and network.own_layers and network.config.heads is None
    return whole and network.config.objective == MASKED


@contextmanager
def eager(network: JointNetwork) -> Iterator[None]:
    """Let a network attend in the one way that gives its maps away, and then as before."""
    before = network.config._attn_implementation
    network.set_attn_implementation("eager")
    try:
        yield
    finally:
        network.set_attn_implementation(before)


def read_maps(model: TrainedModel, texts: Sequence[Ids], visual: Sequence[Ids]) -> Iterator[Row]:
    """Yield the attention of each row that has words and clips.

    Args:
        model: one of which ``has_maps`` is true.
        texts: ids of each row's text.
        visual: visual words of each row.
    """
    network: Any = model.network
    with eager(network):
        for batch in in_batches(model, texts, visual, size=ROWS):
            there = {n: torch.from_numpy(a).to(network.device) for n, a in batch.inputs.items()}
            with torch.no_grad():
                found = network.bert(**there, output_attentions=True).attentions
            maps = torch.stack(found, dim=1).float().cpu().numpy()
            rows = zip(
                maps, is_sign(batch), batch.seen, batch.inputs["attention_mask"], strict=True
            )
            for each, sign, seen, mask in rows:
                length = int(mask.sum())
                sign, seen = sign[:length], seen[:length]
                if seen.any() and (~sign & ~seen).any():
                    yield each[:, :, :length, :length], sign, seen
