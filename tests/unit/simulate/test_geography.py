"""Local metres, WGS-84, the GPS receiver's errors, and NMEA text read back by two parsers."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from saccade.errors import ConfigError
from saccade.simulate.drive import Drive
from saccade.simulate.geography import Origin, Receiver, nmea, receive
from saccade.simulate.handheld import Slider
from saccade.simulate.nmea import checksum
from saccade.simulate.recording import Track
from saccade.simulate.trajectory import Poses

START = datetime(2020, 4, 24, 5, 12, 3, tzinfo=UTC)


def track(seconds: float = 30.0, rate_hz: float = 10.0, **errors: float) -> Track:
    drive = Drive([[0, 0], [2_000, 300]], seed=1, duration_s=seconds)
    return receive(drive, rate_hz=rate_hz, seed=2, receiver=Receiver(**errors))


@settings(deadline=None)
@given(st.floats(-3_000, 3_000), st.floats(-3_000, 3_000), st.floats(-50, 300), st.floats(-80, 80))
def test_local_metres_survive_the_way_to_wgs84_and_back(
    east: float, north: float, up: float, latitude: float
) -> None:
    origin = Origin(latitude=latitude, longitude=153.02)
    phi, lam, _ = origin.to_wgs84(east, north, up)
    back = origin.to_local(phi, lam, up)
    np.testing.assert_allclose(back, [east, north], rtol=0, atol=1e-5)


def test_a_step_north_and_east_has_the_length_of_the_ellipsoid() -> None:
    """Radii of curvature in the meridian and across it (closed forms)."""
    latitude, a, e2 = -27.47, 6_378_137.0, 0.00669437999014
    sine = math.sin(math.radians(latitude))
    across = a / math.sqrt(1 - e2 * sine**2)
    along = a * (1 - e2) / (1 - e2 * sine**2) ** 1.5
    phi, lam, height = Origin(latitude=latitude).to_wgs84([0.0, 1.0], [1.0, 0.0])
    assert math.radians(phi[0] - latitude) * along == pytest.approx(1.0, abs=1e-6)
    turn = math.radians(lam[1] - 153.02)
    assert turn * across * math.cos(math.radians(latitude)) == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(height, 0.0, atol=1e-6)


def test_the_equator_and_a_far_point_have_known_coordinates() -> None:
    phi, lam, height = Origin(latitude=0.0, longitude=0.0).to_wgs84(0.0, 0.0, 12.0)
    np.testing.assert_allclose([phi, lam, height], [0, 0, 12], atol=1e-9)
    _, _, height = Origin(latitude=0.0, longitude=0.0).to_wgs84(3_000.0, 0.0)
    assert height == pytest.approx(3_000.0**2 / (2 * 6_378_137.0), abs=1e-3)  # the plane lifts off


def test_an_origin_beyond_the_earth_is_refused() -> None:
    with pytest.raises(ConfigError, match="latitude is 91"):
        Origin(latitude=91.0)
    with pytest.raises(ConfigError, match="longitude is -200"):
        Origin(longitude=-200.0)


def test_a_perfect_receiver_tells_the_true_place() -> None:
    found = track(sigma_m=0.0, dropouts_per_hour=0.0)
    east, north = Origin().to_local(found.latitude, found.longitude, found.up_m)
    np.testing.assert_allclose(east, found.east_m, atol=1e-3)
    np.testing.assert_allclose(north, found.north_m, atol=1e-3)
    assert found.t_us[:3].tolist() == [0, 100_000, 200_000] and len(found.t_us) == 300
    step = np.hypot(np.diff(found.east_m), np.diff(found.north_m))
    np.testing.assert_allclose(step, np.diff(found.distance_m), atol=0.02)
    expected = math.degrees(math.atan2(2_000, 300))
    assert np.abs(found.heading_deg - expected).max() < 4.0
    np.testing.assert_allclose(np.diff(found.distance_m) * 10, found.speed_m_s[:-1], atol=0.3)


class Parked:
    """A vehicle that stands at the origin, facing north, all day."""

    duration_us = 30_000_000_000

    def poses(self, t_us: NDArray[np.int64]) -> Poses:
        north = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
        return Poses(t_us, np.zeros((len(t_us), 3)), np.tile(north, (len(t_us), 1, 1)))

    def distance_m(self, t_us: ArrayLike) -> NDArray[np.float64]:
        return np.zeros(np.shape(t_us))

    speed_m_s = distance_m


def test_the_error_has_its_size_and_changes_slowly() -> None:
    found = receive(Parked(), rate_hz=0.2, seed=4, receiver=Receiver(dropouts_per_hour=0.0))
    assert (found.heading_deg == 0.0).all()
    for error in Origin().to_local(found.latitude, found.longitude):
        assert error.std() == pytest.approx(2.0, rel=0.2)
        lag = 12  # 60 s at 0.2 Hz: one time constant
        together = np.mean(error[lag:] * error[:-lag]) / error.var()
        assert together == pytest.approx(math.exp(-1), abs=0.15)


def test_dropouts_are_gaps_without_a_place_and_the_truth_goes_on() -> None:
    found = track(120.0, dropouts_per_hour=300.0, dropout_s=4.0)
    lost = np.isnan(found.latitude)
    np.testing.assert_array_equal(lost, np.isnan(found.longitude))
    assert 0.05 < lost.mean() < 0.6
    assert np.count_nonzero(np.diff(lost.astype(int)) == 1) < 0.1 * lost.sum()
    assert np.isfinite(found.east_m).all() and np.isfinite(found.distance_m).all()


def test_receivers_repeat_by_seed() -> None:
    drive = Drive([[0, 0], [500, 0]], seed=0, duration_s=20.0)
    first, again, other = (receive(drive, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.latitude, again.latitude)
    assert not np.array_equal(first.latitude, other.latitude)
    assert len(first.t_us) == 20


def test_bad_receivers_are_refused() -> None:
    still = Slider([0, 0, 0], [1, 0, 0], 10**6, rotation=np.eye(3))
    with pytest.raises(ConfigError, match="Slider follows no route"):
        receive(still)
    with pytest.raises(ConfigError, match="GPS rate is 0"):
        receive(Drive([[0, 0], [500, 0]], seed=0), rate_hz=0.0)
    with pytest.raises(ConfigError, match="sigma_m is -1"):
        Receiver(sigma_m=-1.0)
    with pytest.raises(ConfigError, match="tau_s is 0"):
        Receiver(tau_s=0.0)


def test_every_sentence_has_its_checksum_and_length() -> None:
    text = nmea(track(dropouts_per_hour=200.0), START)
    lines = text.split("\r\n")
    assert lines.pop() == ""
    for line in lines:
        body, _, stated = line.removeprefix("$").partition("*")
        total = 0
        for letter in body:
            total ^= ord(letter)
        assert stated == f"{total:02X}" and line[0] == "$"
        assert len(line) <= 80 and line.isascii()
    kinds = {line[1:6] for line in lines}
    assert kinds == {"GPRMC", "GPGGA", "GPGSV", "GPGSA", "GPVTG"}
    assert sum(line.startswith("$GPRMC") for line in lines) == 30


def test_a_known_sentence_has_its_published_checksum() -> None:
    assert checksum("GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,") == 0x47


def test_places_and_times_are_read_back_by_hand() -> None:
    found = track(dropouts_per_hour=0.0)
    rows = [
        line.split(",") for line in nmea(found, START).splitlines() if line.startswith("$GPRMC")
    ]
    assert [row[1] for row in rows[:3]] == ["051203.00", "051204.00", "051205.00"]
    assert {row[9] for row in rows} == {"240420"}
    for k, row in enumerate(rows):
        latitude = -(int(row[3][:2]) + float(row[3][2:]) / 60)
        longitude = int(row[5][:3]) + float(row[5][3:]) / 60
        assert (row[4], row[6]) == ("S", "E")
        assert latitude == pytest.approx(found.latitude[10 * k], abs=1.01e-7)
        assert longitude == pytest.approx(found.longitude[10 * k], abs=1.01e-7)
        assert float(row[7]) * 1_852 / 3_600 == pytest.approx(found.speed_m_s[10 * k], abs=1e-3)
        assert float(row[8]) == pytest.approx(found.heading_deg[10 * k], abs=0.006)


def test_pynmea2_reads_what_was_written() -> None:
    pynmea2 = pytest.importorskip("pynmea2")
    found = track(dropouts_per_hour=200.0)
    lost = np.isnan(found.latitude[::10])
    assert 0 < lost.sum() < len(lost)
    parsed = [pynmea2.parse(line, check=True) for line in nmea(found, START).splitlines()]
    fixes = [sentence for sentence in parsed if sentence.sentence_type == "RMC"]
    heights = [sentence for sentence in parsed if sentence.sentence_type == "GGA"]
    for k, (fix, height) in enumerate(zip(fixes, heights, strict=True)):
        assert fix.datetime == START + timedelta(seconds=k)
        assert fix.status == ("V" if lost[k] else "A")
        assert int(height.gps_qual) == (0 if lost[k] else 1)
        if lost[k]:
            assert fix.latitude == fix.longitude == 0.0
            continue
        for sentence in (fix, height):
            assert sentence.latitude == pytest.approx(found.latitude[10 * k], abs=1.01e-7)
            assert sentence.longitude == pytest.approx(found.longitude[10 * k], abs=1.01e-7)
        assert float(height.altitude) == pytest.approx(found.up_m[10 * k], abs=0.051)
    views = [sentence for sentence in parsed if sentence.sentence_type == "GSV"]
    assert {int(view.num_messages) for view in views} == {3}


def test_times_are_utc_go_past_midnight_and_keep_hundredths() -> None:
    late = datetime(2020, 12, 31, 23, 59, 58, 250_000, tzinfo=timezone(timedelta(hours=0)))
    text = nmea(track(dropouts_per_hour=0.0), late)
    rows = [line.split(",") for line in text.splitlines() if line.startswith("$GPRMC")]
    assert (rows[1][1], rows[1][9]) == ("235959.25", "311220")
    assert (rows[2][1], rows[2][9]) == ("000000.25", "010121")
    brisbane = START.astimezone(timezone(timedelta(hours=10)))
    assert nmea(track(), brisbane) == nmea(track(), START)


def test_the_rate_of_sentences_can_be_higher_and_is_capped_by_the_track() -> None:
    found = track(dropouts_per_hour=0.0)
    for rate, count in ((5.0, 150), (10.0, 300), (20.0, 300)):
        text = nmea(found, START, rate_hz=rate)
        assert text.count("$GPRMC") == count
    assert "051203.20" in nmea(found, START, rate_hz=5.0)


def test_angles_that_round_up_carry_into_degrees() -> None:
    zero = np.zeros(1)
    one = Track(
        t_us=np.zeros(1, np.int64), east_m=zero, north_m=zero, up_m=zero, distance_m=zero,
        latitude=zero + 9.9999999999, longitude=zero - 0.0000000001, speed_m_s=zero,
        heading_deg=zero,
    )  # fmt: skip
    first = nmea(one, START).splitlines()[0]
    assert ",1000.00000,N,00000.00000,W," in first


def test_a_start_without_time_zone_and_a_bad_rate_are_refused() -> None:
    with pytest.raises(ConfigError, match="no time zone"):
        nmea(track(2.0), datetime(2020, 1, 1))
    with pytest.raises(ConfigError, match="NMEA rate is -1"):
        nmea(track(2.0), START, rate_hz=-1.0)
