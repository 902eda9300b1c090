"""Motion between frames, and frames in between."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import (
    ConfigError,
    DataError,
    ShapeError,
)
from saccade.simulate.block_motion import block_motion
from saccade.simulate.upsample import between, upsample


def texture(shape: tuple[int, int], seed: int = 0, blur: float = 1.5) -> NDArray[np.float32]:
    """Periodic texture without detail finer than ``blur`` pixels."""
    noise = np.random.default_rng(seed).normal(size=shape)
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])
    low = np.exp(-2 * (np.pi * blur) ** 2 * (fx**2 + fy**2))
    smooth = np.real(np.fft.ifft2(np.fft.fft2(noise) * low))
    return np.exp(smooth / smooth.std() * 0.5).astype(np.float32) * 50


def shifted(image: NDArray[np.float32], dx: float, dy: float) -> NDArray[np.float32]:
    fy, fx = np.fft.fftfreq(image.shape[0])[:, None], np.fft.fftfreq(image.shape[1])
    turned = np.fft.fft2(image) * np.exp(-2j * np.pi * (fx * dx + fy * dy))
    return np.real(np.fft.ifft2(turned)).astype(np.float32)


@pytest.mark.parametrize("motion", [(0.3, 0.0), (1.7, -0.6), (7.3, 2.1), (20.4, -9.6)])
def test_motion_of_a_texture_is_found_to_a_tenth_of_a_pixel(motion: tuple[float, float]) -> None:
    image = texture((180, 240))
    found = block_motion(image, shifted(image, *motion))
    inside = found[30:-30, 40:-40]
    error = np.linalg.norm(inside - np.array(motion, np.float32), axis=2)
    assert error.mean() < 0.05
    assert np.quantile(error, 0.99) < 0.1


@pytest.mark.parametrize("motion", [(0.8, 0.4), (5.3, -2.2)])
def test_frames_in_between_are_the_moved_picture(motion: tuple[float, float]) -> None:
    image = texture((180, 240), seed=3)
    frames = [(0, image), (10_000, shifted(image, *motion))]
    found = list(upsample(frames))
    assert len(found) - 1 == pytest.approx(
        np.hypot(*motion) / 0.5, abs=5
    )  # more at the border, where it wraps around
    assert found[0][1] is image
    assert found[-1][1] is frames[-1][1]
    times = [t for t, _ in found]
    assert max(np.diff(times)) - min(np.diff(times)) <= 1
    inner = (slice(30, -30), slice(40, -40))
    for step, (_, between_them) in enumerate(found):
        share = step / (len(found) - 1)
        truth = shifted(image, motion[0] * share, motion[1] * share)
        blend = (1 - share) * image + share * frames[-1][1]
        error = np.abs(np.log(between_them[inner] / truth[inner])).mean()
        assert error < 0.01
        if 0 < step < len(found) - 1:
            assert error < 0.5 * np.abs(np.log(blend[inner] / truth[inner])).mean()


def test_no_step_between_frames_moves_more_than_half_a_pixel() -> None:
    image = texture((120, 160), seed=5)
    found = [image for _, image in upsample([(0, image), (9_000, shifted(image, 3.9, 1.0))])]
    for before, after in itertools.pairwise(found):
        step = np.linalg.norm(block_motion(before, after)[30:-30, 30:-30], axis=2)
        assert np.quantile(step, 0.99) < 0.55


def test_frames_at_rest_need_no_frames_in_between() -> None:
    image = texture((64, 80))
    assert [t for t, _ in upsample([(0, image), (500, image), (700, image * 1)])] == [0, 500, 700]


def test_without_motion_the_frames_are_blended() -> None:
    image = texture((64, 80))
    after = shifted(image, 1.0, 0.0)
    found = list(upsample([(0, image), (1_000, after)], follow_motion=False))
    assert len(found) >= 3
    for step, (_, blend) in enumerate(found):
        share = step / (len(found) - 1)
        assert np.allclose(blend, (1 - share) * image + share * after, rtol=1e-4, atol=1e-4)


def test_the_ends_of_an_interpolation_are_the_frames() -> None:
    first, second = texture((40, 50)), texture((40, 50), seed=9)
    motion = np.random.default_rng(0).normal(size=(40, 50, 2)).astype(np.float32) * 9
    assert np.array_equal(between(first, second, motion, 0.0), first)
    assert np.array_equal(between(first, second, motion, 1.0), second)


def test_frames_that_cannot_be_interpolated_are_refused() -> None:
    image = texture((64, 80))
    with pytest.raises(ShapeError, match=r"shape \(10, 80\)"):
        list(upsample([(0, image), (10, image[:10])]))
    with pytest.raises(DataError, match="at 5 µs follows one at 9 µs"):
        list(upsample([(9, image), (5, image)]))
    with pytest.raises(DataError, match="Expected at most 2"):
        list(upsample([(0, image), (9_000, shifted(image, 6, 0))], most_steps=2))
    with pytest.raises(ConfigError, match="max_step_px is 0"):
        list(upsample([], max_step_px=0))
