"""What the options of a training stage have in common: a dataclass whose docstring is the help of its command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from math import isfinite
from typing import Any

from workfolder.errors import InputError

NO_LIMIT = float("inf")


def option_help(kind: type) -> dict[str, str]:
    """What each field of an options' dataclass is for: the lines ``name: text`` of its docstring."""
    lines = re.findall(r"^ +(\w+): (.+)$", kind.__doc__ or "", re.MULTILINE)
    return {name: text for name, text in lines if name in {field.name for field in fields(kind)}}


def refuse_out_of_range(options: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """InputError for the first field that is no finite number, or outside its range, least and most included."""
    for name, (least, most) in ranges.items():
        value = getattr(options, name)
        if not (least <= value <= most and isfinite(value)):
            bounds = f"{least:g} to {most:g}" if most < NO_LIMIT else f"{least:g} or more"
            raise InputError(f"--{name.replace('_', '-')} {value:g} will not do: give {bounds}")
