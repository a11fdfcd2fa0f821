"""Few labels learnt in seven ways, and a second language; see benchmarks.workbench_together.

- few labels: the verb of a step of what is said in it and what is seen, from 1, 5 and 20 labels a
  verb. plain: the labels alone. completion: hidden words beside them. adversarial: disturbed three
  times. augmented: four new texts of each row, by a network that saw the same rows alone. teacher:
  the plain network of the same labels teaches another one. two-stage: it begins with a network
  that learnt the nouns of all training steps. mask: the verb is asked for at a mask in a sentence.
- told twice: the kitchen's narration, and the same in a cipher that shares no word with it. Both
  models learn from both; one also sees the two sentences of a stretch in one sequence. Then the
  verb of what is said is taught in English, by text alone, and asked in the cipher.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.kitchen_tables.corpus import HELD_OUT, copy
from benchmarks.kitchen_tables.sizes import PRETRAINING
from benchmarks.workbench_labels import MASKED, SENTENCES, VERBS, annotations
from benchmarks.workbench_tasks import LEARNING
from benchmarks.workbench_together import TogetherBench, spread, write_rows
from demos.kitchen.truth import Truth
from videobert.cli.console import print_table
from videobert.data.annotations import Annotation
from videobert.data.work import examples_stage
from videobert.finetune.asking import answers
from videobert.finetune.augment_options import AugmentOptions
from videobert.finetune.augmenting import augment
from videobert.finetune.options import CLASSIFY
from videobert.finetune.tuned import load_tuned, task_folder
from videobert.pretraining.loop import pretrain
from videobert.pretraining.options import PretrainOptions
from workfolder.files import read_table, write_table
from workfolder.stage import Stage

COUNTS = (1, 5, 20)
PASSES = {1: 60, 5: 40, 20: 20}
"""Few labels are seen as often as some hundred; as in workbench_tasks."""
PLAIN, AUGMENTED, TEACHER, TWO_STAGE = "plain", "augmented", "teacher", "two-stage"
WAYS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    "completion": {"completion_weight": 0.5},
    "adversarial": {"adversarial": 3},
    AUGMENTED: {},
    TEACHER: {"patient": 10.0},
    TWO_STAGE: {},
    MASKED: {"sentence": SENTENCES[MASKED]},
}
NOUNS = "nouns_told"
COPIES = 4
TEXTS, ENGLISH, CIPHER = "texts", "english", "cipher"


def told(bench: TogetherBench, truth: Truth, nouns: bool = False) -> list[Annotation]:
    """Return the steps with what is said in them, and their verb or noun as label."""
    steps = annotations(truth, VERBS)
    if nouns:
        names = [step.noun for video in truth.videos for step in video.steps]
        steps = [replace(row, label=noun) for row, noun in zip(steps, names, strict=True)]
    transcripts, found = Stage(bench.work / "transcripts"), []
    said = {
        video: read_table(transcripts.path(video)).to_pylist()
        for video in {row.video for row in steps}
    }
    for row in steps:
        assert row.start is not None and row.end is not None
        within = [
            each["text"]
            for each in said[row.video]
            if row.start <= (each["start"] + each["end"]) / 2 < row.end
        ]
        found.append(replace(row, text=" ".join(within), subset="training"))
    return found


def drawn(rows: Sequence[Annotation], count: int, seed: int) -> list[Annotation]:
    """Draw so many rows of each label, or all that it has."""
    order = np.random.default_rng([seed, count]).permutation(len(rows))
    chosen, counts = [], dict[str | None, int]()
    for place in order.tolist():
        label = rows[place].label
        if counts.get(label, 0) < count:
            counts[label] = counts.get(label, 0) + 1
            chosen.append(place)
    return [rows[place] for place in sorted(chosen)]


def commonest(rows: Sequence[Annotation]) -> str:
    """Return the commonest label."""
    ((label, _),) = Counter(row.label for row in rows).most_common(1)
    return str(label)


def share(bench: TogetherBench, split: str, verb: str) -> float:
    """Return how many of the steps of a split have a verb."""
    return float(np.mean([row.label == verb for row in told(bench, bench.kitchen.truth(split))]))


def few_labels(bench: TogetherBench) -> None:
    """Teach a few labels in each way, and print how far they bring."""
    kitchen = bench.kitchen
    rows = told(bench, kitchen.truth(kitchen.main))
    write_rows(bench.work, NOUNS, told(bench, kitchen.truth(kitchen.main), nouns=True))
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for seed in range(bench.draws):  # all ways before the next draw, so that a part can be read
        for count in COUNTS:
            table = f"told-{count}-{seed}"
            write_rows(bench.work, table, drawn(rows, count, seed))
            for way in WAYS:  # plain first, as it is the teacher
                name = f"few-{way}-{count}-{seed}"
                its = bench.once(
                    name, lambda w=way, c=count, s=seed, t=table, n=name: _few(bench, w, c, s, t, n)
                )
                found.setdefault((way, count), []).append(its)
    for split in HELD_OUT:
        cells = [
            [way, *(spread([each[split] for each in found[way, count]]) for count in COUNTS)]
            for way in WAYS
        ]
        verb = commonest(rows)
        cells.append([f"always {verb}", *[f"{100 * share(bench, split, verb):.1f}"] * len(COUNTS)])
        header = ["", *(f"{count} a verb" for count in COUNTS)]
        title = f"verb of a step as it is told and seen, {split}: mean +- deviation, worst"
        print_table(title, header, cells)


def _few(
    bench: TogetherBench, way: str, count: int, seed: int, table: str, name: str
) -> dict[str, Any]:
    own = {"task": (CLASSIFY,), "annotations": table, "seed": seed, "epochs": PASSES[count]}
    options, model = replace(LEARNING, **own, **WAYS[way], name=name), bench.model
    if way == AUGMENTED:
        more = AugmentOptions(
            annotations=table,
            copies=COPIES,
            epochs=min(PASSES[count], bench.epochs),
            batch_size=LEARNING.batch_size,
            learning_rate=LEARNING.learning_rate,
            seed=seed,
        )
        augment(model, bench.work, more, bench.progress)
        options = replace(options, annotations=more.table)
    if way == TEACHER:
        options = replace(options, teacher=task_folder(model, f"few-{PLAIN}-{count}-{seed}"))
    if way == TWO_STAGE:
        first = replace(LEARNING, task=(CLASSIFY,), annotations=NOUNS, name=NOUNS)
        bench.taught(first)
        model = task_folder(model, NOUNS)
    bench.taught(options, model)
    found = {}
    for split in HELD_OUT:
        rows = told(bench, bench.kitchen.truth(split))
        tuned = bench.tuned(name, rows)
        task = tuned.tasks[CLASSIFY]
        examples = task.examples(rows)
        said = answers(tuned.network, CLASSIFY, task, examples)
        right = [a.argmax() == e.truth for a, e in zip(said, examples, strict=True)]
        found[split] = float(np.mean(right))
    return found


def ciphered(text: str) -> str:
    """Write each word as another one, always the same, of letters that no English word has so."""
    return " ".join(
        "q" + "".join("bdfgjkpvxz"[int(digit)] for digit in str(zlib.crc32(word.encode())))
        for word in text.lower().split()
    )


def told_twice(bench: TogetherBench) -> None:
    """Pre-train with and without sequences in both languages; teach in one, ask in the other."""
    kitchen = bench.kitchen
    english = kitchen.work(kitchen.main)
    both, cipher = kitchen.out / "work" / "told_in_both", kitchen.out / "work" / "ciphered"
    _write_examples(english, cipher, [("", ciphered)])
    _write_examples(english, both, [("", str), ("_q", ciphered)])
    texts = kitchen.out / "work" / TEXTS
    rows = [row for row in told(bench, kitchen.truth(kitchen.main)) if row.text]
    write_rows(texts, ENGLISH, rows)
    found: dict[str, list[dict[str, Any]]] = {}
    for way, work, changes in (
        ("with", english, {"parallel": str(cipher)}),
        ("without", both, {}),
    ):
        for seed in range(bench.seeds):
            name = f"twice-{way}-{seed}"
            given = PretrainOptions(
                **{**PRETRAINING, "steps": bench.steps, "seed": seed, **changes}
            )
            model = kitchen.out / "workbench" / f"{name}-{bench.steps}"
            found.setdefault(way, []).append(
                bench.once(name, lambda m=model, w=work, g=given: _twice(bench, m, w, g, texts))
            )
    verb, cells = commonest(rows), []
    for row in next(iter(found.values()))[0]:
        always = share(bench, row.partition(", ")[2], verb)
        ways = [spread([each[row] for each in seeds]) for seeds in found.values()]
        cells.append([row, *ways, f"{100 * always:.1f}"])
    header = ["", *(f"{way} both in one sequence" for way in found), f"always {verb}"]
    print_table("verb of what is said, labels in English: mean +- deviation, worst", header, cells)


def _twice(
    bench: TogetherBench, model: Path, work: Path, given: PretrainOptions, texts: Path
) -> dict[str, Any]:
    pretrain(work, model, given, bench.progress)
    options = replace(LEARNING, task=(CLASSIFY,), annotations=ENGLISH, name=ENGLISH)
    bench.taught(options, model, texts)
    tuned = load_tuned(model, ENGLISH)
    task, found = tuned.tasks[CLASSIFY], {}
    for split in HELD_OUT:
        rows = [row for row in told(bench, bench.kitchen.truth(split)) if row.text]
        for language, read in ((ENGLISH, str), (CIPHER, ciphered)):
            examples = task.examples([replace(row, text=read(row.text)) for row in rows])
            said = answers(tuned.network, CLASSIFY, task, examples)
            right = [a.argmax() == e.truth for a, e in zip(said, examples, strict=True)]
            found[f"{language}, {split}"] = float(np.mean(right))
    return found


def _write_examples(work: Path, out: Path, ways: Sequence[tuple[str, Any]]) -> None:
    """Write the examples of a folder again, each video in each language."""
    copy(work / "codebook", out / "codebook")
    source, target = examples_stage(work), Stage(out / "examples")
    target.claim(source.options())
    for video in source.done():
        table = read_table(source.path(video))
        for suffix, read in ways:
            if target.path(f"{video}{suffix}").exists():
                continue
            rows = [
                {**row, "video_id": f"{video}{suffix}", "text": read(row["text"])}
                for row in table.to_pylist()
            ]
            write_table(pa.Table.from_pylist(rows, table.schema), target.path(f"{video}{suffix}"))
