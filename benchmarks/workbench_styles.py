"""Whether texts that are turned to another label say it: videobert augment --to.

    python -m benchmarks.workbench styles --out DIR

The texts are what is said in the training steps that say their verb; their label is that verb. For
each of some verbs the texts of all others are turned to it. A new text is right where it says the
wanted verb, and whole where it also says the nouns that it said, and no other.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.workbench_few import told
from benchmarks.workbench_tasks import LEARNING
from benchmarks.workbench_together import TogetherBench, spread, write_rows
from videobert.cli.console import print_table
from videobert.data.annotations import SOURCE, Annotation, table_path
from videobert.finetune.augment_options import AugmentOptions
from videobert.finetune.augmenting import augment
from workfolder.files import read_table

TABLE, WANTED, ROWS = "said", 4, 600
"""A table, of which each seed has its own; verbs that texts are turned to; its rows at most."""
TURNED, WHOLE = "says the verb", "and still its noun"


def measure(bench: TogetherBench) -> None:
    """Teach and turn what is not there yet, and print."""
    kitchen, found = bench.kitchen, list[dict[str, float]]()
    rows = _saying(told(bench, kitchen.truth(kitchen.main)))[:ROWS]
    said = sorted({str(row.label) for row in rows})
    verbs = said[:: max(len(said) // WANTED, 1)][:WANTED]
    for seed in range(bench.seeds):
        write_rows(bench.work, f"{TABLE}-{seed}", rows)
        for verb in verbs:
            name = f"styles-{verb}-{seed}"
            found.append(bench.once(name, lambda v=verb, s=seed: _turned(bench, v, s)))
    cells = [[key, spread([each[key] for each in found])] for key in found[0]]
    print_table("texts turned to another label: mean +- deviation, worst", ["", "of 100"], cells)


def _saying(rows: Sequence[Annotation]) -> list[Annotation]:
    return [row for row in rows if row.label in row.text.lower().split()]


def _turned(bench: TogetherBench, verb: str, seed: int) -> dict[str, float]:
    options = AugmentOptions(
        annotations=f"{TABLE}-{seed}",
        to=verb,
        epochs=min(10, bench.epochs),
        batch_size=LEARNING.batch_size,
        learning_rate=LEARNING.learning_rate,
        seed=seed,
    )
    augment(bench.model, bench.work, options, bench.progress)
    made = read_table(table_path(bench.work, options.table)).to_pylist()
    new = [row for row in made if row[SOURCE] is not None]
    nouns = frozenset(bench.kitchen.plan.nouns)
    return figures([(row[SOURCE], row["text"]) for row in new], verb, nouns)


def figures(pairs: Sequence[tuple[str, str]], verb: str, nouns: frozenset[str]) -> dict[str, float]:
    """Count texts that say a verb, and those of them that say the nouns that they said.

    Args:
        pairs: each text before and after.
        verb: the wanted one.
        nouns: all that there are.
    """
    said = [(set(a.lower().split()), set(b.lower().split())) for a, b in pairs]
    turned = [(a, b) for a, b in said if verb in b]
    whole = sum(a & nouns == b & nouns for a, b in turned)
    count = max(len(said), 1)
    return {TURNED: len(turned) / count, WHOLE: whole / count}
