"""The one error that a user can mend."""

from __future__ import annotations

from collections.abc import Iterable


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one line that names the file and says what to do.
    """

    def __init__(self, message: str) -> None:
        # A file's name may hold line breaks, or codes that a terminal would obey.
        super().__init__(
            "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
        )


def refuse_unknown(option: str, value: str, known: Iterable[str]) -> None:
    """Refuse a value that is not among the ``known`` ones.

    Raises:
        InputError: if it is not; the message lists them.
    """
    choices = list(known)
    if value not in choices:
        raise InputError(f"{option} {value!r} is not known: choose one of {', '.join(choices)}")
