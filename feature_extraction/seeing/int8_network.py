"""A network in whole numbers of eight bits, for processors that multiply those faster.

NNCF, OpenVINO's compressor, finds the range of each layer's numbers on some clips: the network is
calibrated on them. The first layers keep their precision, as their errors would go through all that
follow.

    WORK/int8/<key>/network.xml, network.bin    what OpenVINO reads
                    about.json                  what it was made of, and the files' digests

The key is a digest of the weights, the pixels and the pace. A network that is there is used again,
so a job that is stopped goes on to the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_extraction.pace import Pace
from feature_extraction.seeing.backbones.backbone import Backbone
from workfolder.errors import InputError
from workfolder.files import read_json, write_folder, write_json

if TYPE_CHECKING:
    import openvino

NETWORK, WEIGHTS, ABOUT = "network.xml", "network.bin", "about.json"
KEPT_LAYERS = 4
"""The first convolutions, which stay as they are."""
CALIBRATION_CLIPS = 48
CONVOLUTIONS = ("Convolution", "GroupConvolution")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Int8Network:
    """A network in whole numbers.

    Attributes:
        path: the file that OpenVINO reads.
        calibration: SHA-256 of the clips that it was calibrated on.
    """

    path: Path
    calibration: str


def int8_network(
    folder: Path,
    backbone: Backbone,
    pace: Pace,
    export: Callable[[], openvino.Model],
    clips: Callable[[], Sequence[np.ndarray]],
) -> Int8Network:
    """Return the network of a work folder in whole numbers; make it if it is not there.

    Args:
        folder: WORK/int8.
        backbone: what it is made of.
        pace: how videos are cut into clips.
        export: makes the network as OpenVINO has it.
        clips: reads those to calibrate on, each uint8 [1, frames, crop, crop, 3].

    Raises:
        InputError: if there is no clip, NNCF fails, or what is there is damaged.
    """
    wanted = {"weights": backbone.digest, **asdict(pace), **asdict(backbone.preprocessing)}
    made_of = json.loads(json.dumps(wanted))
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
    place = folder / key
    if not place.exists():
        _make(place, made_of, export(), clips())
    about = read_json(place / ABOUT)
    if about["files"] != _digests(place):
        raise InputError(f"{place} is damaged: put it aside with the features made with it")
    return Int8Network(place / NETWORK, about["calibration"])


def quantised(
    network: openvino.Model, clips: Sequence[np.ndarray], kept: int = KEPT_LAYERS, **others: Any
) -> openvino.Model:
    """Return a network in whole numbers.

    Args:
        network: stays as it is.
        clips: those to calibrate on.
        kept: how many of the first convolutions stay as they are.
        others: options of nncf.quantize; benchmarks.precisions compares some.
    """
    import nncf

    layers = [
        layer.get_friendly_name()
        for layer in network.get_ordered_ops()
        if layer.get_type_name() in CONVOLUTIONS
    ]
    # Its own set_log_level sets the levels of handlers, too, which others may have put there.
    logging.getLogger("nncf").setLevel(logging.ERROR)
    with redirect_stdout(StringIO()):  # NNCF draws bars
        return nncf.quantize(
            network,
            nncf.Dataset(list(clips)),
            subset_size=len(clips),
            ignored_scope=nncf.IgnoredScope(names=layers[:kept]),
            **{
                "preset": nncf.QuantizationPreset.MIXED,
                "fast_bias_correction": False,
                **others,
            },
        )


def _make(
    place: Path, made_of: dict[str, Any], network: openvino.Model, clips: Sequence[np.ndarray]
) -> None:
    """Quantise a network and write it; say what is lost."""
    import openvino

    if not clips:
        raise InputError("no video can be read to calibrate on: use --engine openvino")
    logger.warning(
        "calibrating on %d clips; visual words of int8 features differ from those of others in "
        "some clips: see docs/extraction.md",
        len(clips),
    )
    try:
        smaller = quantised(network, clips)
    except Exception as error:  # NNCF raises what it likes
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(f"NNCF fails ({reason}): use --engine openvino") from error
    calibration = hashlib.sha256(b"".join(clip.tobytes() for clip in clips)).hexdigest()
    about = {"made_of": made_of, "calibration": calibration, "clips": len(clips)}
    with write_folder(place) as part:
        openvino.save_model(smaller, part / NETWORK, compress_to_fp16=False)
        write_json({**about, "files": _digests(part)}, part / ABOUT)


def _digests(folder: Path) -> dict[str, str]:
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in (NETWORK, WEIGHTS)
    }
