"""How often search finds a step, or a video, by the caption of a step; see workbench_tasks.

It reads the pictures alone: of a stretch nothing is known that is said or written.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kitchen_tables.corpus import EVERYTHING, HELD_OUT, Kitchen
from benchmarks.workbench_labels import STEPS, annotations
from videobert.answers.alignment import sentence_scores
from videobert.answers.judging import judged
from videobert.answers.options import SearchOptions
from videobert.answers.search import by_profiles, search
from videobert.answers.whole_videos import search_videos
from videobert.data.stretches import Stretch, different_sentences, with_clips
from videobert.data.work import read_clips, read_stretches
from videobert.evaluation.intervals import Estimate, estimate
from videobert.finetune.options import ALIGN
from videobert.finetune.tuned import RANKS, as_aligned, load_tuned
from videobert.loading import load_to_ask
from workfolder.files import read_json, write_json

BEST = (1, 3, 1000)
"""Stretches that count in the search for whole videos: the maximum, ours, and nearly the mean."""


def searched(kitchen: Kitchen, folder: Path, task: str | None = None) -> dict[str, Any]:
    """Search for the captions of both splits; the share of them that comes first.

    Args:
        kitchen: the corpus.
        folder: the model; what is found is kept there.
        task: of those below its tasks, what align was taught there; otherwise the model judges.
    """
    path = folder / "figures" / f"search-{task or 'model'}.json"
    if path.exists():
        there: dict[str, Any] = read_json(path)
        return there
    found: dict[str, Any] = {}
    model, judge = load_to_ask(folder), judged
    if task:
        tuned = load_tuned(folder, task)
        model, judge = as_aligned(tuned), sentence_scores
        for when, rank in tuned.tasks[ALIGN].about.get(RANKS, {}).items():
            found[f"validation, reciprocal rank, {when}"] = vars(Estimate.exact(rank))
    codebook, every = model.processor.codebook, kitchen.work(EVERYTHING)
    training = read_stretches(kitchen.work(kitchen.main), codebook)
    for split in HELD_OUT:
        rows = annotations(kitchen.truth(split), STEPS)
        wanted = [Stretch(r.video, r.start or 0, r.end or 0, r.text) for r in rows]
        shown = with_clips(wanted, lambda video: read_clips(every, video, codebook))
        sentences, number = different_sentences(shown)
        shown = [replace(stretch, text="") for stretch in shown]
        first = by_profiles(shown, training, codebook.words)
        hits: dict[str, list[bool]] = {}
        for sentence, text in enumerate(sentences):
            places = set(np.flatnonzero(number == sentence).tolist())
            right = {shown[n].video for n in places}
            for best in BEST if task is None else (SearchOptions.best,):
                how = SearchOptions(best=best, top=1)
                (hit,) = search_videos(model, shown, text, first, how, judge=judge)
                hits.setdefault(f"{split}, videos, best {best}", []).append(hit.video_id in right)
            (place,) = search(model, shown, text, first, SearchOptions(top=1), judge=judge)
            hits.setdefault(f"{split}, steps", []).append(place.place in places)
        for what, each in hits.items():
            found[what] = vars(estimate(np.array(each), np.arange(len(each))))
    write_json(found, path)
    return found
