"""Media files: opened with nothing but themselves, or refused by what their header says.

Whatever reads a stranger's pictures, sound or subtitles opens the file here. Times are seconds from
the start of the file.
"""

from __future__ import annotations

import os
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel

from workfolder.errors import InputError

VIDEO_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,mxf,asf,ogg,gif"
SOUND_FORMATS = "mp3,flac,wav,w64,aiff,au,caf,aac,amr,ac3,eac3"
"""FFmpeg's names of containers that hold pictures or sound themselves. Playlists and concat
scripts, which name other files, are in neither list."""
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<MPD", b"<asx", b"[playlist]", b"[Reference]", b"v=0")
"""How files begin, after an XML header, that only name other files or addresses."""
MAX_PIXELS = 8192 * 4320
"""The pixels of an 8K frame. The header tells them, so a file that claims more costs nothing."""
LONGEST_VIDEO = 24 * 3600.0
LONGEST_FRAME = 600.0
"""Seconds. A longer frame comes from a damaged time stamp, not from a slide of a lecture."""


def open_container(path: Path, hardware: HWAccel | None = None) -> av.container.InputContainer:
    """Open a media file as a real container on the local disk.

    Args:
        path: the file.
        hardware: what decodes its pictures, where it can; None for software.

    Raises:
        InputError: if the file is absent or empty, may not be read, or is not a media file.
        MemoryError: if the process may not have as much memory as the file takes.
    """
    if not os.path.isfile(path):
        reason = "is not a file" if os.path.exists(path) else "does not exist"
        raise InputError(f"{path} {reason}: give a video file")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: delete it, or fetch it again")
    guard = {
        "format_whitelist": f"{VIDEO_FORMATS},{SOUND_FORMATS}",  # no file that names other files
        "protocol_whitelist": "file",  # no address
        "max_pixels": str(MAX_PIXELS),
    }
    try:
        # Titles may be in any alphabet.
        return av.open(
            f"file:{path.resolve()}", options=guard, metadata_errors="replace", hwaccel=hardware
        )
    except MemoryError:
        raise
    except PermissionError as error:
        advice = "check its rights, or leave it out"
        raise InputError(f"{path} cannot be read ({error.strerror}): {advice}") from error
    except (av.FFmpegError, ValueError) as error:
        if _is_playlist(path):
            advice = "a playlist is not opened, so give the videos themselves"
            raise InputError(f"{path} only names other files: {advice}") from error
        said = getattr(error, "strerror", None) or error
        advice = "convert it to .mp4, or leave it out"
        raise InputError(f"{path} cannot be read as a video ({said}): {advice}") from error


def seconds_before(container: av.container.InputContainer) -> float:
    """Return the file's own time, in seconds, at which it starts."""
    return (container.start_time or 0) / av.time_base


def stream_end(
    container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream
) -> float | None:
    """Return the seconds at which a stream ends by its header (.mp4) or tag (.mkv), if it says."""
    start = seconds_before(container)
    if stream.duration and stream.time_base:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base) - start
    tag = stream.metadata.get("DURATION", "").split(":")  # 00:00:10.350000000, counted from 0
    if len(tag) == 3 and all(part.replace(".", "", 1).isdecimal() for part in tag):
        return float(tag[0]) * 3600 + float(tag[1]) * 60 + float(tag[2]) - start
    return None


def check_length(declared_end: float | None, path: Path) -> None:
    """Refuse a file that claims to last longer than LONGEST_VIDEO.

    Raises:
        InputError: if ``declared_end``, in seconds, is later.
    """
    if declared_end and declared_end > LONGEST_VIDEO:
        claim = f"claims to last {declared_end / 3600:,.0f} hours, more than 24"
        raise InputError(f"{path} {claim}: cut it, or leave it out")


def _is_playlist(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
    if head.startswith(b"<?xml"):
        head = head.partition(b"?>")[2].lstrip()
    return head.startswith(PLAYLISTS)
