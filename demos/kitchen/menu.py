"""Which actions go with which ingredients, and which of those combinations are held out."""

from __future__ import annotations

import numpy as np

Combination = tuple[str, str]  # (verb, noun)

HELD_OUT_PER_VERB = 2

_MENU = {
    "chop": "carrot tomato egg potato onion cheese lemon chocolate fish "
    "bacon corn mushroom cabbage bread salmon plum olive",
    "stir": "carrot tomato egg potato onion cheese lemon rice chocolate "
    "fish corn mushroom cabbage peas salmon plum olive",
    "pour": "carrot tomato egg onion cheese lemon rice chocolate corn "
    "mushroom cabbage peas plum olive",
    "flip": "carrot tomato dough egg potato onion cheese fish bacon "
    "corn mushroom cabbage bread salmon",
    "knead": "dough egg potato cheese rice chocolate fish corn mushroom "
    "cabbage peas bread salmon plum",
    "whisk": "tomato dough egg potato onion cheese lemon rice chocolate corn peas plum olive bread",
    "peel": "carrot tomato egg potato onion cheese lemon corn mushroom "
    "cabbage peas salmon plum olive",
    "grate": "carrot tomato dough egg potato onion cheese lemon chocolate "
    "mushroom cabbage bread plum bacon",
    "sprinkle": "carrot dough onion cheese lemon rice chocolate bacon corn "
    "mushroom cabbage peas bread olive",
    "spread": "tomato dough egg cheese lemon rice chocolate fish bacon peas salmon plum olive",
    "fry": "carrot tomato dough egg potato onion rice fish bacon corn mushroom peas bread salmon",
    "bake": "dough egg potato rice chocolate fish bacon mushroom cabbage peas bread salmon carrot",
}


def combinations() -> list[Combination]:
    """Everything the kitchen can do, in the menu's order."""
    return [(verb, noun) for verb, dishes in _MENU.items() for noun in dishes.split()]


def hold_out(rng: np.random.Generator) -> list[Combination]:
    """Two combinations of each verb, spread over the nouns as evenly as can be."""
    held, uses = [], dict.fromkeys({noun for _, noun in combinations()}, 0)
    for verb, dishes in _MENU.items():
        by_use = sorted(rng.permutation(dishes.split()).tolist(), key=uses.__getitem__)
        for noun in by_use[:HELD_OUT_PER_VERB]:
            uses[noun] += 1
            held.append((verb, noun))
    return held
