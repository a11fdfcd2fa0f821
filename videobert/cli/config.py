"""The file of options that ``--config`` reads, and that ``run`` writes.

It is TOML: a line an option, named as on the command line without the dashes. The command line has
the last word.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from workfolder.errors import InputError
from workfolder.options import Options, described
from workfolder.paths import refuse_address

CONFIG = "config"
"""The name of the option."""
NEVER = frozenset({"start_over", "retry_failed", "json", CONFIG})
"""What is said anew each time, and is in no file."""


def config_option(known: Collection[str], turned: Collection[str]) -> Any:
    """Make the option ``--config`` of a verb.

    Args:
        known: the names of the verb's options.
        turned: flags that the command line spells the other way round: ``--no-cache``.
    """
    option = typer.Option(
        "--config",
        help="File of options (TOML), such as WORK/run.toml; the command line has the last word.",
        show_default="none",
        is_eager=True,
        callback=_reader(frozenset(known) - NEVER, frozenset(turned)),
    )
    return Annotated[Optional[Path], option]


def read_config(path: Path, known: Collection[str]) -> dict[str, Any]:
    """Read the options of a file, by the names of Python.

    Raises:
        InputError: if it cannot be read, is no TOML, has a table, or an option that is not known.
    """
    refuse_address(path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror
        raise InputError(f"{path} cannot be read ({reason}): give a file of options") from error
    except ValueError as error:
        raise InputError(f"{path} is not TOML ({error}): write a line an option") from error
    found = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        if name not in known:
            raise _unknown(path, key, known)
        if isinstance(value, Mapping):
            raise InputError(f"{path}: {key} is a table: write a line an option, without tables")
        found[name] = value
    return found


def write_config(path: Path, options: Iterable[Options]) -> None:
    """Write the file that gives ``options`` again; of those with one name the first counts.

    Raises:
        InputError: if it cannot be written.
    """
    from workfolder.files import write_whole  # it imports pyarrow, and --help must not wait

    values: dict[str, Any] = {}
    for each in options:
        values = {one.name: getattr(each, one.name) for one in described(type(each))} | values
    lines = [
        f"{name.replace('_', '-')} = {_toml(value)}\n"
        for name, value in values.items()
        if value is not None
    ]
    with write_whole(path) as part:
        part.write_text("".join(lines), encoding="utf-8")


def _reader(known: frozenset[str], turned: frozenset[str]) -> Callable[..., Path | None]:
    def read(context: typer.Context, path: Optional[Path]) -> Path | None:
        if path is not None:
            given = read_config(path, known)
            for name in turned & given.keys():
                if not isinstance(given[name], bool):
                    raise InputError(f"{path}: {name} is true or false, not {given[name]!r}")
                given[name] = not given[name]
            context.default_map = given
        return path

    return read


def _unknown(path: Path, key: str, known: Collection[str]) -> InputError:
    shown = [name.replace("_", "-") for name in known]
    (nearest, *_) = [*get_close_matches(key.replace("_", "-"), shown, 1, 0), ""]
    return InputError(f"{path}: no option is called {key}; the nearest is {nearest}")


def _toml(value: Any) -> str:
    """Spell a value. A text of JSON is one of TOML but for DEL, which TOML wants escaped."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Path):
        value = str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
