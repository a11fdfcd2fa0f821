"""What a run says at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from workfolder.attempt import Outcome
from workfolder.ledger import Account
from workfolder.report import Report, told
from workfolder.sources import Source

SOUP, STEW = (Source(name, Path(f"{name}.mp4")) for name in ("soup", "stew"))


def test_a_report_counts_what_is_added() -> None:
    report = Report("features", before=3)
    report.add(Outcome(SOUP, rows=2, covered=3.0, seconds={"read": 0.5}, dropped={"clips": 1}))
    report.add(Outcome(SOUP, rows=5, covered=7.5, seconds={"read": 1.0, "write": 0.25}))
    report.add(Outcome(STEW, failure="stew.mp4 is bad: mend it"))
    assert (report.now, report.rows, report.covered) == (2, 7, 10.5)
    assert report.seconds == {"read": 1.5, "write": 0.25} and report.dropped == {"clips": 1}
    assert report.failures == {"stew": "stew.mp4 is bad: mend it"} and not report.complete


def test_the_account_has_the_last_word_but_loses_no_failure() -> None:
    report = Report("features", before=0, failures={"soup": "another file has its id"})
    account = Account(frozenset({"soup"}), {"stew": "bad"}, frozenset(), {"soup": "ends early"})
    report.settle(account, 2.5)
    assert report.failures == {"stew": "bad", "soup": "another file has its id"}
    assert report.partial == {"soup": "ends early"} and report.seconds == {"all": 2.5}


def test_books_that_do_not_add_up_are_told() -> None:
    account = Account(frozenset(), {}, frozenset({"b", "a"}), {})
    with pytest.raises(RuntimeError, match=r"features: 2 inputs are neither .* as \['a', 'b'\]"):
        Report("features", before=0).settle(account, 1.0)


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (Report("s", before=2), "s: done already, nothing to do"),
        (
            Report("s", 2, passed_over={".jpg": 3}),
            "s: done already, nothing to do; passed over 3 .jpg",
        ),
        (
            Report("s", 1, 2, seconds={"read": 1.25, "all": 9.0}),
            "s: 2 done now, 1 done already; read 1.2 s",
        ),
        (
            Report("s", 1, 0, partial={"a": "ends early"}),
            "s: 0 done now, 1 done already, 1 partial in all",
        ),
        (
            Report("s", 0, 0, {"a": "bad"}),
            "s: 0 done now, 0 done already, 1 failed (--retry-failed tries them again)",
        ),
    ],
)
def test_a_report_is_one_line(report: Report, line: str) -> None:
    assert str(report) == line


def test_the_largest_numbers_come_first_and_rare_ones_together() -> None:
    assert told({"b": 1, "c": 1200, "a": 1}) == "1,200 c, 1 a, 1 b"
    many = {f"kind {place:02d}": 100 - place for place in range(12)}
    assert told(many).endswith("91 kind 09, 179 of 2 other kinds")
