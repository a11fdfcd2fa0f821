"""Captions that are JSON: YouTube's .json3, Whisper's, WhisperX's and Vosk's segments, and times by the character.

The layout is told from the content, whatever the suffix.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NoReturn

from feature_extraction.hearing.timed_words import LATEST, MARK, Cue, Notes, Token, clean, tokens_of
from workfolder.errors import InputError

LAYOUTS = "YouTube's json3 events, Whisper's or WhisperX's segments, or [character, start, end] timestamps"


def read_json_captions(text: str, notes: Notes) -> Iterator[Cue]:
    """The cues of a JSON file; InputError, with the line where JSON itself is at fault, else with the entry."""
    document = _parse(text, notes)
    if isinstance(document, list):
        return _segments(document, notes)
    if isinstance(document, dict):
        language = document.get("language")
        notes.language = language if isinstance(language, str) else None
        for key, reader in (
            ("events", _events),
            ("segments", _segments),
            ("timestamps", _characters),
        ):
            if isinstance(document.get(key), list):
                return reader(document[key], notes)
    raise InputError(f"{notes.path} is JSON but holds no captions: expected {LAYOUTS}")


def _parse(text: str, notes: Notes) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        notes.refuse(error.lineno, f"this is no JSON ({error.msg}): get the file again")
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits; brackets 100,000 deep
        raise InputError(
            f"{notes.path} holds JSON that no caption tool writes ({error}): get it again"
        ) from error


def _events(events: list[Any], notes: Notes) -> Iterator[Cue]:
    """YouTube's: an event begins at tStartMs and its segments are words, each tOffsetMs later."""
    for index, event in enumerate(events):
        if not isinstance(event, dict) or not isinstance(segments := event.get("segs", []), list):
            _refuse_entry(notes, "event", index, "is no event with a list of segs")
        if not segments:  # a window is opened here, nobody speaks
            continue
        start = _time(event.get("tStartMs"), 0.001)
        if start is None:
            _refuse_entry(notes, "event", index, "has no tStartMs in milliseconds")
        tokens = _event_tokens(segments, start, notes)
        starts = [token.start for token in tokens if token.start is not None]
        end = start + (_time(event.get("dDurationMs"), 0.001) or 0.0)
        yield Cue(max(start, 0.0), max(end, start, 0.0, *starts), tokens)


def _event_tokens(segments: list[Any], start: float, notes: Notes) -> list[Token]:
    """The words of an event; a segment that does not begin with a space goes on with the word before it."""
    texts: list[str] = []
    times: list[float] = []
    for segment in segments:
        if not isinstance(segment, dict):
            continue
        offset = _time(segment.get("tOffsetMs"), 0.001)
        texts.append(
            _text(segment.get("utf8")) if offset is None else MARK + _text(segment.get("utf8"))
        )
        times += [] if offset is None else [start + offset]
    return tokens_of("".join(texts), times, notes.dropped)


def _segments(segments: list[Any], notes: Notes) -> Iterator[Cue]:
    """Whisper's and its kin's: a segment has start, end, text (Vosk: content) and perhaps words with their times."""
    for index, segment in enumerate(segments):
        if not isinstance(segment, dict):
            _refuse_entry(notes, "segment", index, f"is no segment: expected {LAYOUTS}")
        words = segment.get("words")
        if isinstance(words, list) and words:
            tokens = [token for word in words for token in _word_tokens(word, notes)]
        else:
            tokens = tokens_of(
                _text(segment.get("text", segment.get("content"))), (), notes.dropped
            )
        starts = [token.start for token in tokens if token.start is not None]
        ends = [token.end for token in tokens if token.end is not None]
        start, end = _time(segment.get("start")), _time(segment.get("end"))
        start = min(starts, default=None) if start is None else start
        end = max(ends, default=start) if end is None else end
        if start is None or end is None:
            _refuse_entry(notes, "segment", index, "has no start, in seconds")
        yield Cue(max(start, 0.0), max(end, start, 0.0), tokens)


def _word_tokens(word: Any, notes: Notes) -> list[Token]:
    """An entry of ``words``, as a rule one word; its times and probability are None where they are absent."""
    if not isinstance(word, dict):
        return []
    tokens = tokens_of(_text(word.get("word", word.get("text"))), (), notes.dropped)
    if not tokens:
        return []
    start, end = _time(word.get("start")), _time(word.get("end"))
    known = (word.get(key) for key in ("probability", "score", "conf", "confidence"))
    probability = next((share for value in known if (share := _share(value)) is not None), None)
    if len(tokens) == 1:
        return [Token(tokens[0].text, start, end if start is not None else None, probability)]
    return [tokens[0]._replace(start=start), *tokens[1:]]


def _characters(timestamps: list[Any], notes: Notes) -> Iterator[Cue]:
    """A time for every character; a space ends a word."""
    characters = [_character(entry, index, notes) for index, entry in enumerate(timestamps)]
    for is_space, run in groupby(characters, key=lambda character: character[0].isspace()):
        letters = [] if is_space else list(run)
        for token in tokens_of("".join(letter[0] for letter in letters), (), notes.dropped):
            start, end = max(letters[0][1], 0.0), max(letter[2] for letter in letters)
            yield Cue(start, max(end, start), [token._replace(start=start, end=end)])


def _character(entry: Any, index: int, notes: Notes) -> tuple[str, float, float]:
    if isinstance(entry, list) and len(entry) == 3 and isinstance(entry[0], str) and entry[0]:
        start, end = _time(entry[1]), _time(entry[2])
        if start is not None and end is not None:
            return clean(entry[0]), start, end
    _refuse_entry(notes, "timestamp", index, "is not [character, start, end] with times in seconds")


def _time(value: Any, unit: float = 1.0) -> float | None:
    """``value`` in seconds, or None if it is no number that can be a time (NaN, 1e999, true)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value * unit if -LATEST <= value <= LATEST else None


def _share(value: Any) -> float | None:
    """``value`` if it is a number in [0, 1]."""
    share = _time(value)
    return share if share is not None and 0 <= share <= 1 else None


def _text(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def _refuse_entry(notes: Notes, kind: str, index: int, reason: str) -> NoReturn:
    raise InputError(
        f"{notes.path}, {kind} {index + 1}: it {reason}; mend it or get the file again"
    )
