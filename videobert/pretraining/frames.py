"""The sentences in which a narration names what is done, found in its text alone.

A frame is a few words before "[MASK] the [MASK]": "it is time to [MASK] the [MASK]". Where many
different words stand in both places, the frame says nothing of the words itself, so it asks well.
The variety of a slot is its perplexity, the exponential of the entropy of its words in nats; the
variety of a frame is that of its less varied slot. So "add onions to the pan" makes no frame: what
stands before "the" there is nearly always "to".

Frames are asked together, so their slots must want the same words: "we have now [MASK] the [MASK]"
wants another form of a verb. The likeness of two frames is the cosine between the counts of their
words, in the less alike slot. The frame that is most like all others, weighed by their variety, is
the middle one, and those that are like it are kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from tokenization.pieces import MASK

BETWEEN = "the"
"""The word between verb and noun, as in the paper's template."""
BEGIN = "^"
"""Stands for the start of a sentence."""
LEAST_WORDS, MOST_WORDS = 2, 8
"""Words before the first mask; at the start of a sentence there may be fewer."""
SHARE = 0.5
"""A longer frame stands for a shorter one if it has at least this share of its sentences."""
LEAST_VARIETY = 0.5
"""Of the variety of the most varied frame, and never less than two words. Less varied slots are
parts of phrases."""
LEAST_LIKENESS = 0.2
"""Between frames that want the same words; two forms of the same verbs have 0."""
MOST_COMPARED = 200
"""Frames that are compared with each other; the most varied are."""

Context = tuple[str, ...]
Slots = dict[Context, tuple[Counter[str], Counter[str]]]


def mine_frames(sentences: Iterable[str], count: int) -> list[str]:
    """Find the frames with the most varied slots.

    Args:
        sentences: In small letters, with spaces between words.
        count: How many frames at most.

    Returns:
        Templates with two masks each, the most varied first. No frame ends another.
    """
    slots = _slots_by_context(sentences)
    covered = _covered_by_longer_ones(slots)
    varieties = {
        context: min(_variety(first), _variety(second))
        for context, (first, second) in slots.items()
        if context not in covered
    }
    often = {context: slots[context][0].total() for context in varieties}
    varied = sorted(varieties, key=lambda each: (-varieties[each], -often[each], each))
    least = max(2, LEAST_VARIETY * max(varieties.values(), default=0))
    varied = [context for context in varied[:MOST_COMPARED] if varieties[context] >= least]
    chosen: list[Context] = []
    for context in _like_the_middle_one(varied, slots, varieties):
        if not any(_ends(context, other) or _ends(other, context) for other in chosen):
            chosen.append(context)
    return [_template(context) for context in chosen[:count]]


def _like_the_middle_one(
    contexts: Sequence[Context], slots: Slots, varieties: Mapping[Context, float]
) -> list[Context]:
    """Select the contexts whose slots want the words that the middle one's want."""
    if not contexts:
        return []
    counts = [slots[context] for context in contexts]
    likeness = np.minimum(*(_cosines([both[slot] for both in counts]) for slot in (0, 1)))
    middle = (likeness @ np.array([varieties[context] for context in contexts])).argmax()
    return [c for c, near in zip(contexts, likeness[middle] >= LEAST_LIKENESS, strict=True) if near]


def _cosines(counters: Sequence[Counter[str]]) -> np.ndarray:
    """Compute the cosines between counts of words, [counters, counters]."""
    words = {word: place for place, word in enumerate(sorted(set().union(*counters)))}
    counts = np.zeros((len(counters), len(words)))
    for row, counter in enumerate(counters):
        for word, count in counter.items():
            counts[row, words[word]] = count
    unit = counts / np.linalg.norm(counts, axis=1, keepdims=True)
    return unit @ unit.T


def action_in(sentence: str, frames: Sequence[str]) -> str | None:
    """Find what a sentence says in one of the frames, such as "stir the tomato".

    Args:
        sentence: In small letters, with spaces between words.
        frames: Templates of two masks, as mine_frames finds them.

    Returns:
        The verb, the word between and the noun; None if the sentence has none of the frames.
    """
    words = f" {sentence} "
    for frame in frames:
        before, _, _ = frame.partition(MASK)
        found = re.search(rf" {re.escape(before)}(\w+ {BETWEEN} \w+) ", words)
        if found:
            return found[1]
    return None


def _slots_by_context(sentences: Iterable[str]) -> Slots:
    """Count the words of both slots, by what stands before them."""
    slots: Slots = {}
    for sentence in sentences:
        words = [BEGIN, *sentence.split()]
        for place in range(2, len(words) - 1):
            before, verb, noun = words[: place - 1], words[place - 1], words[place + 1]
            if words[place] == BETWEEN and verb.isalpha() and noun.isalpha():
                for context in _contexts(before):
                    first, second = slots.setdefault(context, (Counter(), Counter()))
                    first[verb] += 1
                    second[noun] += 1
    return slots


def _contexts(before: Sequence[str]) -> Iterator[Context]:
    """Yield the ends of what stands before a slot that may begin a frame."""
    for length in range(1, min(len(before), MOST_WORDS) + 1):
        context = tuple(before[-length:])
        whole = all(word == BEGIN or word.isalpha() for word in context)
        if whole and (length >= LEAST_WORDS or context[0] == BEGIN):
            yield context


def _covered_by_longer_ones(slots: Slots) -> set[Context]:
    """Find the contexts of which one that is a word longer has SHARE of the sentences."""
    return {
        longer[1:]
        for longer, (first, _) in slots.items()
        if longer[1:] in slots and first.total() >= SHARE * slots[longer[1:]][0].total()
    }


def _variety(words: Counter[str]) -> float:
    counts = np.array(list(words.values()), dtype=float)
    shares = counts / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _ends(context: Context, other: Context) -> bool:
    return context == other[-len(context) :]


def _template(context: Context) -> str:
    words = [word for word in context if word != BEGIN]
    return " ".join([*words, MASK, BETWEEN, MASK])
