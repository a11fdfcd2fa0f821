"""Fixtures that all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import quick
from tests.toys.command_line import Result, Run
from tests.toys.street import Street, make_street

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of ``make quick``."""
    parser.addoption("--quick", action="store_true", help="no video, no subprocess")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Forbid videos and processes, where only quick tests are asked for."""
    if session.config.getoption("quick"):
        quick.skip_what_is_not_quick()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Skip a quick test that failed only because a thread of it broke the rule."""
    quick.broken.clear()
    try:
        return (yield)
    except Exception:
        if quick.broken:
            pytest.skip(quick.broken[0])
        raise


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real videos, captions and annotations; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(
            "../shared/data is not there: real videos, captions and annotations cannot be tried"
        )
    return SHARED_DATA


@pytest.fixture
def videobert(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process, as ``videobert("status", "--work", folder)``."""

    def run(*arguments: object) -> Result:
        from videobert.cli import main as cli

        monkeypatch.setattr("sys.argv", ["videobert", *map(str, arguments)])
        capfd.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 1
        return Result(status, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory) -> Street:
    """Four short videos taken from extraction to a model; tests must leave it as it is."""
    return make_street(tmp_path_factory.mktemp("street"))


@pytest.fixture(scope="session", autouse=True)
def _networks_kept_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep exported networks in a folder of the tests, once for all of them."""
    from feature_extraction import features
    from feature_extraction.seeing.kept_networks import NetworkCache

    folder = tmp_path_factory.mktemp("networks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "usual_cache", lambda: NetworkCache(folder))
        yield
