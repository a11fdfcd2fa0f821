"""One clock for a media file whose own clock starts again or slips.

Two recordings that were joined into one file (``cat a.ts b.ts``, the cells of a DVD) each begin at
their own time. A player shows the second after the first, and so do we. Pictures, sound and
subtitles are read apart from one another. They stay together because all of them take their packets
from here.

The rule, for each stream of pictures or sound and its decoding times, which never go back in a
sound file:

- A packet that goes back by more than RESTART seconds begins a new section of the file. So does one
  that jumps ahead by more than LONGEST_FRAME seconds, where the format allows a clock to jump.
- Every section starts where the longest stream of the section before ended, for all streams alike.
- A packet that is ahead alone, so that the next one goes back behind it, has a damaged time stamp.
  It takes the time at which the packet before it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import av
from av.format import Flags
from av.stream import Disposition

from feature_extraction.containers import LONGEST_FRAME

RESTART = 1.0
"""Seconds by which a decoding time has to go back. A smaller slip is left to the reader."""
LONGEST_DELAY = 60.0
"""Seconds between decoding a packet and showing it. A longer delay is a damaged time stamp."""


def packets_on_one_clock(
    container: av.container.InputContainer, stream: av.stream.Stream
) -> Iterator[av.Packet]:
    """Yield the packets of a stream in the order of the file, with their time stamps on one clock.

    The last packet is empty; it makes a decoder give what it still holds.

    Raises:
        av.FFmpegError: where the file is damaged, after the packets before the damage.
    """
    return _Clock(container, stream).packets()


def clock_restarts(container: av.container.InputContainer, stream: av.stream.Stream) -> bool:
    """Read a file to its end, and tell whether its clock starts again somewhere.

    Formats whose clock cannot jump are not read.
    """
    if not _may_jump(container):
        return False
    clock = _Clock(container, stream)
    try:
        for _ in clock.packets():
            pass
    except av.FFmpegError:
        return True  # a damaged file is best read from its start
    return len(clock.shifts) > 1


@dataclass
class _Track:
    """One stream so far; times are the file's own, in seconds.

    Attributes:
        held: the latest packet, kept until the next one tells whether its time is right.
        section: in which section of the file it lies.
        before: the decoding time of the packet before it.
        latest: its decoding time.
    """

    held: av.Packet | None = None
    section: int = 0
    before: float | None = None
    latest: float | None = None


class _Clock:
    """The sections of one file.

    Attributes:
        shifts: seconds to add to the file's own times, by section.
    """

    def __init__(self, container: av.container.InputContainer, stream: av.stream.Stream) -> None:
        self.shifts = [0.0]
        self._container, self._stream = container, stream
        self._may_jump = _may_jump(container)
        self._tracks = {
            other.index: _Track()
            for other in container.streams
            if other.type in ("video", "audio") and not other.disposition & Disposition.attached_pic
        }
        self._end = 0.0

    def packets(self) -> Iterator[av.Packet]:
        """See packets_on_one_clock."""
        watched = [self._container.streams[index] for index in self._tracks]
        if self._stream.index not in self._tracks:
            watched.append(self._stream)
        try:
            for packet in self._container.demux(watched):
                released = self._follow(packet)
                if released is not None and released.stream.index == self._stream.index:
                    yield released
                if not packet.size and packet.stream.index == self._stream.index:
                    yield packet
        except av.FFmpegError:
            track = self._tracks.get(self._stream.index)
            if track and track.held is not None:
                yield self._release(track)
            raise

    def _follow(self, packet: av.Packet) -> av.Packet | None:
        """Take the next packet of the file, and return one whose time is known."""
        track = self._tracks.get(packet.stream.index)
        if track is None:  # subtitles are too few to tell a restart: they follow the others
            _move(packet, self.shifts[-1])
            return packet if packet.size else None
        time = _seconds(packet.dts, packet)
        if time is not None and self._is_ahead_alone(track, time):
            self._put_back(track)
        released = self._release(track) if track.held is not None else None
        if time is not None:
            if track.latest is not None and self._starts_again(track.latest, time):
                self._begin_section(track, packet, time)
            track.before, track.latest = track.latest, time
        if packet.size:
            track.held = packet
        return released

    def _begin_section(self, track: _Track, packet: av.Packet, time: float) -> None:
        """Move a stream to the next section, which begins now if no other stream is in it."""
        track.section += 1
        if track.section == len(self.shifts):
            shown = _seconds(packet.pts, packet)
            self.shifts.append(self._end - (time if shown is None else shown))

    def _starts_again(self, latest: float, time: float) -> bool:
        return latest - time > RESTART or (self._may_jump and time - latest > LONGEST_FRAME)

    def _is_ahead_alone(self, track: _Track, time: float) -> bool:
        """Whether the held packet lies ahead of both its neighbours."""
        return (
            track.held is not None
            and track.before is not None
            and track.latest is not None
            and min(track.latest - track.before, track.latest - time) > RESTART
            and time >= track.before
        )

    def _put_back(self, track: _Track) -> None:
        """Put the held packet at the end of the one before it."""
        assert track.held is not None and track.before is not None and track.latest is not None
        right = track.before + (_seconds(track.held.duration, track.held) or 0.0)
        _move(track.held, right - track.latest)
        track.latest = right

    def _release(self, track: _Track) -> av.Packet:
        """Return the held packet with its time on the one clock."""
        packet, track.held = track.held, None
        assert packet is not None
        delay = (
            abs(packet.pts - packet.dts) if packet.pts is not None and packet.dts is not None else 0
        )
        if delay * packet.time_base > LONGEST_DELAY:
            packet.pts = packet.dts
        _move(packet, self.shifts[track.section])
        shown = packet.dts if packet.pts is None else packet.pts
        if shown is not None:
            end = shown + (packet.duration or 0)
            self._end = max(self._end, _seconds(end, packet) or 0.0)
        return packet


def _may_jump(container: av.container.InputContainer) -> bool:
    """Whether a sound file of this format may have a clock that jumps, as broadcasts have."""
    return Flags.ts_discont in Flags(container.format.flags)


def _seconds(stamp: int | None, packet: av.Packet) -> float | None:
    return None if stamp is None else float(stamp * packet.time_base)


def _move(packet: av.Packet, seconds: float) -> None:
    """Add ``seconds`` to the time stamps of a packet."""
    ticks = round(seconds / packet.time_base)
    if ticks and packet.pts is not None:
        packet.pts += ticks
    if ticks and packet.dts is not None:
        packet.dts += ticks
