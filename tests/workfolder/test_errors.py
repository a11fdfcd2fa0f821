"""A message for the user is one plain line."""

from __future__ import annotations

import pytest

from workfolder.errors import InputError, refuse_unknown


def test_a_message_is_one_printable_line_whatever_a_file_is_called() -> None:
    assert str(InputError("a\nb\x1b[31m süß\udcff.mp4")) == r"a\nb\x1b[31m süß\udcff.mp4"


def test_what_is_not_known_is_refused_with_what_is() -> None:
    refuse_unknown("--runner", "ray", ["local", "ray"])
    with pytest.raises(
        InputError, match=r"^--runner 'spark' is not known: choose one of local, ray$"
    ):
        refuse_unknown("--runner", "spark", ["local", "ray"])
