"""What of the network learns with a head: all of it, a part, or small matrices put into it."""

from __future__ import annotations

from importlib.util import find_spec

from torch import nn

from videobert.finetune.adapters import add_adapters
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
