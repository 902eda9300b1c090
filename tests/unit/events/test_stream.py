"""Streams of packets: passes, maps, concatenation, playback without sleeping."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from saccade.errors import ConfigError, EventError, ShapeError
from saccade.events.stream import Clock, EventStream, concatenate, play
from saccade.events.types import Events, SensorSize

SIZE = SensorSize(height=4, width=4)


def ramp(start: int, count: int, step: int = 10, size: SensorSize = SIZE) -> Events:
    t = start + step * np.arange(count)
    zeros = np.zeros(count, np.uint16)
    return Events(zeros, zeros, t, zeros.astype(np.uint8), size)


class FakeClock:
    """Time that passes only while sleeping or working."""

    def __init__(self) -> None:
        self.time = 100.0
        self.naps: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.time += seconds

    def clock(self) -> Clock:
        return Clock(self.now, self.sleep)


def test_a_stream_can_be_gone_through_twice() -> None:
    stream = EventStream.from_events(ramp(0, 5), packet_events=2)
    assert [len(packet) for packet in stream] == [2, 2, 1]
    assert [len(packet) for packet in stream] == [2, 2, 1]


def test_read_joins_the_packets_and_an_empty_stream_is_empty_events() -> None:
    events = ramp(3, 7)
    assert EventStream.from_events(events, packet_events=3).read().t.tolist() == events.t.tolist()
    empty = EventStream.from_events(Events.empty(SIZE)).read()
    assert (len(empty), empty.size) == (0, SIZE)


def test_only_one_packet_is_made_at_a_time() -> None:
    made: list[int] = []

    def source() -> Iterator[Events]:
        for number in range(3):
            made.append(number)
            yield ramp(100 * number, 2)

    seen = []
    for packet in EventStream(source, SIZE).map(lambda packet: packet[:1]):
        seen.append((len(packet), len(made)))
    assert seen == [(1, 1), (1, 2), (1, 3)]


def test_map_may_change_the_sensor_size() -> None:
    half = SensorSize(height=2, width=2)
    stream = EventStream.from_events(ramp(0, 3)).map(
        lambda packet: Events(packet.x // 2, packet.y // 2, packet.t, packet.p, half), size=half
    )
    assert stream.size == half
    assert stream.read().size == half


def test_starting_at_moves_the_first_event_and_keeps_distances() -> None:
    stream = EventStream.from_events(ramp(1_000, 5), packet_events=2).starting_at(0)
    assert stream.read().t.tolist() == [0, 10, 20, 30, 40]
    assert stream.read().t.tolist() == [0, 10, 20, 30, 40]


def test_progress_is_told_after_each_packet_and_at_the_end() -> None:
    told: list[tuple[int, int]] = []
    stream = EventStream.from_events(ramp(0, 5), packet_events=2)
    stream.with_progress(lambda done, total: told.append((done, total))).read()
    assert told == [(2, 5), (4, 5), (5, 5)]
    told.clear()
    unknown = stream.map(lambda packet: packet)
    unknown.with_progress(lambda done, total: told.append((done, total))).read()
    assert told == [(2, 0), (4, 0), (5, 0), (5, 5)]


def test_a_packet_size_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="packet_events is 0"):
        EventStream.from_events(ramp(0, 1), packet_events=0)


def test_concatenate_keeps_times_that_follow_each_other() -> None:
    a, b = EventStream.from_events(ramp(0, 3)), EventStream.from_events(ramp(20, 2))
    joined = concatenate([a, b])
    assert joined.read().t.tolist() == [0, 10, 20, 20, 30]
    assert joined.total == 5


def test_concatenate_refuses_recordings_that_overlap() -> None:
    a, b = EventStream.from_events(ramp(0, 3)), EventStream.from_events(ramp(19, 2))
    with pytest.raises(EventError, match=r"Recording 1 starts at 19 µs.*ended at 20 µs.*gap_us"):
        concatenate([a, b]).read()


def test_concatenate_with_a_gap_shifts_each_recording_behind_the_one_before() -> None:
    parts = [EventStream.from_events(ramp(start, 3), packet_events=2) for start in (50, 0, 7)]
    empty = EventStream.from_events(Events.empty(SIZE))
    joined = concatenate([parts[0], empty, *parts[1:]], gap_us=5)
    assert joined.read().t.tolist() == [50, 60, 70, 75, 85, 95, 100, 110, 120]


def test_concatenate_needs_streams_of_one_size() -> None:
    other = EventStream.from_events(ramp(0, 1, size=SensorSize(height=9, width=9)))
    with pytest.raises(ShapeError, match="4x4, 9x9"):
        concatenate([EventStream.from_events(ramp(0, 1)), other])
    with pytest.raises(ShapeError, match="No streams"):
        concatenate([])


def test_play_waits_until_the_last_event_of_each_packet_has_happened() -> None:
    fake = FakeClock()
    stream = EventStream.from_events(ramp(5_000_000, 5, step=1_000_000), packet_events=2)
    playback = play(stream, speed=2.0, clock=fake.clock())
    moments = []
    for _ in playback:
        moments.append(fake.time)
        fake.time += 0.1  # work between packets does not add up
    assert moments == pytest.approx([100.5, 101.5, 102.0])
    assert fake.naps == pytest.approx([0.5, 0.9, 0.4])
    assert playback.late == 0


def test_play_counts_late_packets_hands_them_out_and_catches_up() -> None:
    fake = FakeClock()
    stream = EventStream.from_events(ramp(0, 6, step=1_000_000), packet_events=1)
    playback = play(stream, clock=fake.clock())
    moments = []
    for number, _ in enumerate(playback):
        moments.append(fake.time - 100.0)
        fake.time += 3.2 if number == 0 else 0.0
    assert moments == pytest.approx([0.0, 3.2, 3.2, 3.2, 4.0, 5.0])
    assert playback.late == 3
    assert playback.worst_s == pytest.approx(2.2)
    list(playback)
    assert playback.late == 0


def test_play_as_fast_as_possible_never_waits() -> None:
    fake = FakeClock()
    playback = play(EventStream.from_events(ramp(0, 9, step=1_000_000)), None, clock=fake.clock())
    assert sum(len(packet) for packet in playback) == 9
    assert fake.naps == []


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_that_is_not_positive_is_refused(speed: float) -> None:
    with pytest.raises(ConfigError, match="Expected a positive number"):
        play([], speed)
