"""NumPy archives: our own and those of others."""

from pathlib import Path

import numpy as np
import pytest

import saccade
from event_strategies import assert_same
from saccade.errors import FormatError
from saccade.events import Events, SensorSize, to_array, to_records
from saccade.events.io import inspect

SIZE = SensorSize(height=180, width=240)


def events(count: int = 3000) -> Events:
    rng = np.random.default_rng(3)
    t = np.cumsum(rng.integers(1, 300, count))
    x, y, p = (rng.integers(0, most, count) for most in (240, 180, 2))
    return Events(x, y, t, p, SIZE)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("names", [("x", "y", "t", "p"), ("xs", "ys", "timestamps", "polarity")])
def test_columns_under_usual_names_are_read(save, names: tuple[str, ...], tmp_path: Path) -> None:
    columns = (getattr(events(), name) for name in "xytp")
    save(tmp_path / "a.npz", **dict(zip(names, columns, strict=True)))
    assert_same(saccade.open(tmp_path / "a.npz", size=SIZE), events())
    packets = saccade.stream(tmp_path / "a.npz", size=SIZE, packet_events=256)
    assert_same(Events.concatenate(list(packets)), events())


def test_float_seconds_and_signs_are_recognised_and_said(tmp_path: Path) -> None:
    e = events()
    np.savez(tmp_path / "a.npz", x=e.x, y=e.y, t=e.t / 1e6, p=e.p.astype(np.int8) * 2 - 1)
    assert_same(saccade.open(tmp_path / "a.npz", size=SIZE), e)
    assert "Times were taken as s because" in inspect(tmp_path / "a.npz").header.notes[0]


@pytest.mark.parametrize("name", ["events", "arr_0"])
def test_one_table_of_events_is_read(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "records.npz", **{name: to_records(events(), "tonic")})
    assert_same(saccade.open(tmp_path / "records.npz", size=SIZE), events())
    np.savez_compressed(tmp_path / "plain.npz", **{name: np.asfortranarray(to_array(events()))})
    assert_same(saccade.open(tmp_path / "plain.npz", size=SIZE), events())


def test_numpy_reads_what_is_written(tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "a.npz")
    with np.load(path) as arrays:
        for name in "xytp":
            np.testing.assert_array_equal(arrays[name], getattr(events(), name))
            assert arrays[name].dtype == getattr(events(), name).dtype
        assert (int(arrays["height"]), int(arrays["width"])) == (180, 240)
        assert str(arrays["time_unit"]) == "us"


def test_own_archive_leaves_nothing_to_guess(tmp_path: Path) -> None:
    header = inspect(saccade.save(events(), tmp_path / "a.npz")).header
    assert (header.size, header.size_source, header.notes) == (SIZE, "header", ())


def test_equal_recordings_give_equal_files(tmp_path: Path) -> None:
    first = saccade.save(events(), tmp_path / "a.npz").read_bytes()
    second = saccade.save(saccade.stream(tmp_path / "a.npz", packet_events=99), tmp_path / "b.npz")
    assert second.read_bytes() == first


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"image": np.zeros((4, 5))}, r"holds image \(4, 5\)\. Expected arrays x, y, t, p"),
        (dict.fromkeys("xyt", np.zeros(3)) | {"p": np.zeros(4)}, "columns of shapes"),
        ({"a": np.zeros((3, 4)), "b": np.zeros((3, 4))}, "one table of events"),
    ],
)
def test_archive_without_events_is_refused(
    arrays: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(FormatError, match=message):
        saccade.open(tmp_path / "a.npz", size=SIZE)


def test_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "a.npz")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FormatError, match=r"a\.npz is truncated: its table of contents"):
        saccade.open(path)


def test_flipped_bit_is_found_by_the_checksum(tmp_path: Path) -> None:
    path = saccade.save(events(), tmp_path / "a.npz")
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 0x10
    path.write_bytes(damaged)
    with pytest.raises(FormatError, match=r"a\.npz is damaged"):
        saccade.open(path)
