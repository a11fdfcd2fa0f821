"""Timed words to sentences.

Where the words carry punctuation, a sentence ends at a full stop, question or exclamation mark;
where they do not (YouTube's automatic captions, or a long stretch of speech), it ends at a pause,
or with its caption where only captions have times. In both it ends at a long silence. Then every
sentence is brought to its length: one that is too short joins its nearer neighbour, one that is too
long is cut at its longest pauses.

In scripts without spaces a word of a caption is a phrase: each of its characters counts as a word.

No word is duplicated or moved. Words are dropped only where fewer than ``min_words`` stand alone
between two long silences; ``len(words) - sum(len(sentence.words) for sentence in sentences)`` is
how many.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

from feature_extraction.hearing.languages import unspaced_characters
from feature_extraction.options import SentenceOptions
from feature_extraction.schema import Sentence, Word

Restorer = Callable[[Sequence[Word]], Sequence[Word]]
"""Adds punctuation and capitals to words; as many come out, at the same times."""

Span = tuple[int, int]
"""A run of words: the index of its first word, and of the first one after it."""

TITLES = frozenset("mr mrs ms dr prof st vs e.g i.e approx fig jr sr cf".split())
"""Abbreviations that no sentence ends with."""
UNITS = frozenset(
    (
        "tbsp tbs tsp oz lb lbs min mins hr hrs sec secs pt qt gal pkg in ft cm mm ml kg g etc temp"
    ).split()
)
"""Abbreviations that a sentence may end with: it does if the next word begins with a capital."""

CLOSING = "\"')]}”’»」』）】"
"""Marks that may follow the mark at the end of a sentence."""
LONG_STRETCH = 20
"""Words without any mark between them that count as unpunctuated in speech that is punctuated."""

LIST_PAUSE = 0.3
"""Seconds of silence before a number in a list, where no mark stands there."""

_OPENING = "\"'([{“‘«¿¡"
_FULL_STOPS = ("?", "!", "。", "．", "｡", "？", "！", "।", "॥", "؟", "۔", "።", "።", "།")
_MARKS = (",", ";", ":", ".", "…", "–", "—", "、", "，", "；", "：", "،", "؛", *_FULL_STOPS)


def split_sentences(
    words: Sequence[Word],
    options: SentenceOptions = SentenceOptions(),
    restore: Restorer | None = None,
) -> list[Sentence]:
    """Split words into sentences, as the module's docstring says, in n log n steps for n words.

    Args:
        words: in the order of their starts.
        options: where a sentence ends.
        restore: is asked where the words carry no punctuation.
    """
    ends = _ends(words)
    if restore is not None and sum(ends) < options.punctuated * len(words):
        restored = restore(words)
        if len(restored) != len(words):
            raise ValueError(f"the restorer made {len(restored)} words of {len(words)}")
        words, ends = restored, _ends(restored)
    text = _Text(words, options)
    punctuated = sum(ends) >= options.punctuated * len(words)
    bounds = text.sentence_bounds(ends) if punctuated else text.pause_bounds()
    spans = text.join_short([*pairwise([0, *bounds, len(words)])] if words else [])
    cuts = [bound for span in spans for bound in pairwise(text.cut_long(*span))]
    return [Sentence(tuple(words[first:last])) for first, last in cuts]


def ends_sentence(word: str, following: str | None) -> bool:
    """Say whether a sentence ends with a word.

    Not with abbreviations (Dr., e.g.), initials (J. Child) or an ellipsis before a small letter;
    with a unit (tbsp., oz.) or a dotted abbreviation (p.m.) only before a capital. Decimals and
    "1/2" have no mark at their end.

    Args:
        word: with its marks.
        following: the next word; None at the end of all.
    """
    text = word.rstrip(CLOSING)
    capital = following is None or following.lstrip(_OPENING)[:1].isupper()
    if text.endswith(_FULL_STOPS):
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
    """Say whether it is like p.m or U.S: single letters and dots."""
    return "." in body and all(len(part) == 1 and part.isalpha() for part in body.split("."))


def _ends(words: Sequence[Word]) -> list[bool]:
    """Say of each word whether a sentence ends with it.

    A number in a list (2. Stir) belongs to what follows, and a sentence ends before it.
    """
    texts: list[str | None] = [word.text for word in words]
    ends: list[bool] = []
    for index, (text, following) in enumerate(pairwise([*texts, None])):
        assert text is not None
        if following is not None and _is_list_number(words, index, not ends or ends[-1]):
            if ends:
                ends[-1] = True
            ends.append(False)
        else:
            ends.append(ends_sentence(text, following))
    return ends


def _is_list_number(words: Sequence[Word], index: int, begins: bool) -> bool:
    """Say whether a word counts what follows: after a mark, or after a pause and not before one.

    Args:
        begins: whether a sentence ends before it.
    """
    text = words[index].text
    if not (len(text) <= 3 and text.endswith(".") and text[:-1].isdecimal()):
        return False
    if begins or _is_marked(words[index - 1].text):
        return True
    before = words[index].start - words[index - 1].end
    after = words[index + 1].start - words[index].end
    return before > max(after, LIST_PAUSE)


def _is_marked(text: str) -> bool:
    return text.rstrip(CLOSING).endswith(_MARKS)


class _Text:
    """Words with what decides where they are split.

    Attributes:
        pauses: seconds of silence before each word, to the millisecond; 0 for the first one and
            where words overlap.
        sizes: how many words each counts as.
        passed: how many words come before each, and all at the end.
    """

    def __init__(self, words: Sequence[Word], options: SentenceOptions) -> None:
        self.words, self.options = words, options
        gaps = (max(round(after.start - before.end, 3), 0.0) for before, after in pairwise(words))
        self.pauses = [0.0, *gaps][: len(words)]
        self.sizes = [max(unspaced_characters(word.text), 1) for word in words]
        self.passed = [0, *accumulate(self.sizes)]

    def size(self, first: int, last: int) -> int:
        """Count the words of a span."""
        return self.passed[last] - self.passed[first]

    def pause_bounds(self) -> list[int]:
        """Return where sentences begin in words without punctuation, but for the first."""
        longest = self.options.pause
        return [
            index
            for index in range(1, len(self.words))
            if self.pauses[index] > longest or self.words[index].begins_cue
        ]

    def sentence_bounds(self, ends: Sequence[bool]) -> list[int]:
        """Return where sentences begin in punctuated words, but for the first."""
        bounds, stretch = [], 0  # where the words without any mark begin
        for index in range(1, len(self.words) + 1):
            marked = _is_marked(self.words[index - 1].text)
            silent = index < len(self.words) and self.pauses[index] > self.options.silence
            if marked or silent or ends[index - 1] or index == len(self.words):
                if self.size(stretch, index) > LONG_STRETCH:
                    inner = range(stretch + 1, index)
                    bounds += [n for n in inner if self.pauses[n] > self.options.pause]
                stretch = index
                if index < len(self.words) and (ends[index - 1] or silent):
                    bounds.append(index)
        return bounds

    def join_short(self, spans: Sequence[Span]) -> list[Span]:
        """Join every span below ``min_words`` to the neighbour with the shorter pause between.

        On a tie that is the one before. Where both pauses are longer than ``silence``, the span is
        dropped.
        """
        joined: list[Span] = []
        carried: int | None = None  # where the span begins that was handed on to the next
        for index, (first, last) in enumerate(spans):
            first, carried = (first if carried is None else carried), None
            if self.size(first, last) >= self.options.min_words:
                joined.append((first, last))
                continue
            before = self.pauses[first] if joined and joined[-1][1] == first else float("inf")
            after = self.pauses[last] if index + 1 < len(spans) else float("inf")
            if min(before, after) > self.options.silence:
                continue
            if before <= after:
                joined[-1] = (joined[-1][0], last)
            else:
                carried = first
        return joined

    def cut_long(self, first: int, last: int) -> list[int]:
        """Return the bounds of a span, cut at its longest pauses until none is above ``max_words``.

        No part is below ``min_words``. Among equal pauses (captions without word times) those come
        first that cut evenly.
        """
        bounds = [first, last]
        least, most = self.options.min_words, self.options.max_words
        count = self.size(first, last)
        if count <= most:
            return bounds
        even = -(-count // -(-count // most))
        for index in sorted(
            range(first + 1, last),
            key=lambda index: (-self.pauses[index], self.size(first, index) % even),
        ):
            place = bisect(bounds, index)
            left, right = bounds[place - 1], bounds[place]
            parts = self.size(left, index), self.size(index, right)
            if self.size(left, right) > most and min(parts) >= least:
                bounds.insert(place, index)
        return bounds
