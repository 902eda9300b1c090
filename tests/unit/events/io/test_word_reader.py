"""What all binary readers share: blocks, packets, checks, truncation, memory."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import EventError, FormatError
from saccade.events.io import dat, evt2, evt3
from saccade.events.io.format import ANY_SIZE, Format, ReadOptions
from saccade.events.types import Events, SensorSize

SIZE = SensorSize(height=20, width=30)


def random_events(count: int, seed: int = 0, size: SensorSize = SIZE) -> Events:
    rng = np.random.default_rng(seed)
    return Events(
        rng.integers(0, size.width, count),
        rng.integers(0, size.height, count),
        np.sort(rng.integers(0, 10 * count + 1, count)),
        rng.integers(0, 2, count),
        size,
    )


def assert_equal(one: Events, other: Events) -> None:
    for name in "xytp":
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def dat_file(path: Path, t: list[int], x: list[int] | None = None, size: str = "30x20") -> Path:
    words = np.zeros((len(t), 2), "<u4")
    words[:, 0] = t
    words[:, 1] = (x or [0] * len(t)) if x is None or len(x) == len(t) else x
    width, height = size.split("x")
    text = f"% Data file containing CD events\n% Version 2\n% Width {width}\n% Height {height}\n"
    path.write_bytes(text.encode() + b"\x0c\x08" + words.tobytes())
    return path


@pytest.mark.parametrize("kind", [evt2.FORMAT, evt3.FORMAT, dat.FORMAT], ids=lambda kind: kind.name)
@pytest.mark.parametrize("count", [0, 1, 70_000])
def test_packets_make_up_the_whole_recording(tmp_path: Path, kind: Format, count: int) -> None:
    path, events = tmp_path / "a.bin", random_events(count)
    kind.write(path, [events], SIZE)  # type: ignore[misc]
    reader = kind.open(path, ReadOptions())
    assert_equal(reader.read(), events)
    for most in (1_000, 65_536, 200_000):
        packets = list(reader.packets(most))
        assert all(0 < len(packet) <= most for packet in packets)
        assert all(packet.size == SIZE for packet in packets)
        if count:
            assert_equal(Events.concatenate(packets), events)


def test_packets_own_their_arrays_and_a_reader_can_be_read_again(tmp_path: Path) -> None:
    events = random_events(5_000)
    evt2.FORMAT.write(tmp_path / "a.raw", [events], SIZE)  # type: ignore[misc]
    reader = evt2.FORMAT.open(tmp_path / "a.raw", ReadOptions())
    kept = list(reader.packets(500))
    assert_equal(Events.concatenate(kept), events)
    assert not any(np.shares_memory(a.t, b.t) for a, b in itertools.pairwise(kept))
    assert not kept[0].t.flags.writeable
    assert_equal(reader.read(), reader.read())


def test_an_event_outside_the_sensor_is_named_with_its_position(tmp_path: Path) -> None:
    t = list(range(40_000))
    x = [0] * 40_000
    x[39_000] = 30
    path = dat_file(tmp_path / "a.dat", t, x)
    expected = r"x = 30 at event 39,000 of a\.dat but width is 30 \(valid 0\.\.29\)"
    with pytest.raises(EventError, match=expected):
        dat.FORMAT.open(path, ReadOptions()).read()
    with pytest.raises(EventError, match=expected):
        list(dat.FORMAT.open(path, ReadOptions()).packets(1_000))
    larger = dat.FORMAT.open(path, ReadOptions(size=SensorSize(height=20, width=31))).read()
    assert larger.x.max() == 30


def test_one_based_coordinates_are_moved_and_a_zero_among_them_is_an_error(tmp_path: Path) -> None:
    path = dat_file(tmp_path / "a.dat", [1, 2], [30 | 20 << 14, 1 | 1 << 14])
    events = dat.FORMAT.open(path, ReadOptions(origin=1)).read()
    assert (events.x.tolist(), events.y.tolist()) == ([29, 0], [19, 0])
    path = dat_file(tmp_path / "b.dat", [1, 2], [30 | 20 << 14, 0 | 1 << 14])
    with pytest.raises(EventError, match=r"x = 0 at event 1 of b\.dat.*--origin 1"):
        dat.FORMAT.open(path, ReadOptions(origin=1)).read()


def test_without_a_size_events_are_read_for_inspection(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    words = np.array([[1, 2000 | 1500 << 14]], "<u4")
    path.write_bytes(b"% Data file containing CD events\n% Version 2\n\x0c\x08" + words.tobytes())
    reader = dat.FORMAT.open(path, ReadOptions())
    assert reader.header.size is None
    assert [packet.size for packet in reader.packets()] == [ANY_SIZE]


def test_disorder_is_an_error_by_default_with_amount_and_position(tmp_path: Path) -> None:
    path = dat_file(tmp_path / "a.dat", [10, 20, 19, 30])
    for source in (
        lambda reader: reader.read(),
        lambda reader: list(reader.packets(2)),  # late across packets
        lambda reader: list(reader.packets(100)),
    ):
        with pytest.raises(EventError, match=r"t goes back by 1 µs at event 2 of a\.dat"):
            source(dat.FORMAT.open(path, ReadOptions()))


times = st.lists(st.integers(0, 60), max_size=40)


@settings(deadline=None, max_examples=60)
@given(times, st.integers(1, 12))
def test_drop_keeps_the_running_maxima(
    tmp_path_factory: pytest.TempPathFactory, t: list[int], packet: int
) -> None:
    path = dat_file(tmp_path_factory.getbasetemp() / "drop.dat", t, list(range(len(t))), "64x20")
    reader = dat.FORMAT.open(path, ReadOptions(on_disorder="drop"))
    kept = [i for i in range(len(t)) if t[i] >= max(t[: i + 1])]
    assert reader.read().x.tolist() == kept
    packets = list(reader.packets(packet))
    assert [int(x) for piece in packets for x in piece.x] == kept


@settings(deadline=None, max_examples=60)
@given(times)
def test_sort_is_stable(tmp_path_factory: pytest.TempPathFactory, t: list[int]) -> None:
    path = dat_file(tmp_path_factory.getbasetemp() / "sort.dat", t, list(range(len(t))), "64x20")
    events = dat.FORMAT.open(path, ReadOptions(on_disorder="sort")).read()
    assert events.x.tolist() == sorted(range(len(t)), key=lambda i: t[i])
    assert events.t.tolist() == sorted(t)


def test_sort_in_packets_is_refused_only_where_something_needs_sorting(tmp_path: Path) -> None:
    path = dat_file(tmp_path / "a.dat", [1, 2, 3])
    assert len(list(dat.FORMAT.open(path, ReadOptions(on_disorder="sort")).packets(2))) == 2
    path = dat_file(tmp_path / "b.dat", [1, 3, 2])
    with pytest.raises(EventError, match="Packets cannot be sorted over the whole recording"):
        list(dat.FORMAT.open(path, ReadOptions(on_disorder="sort")).packets(2))


def test_a_cut_file_is_an_error_or_keeps_what_came_before(tmp_path: Path) -> None:
    path = dat_file(tmp_path / "a.dat", [1, 2, 3])
    path.write_bytes(path.read_bytes()[:-3])
    for source in (lambda reader: reader.read(), lambda reader: list(reader.packets())):
        with pytest.raises(
            FormatError, match=r"a\.dat is truncated: 5 bytes are left over after 2 events"
        ):
            source(dat.FORMAT.open(path, ReadOptions()))
    keep = dat.FORMAT.open(path, ReadOptions(on_truncation="keep"))
    assert keep.read().t.tolist() == [1, 2]
    assert [packet.t.tolist() for packet in keep.packets(1)] == [[1], [2]]


MEMORY = """
import sys
from pathlib import Path
from saccade.events.io import evt2
from saccade.events.io.format import ReadOptions

def peak():  # VmHWM starts anew with the process; ru_maxrss would inherit the parent's
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

path = Path(sys.argv[1])
sum(len(packet) for packet in evt2.FORMAT.open(Path(sys.argv[2]), ReadOptions()).packets())
before = peak()
count = sum(len(packet) for packet in evt2.FORMAT.open(path, ReadOptions()).packets())
print(count, peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs VmHWM of Linux")
def test_packets_of_a_long_file_need_little_memory(tmp_path: Path) -> None:
    events = random_events(200_000)
    evt2.FORMAT.write(tmp_path / "short.raw", [events[:1_000]], SIZE)  # type: ignore[misc]
    copies = 40
    step = int(events.t[-1]) + 1
    pieces = (
        Events(events.x, events.y, events.t + k * step, events.p, SIZE, check=False)
        for k in range(copies)
    )
    evt2.FORMAT.write(tmp_path / "long.raw", pieces, SIZE)  # type: ignore[misc]
    command = [sys.executable, "-c", MEMORY, tmp_path / "long.raw", tmp_path / "short.raw"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(answer[0]) == copies * len(events)
    assert (tmp_path / "long.raw").stat().st_size > 30e6
    assert float(answer[1]) < 15  # MiB; the file alone has more than twice that
