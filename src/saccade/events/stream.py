"""Streams: recordings as packets, longer than memory, and their playback.

    file -> EventStream -> map(filter) -> map(...) -> save, survey, play

A stream can be gone through any number of times; each time starts at the first packet. It holds
one packet at a time, so its memory does not grow with the recording.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from saccade.contracts import Progress
from saccade.errors import ConfigError, EventError, ShapeError
from saccade.events.io.format import ANY_SIZE, Header, Reader
from saccade.events.types import Events, SensorSize

__all__ = ["Clock", "EventStream", "Playback", "concatenate", "play"]

Packets = Callable[[], Iterable[Events]]
"""Starts a new pass over the packets."""


@dataclass(frozen=True, repr=False)
class EventStream:
    """An iterable of packets (`Events`) of one recording, in order of time.

    Packets own their arrays and may be kept. Functions given to `map` must not remember anything
    from packet to packet unless they start anew with each pass.

    Args:
        source: Starts a new pass over the packets.
        size: Sensor size of the packets.
        header: What the file says about itself, where there is a file.
        total: Number of events in all, 0 where unknown.
        progress: Called with (events so far, events in all or 0) after each packet, and with two
            equal numbers at the end.

    Examples:
        >>> events = Events([1, 2, 3], [0, 3, 1], [10, 25, 40], [1, 0, 1], SensorSize(4, 4))
        >>> stream = EventStream.from_events(events, packet_events=2)
        >>> [len(packet) for packet in stream]
        [2, 1]
        >>> stream.map(lambda packet: packet[packet.p == 1]).read().t.tolist()
        [10, 40]
    """

    source: Packets
    size: SensorSize
    header: Header | None = None
    total: int = 0
    progress: Progress | None = None

    @classmethod
    def from_reader(cls, reader: Reader, packet_events: int = 1 << 16) -> EventStream:
        """Stream an opened file.

        Args:
            reader: The file.
            packet_events: Most events in a packet.
        """
        _check_packet_events(packet_events)
        return cls(
            lambda: reader.packets(packet_events), reader.header.size or ANY_SIZE, reader.header
        )

    @classmethod
    def from_events(cls, events: Events, packet_events: int = 1 << 16) -> EventStream:
        """Stream events in memory; packets are views, not copies."""
        _check_packet_events(packet_events)
        starts = range(0, len(events), packet_events)
        return cls(
            lambda: (events[start : start + packet_events] for start in starts),
            events.size,
            total=len(events),
        )

    def __iter__(self) -> Iterator[Events]:
        done = 0
        for packet in self.source():
            yield packet
            done += len(packet)
            if self.progress is not None:
                self.progress(done, self.total)
        if self.progress is not None and done != self.total:
            self.progress(done, done)

    def map(self, fn: Callable[[Events], Events], *, size: SensorSize | None = None) -> EventStream:
        """Return a stream of ``fn(packet)``.

        Args:
            fn: From events to events, such as a filter; applied to each packet alone.
            size: Sensor size of what it returns, where that differs.
        """

        def mapped() -> Iterator[Events]:
            return (fn(packet) for packet in self)

        return EventStream(mapped, size or self.size, self.header)

    def starting_at(self, first_us: int) -> EventStream:
        """Return the stream with times shifted so that the first event is at ``first_us``.

        Files keep the camera's own clock unless asked; ``starting_at(0)`` counts from the first
        event instead.
        """

        def shifted() -> Iterator[Events]:
            shift_us: int | None = None
            for packet in self:
                if shift_us is None and len(packet):
                    shift_us = first_us - int(packet.t[0])
                yield _shifted(packet, shift_us or 0)

        return EventStream(shifted, self.size, self.header, total=self.total)

    def with_progress(self, progress: Progress | None) -> EventStream:
        """Return the same stream with another progress callback."""
        return replace(self, progress=progress)

    def read(self) -> Events:
        """Return all packets as one recording in memory.

        Raises:
            EventError: A packet starts before the previous one ends.
        """
        packets = [packet for packet in self if len(packet)]
        return Events.concatenate(packets) if packets else Events.empty(self.size)

    def __repr__(self) -> str:
        origin = f"{self.header.format}, " if self.header is not None else ""
        count = f"n={self.total:,}, " if self.total else ""
        return f"EventStream({origin}{count}{self.size})"


def concatenate(streams: Iterable[EventStream], *, gap_us: int | None = None) -> EventStream:
    """Join recordings one after another.

    Args:
        streams: Recordings of the same sensor size.
        gap_us: None keeps every recording's own times, which must then follow each other. A number
            shifts each recording after the first so that it starts that many microseconds after
            the last event before it.

    Raises:
        ShapeError: There is no stream, or sensor sizes differ.
        ConfigError: ``gap_us`` is negative.
        EventError: While iterating: a recording starts before the previous one ends.

    Examples:
        >>> a = EventStream.from_events(Events([0], [0], [5], [1], SensorSize(2, 2)))
        >>> concatenate([a, a], gap_us=100).read().t.tolist()
        [5, 105]
    """
    parts = list(streams)
    if not parts:
        raise ShapeError("No streams to concatenate.", "Expected at least one EventStream.")
    sizes = {part.size for part in parts}
    if len(sizes) > 1:
        raise ShapeError(
            f"Streams have sensor sizes {', '.join(sorted(map(str, sizes)))}.", "Expected one size."
        )
    if gap_us is not None and gap_us < 0:
        raise ConfigError(f"gap_us is {gap_us:,}.", "Expected 0 or more microseconds.")
    total = sum(part.total for part in parts) if all(part.total for part in parts) else 0
    return EventStream(lambda: _one_after_another(parts, gap_us), parts[0].size, total=total)


def _one_after_another(parts: list[EventStream], gap_us: int | None) -> Iterator[Events]:
    last_us: int | None = None
    for number, part in enumerate(parts):
        shift_us: int | None = 0 if gap_us is None else None
        for packet in part:
            if not len(packet):
                continue
            first_us = int(packet.t[0])
            if shift_us is None:
                shift_us = 0 if last_us is None else last_us + (gap_us or 0) - first_us
            if last_us is not None and first_us + shift_us < last_us:
                raise EventError(
                    f"Recording {number} starts at {first_us:,} µs, after the one before it ended "
                    f"at {last_us:,} µs.",
                    "Expected recordings that follow each other in time.",
                    "Change their order, or pass gap_us to shift them.",
                )
            last_us = int(packet.t[-1]) + shift_us
            yield _shifted(packet, shift_us)


def _shifted(packet: Events, shift_us: int) -> Events:
    if not shift_us:
        return packet
    t = packet.t + np.int64(shift_us)
    return Events(packet.x, packet.y, t, packet.p, packet.size, check=False)


@dataclass(frozen=True)
class Clock:
    """Where playback takes its time from; tests pass their own.

    Args:
        now: Returns seconds that never go backwards.
        sleep: Waits for a number of seconds.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Playback:
    """Packets handed out at the pace of the recording; counts those that came too late.

    A packet is due when its last event has happened:

        due = start + (t_last - t_first) / (10^6 speed)      seconds

    where ``t_first`` is the recording's first event and ``start`` the moment of the first packet's
    request. A packet asked for later than ``due + tolerance_s`` is handed out at once and counts as
    late; nothing is dropped.

    Args:
        packets: What to play.
        speed: 1 = real time, 2 = twice as fast; None = as fast as possible.
        tolerance_s: How late a packet may be without being counted.
        clock: Time source.
        late: Packets that were late in the present or last pass.
        worst_s: The longest delay of that pass, in seconds.
    """

    packets: Iterable[Events]
    speed: float | None = 1.0
    tolerance_s: float = 0.005
    clock: Clock = field(default_factory=Clock)
    late: int = 0
    worst_s: float = 0.0

    def __iter__(self) -> Iterator[Events]:
        self.late, self.worst_s = 0, 0.0
        start_s, first_us = self.clock.now(), None
        for packet in self.packets:
            if self.speed is not None and len(packet):
                first_us = int(packet.t[0]) if first_us is None else first_us
                self._wait(start_s + (int(packet.t[-1]) - first_us) / (1e6 * self.speed))
            yield packet

    def _wait(self, due_s: float) -> None:
        behind_s = self.clock.now() - due_s
        if behind_s < 0:
            self.clock.sleep(-behind_s)
            return
        self.worst_s = max(self.worst_s, behind_s)
        self.late += behind_s > self.tolerance_s


def play(
    stream: Iterable[Events], speed: float | None = 1.0, *, clock: Clock | None = None
) -> Playback:
    """Play a stream in real time, faster, slower, or as fast as possible.

    Args:
        stream: Packets in order of time; packets of equal duration give the smoothest playback.
        speed: 1 = real time, 2 = twice as fast; None = as fast as possible.
        clock: Time source; None = the monotonic clock of the system.

    Returns:
        An iterable of the packets, with ``late`` and ``worst_s`` counted as it goes.

    Raises:
        ConfigError: ``speed`` is not positive.

    Examples:
        >>> events = Events([0, 1], [0, 0], [0, 900], [1, 1], SensorSize(2, 2))
        >>> playback = play(EventStream.from_events(events), speed=None)
        >>> [len(packet) for packet in playback], playback.late
        ([2], 0)
    """
    if speed is not None and not speed > 0:
        raise ConfigError(
            f"speed is {speed}.", "Expected a positive number, or None for as fast as possible."
        )
    return Playback(stream, speed, clock=clock or Clock())


def _check_packet_events(packet_events: int) -> None:
    if packet_events < 1:
        raise ConfigError(f"packet_events is {packet_events}.", "Expected at least 1.")
