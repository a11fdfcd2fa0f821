"""One object for many threads."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from workfolder.build_once import Once
from workfolder.errors import InputError


def test_the_first_of_many_threads_builds_what_all_get() -> None:
    def build() -> object:
        time.sleep(0.05)  # so that the others ask meanwhile
        built.append(object())
        return built[-1]

    built: list[object] = []
    once = Once(build)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: once(), range(8)))
    assert len(built) == 1 and all(each is built[0] for each in got)


@pytest.mark.parametrize("kind", [InputError, OSError])
def test_a_failure_is_kept_for_all_threads(kind: type[Exception]) -> None:
    def fail() -> None:
        tries.append(1)
        raise kind("no weights")

    def ask(_: int) -> str:
        with pytest.raises(kind) as caught:
            once()
        depths.append(len(caught.traceback))
        return str(caught.value)

    tries: list[int] = []
    depths: list[int] = []
    once = Once(fail)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == ["no weights"] * 8
    assert len(tries) == 1 and len(set(sorted(depths)[:-1])) == 1  # no traceback grows


def test_nothing_is_an_object_too() -> None:
    built: list[None] = []
    once = Once(lambda: built.append(None))
    assert once() is None and once() is None and len(built) == 1
