"""What a network's features lose in bfloat16 and in whole numbers, and what that saves.

    python -m benchmarks.precisions VIDEOS --weights random:0             5 minutes on two cores
    python -m benchmarks.precisions VIDEOS --weights efficientnet_lite0   2 minutes
    python -m benchmarks.precisions VIDEOS --remedies     also with what may make int8 more exact

VIDEOS are a folder. Two thirds of them are clips to calibrate on and to fit visual words to; the
rest are clips to compare. Each precision is compared with float32 on the same clips. The time is
that of one core, as the system counts it, so that other programs matter less.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.machine import machine
from feature_extraction.seeing.backbones.names import find_backbone
from feature_extraction.seeing.clips import stream_clips
from feature_extraction.seeing.engines import OpenVinoEngine, exported
from feature_extraction.seeing.int8_network import CALIBRATION_CLIPS, quantised
from tokenization.hierarchical_kmeans.estimator import HierarchicalKMeans
from videobert.cli.console import print_line
from workfolder.sources import find_videos

if TYPE_CHECKING:
    import openvino

TREES = ((12, 2), (12, 4))
LANES = 64
"""So many threads may call an engine that it takes one clip at a time."""
KEPT = (0, 10)
"""First convolutions that are kept, beside what the product keeps."""
SMOOTH = 0.5
"""How much of the activations' range SmoothQuant moves into the weights; its authors' value."""
PACKAGES = ("openvino", "nncf", "torch", "timm")


def clips_of(videos: Sequence[Path], weights: str, most: int) -> list[np.ndarray]:
    """Read clips evenly from some videos, each uint8 [1, frames, crop, crop, 3]."""
    wanted = find_backbone(weights).preprocessing
    each = max(1, most // max(1, len(videos)))
    found: list[np.ndarray] = []
    for video in videos:
        stream = stream_clips(video, wanted.size, looked_at=wanted.looked_at(30))
        found += [clip.frames[None] for clip in islice(stream, each)]
    return found[:most]


def measured(engine: OpenVinoEngine, clips: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """Return the features of clips, and the median of the core's seconds for one."""
    features, seconds = [], []
    for clip in clips:
        begin = time.process_time()
        features.append(engine(clip)[0])
        seconds.append(time.process_time() - begin)
    return np.stack(features).astype(np.float64), float(np.median(seconds))


def cosines(features: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the cosine of each row to the same row of others."""
    norms = np.linalg.norm(features, axis=1) * np.linalg.norm(others, axis=1)
    return (features * others).sum(1) / norms


def precisions(
    network: openvino.Model, clips: Sequence[np.ndarray], with_remedies: bool
) -> dict[str, tuple[str, Callable[[], openvino.Model]]]:
    """Return, by the names of rows, a precision and what makes the network.

    Args:
        network: in float32.
        clips: those to calibrate on.
        with_remedies: whether other ways to make whole numbers are among them.
    """
    import nncf

    few = clips[: len(clips) // 2]
    alphas = nncf.AdvancedSmoothQuantParameters(convolution=SMOOTH, matmul=SMOOTH)
    smooth = nncf.AdvancedQuantizationParameters(smooth_quant_alphas=alphas)
    found: dict[str, Callable[[], openvino.Model]] = {"int8": lambda: quantised(network, clips)}
    if with_remedies:
        found |= {f"int8, {n} kept": partial(quantised, network, clips, n) for n in KEPT}
        found |= {
            f"int8, {len(few)} clips": lambda: quantised(network, few),
            "int8, quick bias": lambda: quantised(network, clips, fast_bias_correction=True),
            "int8, SmoothQuant": lambda: quantised(network, clips, advanced_parameters=smooth),
        }
    rows = {name: ("int8", make) for name, make in found.items()}
    return {"bfloat16": ("bfloat16", lambda: network), **rows}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", type=Path)
    parser.add_argument("--weights", default="random:0")
    parser.add_argument("--fitted", type=int, default=160, help="clips to fit words to")
    parser.add_argument("--compared", type=int, default=80, help="clips to compare")
    parser.add_argument("--remedies", action="store_true", help="more ways to int8")
    given = parser.parse_args()
    paths = [source.path for source in find_videos([given.videos])]
    first = 2 * len(paths) // 3
    fitted = clips_of(paths[:first], given.weights, given.fitted)
    compared = clips_of(paths[first:], given.weights, given.compared)
    network = exported(find_backbone(given.weights))
    calibration = fitted[:: max(1, len(fitted) // CALIBRATION_CLIPS)][:CALIBRATION_CLIPS]
    plain = OpenVinoEngine(network, LANES, "float32")
    known, _ = measured(plain, fitted)
    exact, slow = measured(plain, compared)
    trees = [HierarchicalKMeans(*shape, random_state=0).fit(known) for shape in TREES]
    print_line(", ".join(f"{name} {value}" for name, value in machine(*PACKAGES).items()))
    print_line(
        f"{given.weights}: {len(fitted)} clips fitted, {len(calibration)} of them calibrated on, "
        f"{len(compared)} compared"
    )
    print_line(
        "| precision | core seconds a clip | times float32 | cosine, least | centred cosine, mean "
        "| least | words equal, 12^2 | 12^4 |\n" + "| --- " * 8 + "|"
    )
    print_line(f"| float32 | {slow:.4f} | 1.0 | | | | | |")
    rows = precisions(network, calibration, given.remedies)
    for name, (precision, make) in rows.items():
        features, seconds = measured(OpenVinoEngine(make(), LANES, precision), compared)
        mean = exact.mean(0)
        centred = cosines(features - mean, exact - mean)
        equal = [(tree.predict(features) == tree.predict(exact)).mean() for tree in trees]
        least = cosines(features, exact).min()
        print_line(
            f"| {name} | {seconds:.4f} | {slow / seconds:.1f} | {least:.4f} "
            f"| {centred.mean():.4f} | {centred.min():.4f} | {equal[0]:.1%} | {equal[1]:.1%} |"
        )


if __name__ == "__main__":
    main()
