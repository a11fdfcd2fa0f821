"""One video's part of a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from workfolder.attempt import Attempt, Outcome, prepare
from workfolder.errors import InputError
from workfolder.files import read_table
from workfolder.ledger import Ledger
from workfolder.maker import Made, Maker
from workfolder.sources import Source
from workfolder.stage import Stage

SOUP = Source("soup", Path("soup.mp4"))


@dataclass(frozen=True)
class Toy(Maker):
    """Makes what it is given."""

    make: Callable[[], Made]
    ready: Callable[[], None] = lambda: None

    def prepare(self) -> None:
        self.ready()

    def __call__(self, source: Source) -> Made:
        return self.make()


def rows(count: int) -> pa.Table:
    return pa.table({"video_id": ["soup"] * count, "end": [1.5 * n for n in range(1, count + 1)]})


def fail(error: Exception) -> Callable[[], None]:
    def raise_it() -> None:
        raise error

    return raise_it


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "stage")


def test_rows_are_written_and_counted(stage: Stage) -> None:
    made = Made(rows(3), seconds={"read": 2.0}, dropped={"clips": 1})
    outcome = Attempt(stage, Toy(lambda: made))(SOUP)
    assert (outcome.failure, outcome.stop, outcome.rows, outcome.covered) == (None, None, 3, 4.5)
    assert outcome.seconds.keys() == {"read", "write"} and outcome.dropped == {"clips": 1}
    assert read_table(stage.path("soup")).equals(rows(3))


def test_a_video_without_rows_covers_nothing(stage: Stage) -> None:
    assert Attempt(stage, Toy(lambda: Made(rows(0))))(SOUP).covered == 0.0


def test_what_is_there_is_not_made_again_unless_it_is_to_be(stage: Stage) -> None:
    Attempt(stage, Toy(lambda: Made(rows(1))))(SOUP)
    again = Toy(lambda: Made(rows(2)))
    assert Attempt(stage, again)(SOUP) == Outcome(SOUP)
    assert Attempt(stage, again, redo=frozenset({"soup"}))(SOUP).rows == 2


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InputError("soup.mp4 is bad: mend it"), "soup.mp4 is bad: mend it"),
        (ZeroDivisionError("a bug"), "soup.mp4: unexpected ZeroDivisionError: a bug"),
    ],
)
def test_what_a_video_raises_is_its_failure(stage: Stage, error: Exception, told: str) -> None:
    outcome = Attempt(stage, Toy(fail(error)))(SOUP)  # type: ignore[arg-type]
    assert (outcome.failure, outcome.stop) == (told, None) and not stage.path("soup").exists()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (InputError("no network: connect it"), "no network: connect it"),
        (OSError("libcublas.so.12"), "stage cannot begin: unexpected OSError: libcublas.so.12"),
    ],
)
def test_what_no_video_can_do_without_stops_the_job(
    stage: Stage, error: Exception, told: str
) -> None:
    maker = Toy(lambda: Made(rows(1)), fail(error))
    outcome = Attempt(stage, maker)(SOUP)
    assert (outcome.failure, outcome.stop) == (None, told) and not stage.path("soup").exists()
    with pytest.raises(InputError) as caught:
        prepare(maker, stage)
    assert str(caught.value) == told


def test_a_disk_that_cannot_be_written_stops_the_job(stage: Stage) -> None:
    stage.folder.write_text("in the way")
    outcome = Attempt(stage, Toy(lambda: Made(rows(1))))(SOUP)
    assert outcome.failure is None and "cannot be written" in str(outcome.stop)


def test_the_books_say_what_was_lost_and_when_it_is_whole_again(stage: Stage) -> None:
    lossy = Made(rows(1), "ends early", dropped={"clips": 2})
    Attempt(stage, Toy(lambda: lossy))(SOUP)
    account = Ledger(stage).read()
    assert account.partial == {"soup": "soup.mp4 ends early"}
    assert account.dropped == {"soup": {"clips": 2}}
    ledger, soup = Ledger(stage), frozenset({"soup"})
    Attempt(stage, Toy(lambda: Made(rows(2))), soup, ledger.notes(), soup)(SOUP)
    account = Ledger(stage).read()
    assert not account.partial and not account.dropped
