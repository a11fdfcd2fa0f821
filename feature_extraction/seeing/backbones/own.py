"""Networks of one's own: from a package's entry point, or from a function that is named.

A package offers a network in its pyproject.toml:

    [project.entry-points."videobert.backbones"]
    mine = "my_package.networks:make"

``--weights mine`` then calls ``make()``, and ``--weights mine:TEXT`` calls ``make("TEXT")``.
Without an entry point, ``--weights my_package.networks:make`` does the same.
"""

from __future__ import annotations

import re
from importlib import import_module
from importlib.metadata import entry_points

from feature_extraction.seeing.backbones.backbone import Backbone
from workfolder.errors import InputError

GROUP = "videobert.backbones"
FACTORY = re.compile(r"(?P<module>[A-Za-z_]\w*(\.\w+)*):(?P<name>[A-Za-z_]\w*)(:(?P<given>.*))?")
MEMBERS = ("preprocessing", "width", "module", "digest")
"""Of Backbone."""


def offered_backbone(weights: str) -> Backbone | None:
    """Return the backbone of an entry point, if one has this name.

    Raises:
        InputError: if it cannot be made.
    """
    name, separator, given = weights.partition(":")
    for entry in entry_points(group=GROUP, name=name):
        return _made(weights, entry.value, given if separator else None)
    return None


def is_factory(weights: str) -> bool:
    """Tell whether this has the form of package.module:factory."""
    return FACTORY.fullmatch(weights) is not None


def factory_backbone(weights: str) -> Backbone:
    """Return the backbone of ``package.module:factory`` or ``package.module:factory:TEXT``.

    Raises:
        InputError: if it cannot be made.
    """
    found = FACTORY.fullmatch(weights)
    if found is None:
        raise InputError(f"--weights {weights} is not of the form package.module:factory")
    return _made(weights, f"{found['module']}:{found['name']}", found["given"])


def _made(weights: str, factory: str, given: str | None) -> Backbone:
    """Call a factory with what was given, and check what it returns."""
    module, _, name = factory.partition(":")
    try:
        make = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        advice = "install its package into this environment, or put its folder into PYTHONPATH"
        raise InputError(f"--weights {weights} cannot be found ({error}): {advice}") from error
    try:
        backbone = make() if given is None else make(given)
    except InputError:
        raise
    except Exception as error:  # it is not our code
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise InputError(f"--weights {weights} fails ({reason}): mend {factory}") from error
    if missing := [member for member in MEMBERS if member not in dir(backbone)]:
        lacks = f"returns {type(backbone).__name__}, which lacks {', '.join(missing)}"
        advice = "return a NetworkBackbone, see feature_extraction/seeing/backbones/backbone.py"
        raise InputError(f"--weights {weights} {lacks}: {advice}")
    return backbone
