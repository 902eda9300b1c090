"""Labels of the published loss: one per fix, per 10 m, per 25 m; and how pairs use them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nyc_sessions import SMALL, write_session, write_sessions
from place_sets import (
    PLACES,
    STEP_DEG,
    line,
    street,
    write_drives,
    write_log,
    write_seconds,
    write_slices,
    write_truth,
)
from saccade.tasks.place.pairs import Pairs
from saccade.traverses import nsavp, nyc
from saccade.traverses.config import SetArgs
from saccade.traverses.nyc_names import parse_entry
from saccade.traverses.sets import open_set
from saccade.traverses.traverse import PlaceSet


def labels_of(opened: PlaceSet) -> list[np.ndarray]:
    assert opened.labels is not None
    found = list(opened.labels())
    assert [len(some) for some in found] == [len(drive) for drive in opened.train]
    assert all(some.dtype == np.int64 for some in found)
    return found


class TestBrisbane:
    def open(self, folder: Path, **options: object) -> PlaceSet:
        return open_set(SetArgs(data="brisbane", root=folder, input_size="34x26", **options))  # pyright: ignore[reportArgumentType]

    def test_a_label_is_the_number_of_the_anchors_fix(self, tmp_path: Path) -> None:
        write_drives(tmp_path, "daytime")
        write_slices(tmp_path, "sunrise", range(10, PLACES))
        write_log(tmp_path, "sunrise", street())
        both = self.open(tmp_path, train=("daytime", "sunrise"))
        day, sunrise = labels_of(both)
        assert day.tolist() == list(range(PLACES))
        assert sunrise.tolist() == list(range(9, PLACES))  # the first have no events near in time
        start = both.train[0].positions.values[0]
        fix = (both.train[1].positions.values - start)[:, 0] / STEP_DEG
        np.testing.assert_allclose(fix, sunrise, atol=1e-2)

    def test_neighbours_have_labels_of_their_own_and_pairs_that_of_their_anchor(
        self, tmp_path: Path
    ) -> None:
        """Defect D1: a positive is up to 75 m away, 4 fixes on, and goes by the anchor's label."""
        write_drives(tmp_path, "daytime", "sunrise")
        opened = self.open(tmp_path, train=("daytime", "sunrise"))
        labels = labels_of(opened)
        pairs = Pairs(opened.train, positive_m=75.0, pairs=20, seed=1, labels=labels)
        where = {tuple(place): k for k, place in enumerate(pairs.positions_m[:PLACES].tolist())}
        elsewhere = 0
        for number in range(pairs.batches(0)):
            batch = pairs.batch(0, number)
            fixes = [where[tuple(place)] for place in batch.positions_m.tolist()]
            assert batch.labels[:20].tolist() == fixes[:20]
            assert batch.labels[20:].tolist() == fixes[:20]
            elsewhere += sum(a != b for a, b in zip(fixes[:20], fixes[20:], strict=True))
        assert elsewhere > 20


class TestNsavp:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Reference frames every 4 m, a gap of 40 m; queries between them; a third drive."""
        here = line(12, 4.0)
        here[6:, 0] += 40.0
        for name in ("R0_RS0", "R0_RA0", "R0_RN0"):
            write_seconds(tmp_path, name, 12)
        write_truth(tmp_path, "R0_RS0", "R0_RA0", here, here + np.array([1.0, 0.0, 0.0]))
        write_truth(tmp_path, "R0_RS0", "R0_RN0", here, here + np.array([1.5, 0.0, 0.0]))
        return tmp_path

    def open(self, folder: Path, **options: object) -> PlaceSet:
        drives = ("R0_RS0", "R0_RA0", "R0_RN0")
        return open_set(SetArgs(data="nsavp", root=folder, train=drives, **options))  # pyright: ignore[reportArgumentType]

    def test_a_label_is_a_stretch_of_ten_metres_of_the_first_drive(self, folder: Path) -> None:
        first, second, third = labels_of(self.open(folder))
        step, jump = np.hypot(4.0, 0.8), np.hypot(44.0, 0.8)
        travelled = np.r_[np.arange(6) * step, 5 * step + jump + np.arange(6) * step]
        bins = np.floor(travelled / 10.0)
        assert first.tolist() == [sorted(set(bins)).index(b) for b in bins]
        assert len(set(first)) < bins[-1]  # the gap has no numbers
        assert second.tolist() == first.tolist() == third.tolist()

    def test_published_labels_of_further_drives_are_others(self, folder: Path) -> None:
        """Defect D1; the second drive is the first that is looked up, and gets no thousand."""
        plain = labels_of(self.open(folder))
        shifted = labels_of(self.open(folder, compat="spikevpr"))
        for k, thousands in enumerate((0, 0, 1_000)):
            np.testing.assert_array_equal(shifted[k], plain[k] + thousands)

    def test_a_drive_alone(self, folder: Path) -> None:
        opened = open_set(SetArgs(data="nsavp", root=folder, train=("R0_RS0",)))
        (alone,) = labels_of(opened)
        np.testing.assert_array_equal(alone, labels_of(self.open(folder))[0])
        drives = tuple(d for d in opened.train if isinstance(d, nsavp.FrameTraverse))
        np.testing.assert_array_equal(nsavp.published_labels(drives)[0], alone)


def test_nyc_labels_cover_the_street(tmp_path: Path) -> None:
    """An entry without a label gives all within 25 m the next one, in the order of archives."""
    (tmp_path / "raw").mkdir()
    for number in range(5):
        write_session(tmp_path / "raw", number, seconds=12.0)
    nyc.prepare(tmp_path / "raw", tmp_path / "set", recipe=SMALL)
    words = ("train/database", "train/queries")
    args = SetArgs(data="nyc", root=tmp_path / "set", input_size="32x24", train=words)
    opened = open_set(args)
    labels = np.concatenate(labels_of(opened))
    drives = [drive for drive in opened.train if isinstance(drive, nyc.Entries)]
    entries = [parse_entry(member.name) for drive in drives for member in drive.members]
    places = np.array([(entry.east_m, entry.north_m) for entry in entries])
    expected, count = np.full(len(places), -1), 0
    for k, place in enumerate(places):
        if expected[k] < 0:
            expected[np.hypot(*(places - place).T) <= 25.0] = count
            count += 1
    np.testing.assert_array_equal(labels, expected)
    assert count > 1 and len(labels) > 2 * count


def test_nothing_is_computed_before_labels_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sessions(tmp_path / "raw", 5)
    nyc.prepare(tmp_path / "raw", tmp_path / "set", recipe=SMALL)

    def never(*_: object) -> None:
        raise AssertionError("asked for")

    monkeypatch.setattr(nyc, "cover_labels", never)
    opened = open_set(SetArgs(data="nyc", root=tmp_path / "set", input_size="32x24"))
    assert opened.labels is not None
    with pytest.raises(AssertionError, match="asked for"):
        opened.labels()
