"""Cues to timed words: what every caption format has in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from feature_extraction.hearing.captions.cues import Cue
from feature_extraction.hearing.languages import unspaced_characters
from feature_extraction.schema import Word


def timed_words(cues: Iterable[Cue]) -> Iterator[Word]:
    """Yield the words of ``cues``, each with its times; in order where the cues are.

    Words without a time share the time between their neighbours that have one, or the time of the
    cue, in proportion to their length in characters. A cue that is still shown when the next one
    begins has said its words by then.
    """
    waiting: Cue | None = None
    has_times = False
    for cue in cues:
        timed = any(token.start is not None for token in cue.tokens)
        if waiting is None:
            waiting, has_times = cue, timed
        elif cue.start == waiting.start and not (timed or has_times):
            waiting.tokens += cue.tokens  # two speakers: one after the other
            waiting.end = max(waiting.end, cue.end)
        else:
            cut = min(waiting.end, cue.start) if cue.start > waiting.start else waiting.end
            yield from _cue_words(waiting, cut, has_times)
            waiting, has_times = cue, timed
    if waiting is not None:
        yield from _cue_words(waiting, waiting.end, has_times)


def saying_time(text: str) -> float:
    """Estimate how many seconds saying a word takes, where a file gives only its start.

    Chosen so that pauses foretell the full stops of shared/data/captions/aivants; the words of two
    recognisers that give ends last about as long. Of a script without spaces, where a word may be
    a sentence, about five characters are said in a second.
    """
    return 0.15 + 0.04 * len(text) + 0.16 * unspaced_characters(text)


def _cue_words(cue: Cue, cut: float, has_times: bool) -> Iterator[Word]:
    """Time the words of a cue; the last ones without a time share what is left before ``cut``."""
    begin = last = cue.start
    run: list[str] = []
    for token in cue.tokens:
        if token.start is not None:
            last = min(max(token.start, last), max(cue.end, last))
            yield from _spread(run, min(begin, last), last)
            begin, run = last, []
            if token.end is not None:
                begin = max(token.end, last)
                yield Word(token.text, last, begin, token.probability)
                continue
        run.append(token.text)
    yield from _spread(run, begin, max(begin, cut), begins_cue=not has_times)


def _spread(
    texts: Sequence[str], start: float, end: float, begins_cue: bool = False
) -> Iterator[Word]:
    """Share the time from ``start`` to ``end`` among words.

    One alone takes its saying time at most, unless it is a phrase that a cue shows.
    """
    begins_cue = begins_cue and (len(texts) > 1 or unspaced_characters("".join(texts)) > 1)
    if len(texts) == 1 and not begins_cue:
        end = min(end, start + saying_time(texts[0]))
    total = sum(map(len, texts))
    begin = start
    for text, said in zip(texts, accumulate(map(len, texts)), strict=True):
        until = min(start + (end - start) * (said / total), end)
        yield Word(text, begin, until, None, begins_cue and said == len(text))
        begin = until
