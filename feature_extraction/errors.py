"""The one error that a user can mend."""


class InputError(ValueError):
    """Something the user gave cannot be used. The message is one line: it names the file and says what to do."""
