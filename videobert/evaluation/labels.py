"""The verbs and nouns that actions are named with, and which of them a caption names.

The lists are the 45 verbs and 100 nouns that are commonest in YouCook2's training captions, as in
VideoBERT, section 4.3. The paper's own lists are not published. These are made and counted by
``python -m benchmarks.label_lists``. A verb stands in its imperative, a noun in its singular, each
with how often the captions have it, the commonest first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from workfolder.errors import InputError

FOLDER = Path(__file__).with_name("label_lists")
VERBS_FILE, NOUNS_FILE = FOLDER / "verbs.tsv", FOLDER / "nouns.tsv"
NEVER_BEFORE_A_VERB = frozenset(
    "a an the some any each every this that of on in from with for at by into onto".split()
)
"""A word that could be a verb is not one after these: on top, the roll, a mix of, in place."""


@dataclass(frozen=True)
class LabelList:
    """Labels, the commonest first, with how often YouCook2's training captions have them."""

    words: tuple[str, ...]
    counts: tuple[int, ...]


@cache
def verbs() -> LabelList:
    """Read the 45 verbs."""
    return read_label_list(VERBS_FILE)


@cache
def nouns() -> LabelList:
    """Read the 100 nouns."""
    return read_label_list(NOUNS_FILE)


def read_label_list(path: Path) -> LabelList:
    """Read a table of labels and counts, one a line after the header.

    Raises:
        InputError: if the file cannot be read as such a table.
    """
    try:
        rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
        return LabelList(tuple(label for label, _ in rows), tuple(int(count) for _, count in rows))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not a table of labels and counts: run python -m benchmarks.label_lists "
            f"({error})"
        ) from error


def words_of(sentence: str) -> list[str]:
    """Cut a caption into words, in small letters, without punctuation and digits."""
    return re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", sentence.lower())


def plurals(noun: str) -> list[str]:
    """List possible plurals of a noun: onions, radishes, berries, loaves, and potatos."""
    endings = [noun + "s", noun + "es"]
    for ending, plural in (("y", "ies"), ("f", "ves"), ("fe", "ves")):
        if noun.endswith(ending):
            endings.append(noun.removesuffix(ending) + plural)
    return endings


@dataclass(frozen=True)
class ActionFinder:
    """Finds the listed verb and noun of a caption, with no tagger.

    The verb is the first word that is a listed verb in its imperative and does not follow an
    article or a preposition. Participles are not actions (chopped onions, a frying pan). The noun
    is the first listed one after the verb, in the singular or plural; if none comes after it, the
    first before it.
    """

    verbs: Sequence[str]
    nouns: Sequence[str]

    @cached_property
    def _verb_numbers(self) -> dict[str, int]:
        return {verb: number for number, verb in enumerate(self.verbs)}

    @cached_property
    def _noun_numbers(self) -> dict[str, int]:
        inflected = {
            form: number for number, noun in enumerate(self.nouns) for form in plurals(noun)
        }
        return inflected | {noun: number for number, noun in enumerate(self.nouns)}

    def __call__(self, sentence: str) -> tuple[int, int] | None:
        """Find the numbers of a caption's verb and noun in their lists; None if it lacks one."""
        words = words_of(sentence)
        for place, word in enumerate(words):
            if word in self._verb_numbers and not (
                place and words[place - 1] in NEVER_BEFORE_A_VERB
            ):
                noun = next(
                    (w for w in words[place + 1 :] + words[:place] if w in self._noun_numbers), None
                )
                return (self._verb_numbers[word], self._noun_numbers[noun]) if noun else None
        return None
