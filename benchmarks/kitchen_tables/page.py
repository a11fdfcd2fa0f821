"""docs/results.md, every word and figure of it, from what results.json holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import comb
from typing import Any

import numpy as np

from benchmarks.kitchen_tables.captions import CAPTIONERS
from benchmarks.kitchen_tables.choices import best
from benchmarks.kitchen_tables.corpus import HELD_OUT
from benchmarks.kitchen_tables.orders import Order, readable
from benchmarks.kitchen_tables.pictures import mean
from benchmarks.kitchen_tables.tables import FULL
from videobert.evaluation.actions import COLUMNS
from videobert.evaluation.intervals import Estimate

SCORES = ("BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D")
CHOSEN = {
    "epochs": ("epochs of pre-training", "mean of verb and noun top-1"),
    "weight": ("weight of the alignment head beside BM25", "R@5, both ways"),
    "context": ("visual words that a forecast reads", "top-1, all distances"),
    "lengths": ("clips of the windows for localisation", "mean IoU"),
}


def page(results: Mapping[str, Any], orders: Sequence[Order]) -> str:
    """Write the whole page as Markdown."""
    parts = [
        _opening(results),
        _orders(orders),
        _zero_shot(results),
        _more_data(results),
        _captions(results["captions"]),
        _left_out(results),
        _answers(results),
        _choices(results["choices"]["scores"]),
    ]
    return "\n\n".join(parts) + "\n"


def _opening(results: Mapping[str, Any]) -> str:
    made, sizes = results["made"], results["sizes"]
    main, held_out, (least, most) = sizes["main"], sizes["held_out"], sizes["steps"]
    words = sizes["branching"] ** sizes["depth"]
    versions = ", ".join(f"{name} {made[name]}" for name in made["packages"])
    return f"""# Results on the kitchen

[What the figures mean](results-explained.md) is written by hand. Everything on this page, text and
pictures too, was written by

    {made["command"]}

with seed {made["seed"]}, in {made["minutes"]:.0f} minutes of finished work on {made["cores"]}
cores of {made["cpu"]}; python {made["python"]}, {versions}.
[results.json](results.json) has the same figures.

The kitchen is a made-up world of 12 verbs and 20 nouns that are easy to tell apart. S3D has random
weights. The model has 2 layers and {words} visual words, and no label is ever shown to it. The page
shows what the method does with such a world. It says nothing of real kitchens.

- There are {main} training videos of {least} to {most} steps, unless the page gives another number.
- The {held_out} *held-out videos* are new recipes of known steps. In the {held_out} videos of
  *held-out combinations*, verb and noun are both known but were never together.
- Choices are made on {sizes["validation"]} other videos, never on the held-out ones. The end of the
  page lists them. All other options are the demo's, which were found on another kitchen.
- Figures are per cent unless the page says otherwise. In brackets are 95 % bootstrap intervals over
  videos.
- All sizes share one codebook, fitted on the pictures of the {main} videos, and learn for the same
  number of epochs."""


def _orders(orders: Sequence[Order]) -> str:
    parts = ["## Does the paper's order come out?"]
    for claim in dict.fromkeys(order.claim for order in orders):
        mine = [order for order in orders if order.claim == claim]
        whole = sum(not order.broken for order in mine)
        parts.append(
            f"**{claim[0].upper()}{claim[1:]}**: comes out in {whole} of {len(mine)} comparisons."
        )
        rows = [[order.where, order.rising, _shown(order)] for order in mine]
        parts.append(table(["", "should rise", "verdict"], rows))
    return "\n\n".join(parts)


def _shown(order: Order) -> str:
    return f"**{order.verdict}**" if order.broken else order.verdict


def _zero_shot(results: Mapping[str, Any]) -> str:
    found = results["more_data"][str(results["sizes"]["main"])]
    parts = ["## 1. Zero-shot actions", picture("zero_shot", "Top-1 of every method")]
    for split in HELD_OUT:
        rows = found[split]["rows"] | {
            "linear_probe_of_visual_words": results["words_probe"][split]
        }
        cells = [
            [readable(name), *(shown(row[column]) for column in COLUMNS)]
            for name, row in rows.items()
        ]
        title = f"{readable(split)}, {found[split]['segments']:,} steps"
        parts.append(
            table([title, *(column.replace("_top", " top-") for column in COLUMNS)], cells)
        )
        parts += [
            f"{readable(name)} is left out: {reason}"
            for name, reason in found[split]["left_out"].items()
        ]
    return "\n\n".join(parts)


def _more_data(results: Mapping[str, Any]) -> str:
    text = (
        "Below the line of the most videos, the fewer ones stand again, with about as many updates "
        "as it, so with more epochs."
    )
    parts = [
        "## 2. More training videos",
        picture("more_data", "Top-1 over the number of training videos"),
        text,
    ]
    for split in HELD_OUT:
        cells = [
            [
                f"{int(videos):,}",
                f"{results['updates'][videos][longer]:,}",
                *_cross_modal(found[split]),
            ]
            for longer, sizes in enumerate((results["more_data"], results["more_epochs"]))
            for videos, found in sizes.items()
        ]
        header = [
            f"{readable(split)}, videos",
            "updates",
            *(column.replace("_top", " top-") for column in COLUMNS),
        ]
        parts.append(table(header, cells))
    return "\n\n".join(parts)


def _cross_modal(found: Mapping[str, Any]) -> list[str]:
    return [shown(found["rows"]["cross_modal"][column]) for column in COLUMNS]


def _captions(captions: Mapping[str, Any]) -> str:
    text = (
        "Captioners learn from the sentences of the training videos that are about a step, and are "
        "scored against those of held-out videos. A cook has many ways to say the same, so no "
        "captioner can be near 100. CIDEr-D is times 100."
    )
    parts = ["## 3. Captions", text, picture("captions", "Scores of the variants")]
    for split in HELD_OUT:
        title = f"{readable(split)}, {next(iter(captions.values()))[split]['segments']:,} sentences"
        cells = [[CAPTIONERS[name], *_scores(found[split])] for name, found in captions.items()]
        parts.append(table([title, *SCORES], cells))
    why = next(iter(captions.values()))[HELD_OUT[0]]["why_no_meteor"]
    parts += [f"METEOR is not measured: {why}."] * bool(why)
    return "\n\n".join([*parts, _examples(captions)])


def _scores(found: Mapping[str, Any]) -> Iterator[str]:
    for name in SCORES:
        value = found["corpus"][name]
        yield (
            shown(found["means"][name])
            if name in found["means"]
            else "-"
            if value is None
            else f"{100 * value:.1f}"
        )


def _examples(captions: Mapping[str, Any]) -> str:
    """Write the first sentences of the first held-out videos, whatever they are."""
    split = HELD_OUT[0]
    said = [example["reference"] for example in next(iter(captions.values()))[split]["examples"]]
    written = [
        [example["caption"] for example in found[split]["examples"]] for found in captions.values()
    ]
    header = [
        "the first sentence of the first held-out videos",
        *(CAPTIONERS[name] for name in captions),
    ]
    return table(header, zip(said, *written, strict=True))


def _left_out(results: Mapping[str, Any]) -> str:
    runs, sizes = results["left_out"], results["sizes"]
    measures = list(runs[FULL][0])
    text = (
        f"Models of {sizes['ablated']} training videos, one choice left out at a time, seeds "
        f"{', '.join(map(str, sizes['seeds']))}. A cell is the mean over seeds and, in brackets, "
        "each seed's figure. Search and the next word are of held-out videos."
    )
    cells = [[name, *(_seeds(runs[name], measure) for measure in measures)] for name in runs]
    gains = [
        [name, *(_gain(runs[FULL], runs[name], measure) for measure in measures)]
        for name in runs
        if name != FULL
    ]
    by_chance = 2 / comb(2 * len(sizes["seeds"]), len(sizes["seeds"]))
    legend = (
        "Points that each choice brings: the mean with everything less the mean without it. A cell "
        "is bold if every seed with the choice is better (or, with a minus, worse) than every seed "
        "without it, as chance alone would have it in "
        f"{100 * by_chance:.0f} of 100 cells."
    )
    return "\n\n".join(
        [
            "## 4. What each choice brings",
            text,
            table(["without", *measures], [["nothing", *cells[0][1:]], *cells[1:]]),
            legend,
            table(["choice", *measures], gains),
            picture("left_out", "What each choice brings"),
        ]
    )


def _seeds(runs: Sequence[Mapping[str, Any]], measure: str) -> str:
    each = ", ".join(f"{100 * run[measure]['value']:.0f}" for run in runs)
    return f"{100 * mean(runs, measure):.1f} ({each})"


def _gain(
    full: Sequence[Mapping[str, Any]], without: Sequence[Mapping[str, Any]], measure: str
) -> str:
    ours, theirs = ([run[measure]["value"] for run in runs] for runs in (full, without))
    gain = f"{100 * (np.mean(ours) - np.mean(theirs)):+.1f}"
    sure = len(ours) > 1 and (min(ours) > max(theirs) or max(ours) < min(theirs))
    return f"**{gain}**" if sure else gain


def _answers(results: Mapping[str, Any]) -> str:
    parts = [
        "## 5. Retrieval, forecasts, localisation",
        picture("retrieval", "Recall at 5, both ways"),
    ]
    for split in HELD_OUT:
        found = results["retrieval"][split]
        title = f"{readable(split)}: {found['sentences']:,} sentences, {found['passages']:,} clips"
        parts.append(table([title, "R@1", "R@5", "R@10", "median rank"], _retrieval_rows(found)))
    parts += [
        picture("forecast", "Visual words to come"),
        _seen_ahead(results["examples"]["ahead"]),
    ]
    for split in HELD_OUT:
        rows = _forecast_rows(results["forecast"][split], results["examples"]["bigram"][split])
        parts.append(table([readable(split), "top-1", "top-5"], rows))
    for split in HELD_OUT:
        rows = results["imagine"][split]["rows"]
        title = f"{readable(split)}: visual words of a sentence"
        parts.append(
            table(
                [title, "recall@3", "recall@10"],
                [[readable(n), *map(shown, row.values())] for n, row in rows.items()],
            )
        )
    parts.append(picture("localisation", "Sentences found in their videos"))
    parts.append("What counts is when a sentence's step is shown, not when the sentence is said.")
    for split in HELD_OUT:
        found = results["localisation"][split]
        rows = [
            [name, shown(row["iou"]), *map(shown, row["recall"].values())]
            for name, row in found["rows"].items()
        ]
        header = [
            f"{readable(split)}: {found['sentences']:,} sentences",
            "mean IoU",
            "IoU 0.3",
            "IoU 0.5",
            "IoU 0.7",
        ]
        parts.append(table(header, rows))
    return "\n\n".join(parts)


def _retrieval_rows(found: Mapping[str, Any]) -> Iterator[list[str]]:
    for way in ("text_to_clip", "clip_to_text"):
        for method, row in found[way].items():
            yield [
                f"{readable(way)}, {readable(method)}",
                *map(shown, row["recall"].values()),
                f"{row['median']:g}",
            ]


def _seen_ahead(shares: Mapping[str, float]) -> str:
    told = ", ".join(f"{step} ahead in {100 * share:.1f}" for step, share in shares.items())
    return (
        "The bigram counts in whole training videos. The model learns from examples, the words of "
        "one sentence, and so does "
        f"the *bigram of examples*. Of 100 examples one word has another {told}."
    )


def _forecast_rows(found: Mapping[str, Any], examples: Mapping[str, Any]) -> Iterator[list[str]]:
    for step, rows in found["rows"].items():
        for method, row in (rows | {"bigram of examples": examples[step]}).items():
            yield [f"{step} ahead, {method}", *map(shown, row.values())]


def _choices(scores: Mapping[str, Any]) -> str:
    rows = []
    for name, candidates in scores.items():
        what, measure = CHOSEN[name]
        chosen = {"candidate": best(candidates)}
        tried = ", ".join(f"{_candidate(row)}: {100 * row['score']:.1f}" for row in candidates)
        rows.append([what, measure, f"**{_candidate(chosen)}**", tried])
    return "## What was chosen on the validation slice\n\n" + table(
        ["choice", "by", "chosen", "candidates and scores"], rows
    )


def _candidate(row: Mapping[str, Any]) -> str:
    value = row["candidate"]
    return "/".join(map(str, value)) if isinstance(value, list) else f"{value:g}"


def shown(cell: Mapping[str, float]) -> str:
    """Write a share, as JSON has it, in per cent with its interval."""
    return str(Estimate(**cell))


def picture(name: str, title: str) -> str:
    """Link one of pictures.draw_pictures."""
    return f"![{title}](results/{name}.png)"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table; its first column is text."""
    rule = ["---", *["---"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))
