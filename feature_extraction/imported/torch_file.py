"""Tensors from a .pt file, read with ``weights_only``: nothing in the file is executed.

torch is imported with this module, before the process that reads is limited in its memory.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import torch

from feature_extraction.imported.arrays import Rows, as_float16, choose
from workfolder.errors import InputError


def read_torch_features(path: Path, key: str | None) -> tuple[np.ndarray, None]:
    """Read a tensor, or one of a dict of tensors, as arrays.read_features says.

    Raises:
        InputError: if the file holds something else, or what cannot be a feature.
    """
    return as_float16(path, _read_torch(path, key)), None


def _read_torch(path: Path, key: str | None) -> Rows:
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path} holds more than tensors, or is damaged ({reason}): save the tensor alone"
        ) from error
    if isinstance(held, dict):
        tensors = {str(name): value for name, value in held.items() if torch.is_tensor(value)}
        held = tensors[choose(path, tensors, key)]
    if not torch.is_tensor(held):
        raise InputError(f"{path} holds a {type(held).__name__}, not a tensor: save the tensor")
    tensor = held.detach().to_dense() if held.layout is not torch.strided else held.detach()
    return Rows((tensor.float() if tensor.is_floating_point() else tensor).numpy())
