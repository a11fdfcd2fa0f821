"""Whether the goal is reached, in words, from the figures that are there."""

from __future__ import annotations

from benchmarks.real_kitchens.corpus import RECORDINGS
from benchmarks.real_kitchens.learning import LEARNING
from benchmarks.real_kitchens.questions import KINDS
from benchmarks.real_kitchens.study import CHOSEN, MAIN, Study
from benchmarks.real_kitchens.summary import NOT_RUN, pool, pool_without_model

NEAR, TIMES = 0.08, 3
"""The goal: points below the probe of words, and how often the prior's R@5."""
GOAL_K = "5"


def goal(study: Study) -> str:
    """Judge naming and finding."""
    lines = [_goal_of_kind(study, kind) for kind in KINDS]
    ways = ("text_to_clip", "clip_to_text")
    lines += [_goal_of_way(study, way) for way in ways]
    learnt = ", ".join(f"{name} {value}" for name, value in LEARNING.items())
    return f"""## Is the goal reached?

{chr(10).join(f"- {line}" for line in lines)}

How the models learn: {learnt}."""


def _goal_of_kind(study: Study, kind: str) -> str:
    asked = pool(study, "sentences", RECORDINGS, CHOSEN, kind)
    beside = pool_without_model(study, RECORDINGS, CHOSEN, kind)
    if asked is None or beside is None:
        return f"{kind}s: {NOT_RUN}"
    ours = asked.figure("sentences", "1").value.value
    blind, probe = (
        beside.figure(method, "1").value.value for method in ("recipe_and_time", "probe_of_words")
    )
    return (
        f"{kind}s, sentences of training vote, {CHOSEN.title} {100 * ours:.1f}: "
        f"{_judge(ours > blind)} recipe and time ({100 * blind:.1f}), "
        f"and {_within(probe - ours)} 8 points of the supervised probe of the "
        f"same words ({100 * probe:.1f})"
    )


def _judge(above: bool) -> str:
    return "above" if above else "**not above**"


def _within(short: float) -> str:
    return "within" if short <= NEAR else "**not within**"


def _goal_of_way(study: Study, way: str) -> str:
    found = pool(study, "retrieval", RECORDINGS, MAIN, f"over_all/{way}")
    if found is None:
        return f"{way}: {NOT_RUN}"
    prior, head = (
        found.figure(method, GOAL_K).value.value for method in ("frequency_prior", "alignment")
    )
    told = "at least" if head >= TIMES * prior else "**less than**"
    return (
        f"{way.replace('_', ' ')}, over all, R@5 of the alignment head "
        f"{100 * head:.1f}: {told} 3 times the frequency prior's {100 * prior:.1f}"
    )
