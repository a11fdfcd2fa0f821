"""A network of BERT-base's size beside itself in whole numbers: time, bytes, and what both say.

    python -m benchmarks.whole_numbers

The weights are random, as speed and bytes do not hang on what was learnt. Rounds of both are in
turn, and the median of each is told: seconds of this process with one thread, so that whatever else
the machine does counts little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from statistics import median
from typing import Any

import torch
from torch.nn.functional import cosine_similarity

from tokenization.vocabulary import Vocabulary
from videobert.cli.console import print_line, print_table
from videobert.networks import new_network
from videobert.whole_numbers import to_int8

ROUNDS = 9
ASKED = ((8, 64), (1, 24))
"""Rows and ids of each: a batch, and one question."""
SAID = ("prediction_logits", "asked_states", "alignment_logits")


def in_turn(runs: Sequence[Callable[[], Any]]) -> list[float]:
    """Run each in turn with one thread, several rounds; return the median seconds of each."""
    torch.set_num_threads(1)
    seconds: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS + 1):
        for own, run in zip(seconds, runs, strict=True):
            began = time.process_time()
            run()
            own.append(time.process_time() - began)
    return [median(own[1:]) for own in seconds]  # the first round warms up


@torch.no_grad()
def show_base_size() -> None:
    """Print how much faster and smaller whole numbers are, and how near they come."""
    torch.manual_seed(0)
    network = new_network("base", "bert", Vocabulary(30522, 20736), 0, 512, 0.0).eval()
    whole = deepcopy(network)
    to_int8(whole)
    both, cells = (network, whole), []
    for rows, length in ASKED:
        ids = torch.randint(0, network.config.vocab_size, (rows, length))
        at = torch.zeros_like(ids, dtype=torch.bool)
        at[:, length // 2] = True
        before, after = in_turn([partial(each, ids, predict_at=at) for each in both])
        plain, ours = (each(ids, predict_at=at) for each in both)
        near = [
            cosine_similarity(plain[name].flatten(), ours[name].flatten(), dim=0) for name in SAID
        ]
        times = [f"{1000 * before:.0f}", f"{1000 * after:.0f}", f"{before / after:.2f}"]
        cells.append([f"{rows} x {length} ids", *times, *(f"{each:.5f}" for each in near)])
    header = ["", "ms", "ms int8", "times", *(f"cosine of {name}" for name in SAID)]
    print_table("BERT-base, one thread", header, cells)
    before, after = map(megabytes, both)
    print_line(f"MB of weights: {before:.0f} -> {after:.0f}, {100 * after / before:.1f} per cent")


def megabytes(network: torch.nn.Module) -> float:
    """Return the bytes of a network's weights, 10^6."""
    held = [*network.parameters(), *network.buffers()]
    return sum(each.numel() * each.element_size() for each in held) / 1e6


if __name__ == "__main__":
    show_base_size()
