"""Captions as words, cut as the reference program of caption scores cuts them.

That program runs Stanford's PTBTokenizer 3.4.1 (``-lowerCase -preserveLines``) and drops
punctuation. Its words are those of the Penn Treebank (``don't`` is ``do n't``, ``(`` is ``-lrb-``).
The same caption, cut otherwise, has another score. The rules below were found by watching what that
program does with captions. They leave out what captions do not have (telephone numbers, markup with
attributes, C++), and one accident: there a letter and a full stop (``R Y.``) lose each other if the
next sentence, even the next caption's, begins with a word such as ``The``.
"""

from __future__ import annotations

import re
import unicodedata

ABBREVIATIONS = """
    adm al ala alex apr ariz assn atty aug ave blvd brig bros calif capt cf cmdr co col colo conn
    corp cpl dak dec dept det dr drs esq est etc ext feb fla fri ft ga gen gov hon inc ind intl jan
    jr jul jun kan kans ky lieut lt ltd maj mar md messrs mfg mich minn mme mo mon mont mr mrs ms mt
    natl neb nev nov oct okla penn pfc ph pres prof profs pvt rd rep reps rev sen sep sept sgt spc
    sr st ste supt tenn thu thurs tue tues univ va vs vt wed wis wisc wyo""".split()

# The first rule that fits is taken, so what may hold another comes before it.
TOKEN = re.compile(
    rf"""
      </?[a-z]+/?>                                                    # <unk>, </b>
    | (?:https?://|www\.)[^\s"<>()]+ | \w[\w.+-]*@\w+(?:\.\w+)+       # addresses
    | [@#][a-z_]\w*                                                   # @name, #tag
    | can(?=not(?![\w-])) | (?:gon|wan)(?=na(?![\w-])) | got(?=ta(?![\w-]))
    | (?:gim|lem)(?=me(?![\w-]))
    | 't(?=(?:is|was)(?:\b|n't))
    | (?:{"|".join(ABBREVIATIONS)}|[a-z](?:\.[a-z])*|ph\.d)\.(?!\w)   # mr., a.m.
    | (?=(?-i:[A-Z]))(?:ark|del|ill|la|mass|miss|ore|pa|tex|wash)\.(?!\w)
    | (?:nos?|figs?|pp|op|ca|art|prop)\.(?=\s*\d)
    | [a-z]+?(?=n't\b) | n't\b | '(?:s|m|d|ll|re|ve)\b                # do n't, it 's
    | 'n' | '(?:n|em|til|cause|[2-9]0s)\b | somethin' | ol' | [jy]'(?=[a-z])
    | [a-z]+[aeiouy]'[aeiou]\w* | c'[a-z]\w+                          # ma'am, c'mon
    | \d{{1,4}}[ -]\d{{1,4}}/\d{{1,4}}                                # 1 1/2
    | [a-z0-9]+(?:-[a-z]+){{0,2}}(?:/[a-z0-9]+(?:-[a-z]+){{0,2}}){{1,2}}  # and/or, 1/2-inch
    | \d+[.,]\d+(?:-\w+)+ | [-+]?\d*(?:[.:,]\d+)+ | [-+]\d+           # 2.5-inch, 1,000, 10:30, -5
    | (?-i:[A-Z]+(?:[&+][A-Z]+)+)                                     # Q&A
    | [a-z]\w*(?:[.!?][^\W\d]\w*)+                                    # node.js
    | (?:[dol]'(?!(?:s|m|d|ll|re|ve)\b))?\w+(?:-(?:[dol]')?\w+)*      # o'clock, deep-fried
    | [:;=]['-]?[()dp](?!\w)                                          # smileys
    | [?!]{{2,}} | \*+ | \#{{2,}} | \S
    """,
    re.IGNORECASE | re.VERBOSE,
)
PUNCTUATION = re.compile(r"[.…]+|[-–—―]+|[?!,:;'\"`“”«»]")

# What the program reads and writes otherwise.
READ = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&apos;": "'",
    "&nbsp;": " ",
    "’": "'",
    "‘": "'",
    "\u00ad": "",
    "\u200b": " ",
}
READ_ANY = re.compile("|".join(READ))
WRITTEN = str.maketrans(
    {
        "(": "-lrb-",
        ")": "-rrb-",
        "[": "-lsb-",
        "]": "-rsb-",
        "{": "-lcb-",
        "}": "-rcb-",
        " ": "\u00a0",
        "£": "#",
        "€": "$",
        "¢": "cents",
        "½": "1/2",
        "¼": "1/4",
        "¾": "3/4",
        "⅓": "1/3",
        "⅔": "2/3",
    }
)
RAISED = re.compile("([¼½¾⅐-⅞²³¹⁰-₉])")  # part of a word to Python, not to the program
ASTRAL = re.compile("[\U00010000-\U0010ffff]")  # emoji: the program leaves them out


def ptb_tokens(caption: str) -> list[str]:
    """Cut a caption into lower-case words, without punctuation.

    As in the reference program, brackets stay (``-lrb-``), and so do ``!!`` and ``?!``, and
    ``1 1/2`` is one word that holds a no-break space.
    """
    text = READ_ANY.sub(lambda found: READ[found[0]], unicodedata.normalize("NFC", caption))
    text = RAISED.sub(r" \1 ", ASTRAL.sub(" ", " ".join(text.split())))
    return [
        word.lower().translate(WRITTEN)
        for word in TOKEN.findall(text)
        if not PUNCTUATION.fullmatch(word)
    ]
