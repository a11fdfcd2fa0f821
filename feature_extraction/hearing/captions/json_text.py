"""Captions that are JSON: what YouTube and speech recognisers write.

The layout is told from the content, whatever the suffix; see LAYOUTS. All but YouTube's events are
brought to one form: phrases, each with its times and its text or its words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any, NoReturn, TextIO

from feature_extraction.hearing.captions.cues import NO_CAPTIONS, Cue, Notes, Token, tokens_of
from feature_extraction.hearing.captions.json_values import at, first_number, seconds, span, text_of
from feature_extraction.hearing.hallucinations import doubt
from feature_extraction.hearing.spoken import MARK, clean
from workfolder.errors import InputError

SURE = {"no_speech_prob": 0.0, "avg_logprob": 0.0, "compression_ratio": 1.0}
"""Figures of Whisper's phrases, and what is taken where a tool does not tell them."""

TEXTS = ("text", "content", "transcript")
WORDS = ("punctuated_word", "word", "text")
SHARES = ("probability", "score", "conf", "confidence")
"""Names of a phrase's text, of a word's, and of how sure the tool is of a word, by tool."""
LANGUAGES = (
    ("language",),
    ("language_code",),
    ("result", "language"),
    ("results", "language_code"),
    ("results", 0, "languageCode"),
    ("results", "channels", 0, "detected_language"),
)
"""Where a document names its language."""


def read_json(file: TextIO, notes: Notes) -> Iterator[Cue]:
    """Yield the cues of a JSON file; none, which is noted, where it is JSON of another kind.

    Raises:
        InputError: with the line where JSON itself is at fault, else with the entry.
    """
    document = _parse(file.read(), notes)
    named = (at(document, *path) for path in LANGUAGES)
    notes.language = next((name for name in named if isinstance(name, str)), None)
    for path, layout in LAYOUTS.items():
        if isinstance(entries := at(document, *path), list) and _is_layout(entries, path):
            return layout(entries, notes)
    notes.dropped[NO_CAPTIONS] += 1
    return iter(())


def _is_layout(entries: list[Any], path: tuple[str | int, ...]) -> bool:
    """Say whether a list is what a layout has there; a list alone may hold anything."""
    return bool(path) or any(at(entry, key) is not None for entry in entries[:1] for key in TEXTS)


def _parse(text: str, notes: Notes) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        notes.refuse(error.lineno, f"this is not JSON ({error.msg}): get the file again")
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits; brackets 100,000 deep
        raise InputError(
            f"{notes.path} holds JSON that no caption tool writes ({error}): get it again"
        ) from error


def _events(events: list[Any], notes: Notes) -> Iterator[Cue]:
    """Read YouTube's: an event begins at tStartMs, and its words are each tOffsetMs later."""
    for index, event in enumerate(events):
        if not isinstance(event, dict) or not isinstance(segments := event.get("segs", []), list):
            _refuse(notes, "event", index, "is not an event with a list of segs")
        if not segments:  # a window is opened here, nobody speaks
            continue
        start = seconds(event.get("tStartMs"), 0.001)
        if start is None:
            _refuse(notes, "event", index, "has no tStartMs in milliseconds")
        texts, times = _event_texts(segments, start)
        tokens = tokens_of("".join(texts), times, notes.dropped)
        starts = [token.start for token in tokens if token.start is not None]
        end = start + (seconds(event.get("dDurationMs"), 0.001) or 0.0)
        yield Cue(max(start, 0.0), max(end, start, 0.0, *starts), tokens)


def _event_texts(segments: list[Any], start: float) -> tuple[list[str], list[float]]:
    """Return the texts of an event, with a MARK before each that has a time, and these times."""
    texts: list[str] = []
    times: list[float] = []
    for segment in segments:
        if isinstance(segment, dict):
            offset = seconds(segment.get("tOffsetMs"), 0.001)
            texts += [MARK] if offset is not None else []
            times += [start + offset] if offset is not None else []
            texts.append(text_of(segment, ("utf8",)))
    return texts, times


def _recognised(phrases: list[Any], notes: Notes) -> Iterator[Cue]:
    """Read the phrases of a recogniser that may invent text."""
    notes.heard = True
    return _phrases(phrases, notes)


def _phrases(phrases: list[Any], notes: Notes, unit: float = 1.0) -> Iterator[Cue]:
    """Read phrases that have their times in units of so many seconds, with a text or words."""
    for index, phrase in enumerate(phrases):
        if not isinstance(phrase, dict):
            _refuse(notes, "phrase", index, f"is not a phrase: expected {KNOWN}")
        text, words = text_of(phrase, TEXTS), phrase.get("words")
        told = {key: seconds(phrase.get(key)) for key in SURE}
        figures = SURE | {key: value for key, value in told.items() if value is not None}
        if text and (reason := doubt(text, **figures)):
            notes.dropped[reason] += 1
            continue
        if isinstance(words, list) and words:
            tokens = [token for word in words for token in _word_tokens(word, notes, unit)]
        else:
            tokens = tokens_of(text, (), notes.dropped)
        starts = [token.start for token in tokens if token.start is not None]
        ends = [token.end for token in tokens if token.end is not None]
        start, end = span(phrase, unit)
        start = min(starts, default=None) if start is None else start
        end = max(ends, default=start) if end is None else end
        if start is None or end is None:
            _refuse(notes, "phrase", index, "has no start, in seconds")
        yield Cue(max(start, 0.0), max(end, start, 0.0), tokens)


def _word_tokens(word: Any, notes: Notes, unit: float) -> list[Token]:
    """Read an entry of ``words``, as a rule one word; None stands for what it does not tell."""
    if not isinstance(word, dict):
        return []
    tokens = tokens_of(text_of(word, WORDS), (), notes.dropped)
    start, end = span(word, unit)
    if len(tokens) == 1:
        shares = (first_number(word, (key,)) for key in SHARES)
        known = (share for share in shares if share is not None and 0 <= share <= 1)
        end = end if start is not None else None
        return [Token(tokens[0].text, start, end, next(known, None))]
    return [
        token._replace(start=start if place == 0 else None) for place, token in enumerate(tokens)
    ]


def _words(words: list[Any], notes: Notes) -> Iterator[Cue]:
    """Read words that no phrases hold; AssemblyAI's have a ``text``, and times in milliseconds."""
    unit = 1.0 if at(words, 0, "text") is None else 0.001
    return _phrases([{"words": words}] if words else [], notes, unit)


def _results(results: list[Any], notes: Notes) -> Iterator[Cue]:
    """Read Google's: of each result the first alternative."""
    alternatives = [at(result, "alternatives", 0) for result in results]
    return _phrases([phrase for phrase in alternatives if at(phrase, "words")], notes)


def _items(items: list[Any], notes: Notes) -> Iterator[Cue]:
    """Read Amazon's: words with their times, and punctuation that belongs to the word before."""
    words: list[dict[str, Any]] = []
    for item in items:
        content = at(item, "alternatives", 0, "content")
        if isinstance(content, str) and at(item, "type") == "punctuation":
            words[-1:] = [{**word, "word": word["word"] + content} for word in words[-1:]]
        elif isinstance(content, str):
            share = at(item, "alternatives", 0, "confidence")
            words.append({**item, "word": content, "confidence": share})
    return _words(words, notes)


def _characters(timestamps: list[Any], notes: Notes) -> Iterator[Cue]:
    """Read a time for every character; a space ends a word."""
    characters = [_character(entry, index, notes) for index, entry in enumerate(timestamps)]
    for is_space, run in groupby(characters, key=lambda character: character[0].isspace()):
        letters = [] if is_space else list(run)
        for token in tokens_of("".join(letter[0] for letter in letters), (), notes.dropped):
            start, end = max(letters[0][1], 0.0), max(letter[2] for letter in letters)
            yield Cue(start, max(end, start), [token._replace(start=start, end=end)])


def _character(entry: Any, index: int, notes: Notes) -> tuple[str, float, float]:
    if isinstance(entry, list) and len(entry) == 3 and isinstance(entry[0], str) and entry[0]:
        start, end = seconds(entry[1]), seconds(entry[2])
        if start is not None and end is not None:
            return clean(entry[0]), start, end
    _refuse(notes, "timestamp", index, "is not [character, start, end] with times in seconds")


LAYOUTS: Mapping[tuple[str | int, ...], Callable[[list[Any], Notes], Iterator[Cue]]] = {
    ("events",): _events,  # YouTube's json3
    ("segments",): _recognised,  # Whisper, WhisperX, faster-whisper, OpenAI's verbose_json
    ("transcription",): _recognised,  # whisper.cpp
    ("chunks",): _recognised,  # transformers' pipeline
    ("timestamps",): _characters,
    ("result",): _words,  # Vosk
    ("results", "channels", 0, "alternatives", 0, "words"): _words,  # Deepgram
    ("results", "items"): _items,  # Amazon Transcribe
    ("results",): _results,  # Google Speech-to-Text
    ("words",): _words,  # AssemblyAI; OpenAI's words
    (): _phrases,  # youtube-transcript-api; a list of Whisper's segments
}
"""Where a document holds its captions, and what reads them: the first that fits is taken."""
KNOWN = "YouTube's events, segments, or words with their start and end"


def _refuse(notes: Notes, kind: str, index: int, reason: str) -> NoReturn:
    raise InputError(
        f"{notes.path}, {kind} {index + 1}: it {reason}; mend it or get the file again"
    )
