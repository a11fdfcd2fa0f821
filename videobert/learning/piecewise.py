"""AdamW of fp32 masters of a model in bf16, a piece at a time.

Each number of the model has two bytes for its weight, two for its gradient, and twelve for master
and moments. A step that goes over whole tensors reads and writes most of them several times: to
make the gradient fp32, to clip it, to take the step, to round. Here a piece of the weights goes
through all of it before the next, and stays in the cache of the processor in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch

PIECE = 2**18
"""Numbers of a piece: 6 MB of weights, gradients, masters and moments, and the piece in fp32."""

Piece = list[tuple[torch.Tensor, int, int]]
"""Masters, and where the part of each begins and ends."""


class PiecewiseAdamW(torch.optim.AdamW):
    """torch's fused AdamW, which also clips the gradients and rounds the masters.

    Its state is that of torch.optim.AdamW.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        rate: float,
        weights: Mapping[torch.Tensor, torch.Tensor],
    ) -> None:
        """Take groups of masters.

        Args:
            groups: as torch.optim.AdamW takes them.
            rate: the learning rate of groups that have none.
            weights: by master, the weight of the model that has the gradient and is rounded.
        """
        super().__init__(groups, lr=rate, fused=True)
        self._weights = weights
        self._buffer = torch.empty(PIECE, dtype=next(iter(weights)).dtype)

    @torch.no_grad()
    def clipped_step(self, most: float) -> float:
        """Take a step with gradients of a norm of at most ``most``, as clip_grad_norm_ has it.

        Returns:
            The norm before clipping. If it is not finite, nothing changes.
        """
        squares = 0.0
        for group in self.param_groups:
            for piece in self._pieces(group):
                size = sum(part.numel() for part in self._gradients(piece))
                gradient = self._buffer[:size]
                squares += float(gradient.dot(gradient))
        norm = math.sqrt(squares)
        if norm < math.inf:
            factor = min(1.0, most / (norm + 1e-6))
            for group in self.param_groups:
                self._count(group)
                for piece in self._pieces(group):
                    self._step(piece, group, factor)
        return norm

    def _step(self, piece: Piece, group: Mapping[str, Any], factor: float) -> None:
        gradients = self._gradients(piece)
        if factor < 1:
            torch._foreach_mul_(gradients, factor)
        masters = [_part(master, first, last) for master, first, last in piece]
        mean, square = (
            [_part(self.state[master][name], first, last) for master, first, last in piece]
            for name in ("exp_avg", "exp_avg_sq")
        )
        torch._fused_adamw_(  # what torch.optim.AdamW calls
            masters,
            gradients,
            mean,
            square,
            [],
            [self.state[master]["step"] for master, _, _ in piece],
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )
        weights = [_part(self._weights[master], first, last) for master, first, last in piece]
        torch._foreach_copy_(weights, masters)

    def _gradients(self, piece: Piece) -> list[torch.Tensor]:
        """Copy the gradients of a piece into the buffer, as precise as the masters."""
        sizes = [last - first for _, first, last in piece]
        found = list(self._buffer[: sum(sizes)].split(sizes))
        given = []
        for master, first, last in piece:
            gradient = self._weights[master].grad
            assert gradient is not None
            given.append(_part(gradient.contiguous(), first, last))
        torch._foreach_copy_(found, given)
        return found

    def _pieces(self, group: Mapping[str, Any]) -> Iterator[Piece]:
        """Deal the masters whose weights have a gradient into pieces."""
        piece: Piece = []
        room = PIECE
        for master in group["params"]:
            first = 0 if self._weights[master].grad is not None else master.numel()
            while first < master.numel():
                last = min(first + room, master.numel())
                piece.append((master, first, last))
                room -= last - first
                first = last
                if not room:
                    yield piece
                    piece, room = [], PIECE
        if piece:
            yield piece

    def _count(self, group: Mapping[str, Any]) -> None:
        """Count the step of each master that takes it; the first one begins its moments."""
        for master in group["params"]:
            if self._weights[master].grad is not None:
                state = self.state[master]
                if not state:
                    state["step"] = torch.tensor(0.0)
                    state["exp_avg"] = torch.zeros_like(master)
                    state["exp_avg_sq"] = torch.zeros_like(master)
                state["step"] += 1


def _part(tensor: torch.Tensor, first: int, last: int) -> torch.Tensor:
    return tensor.view(-1)[first:last]
