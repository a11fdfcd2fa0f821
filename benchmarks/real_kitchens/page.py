"""docs/real-kitchens.md, every figure of it, from what is kept below --out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.real_kitchens.ahead import SECONDS
from benchmarks.real_kitchens.captions import STEPS
from benchmarks.real_kitchens.corpus import CHOICE, COOKS, RECORDINGS
from benchmarks.real_kitchens.goal import goal
from benchmarks.real_kitchens.learning import Variant
from benchmarks.real_kitchens.pairs import LOOKED_FOR
from benchmarks.real_kitchens.questions import KINDS
from benchmarks.real_kitchens.study import CHOSEN, MAIN, SEEDS, TEXT_FIRST, Study
from benchmarks.real_kitchens.summary import (
    NOT_RUN,
    Figure,
    Pool,
    pool,
    pool_captions,
    pool_without_model,
)
from videobert.evaluation.chance import chance_in_top_k
from workfolder.files import write_json

NAMES = {
    "frequency_prior": "frequency prior",
    "recipe_and_time": "recipe and time, no picture (supervised)",
    "language_prior": "language prior: no video",
    "shuffled_video": "shuffled video",
    "paper_template": "the paper's template, as the paper asks",
    "cross_modal": "cross-modal, as the paper asks",
    "calibrated_shuffled": "calibrated, shuffled video",
    "calibrated": "**calibrated: the default**",
    "with_prior": "calibrated, `--prior training`",
    "sentences_shuffled": "sentences of training vote, shuffled video",
    "sentences": "**sentences of training vote**: BM25 and head",
    "probe_of_words": "linear probe of the same words (supervised)",
    "probe_of_features": "linear probe of features (supervised)",
}
FINDERS = {
    "chance": "chance",
    "frequency_prior": "frequency prior: how often training says it",
    "shuffled_video": "likelihood, shuffled video",
    "alignment": "**alignment head**",
    "likelihood": "likelihood, less what it is anyway",
    "bm25": "BM25 on the words' profiles",
    "search": "BM25, head and likelihood, as `search` mixes them",
}
PLACES = {
    "chance": "a window anywhere",
    "time_alone": "the usual time of the sentence, no picture",
    "alignment": "alignment head",
    "likelihood": "likelihood",
}
AHEAD = {
    "unigram": "the commonest words",
    "copy": "the last word again",
    "bigram": "bigram, which may copy",
    "forecast": "the model",
}
WRITERS = {
    "commonest": "the commonest sentence",
    "recipe_and_time": "what training says at this time of this recipe, no picture",
    "nearest_words": "what training says of the step whose words are the most alike",
    "shuffled_video": "captioner, shuffled video",
    "captioner": "**captioner on the model's states**",
}
COLUMNS = [(kind, k) for kind in KINDS for k in ("1", "5")]


def write_page(study: Study, made: Mapping[str, Any], path: Path) -> None:
    """Write the page and its JSON beside it."""
    kept: dict[str, Any] = {"made": dict(made), "updates": study.updates, "tables": {}}
    parts = [part for part in _parts(study, made, kept["tables"]) if part]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    write_json(kept, path.with_suffix(".json"))


def _parts(study: Study, made: Mapping[str, Any], kept: dict[str, Any]) -> Iterator[str]:
    yield _opening(study, made)
    yield goal(study)
    for title, way, variant, among, name in (
        ("every recording held out once", RECORDINGS, MAIN, None, "zero_shot"),
        (
            f"every recording held out once, {CHOSEN.title}",
            RECORDINGS,
            CHOSEN,
            None,
            "zero_shot_chosen",
        ),
        ("every cook held out once", COOKS, MAIN, None, "zero_shot_cooks"),
        ("text alone learnt first", RECORDINGS, TEXT_FIRST, None, "zero_shot_text_first"),
        ("recordings that no choice was made on", RECORDINGS, MAIN, _val(study), "zero_shot_val"),
        (
            f"recordings that no choice was made on, {CHOSEN.title}",
            *(RECORDINGS, CHOSEN, _val(study), "zero_shot_chosen_val"),
        ),
    ):
        yield _zero_shot(study, title, way, variant, among, kept.setdefault(name, {}))
    yield _tried(study, kept.setdefault("tried", {}))
    yield _retrieval(study, kept.setdefault("retrieval", {}))
    yield _places(study, kept.setdefault("places", {}))
    yield _ahead(study, kept.setdefault("forecasts", {}))
    yield _captions(study, kept.setdefault("captions", {}))


def _opening(study: Study, made: Mapping[str, Any]) -> str:
    kitchens = study.kitchens
    steps = [step for each in kitchens.steps.values() for step in each]
    versions = ", ".join(f"{name} {made[name]}" for name in list(made)[2:])
    named = sum(step.noun >= 0 for step in steps)
    return f"""# Real kitchens

Everything on this page was written by

    python -m benchmarks.real_kitchens ../shared/data/features/captaincook4d_pe

with {study.updates:,} updates a model, on {made["cores"]} cores of {made["cpu"]}; {versions}.
[real-kitchens.json](real-kitchens.json) has the same figures.

- {len(kitchens.recordings)} recordings of CaptainCook4D, eight recipes, eight cooks. A clip is a
  second: 768 numbers of an image network (Perception Encoder). There are no pictures, no speech and
  no weights of it. So the page shows what comes after the features, and no word was spoken: what
  the model reads are written steps.
- {len(steps):,} steps. The text that is learnt is what was done. No label is ever shown to a model.
- {len(kitchens.verbs)} verbs, those that at least five steps are named by; {len(kitchens.nouns)}
  nouns, those of YouCook2's commonest that at least five steps handle. {named} steps have a noun.
- Each model has 2 layers, 128 wide, {MAIN.branching**MAIN.depth} visual words of features less the
  mean of their recording (`cluster --centre videos`), and is asked with "[MASK] the [MASK]".
- Codebook and model are made anew for each fold. Three seeds, but the codebook is that of seed 0.
- Figures are per cent. In brackets stand 95 % bootstrap intervals over recordings, after
  the semicolon the worst of three seeds."""


def _val(study: Study) -> set[str]:
    known = study.kitchens.recordings
    return {video for video, each in known.items() if each["split"] == "val"}


def _cell(figure: Figure, seeded: bool = True) -> str:
    worst = f"; {100 * figure.worst:.1f}" if seeded and len(set(figure.seeds)) > 1 else ""
    return f"{figure.value}{worst}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _zero_shot(
    study: Study,
    title: str,
    way: str,
    variant: Variant,
    among: set[str] | None,
    kept: dict[str, Any],
) -> str:
    pools = [
        [pool(study, "actions", way, variant, kind) for kind in KINDS],
        [pool(study, "sentences", way, variant, kind) for kind in KINDS],
        [pool_without_model(study, way, variant, kind) for kind in KINDS],
    ]
    head = ["", *(f"{kind} top-{k}" for kind, k in COLUMNS)]
    rows, told = [["chance", *_chances(study)]], NOT_RUN
    for method, name in NAMES.items():
        here = next((each for each in pools if each[0] and method in each[0].methods), None)
        if here is None:
            continue
        by_kind = dict(zip(KINDS, here, strict=True))
        figures = [
            found.figure(method, k, among) for kind, k in COLUMNS if (found := by_kind[kind])
        ]
        kept[method] = {f"{c[0]}_{c[1]}": f.json for c, f in zip(COLUMNS, figures, strict=True)}
        rows.append([name, *map(_cell, figures)])
        if here is pools[0]:
            told = f"{figures[0].steps} steps, {_seeds(len(figures[0].seeds))}."
    if len(rows) == 1:
        return f"## Zero-shot, {title}\n\n{NOT_RUN}"
    return f"## Zero-shot, {title}\n\n{told}\n\n{_table(head, rows)}"


def _seeds(count: int) -> str:
    return "one seed: no figure" if count == 1 else f"{count} seeds"


def _chances(study: Study) -> list[str]:
    labels = (study.kitchens.verbs, study.kitchens.nouns)
    return [
        str(chance_in_top_k(len(labels[KINDS.index(kind)]), [int(k)])[int(k)])
        for kind, k in COLUMNS
    ]


def _tried(study: Study, kept: dict[str, Any]) -> str:
    rows = []
    for variant in study.tried:
        cells = []
        for method, read in (
            ("calibrated", partial(pool, study, "actions")),
            ("sentences", partial(pool, study, "sentences")),
            ("probe_of_words", partial(pool_without_model, study)),
        ):
            for kind in KINDS:
                found = read(CHOICE, variant, kind)
                cells.append(_tried_cell(found, method, kept.setdefault(variant.name, {}), kind))
        rows.append([variant.title, *cells])
    head = ["", "calibrated: verb", "noun", "sentences vote: verb", "noun", "probe: verb", "noun"]
    return f"""## What was tried

On quarters of the 66 recordings called `train`, one drawn by each of three seeds, learnt from the
other three quarters; top-1. `main` is the row that most tables are about.
`{CHOSEN.title}` was chosen for the others.

{_table(head, rows)}"""


def _tried_cell(found: Pool | None, method: str, kept: dict[str, Any], kind: str) -> str:
    if found is None:
        return "not run"
    figure = found.figure(method, "1")
    kept[f"{method}_{kind}"] = figure.json
    return _cell(figure) + ("" if len(figure.seeds) == len(SEEDS) else ", fewer seeds")


def _retrieval(study: Study, kept: dict[str, Any]) -> str:
    parts = ["## Steps and sentences that find each other"]
    scopes = {"within": "within a recording", "over_all": "over all recordings of a fold"}
    ways = {"text_to_clip": "a sentence finds its step", "clip_to_text": "a step its sentence"}
    for scope, where in scopes.items():
        for way, who in ways.items():
            found = pool(study, "retrieval", RECORDINGS, MAIN, f"{scope}/{way}")
            if found is None:
                return f"## Steps and sentences that find each other\n\n{NOT_RUN}"
            parts.append(f"{who[0].upper()}{who[1:]}, {where}:")
            parts.append(_rows(found, FINDERS, ("1", "5", "10"), "R@", kept, f"{scope}_{way}"))
    return "\n\n".join(parts)


def _rows(
    found: Pool,
    names: Mapping[str, str],
    columns: Sequence[str],
    before: str,
    kept: dict[str, Any],
    key: str,
) -> str:
    rows = []
    for method, name in names.items():
        figures = [found.figure(method, column) for column in columns]
        by_column = {c: f.json for c, f in zip(columns, figures, strict=True)}
        kept.setdefault(key, {})[method] = by_column
        rows.append([name, *map(_cell, figures)])
    return _table(["", *(f"{before}{column}" for column in columns)], rows)


def _places(study: Study, kept: dict[str, Any]) -> str:
    found = pool(study, "places", RECORDINGS, MAIN, "iou")
    if found is None:
        return f"## Where in the recording\n\n{NOT_RUN}"
    table = _rows(found, PLACES, ("iou",), "", kept, "iou").replace("| iou |", "| mean IoU |")
    return f"""## Where in the recording

Windows of 15, 30 and 60 s; {LOOKED_FOR} sentences of each fold.

{table}"""


def _ahead(study: Study, kept: dict[str, Any]) -> str:
    rows = []
    for seconds in SECONDS:
        found = pool(study, "forecasts", RECORDINGS, MAIN, str(seconds))
        if found is None:
            return f"## The next visual word\n\n{NOT_RUN}"
        for method, name in AHEAD.items():
            figures = [found.figure(method, k) for k in ("1", "5")]
            kept.setdefault(str(seconds), {})[method] = [figure.json for figure in figures]
            rows.append([f"{seconds} s", name, *map(_cell, figures)])
    return f"""## The next visual word

{_table(["ahead", "", "top-1", "top-5"], rows)}"""


def _captions(study: Study, kept: dict[str, Any]) -> str:
    found = pool_captions(study, MAIN)
    if found is None:
        return f"## Captions\n\n{NOT_RUN}"
    return f"""## Captions

What was done, written by a captioner that learns from the steps of the other folds in {STEPS}
updates. Scores are times 100; METEOR is the mean over captions.

{_rows(found, WRITERS, ("CIDEr-D", "METEOR"), "", kept, "captions")}"""
