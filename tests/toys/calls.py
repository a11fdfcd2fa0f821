"""Commands of the command line, called in this process."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from videobert.cli.main import app
from workfolder.errors import InputError


def call(*arguments: object) -> Any:
    """Run a command that must succeed, and return what it prints; with --json as Python."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if "--json" in arguments else result.stdout


def refused(reason: str, *arguments: object) -> None:
    """Run a command that must be refused in one line, with a reason."""
    with pytest.raises(InputError) as error:
        call(*arguments)
    assert reason in str(error.value) and "\n" not in str(error.value)
