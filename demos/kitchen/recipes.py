"""Recipes: the steps of each video and their times; seed and number of videos decide all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from demos.kitchen.menu import Combination, combinations, hold_out
from demos.kitchen.nouns import NOUNS
from demos.kitchen.style import CALM, Style
from demos.kitchen.truth import HELD_OUT_COMBINATIONS, HELD_OUT_VIDEOS, TRAINING, Step, Truth, Video
from demos.kitchen.verbs import VERBS

MINIMUM_VIDEOS = 3  # one for each split

# What a random stream is for: the last part of its seed.
CORPUS, RECIPE, NARRATION, LOOK = range(4)


def stream(seed: int, index: int, purpose: int) -> np.random.Generator:
    """The random numbers of one video (by index) for one purpose, independent of all others."""
    return np.random.default_rng(np.random.SeedSequence([seed, index, purpose]))


def plan(videos: int, seed: int, style: Style = CALM) -> Truth:
    """Plan a corpus of so many videos.

    Raises:
        ValueError: for fewer than three videos.
    """
    if videos < MINIMUM_VIDEOS:
        raise ValueError(
            f"a corpus needs {MINIMUM_VIDEOS} videos or more, one a split; asked for {videos}"
        )
    rng = stream(seed, 0, CORPUS)
    held_out = hold_out(rng)
    common = [pair for pair in combinations() if pair not in held_out]
    decks = {
        TRAINING: _deck(common, rng),
        HELD_OUT_VIDEOS: _deck(common, rng.spawn(1)[0]),
        HELD_OUT_COMBINATIONS: _deck(held_out, rng.spawn(1)[0]),
    }
    planned = [
        _recipe(split, index, seed, style, decks[split])
        for index, split in enumerate(_splits(videos, style))
    ]
    return Truth(seed, tuple(VERBS), tuple(NOUNS), tuple(held_out), tuple(planned))


def _splits(videos: int, style: Style) -> list[str]:
    """The split of each video; at least one of each."""
    held = max(1, round(videos * style.held_out_share))
    return (
        [TRAINING] * (videos - 2 * held) + [HELD_OUT_VIDEOS] * held + [HELD_OUT_COMBINATIONS] * held
    )


def _deck(pairs: list[Combination], rng: np.random.Generator) -> Iterator[Combination]:
    """Combinations without end: each is dealt once before any is dealt again."""
    while True:
        yield from (pairs[index] for index in rng.permutation(len(pairs)))


def _deal(deck: Iterator[Combination], count: int) -> list[Combination]:
    """The next different combinations; neighbours differ in verb and noun where swaps allow it."""
    hand: list[Combination] = []
    while len(hand) < count:
        pair = next(deck)
        if pair not in hand:
            hand.append(pair)
    for place in range(1, count):
        for other in range(place, count):
            if not set(hand[other]) & set(hand[place - 1]):
                hand[place], hand[other] = hand[other], hand[place]
                break
    return hand


def _recipe(split: str, index: int, seed: int, style: Style, deck: Iterator[Combination]) -> Video:
    def seconds(earlier: float, least: float, most: float) -> float:
        """When a frame begins, a random while after an earlier time."""
        return round(round((earlier + rng.uniform(least, most)) * style.fps) / style.fps, 3)

    rng = stream(seed, index, RECIPE)
    dealt, now = [], seconds(0.0, *style.intro_seconds)
    for verb, noun in _deal(deck, int(rng.integers(style.steps[0], style.steps[1] + 1))):
        end = seconds(now, *style.step_seconds)
        spoken = bool(rng.random() < style.spoken_share)
        dealt.append(Step(verb, noun, f"{verb} the {noun}", now, end, spoken))
        now = seconds(end, *style.pause_seconds)
    return Video(f"{split}/kitchen_{index:04d}", split, now, tuple(dealt))
