"""The verbs and nouns that are commonest in YouCook2's training captions, by a tagger.

    pip install --no-deps --target tagger HanTa==1.2.1
    PYTHONPATH=tagger python -m benchmarks.label_lists \\
        --annotations youcookii_annotations_trainval.json --write

Prints both lists with their counts, and how they differ from those of an earlier re-implementation
(--other FOLDER, which holds verbs.txt and nouns.txt). With --write it also writes
videobert/evaluation/label_lists, the only files that the package needs. The tagger is HanTa
(Wartena, 2019). Its English model is in its wheel: 1.7 MB, LGPL, a pickle. Loading a pickle runs
code of its authors, so the tagger stays out of the package's own requirements.

The rules:
- A caption is an order (``cut the onion and place in a bowl``). Taggers learnt from news and take
  an order for a noun. So a caption is cut into clauses at ``and``, ``then`` and punctuation, and
  each clause is read after ``you should``.
- A verb is counted in its infinitive. Participles are not counted (``chopped onions`` are not
  chopping).
- A noun is counted under its singular: of the nouns that its ending allows, the one that is
  commonest in the captions (``potatos``, too, count as ``potato``).
- A word that the tagger does not know, or takes for a name, is a noun (``tofu``, ``basil``), as
  there are no names in small letters.
- A word is a verb only if it is one more often than it is a noun in the singular (``stir`` is,
  ``pepper`` is not). It is a noun only if it is not a verb more often, plurals included. ``slice``
  is both.
- Nothing is put in or taken out by hand, so the tagger's mistakes stay. It takes ``coat`` for a
  noun, and most of ``olive`` and ``cilantro`` for adjectives.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from videobert.data.youcook2 import TRAINING, read_annotations
from videobert.evaluation.labels import NOUNS_FILE, VERBS_FILE, plurals, words_of
from workfolder.files import write_whole

VERBS, NOUNS = 45, 100
READ_AFTER = ["you", "should"]
INFINITIVES = {"VVB", "VVI"}
SINGULAR, PLURAL = {"NN0", "NN1", "NP0", "UNC"}, {"NN2"}
"""Tags of the British National Corpus (C5), which HanTa gives."""
OTHER = Path(__file__).resolve().parents[2] / "shared/data/annotations/videobert_mdskul"
Tagger = Callable[[list[str]], list[tuple[str, str, str]]]
"""From words to (word, lemma, tag) of each."""


def tag_counts(captions: Iterable[str], tag: Tagger) -> dict[str, Counter[str]]:
    """Count how often each word is a ``verb``, a ``singular`` and a ``plural`` noun."""
    classes = {"verb": INFINITIVES, "singular": SINGULAR, "plural": PLURAL}
    counts: dict[str, Counter[str]] = {name: Counter() for name in classes}
    for caption in captions:
        for clause in re.split(r"\b(?:and|then)\b|[,.;:]", caption.lower()):
            words = words_of(clause)
            for word, _, given in tag(READ_AFTER + words)[len(READ_AFTER) :] if words else []:
                for name, tags in classes.items():
                    if given in tags:
                        counts[name][word] += 1
    return counts


def under_singular(singular: Counter[str], plural: Counter[str]) -> Counter[str]:
    """Count plurals under their singular; a noun without one, such as ``chives``, stays."""
    possible: dict[str, list[str]] = {}
    for noun in singular:
        for form in plurals(noun):
            possible.setdefault(form, []).append(noun)
    nouns = Counter(singular)
    for form, count in plural.items():
        nouns[max(possible.get(form, [form]), key=lambda noun: singular[noun])] += count
    return nouns


def label_lists(
    captions: Iterable[str], tag: Tagger
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """List the commonest verbs and nouns with their counts, equal counts by the alphabet."""
    counts = tag_counts(captions, tag)
    verbs, nouns = counts["verb"], under_singular(counts["singular"], counts["plural"])
    are_verbs = {word: count for word, count in verbs.items() if count > counts["singular"][word]}
    are_nouns = {word: count for word, count in nouns.items() if count >= verbs[word]}
    return _commonest(are_verbs, VERBS), _commonest(are_nouns, NOUNS)


def _commonest(counts: dict[str, int], size: int) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:size]


def differences(ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """Write what two lists do not share, and what theirs counts twice, a line each."""
    number = {form: noun for noun in ours for form in [*plurals(noun), noun]}
    inflected = [
        f"{word} ({number[word]})" for word in theirs if word not in ours and word in number
    ]
    return [
        f"{len(ours)} here, {len(theirs)} there, {len(set(ours) & set(theirs))} in both",
        "only here: "
        + ", ".join(word for word in ours if {word, *plurals(word)}.isdisjoint(theirs)),
        "only there: " + ", ".join(word for word in theirs if word not in number),
        "there in another form: " + (", ".join(inflected) or "none"),
    ]


def _write(path: Path, labels: Sequence[tuple[str, int]]) -> None:
    with write_whole(path) as part:
        part.write_text(
            "".join(f"{label}\t{count}\n" for label, count in [("label", "count"), *labels]),
            encoding="utf-8",
        )


def main() -> None:
    """Make the lists and print what they differ in."""
    from HanTa.HanoverTagger import HanoverTagger

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--annotations", type=Path, required=True, help="YouCook2's JSON file")
    parser.add_argument("--other", type=Path, default=OTHER, help=f"default: {OTHER}")
    parser.add_argument("--write", action="store_true", help="write the lists into the package")
    given = parser.parse_args()
    captions = [stretch.text for stretch in read_annotations(given.annotations)[TRAINING]]
    tag: Tagger = HanoverTagger("morphmodel_en.pgz").tag_sent
    for path, labels in zip((VERBS_FILE, NOUNS_FILE), label_lists(captions, tag), strict=True):
        print(f"\n{path.stem}: " + ", ".join(f"{label} {count:,}" for label, count in labels))
        theirs = given.other / f"{path.stem}.txt"
        if theirs.exists():
            print(
                f"against {theirs}:",
                *differences([label for label, _ in labels], theirs.read_text().split()),
                sep="\n  ",
            )
        if given.write:
            _write(path, labels)


if __name__ == "__main__":
    main()
