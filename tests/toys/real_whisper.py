"""Whisper's real weights in the layouts of openai-whisper and of transformers.

The tests convert them from CTranslate2's file in the extra speech-weights. Its layout is that of
CTranslate2's converter for Whisper: fused projections, layer by layer, in float16.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from feature_extraction.hearing.recognisers.packaged_weights import PackagedWeights

TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
"""By the number that CTranslate2 gives them."""


def openai_checkpoint(packaged: PackagedWeights, path: Path) -> Path:
    """Write a checkpoint that --asr whisper:PATH takes."""
    import torch

    names = dict(_variables(packaged.files()["model.bin"]))
    state = {name: torch.tensor(value) for name, value in _openai_state(names).items()}
    layers = {side: _layers(names, side) for side in ("encoder", "decoder")}
    width, mels = state["encoder.conv1.weight"].shape[:2]
    dims = {
        "n_mels": mels,
        "n_audio_ctx": 1500,
        "n_audio_state": width,
        "n_audio_head": width // 64,
        "n_audio_layer": layers["encoder"],
        "n_vocab": state["decoder.token_embedding.weight"].shape[0],
        "n_text_ctx": 448,
        "n_text_state": width,
        "n_text_head": width // 64,
        "n_text_layer": layers["decoder"],
    }
    torch.save({"dims": dims, "model_state_dict": state}, path)
    return path


def transformers_folder(packaged: PackagedWeights, folder: Path) -> Path:
    """Write a folder that --asr hf:FOLDER takes."""
    import json

    import torch
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizerFast,
    )

    files = packaged.files()
    names = dict(_variables(files["model.bin"]))
    said = json.loads(files["config.json"])
    state = _openai_state(names)
    width = state["encoder.conv1.weight"].shape[0]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_bytes(files["tokenizer.json"])
    tokenizer = WhisperTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    start, end = (
        tokenizer.convert_tokens_to_ids(f"<|{n}|>") for n in ("startoftranscript", "endoftext")
    )
    config = WhisperConfig(
        vocab_size=state["decoder.token_embedding.weight"].shape[0],
        d_model=width,
        encoder_layers=_layers(names, "encoder"),
        decoder_layers=_layers(names, "decoder"),
        encoder_attention_heads=width // 64,
        decoder_attention_heads=width // 64,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
        decoder_start_token_id=start,
        eos_token_id=end,
        bos_token_id=end,
        pad_token_id=end,
    )
    model = WhisperForConditionalGeneration(config)
    renamed = {f"model.{_renamed(name)}": torch.tensor(value) for name, value in state.items()}
    model.load_state_dict(renamed, strict=False)
    model.tie_weights()
    model.generation_config = GenerationConfig(
        decoder_start_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
        max_length=448,
        no_timestamps_token_id=tokenizer.convert_tokens_to_ids("<|notimestamps|>"),
        is_multilingual=False,
        alignment_heads=said["alignment_heads"],
        suppress_tokens=said["suppress_ids"],
        begin_suppress_tokens=said["suppress_ids_begin"],
    )
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)
    return folder


def _variables(content: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays of CTranslate2's model.bin, and its aliases."""
    place = 0

    def number(kind: str) -> int:
        nonlocal place
        (value,) = struct.unpack_from(f"<{kind}", content, place)
        place += struct.calcsize(kind)
        return int(value)

    def text() -> str:
        nonlocal place
        length = number("H")
        place += length
        return content[place - length : place - 1].decode()

    version = number("I")
    text()
    number("I")
    assert version == 6
    found: dict[str, np.ndarray] = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        kind = TYPES[number("B")]
        size = number("I")
        found[name] = np.frombuffer(content, kind, size // np.dtype(kind).itemsize, place).reshape(
            shape
        )
        place += size
    yield from found.items()
    for _ in range(number("I")):
        alias = text()
        yield alias, found[text()]


def _layers(names: dict[str, Any], side: str) -> int:
    return len(
        {name.split("/")[1] for name in names if name.startswith(f"{side}/layer_")} - {"layer_norm"}
    )


def _openai_state(names: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Spell and split the weights as openai-whisper does: float32."""
    state: dict[str, np.ndarray] = {}

    def put(name: str, weight: np.ndarray, bias: np.ndarray | None = None) -> None:
        state[f"{name}.weight"] = weight.astype(np.float32)
        if bias is not None:
            state[f"{name}.bias"] = bias.astype(np.float32)

    def linear(own: str, *parts: str) -> None:
        """A projection, or several that were fused; keys have no bias."""
        weights = np.split(names[f"{own}/weight"], len(parts))
        biases = np.split(names[f"{own}/bias"], len(parts))
        for part, weight, bias in zip(parts, weights, biases, strict=True):
            put(part, weight, None if part.endswith(".key") else bias)

    def norm(own: str, name: str) -> None:
        put(name, names[f"{own}/gamma"], names[f"{own}/beta"])

    for number in (1, 2):
        own = f"encoder/conv{number}"
        put(f"encoder.conv{number}", names[f"{own}/weight"], names[f"{own}/bias"])
    state["encoder.positional_embedding"] = names["encoder/position_encodings/encodings"].astype(
        np.float32
    )
    state["decoder.positional_embedding"] = names["decoder/position_encodings/encodings"].astype(
        np.float32
    )
    put("decoder.token_embedding", names["decoder/embeddings/weight"])
    norm("encoder/layer_norm", "encoder.ln_post")
    norm("decoder/layer_norm", "decoder.ln")
    for side in ("encoder", "decoder"):
        for number in range(_layers(names, side)):
            own, block = f"{side}/layer_{number}", f"{side}.blocks.{number}"
            kinds = {"self_attention": "attn"} | (
                {"attention": "cross_attn"} if side == "decoder" else {}
            )
            for kind, name in kinds.items():
                norm(f"{own}/{kind}/layer_norm", f"{block}.{name}_ln")
                parts = [f"{block}.{name}.{part}" for part in ("query", "key", "value", "out")]
                if kind == "self_attention":
                    linear(f"{own}/{kind}/linear_0", *parts[:3])
                    linear(f"{own}/{kind}/linear_1", parts[3])
                else:
                    linear(f"{own}/{kind}/linear_0", parts[0])
                    linear(f"{own}/{kind}/linear_1", *parts[1:3])
                    linear(f"{own}/{kind}/linear_2", parts[3])
            norm(f"{own}/ffn/layer_norm", f"{block}.mlp_ln")
            linear(f"{own}/ffn/linear_0", f"{block}.mlp.0")
            linear(f"{own}/ffn/linear_1", f"{block}.mlp.2")
    return state


RENAMED = {
    "blocks": "layers",
    "mlp.0": "fc1",
    "mlp.2": "fc2",
    "mlp_ln": "final_layer_norm",
    "cross_attn_ln": "encoder_attn_layer_norm",
    "cross_attn": "encoder_attn",
    "attn_ln": "self_attn_layer_norm",
    ".attn.": ".self_attn.",
    "query": "q_proj",
    "key": "k_proj",
    "value": "v_proj",
    ".out.": ".out_proj.",
    "ln_post": "layer_norm",
    "decoder.ln.": "decoder.layer_norm.",
    "token_embedding": "embed_tokens",
    "positional_embedding": "embed_positions.weight",
}
"""Of openai-whisper's names to those of transformers, in this order."""


def _renamed(name: str) -> str:
    for old, new in RENAMED.items():
        if old == "cross_attn" and "encoder_attn" in name:
            continue
        name = name.replace(old, new)
    return name
