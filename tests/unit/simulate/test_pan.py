"""Pans over the stills of a traverse: step length, windows, seeds."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from saccade.errors import (
    ConfigError,
    ShapeError,
)
from saccade.events.types import SensorSize
from saccade.simulate.pan import Pan, _resample

DATA = os.environ.get("SACCADE_TEST_DATA")
real_data = pytest.mark.skipif(DATA is None, reason="SACCADE_TEST_DATA is not set")


def srgb_to_light(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def pan(**changes: Any) -> Pan:
    rng = np.random.default_rng(4)
    stills = rng.integers(0, 256, (4, 12, 20)).astype(np.uint8)
    values = {"seed": 1, "size": SensorSize(24, 36), "dwell": 0.1, "fade": 0.04, **changes}
    return Pan(stills, **values)


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    approach=st.floats(-0.3, 0.3),
    shake=st.floats(0, 3),
    speed=st.floats(0, 500),
)
def test_no_part_of_a_pan_moves_more_than_half_a_pixel_a_step(
    seed: int, approach: float, shake: float, speed: float
) -> None:
    moving = pan(seed=seed, approach=approach, shake_px=(shake, shake), speed_px_s=(speed, speed))
    corners = np.array([[0, 0], [35, 0], [0, 23], [35, 23]], float)
    middle = np.array([17.5, 11.5])
    numbers = np.unique(np.linspace(0, len(moving) - 2, 40).astype(int))
    for number in numbers:
        now, later = (min(n * moving.step_us, moving.duration_us) for n in (number, number + 1))
        for k in range(4):
            if not k * 100_000 - 20_000 <= now <= (k + 1) * 100_000 + 20_000:
                continue
            x, y, scale = moving.pose(k, now)
            points = (corners - middle) / scale + [x, y]
            x, y, scale = moving.pose(k, later)
            moved = (points - [x, y]) * scale + middle
            assert np.linalg.norm(moved - corners, axis=1).max() <= 0.5 + 1e-9


def test_each_still_is_seen_in_its_window() -> None:
    quiet = pan(noise=0.0, speed_px_s=(0, 0), offset_px=0, shake_px=(0, 0), approach=0)
    assert quiet.windows_us.tolist() == [[100_000 * k, 100_000 * (k + 1)] for k in range(4)]
    alone = [
        Pan(
            quiet._stills[k : k + 1],
            seed=1,
            size=quiet.size,
            noise=0.0,
            speed_px_s=(0, 0),
            offset_px=0,
            shake_px=(0, 0),
            approach=0,
        ).frame(0)
        for k in range(4)
    ]
    for t_us in range(0, 400_000, 5_000):
        frame, k = quiet.frame(t_us), quiet.still_at(t_us)
        distances = [np.abs(frame - still).mean() for still in alone]
        assert min(distances) == pytest.approx(distances[k])
        if 20_000 <= t_us % 100_000 <= 80_000:
            assert np.array_equal(frame, alone[k])
    assert np.allclose(quiet.frame(100_000), (alone[0] + alone[1]) / 2, rtol=1e-5, atol=1e-3)


def test_a_still_at_its_own_size_and_rest_is_shown_as_it_is() -> None:
    stills = np.random.default_rng(0).random((1, 9, 13)).astype(np.float32)
    rest = Pan(
        stills,
        seed=0,
        speed_px_s=(0, 0),
        offset_px=0,
        shake_px=(0, 0),
        zoom=1.0,
        approach=0,
        noise=0,
        white_cd_m2=10,
    )
    assert np.allclose(rest.frame(1234), stills[0] * 10, rtol=1e-6)


def test_resampling_equals_its_plain_form() -> None:
    rng = np.random.default_rng(2)
    image = rng.random((7, 9)).astype(np.float32)
    columns, rows = np.sort(rng.uniform(-6, 14, 30)), np.sort(rng.uniform(-5, 11, 20))
    out = np.empty((20, 30), np.float32)
    _resample(image, columns, rows, out)
    expected = np.maximum(taps(rows, 7) @ image @ taps(columns, 9).T, 0)
    assert np.allclose(out, expected, atol=1e-6)


def taps(at: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Interpolation matrix with Catmull-Rom's kernel of the distance, mirrored borders."""
    matrix = np.zeros((at.size, length))
    inside = np.pad(np.arange(length), 8, mode="symmetric")
    for row, position in enumerate(at):
        for i in range(-8, length + 8):
            d = abs(position - i)
            if d < 1:
                weight = 1.5 * d**3 - 2.5 * d**2 + 1
            elif d < 2:
                weight = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
            else:
                continue
            matrix[row, inside[i + 8]] += weight
    return matrix


def test_a_pan_is_its_seed_and_begins_anywhere() -> None:
    first, again = list(pan().frames()), list(pan().frames())
    assert len(first) == len(pan())
    assert first[-1][0] == pan().duration_us
    assert all(a == b and np.array_equal(x, y) for (a, x), (b, y) in zip(first, again, strict=True))
    resumed = list(pan().frames(first=17))
    assert resumed[0][0] == first[17][0]
    assert all(np.array_equal(x, y) for (_, x), (_, y) in zip(resumed, first[17:], strict=True))
    other = pan(seed=2)
    assert other.draw.velocity_px_s != pan().draw.velocity_px_s
    assert not np.array_equal(other.frame(50_000), pan().frame(50_000))


def test_a_fade_has_no_jump() -> None:
    frames = np.stack([image for _, image in pan(noise=0.0, white_cd_m2=1.0).frames()])
    steps = np.abs(np.diff(frames, axis=0)).max(axis=(1, 2))
    cut = np.stack([image for _, image in pan(noise=0.0, white_cd_m2=1.0, fade=0.0).frames()])
    assert steps.max() < 0.5 * np.abs(np.diff(cut, axis=0)).max()


def test_grain_is_drawn_anew_for_each_traverse_with_its_strength() -> None:
    stills = np.full((1, 60, 80), 200, np.uint8)
    views = [
        Pan(stills, seed=seed, zoom=1.0, noise=0.05, speed_px_s=(0, 0), offset_px=0)._develop(0)
        for seed in (1, 2)
    ]
    logs = [np.log(view / (1000 * srgb_to_light(200 / 255))) for view in views]
    assert all(log.std() == pytest.approx(0.05, rel=0.05) for log in logs)
    assert abs(np.corrcoef(logs[0].ravel(), logs[1].ravel())[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zoom": 0.5}, "zoom is 0.5"),
        ({"fade": 0.2}, "fade 0.2 s"),
        ({"speed_px_s": (5, 1)}, "speed_px_s is"),
        ({"noise": -1}, "noise -1"),
        ({"white_cd_m2": 0}, "white_cd_m2 is 0"),
        ({"speed_px_s": (1e9, 1e9)}, "below a microsecond"),
    ],
)
def test_pans_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        list(pan(**changes).frames())


def test_stills_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match="Expected \\[N, H, W\\]"):
        Pan(np.zeros((3, 4), np.uint8), seed=0)


@real_data
def test_every_place_of_a_real_traverse_is_recognised_in_its_window() -> None:
    assert DATA is not None
    with np.load(Path(DATA, "vpr", "nordland_64x32_shared.npz")) as archive:
        stills = np.ascontiguousarray(archive["summer"][600:900:15])
    for seed in (1, 2):
        traverse = Pan(stills, seed=seed, size=SensorSize(64, 128))
        views = np.stack([traverse.frame(int(t)) for t in traverse.windows_us.mean(axis=1)])
        plain = Pan(stills, seed=0, size=SensorSize(64, 128), speed_px_s=(0, 0), noise=0)
        templates = np.stack([plain.frame(int(t)) for t in plain.windows_us.mean(axis=1)])
        scores = np.corrcoef(
            np.log(views + 1).reshape(20, -1), np.log(templates + 1).reshape(20, -1)
        )[:20, 20:]
        assert (scores.argmax(axis=1) == np.arange(20)).all()
