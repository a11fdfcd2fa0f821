"""What of the network learns with a head: all of it, a part, or small matrices put into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec

from torch import nn

from videobert.finetune.adapters import adapters_off, add_adapters
from videobert.finetune.options import HEAD
from videobert.learning.trained import choose_trained
from workfolder.errors import InputError

QUERY_AND_VALUE = ("query", "value", "q_lin", "v_lin", "q", "v", "Wqkv")
"""The names of these layers in the families of encoders."""


def set_trained(encoder: nn.Module, what: str) -> None:
    """Let a part of an encoder learn, and put adapters or LoRA into it where they are asked for.

    Raises:
        InputError: if it has fewer layers, or peft is not installed.
    """
    kind, _, number = what.partition(":")
    if kind == HEAD:
        encoder.requires_grad_(False)
    elif kind == "adapter":
        add_adapters(encoder, int(number))
    elif kind == "lora":
        _add_lora(encoder, int(number))
    else:
        choose_trained(encoder, what)


def _add_lora(encoder: nn.Module, rank: int) -> None:
    """Put LoRA beside query and value (Hu et al., 2021), as peft does; nothing else learns."""
    if find_spec("peft") is None:
        raise InputError("--train lora needs peft: pip install 'videobert[workbench]'")
    from peft import LoraConfig, inject_adapter_in_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=list(QUERY_AND_VALUE))
    try:
        inject_adapter_in_model(config, encoder)
    except ValueError as error:  # no layer has such a name
        raise InputError(f"--train lora does not fit this network ({error})") from error
    for name, weight in encoder.named_parameters():
        weight.requires_grad_(".lora_" in name)


@contextmanager
def switched_off(encoder: nn.Module) -> Iterator[None]:
    """Run an encoder as if what was put into it were not there, be it adapters or LoRA.

    It computes exactly what it did before. What learnt in the encoder itself stays as it is.
    """
    with ExitStack() as stack:
        stack.enter_context(adapters_off(encoder))
        if find_spec("peft") is not None:
            stack.enter_context(_lora_off(encoder))
        yield


@contextmanager
def _lora_off(encoder: nn.Module) -> Iterator[None]:
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = [module for module in encoder.modules() if isinstance(module, BaseTunerLayer)]
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)
