"""The compiled way from images to inputs against NumPy, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.tasks.place_stdp.delta_input import box_weights, patch_images, plain_patch_images


@pytest.mark.parametrize("shape", [(3, 50, 71, 3), (2, 28, 28), (2, 9, 100), (1, 1, 1)])
@pytest.mark.parametrize(("size", "window"), [(28, 7), (10, 3), (5, 11)])
def test_kernel_equals_numpy_to_a_level(shape: tuple[int, ...], size: int, window: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = patch_images(images, size=size, window=window, threads=2)
    plain = plain_patch_images(images, size=size, window=window)
    difference = np.abs(found.astype(int) - plain)
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 0.005


@pytest.mark.parametrize(("length", "size"), [(200, 28), (28, 28), (5, 28), (7, 3), (1, 1)])
def test_weights_share_out_every_pixel(length: int, size: int) -> None:
    weights = box_weights(length, size)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(weights.sum(0), size / length, rtol=1e-5)


@pytest.mark.parametrize("level", [0, 77, 255])
def test_images_without_contrast_are_grey(level: int) -> None:
    images = np.full((1, 201, 317, 3), level, np.uint8)
    assert np.all(patch_images(images) == 127)
    assert np.all(plain_patch_images(images) == 127)


def test_light_and_contrast_of_the_whole_image_do_not_matter() -> None:
    dark = np.random.default_rng(0).integers(0, 60, (1, 56, 56), np.uint8)
    bright = (dark * 3 + 40).astype(np.uint8)
    assert np.abs(patch_images(dark).astype(int) - patch_images(bright)).max() <= 1


def test_grey_weighs_colours() -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (1, 8, 8, 3), np.uint8)
    colours[..., :2] = 100
    blue_alone = patch_images(colours[..., 2].copy(), size=8, window=3)
    assert np.abs(patch_images(colours, size=8, window=3).astype(int) - blue_alone).max() <= 1


def test_no_image_gives_no_input() -> None:
    assert patch_images(np.zeros((0, 5, 5), np.uint8)).shape == (0, 28, 28)


def test_wrong_images_are_refused() -> None:
    image = np.zeros((1, 4, 4), np.uint8)
    with pytest.raises(DataError, match="float64"):
        patch_images(image.astype(float))
    with pytest.raises(ShapeError, match=r"\(1, 4, 4, 2\)"):
        patch_images(np.zeros((1, 4, 4, 2), np.uint8))
    with pytest.raises(ShapeError, match=r"\(4, 4\)"):
        patch_images(image[0])
    for size, window in ((0, 7), (28, 4), (28, 1)):
        with pytest.raises(ConfigError, match="odd"):
            patch_images(image, size=size, window=window)
