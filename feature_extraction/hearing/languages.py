"""Names of languages, and the scripts that put no spaces between words.

Media files name a language by three letters (ger, deu), recognisers by two (de), people by either.
"""

from __future__ import annotations

import re

_SHORT = dict(
    pair.split(":")
    for pair in (
        "afr:af amh:am ara:ar asm:as aze:az bak:ba bel:be ben:bn tib:bo bod:bo bre:br bos:bs "
        "cat:ca cze:cs ces:cs wel:cy cym:cy dan:da ger:de deu:de gre:el ell:el eng:en spa:es "
        "est:et baq:eu eus:eu per:fa fas:fa fin:fi fao:fo fre:fr fra:fr glg:gl guj:gu hau:ha "
        "heb:he hin:hi hrv:hr hat:ht hun:hu arm:hy hye:hy ind:id ice:is isl:is ita:it jpn:ja "
        "jav:jw geo:ka kat:ka kaz:kk khm:km kan:kn kor:ko lat:la ltz:lb lin:ln lao:lo lit:lt "
        "lav:lv mlg:mg mao:mi mri:mi mac:mk mkd:mk mal:ml mon:mn mar:mr may:ms msa:ms mlt:mt "
        "bur:my mya:my nep:ne dut:nl nld:nl nno:nn nor:no nob:no oci:oc pan:pa pol:pl pus:ps "
        "por:pt rum:ro ron:ro rus:ru san:sa snd:sd sin:si slo:sk slk:sk slv:sl sna:sn som:so "
        "alb:sq sqi:sq srp:sr sun:su swe:sv swa:sw tam:ta tel:te tgk:tg tha:th tuk:tk tgl:tl "
        "fil:tl tur:tr tat:tt ukr:uk urd:ur uzb:uz vie:vi yid:yi yor:yo chi:zh zho:zh cmn:zh "
        "bul:bg haw:haw yue:yue"
    ).split()
)
"""ISO 639-2, both its codes where it has two, to Whisper's for the languages that Whisper knows."""
SPOKEN = frozenset(_SHORT.values())
"""The codes of the languages that Whisper knows, as whisper.tokenizer.LANGUAGES has them."""
WITHOUT_SPACES = frozenset("zh ja th lo my yue".split())
"""Languages in which Whisper's words are single characters or tokens.

See split_to_word_tokens in whisper/tokenizer.py.
"""

_UNSPACED = re.compile(  # Thai, Lao, Tibetan, Burmese, Khmer, kana, Chinese characters
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def short_language(tag: str | None) -> str | None:
    """Return Whisper's code for a tag such as en, eng, en-US or ger.

    Where Whisper has none it is the tag's own first part; None where the tag says nothing.
    """
    first = (tag or "").replace("_", "-").partition("-")[0].lower()
    return None if first in ("", "und", "mul", "zxx") else _SHORT.get(first, first)


def unspaced_characters(text: str) -> int:
    """Count the characters of scripts that put no spaces between words."""
    return 0 if text.isascii() else len(_UNSPACED.findall(text))
