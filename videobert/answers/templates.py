"""Templates: sentences with a [MASK] for each word that is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenization.pieces import MASK, as_typed
from videobert.answers.spelling import refuse_signs
from videobert.answers.text_files import blame, read_lines
from videobert.processing_videobert import VideoBertProcessor
from workfolder.errors import InputError

if TYPE_CHECKING:
    from videobert.answers.zero_shot import Guess

TYPED_SIGN = re.compile(r"\[\s*(mask|sep|cls|pad)\s*\]", re.IGNORECASE)
"""The tokenizer knows its signs in capitals alone and would read others as text."""


def with_capital_signs(template: str) -> str:
    """Write [mask] and the tokenizer's other signs as the tokenizer knows them."""
    return TYPED_SIGN.sub(lambda found: f"[{found[1].upper()}]", template)


def count_masks(template: str) -> int:
    """Count the masks of a template.

    Raises:
        InputError: if it has none.
    """
    masks = with_capital_signs(template).count(MASK)
    if not masks:
        raise InputError(
            f"the template {template!r} has no {MASK}: put one where a word is to be found"
        )
    return masks


def checked_templates(processor: VideoBertProcessor, templates: Sequence[str]) -> list[str]:
    """Check templates that are asked together, and write their signs in capitals.

    Raises:
        InputError: if one has no mask, not as many as the first, or another of the tokenizer's
            signs, which the model would obey.
    """
    found = [as_typed(processor.tokenizer, with_capital_signs(each)) for each in templates]
    masks = count_masks(found[0])
    for template in found:
        if count_masks(template) != masks:
            raise InputError(f"the template {template!r} has not {masks} {MASK}s, as the first has")
        refuse_signs(processor, "template", template)
    return found


def read_templates(path: Path, processor: VideoBertProcessor) -> list[str]:
    """Read the templates of a file, one a line.

    Raises:
        InputError: if there are none, or they cannot be asked; see ``checked_templates``.
    """
    templates = read_lines(path, "template")
    with blame(path):
        return checked_templates(processor, templates)


def filled(template: str, masks: Sequence[Sequence[Guess]]) -> str:
    """Write the likeliest word in the place of each mask.

    Args:
        template: The template.
        masks: For each mask the words, the likeliest first.
    """
    pieces = template.split(MASK)
    words = [guesses[0].word for guesses in masks]
    return "".join(text + word for text, word in zip(pieces, [*words, ""], strict=True))


def widened(template: str, widths: Sequence[int]) -> str:
    """Repeat each mask of a template.

    Args:
        template: The template.
        widths: How many masks stand in the place of each.
    """
    between = template.split(MASK)
    masks = [" ".join([MASK] * width) for width in widths]
    return "".join(text + mask for text, mask in zip(between, [*masks, ""], strict=True))
