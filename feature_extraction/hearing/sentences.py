"""Timed words to sentences.

Where the words carry punctuation, a sentence ends at a full stop, question or exclamation mark; where they do not
(YouTube's automatic captions), it ends at a pause. In both it ends at a long silence. Then every sentence is brought to
its length: one that is too short joins its nearer neighbour, one that is too long is cut at its longest pauses.

No word is duplicated or moved. Words are dropped only where fewer than ``min_words`` stand alone between two long
silences; so ``len(words) - sum(len(sentence.words) for sentence in sentences)`` counts what was dropped.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import pairwise

from feature_extraction.options import SentenceOptions
from feature_extraction.schema import Sentence, Word

Restorer = Callable[[Sequence[Word]], Sequence[Word]]
"""Puts punctuation and capitals into words that have none: as many words come out, with the same times."""

Span = tuple[int, int]
"""A run of words: the index of its first word, and of the first one after it."""

TITLES = frozenset("mr mrs ms dr prof st vs e.g i.e approx fig jr sr cf".split())
"""Abbreviations that no sentence ends with."""
UNITS = frozenset(
    "tbsp tbs tsp oz lb lbs min mins hr hrs sec secs pt qt gal pkg in ft cm mm ml kg g etc temp".split()
)
"""Abbreviations that a sentence may end with: it does if the next word begins with a capital."""

CLOSING = "\"')]}”’»"
"""Marks that may follow the mark at the end of a sentence."""
_OPENING = "\"'([{“‘«¿¡"


def split_sentences(
    words: Sequence[Word],
    options: SentenceOptions = SentenceOptions(),
    restore: Restorer | None = None,
) -> list[Sentence]:
    """The sentences of ``words``, which are in the order of their starts; see the module's docstring.

    ``restore`` is asked only where the words carry no punctuation. Takes n log n steps for n words.
    """
    ends = _ends(words)
    if restore is not None and sum(ends) < options.punctuated * len(words):
        restored = restore(words)
        if len(restored) != len(words):
            raise ValueError(f"the restorer made {len(restored)} words of {len(words)}")
        words, ends = restored, _ends(restored)
    pauses = _pauses(words)
    longest = options.silence if sum(ends) >= options.punctuated * len(words) else options.pause
    bounds = [index for index in range(1, len(words)) if ends[index - 1] or pauses[index] > longest]
    spans = _join_short([*pairwise([0, *bounds, len(words)])] if words else [], pauses, options)
    cuts = [bound for span in spans for bound in pairwise(_cut_long(*span, pauses, options))]
    return [Sentence(tuple(words[first:last])) for first, last in cuts]


def ends_sentence(word: str, following: str | None) -> bool:
    """Whether a sentence ends with ``word``; ``following`` is the next word, None at the end of all.

    Not with abbreviations (Dr., e.g.), initials (J. Child) or an ellipsis before a small letter; with a unit (tbsp.,
    oz.) or a dotted abbreviation (p.m.) only before a capital. Decimals and "1/2" have no mark at their end.
    """
    text = word.rstrip(CLOSING)
    capital = following is None or following.lstrip(_OPENING)[:1].isupper()
    if text.endswith(("?", "!", "。", "？", "！")):
        return True
    if text.endswith(("…", "..")):
        return capital
    if not text.endswith("."):
        return False
    body = text[:-1].lstrip(_OPENING)
    if body.lower() in TITLES or _is_initial(body):
        return following is None
    if body.lower() == "no":  # "No. 5", but "No. Do not stir."
        return not (following and following[0].isdigit())
    return capital or not (body.lower() in UNITS or _is_dotted(body))


def _is_initial(body: str) -> bool:
    return len(body) == 1 and body.isupper() and body != "I"


def _is_dotted(body: str) -> bool:
    """Whether it is like p.m or U.S: single letters and dots."""
    return "." in body and all(len(part) == 1 and part.isalpha() for part in body.split("."))


def _ends(words: Sequence[Word]) -> list[bool]:
    """Of each word, whether a sentence ends with it."""
    texts = [word.text for word in words]
    return (
        [ends_sentence(*pair) for pair in zip(texts, [*texts[1:], None], strict=True)]
        if texts
        else []
    )


def _pauses(words: Sequence[Word]) -> list[float]:
    """Seconds of silence before each word, to the millisecond; 0 for the first one and where words overlap."""
    gaps = (max(round(after.start - before.end, 3), 0.0) for before, after in pairwise(words))
    return [0.0, *gaps][: len(words)]


def _join_short(
    spans: Sequence[Span], pauses: Sequence[float], options: SentenceOptions
) -> list[Span]:
    """Every span below ``min_words`` joined to the neighbour with the shorter pause between, the one before on a tie.

    Where both pauses are longer than ``silence``, it is dropped.
    """
    joined: list[Span] = []
    carried: int | None = None  # where the span begins that was handed on to the next
    for index, (first, last) in enumerate(spans):
        first, carried = (first if carried is None else carried), None
        if last - first >= options.min_words:
            joined.append((first, last))
            continue
        before = pauses[first] if joined and joined[-1][1] == first else float("inf")
        after = pauses[last] if index + 1 < len(spans) else float("inf")
        if min(before, after) > options.silence:
            continue
        if before <= after:
            joined[-1] = (joined[-1][0], last)
        else:
            carried = first
    return joined


def _cut_long(
    first: int, last: int, pauses: Sequence[float], options: SentenceOptions
) -> list[int]:
    """The bounds of a span, cut at its longest pause, then each part likewise, until none is above ``max_words``.

    No part is below ``min_words``. Among equal pauses (captions without word times) those come first that cut evenly.
    """
    bounds = [first, last]
    count = last - first
    if count <= options.max_words:
        return bounds
    parts = -(-count // options.max_words)
    even = -(-count // parts)
    for index in sorted(
        range(first + 1, last), key=lambda index: (-pauses[index], (index - first) % even)
    ):
        place = bisect(bounds, index)
        left, right = bounds[place - 1], bounds[place]
        if (
            right - left > options.max_words
            and min(index - left, right - index) >= options.min_words
        ):
            bounds.insert(place, index)
    return bounds
