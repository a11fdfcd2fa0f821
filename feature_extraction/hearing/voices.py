"""Where in a sound somebody speaks: a share of voice for each FRAME of samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from workfolder.errors import InputError

FRAME = 512
"""Samples of which one share is told: 32 ms, as Silero's network wants them at 16 kHz."""
INAUDIBLE = 1e-4
"""Sound that never exceeds it, -80 dB, is silence: three units of the last place of 16 bits."""

Voices = Callable[[np.ndarray], np.ndarray]
"""Takes sound, float32 [samples] at audio.SAMPLE_RATE.

Returns the probability that somebody speaks in each FRAME, the last one padded by silence:
float32 [-(-samples // FRAME)], in [0, 1].
"""


def audible(sound: np.ndarray) -> np.ndarray:
    """See Voices; whatever is no silence may be a voice."""
    return (np.abs(_framed(sound)).max(axis=1) >= INAUDIBLE).astype(np.float32)


def silero(sound: np.ndarray) -> np.ndarray:
    """See Voices; asks Silero's network, version 6, which comes with faster-whisper.

    Raises:
        InputError: if faster-whisper is not installed.
    """
    try:
        from faster_whisper.vad import get_vad_model
    except ImportError as error:
        raise InputError(
            f"--voices silero needs a package ({error}): pip install 'videobert[faster-whisper]', "
            "or say --voices audible"
        ) from error
    framed = _framed(sound)
    if np.abs(sound).max(initial=0.0) < INAUDIBLE:
        return np.zeros(len(framed), np.float32)
    return np.asarray(get_vad_model()(framed.reshape(-1)), np.float32).reshape(-1)


VOICES: Mapping[str, Voices] = {"silero": silero, "audible": audible}
"""By what ``--voices`` calls them."""


def _framed(sound: np.ndarray) -> np.ndarray:
    """Pad sound by silence to whole frames: float32 [frames, FRAME]."""
    return np.pad(sound, (0, -len(sound) % FRAME)).reshape(-1, FRAME)
