"""An expensive object is built once, and so is its failure."""

from __future__ import annotations

import threading

import pytest

from workfolder.errors import InputError
from workfolder.once import Once


@pytest.mark.parametrize("failure", [InputError, RuntimeError])
def test_a_thing_is_made_once_and_so_is_its_failure(failure: type[Exception]) -> None:
    calls: list[int] = []

    def fail() -> str:
        calls.append(1)
        raise failure("no network")

    once, found = Once(fail), []

    def ask() -> None:
        try:
            once()
        except failure as error:
            found.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["no network"] * 8 and len(calls) == 1
