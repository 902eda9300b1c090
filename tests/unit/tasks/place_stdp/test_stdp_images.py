"""From frames to inputs: patches, sizes, statistics of a reference, published arithmetic."""

from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.tasks.place_stdp import preprocess
from saccade.tasks.place_stdp.patches import patch_normalised
from saccade.tasks.place_stdp.preprocess import (
    PixelStatistics,
    Preprocess,
    measure,
    prepare,
    rates_hz,
)
from saccade.tasks.place_stdp.published_input import (
    fake_quantised,
    lens_brightened,
    opencv_grey,
    opencv_resized,
    vprsnn_image,
    vprtempo_image,
)
from saccade.tasks.place_stdp.resize import area, bilinear, resized


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def windowed(image: Any, window: int, ddof: int) -> Any:
    """z by the definition: every window cut out, pixels outside left out."""
    padded = np.pad(np.asarray(image, np.float64), window // 2, constant_values=np.nan)
    patches = sliding_window_view(padded, (window, window))
    mean, spread = np.nanmean(patches, (2, 3)), np.nanstd(patches, (2, 3), ddof=ddof)
    return np.clip((image - mean) / spread, -1, 1)


@pytest.mark.parametrize(("window", "ddof"), [(3, 0), (7, 0), (7, 1), (15, 1), (21, 0)])
def test_patches_follow_the_definition_at_every_border(
    window: int, ddof: int, rng: np.random.Generator
) -> None:
    images = rng.integers(0, 256, (3, 12, 17))
    found = patch_normalised(images, window, unbiased=bool(ddof))
    for image, z in zip(images, found, strict=True):
        np.testing.assert_allclose(z, windowed(image, window, ddof), atol=1e-12)


def test_a_flat_patch_is_zero_whatever_rounding_left_of_it(rng: np.random.Generator) -> None:
    image = np.full((9, 9), 54.321) * (1 + 1e-7 * rng.standard_normal((9, 9)))
    assert not patch_normalised(image, 3).any()
    image[4, 4] += 1.0
    assert patch_normalised(image, 3)[4, 4] == 1.0
    assert not patch_normalised([[5.0]], 7, unbiased=True).any()


def test_the_limit_of_patches_is_where_they_are_cut(rng: np.random.Generator) -> None:
    image = rng.random((20, 20))
    wide = patch_normalised(image, 7, limit=2.5)
    assert 1.5 < np.abs(wide).max() <= 2.5
    np.testing.assert_array_equal(np.clip(wide, -1, 1), patch_normalised(image, 7))


def test_patches_refuse_what_they_cannot_answer() -> None:
    with pytest.raises(ConfigError, match="8 pixels wide"):
        patch_normalised(np.ones((9, 9)), 8)
    with pytest.raises(DataError, match="NaN"):
        patch_normalised([[1.0, np.nan]], 3)
    for shape in ((5,), (0, 5)):
        with pytest.raises(ShapeError, match="shape"):
            patch_normalised(np.ones(shape), 3)


def test_area_keeps_the_mean_and_bilinear_keeps_planes(rng: np.random.Generator) -> None:
    image = rng.random((2, 3, 31, 47))
    assert area(image, (7, 5)).mean() == pytest.approx(image.mean())
    np.testing.assert_allclose(area(image, (31, 47)), image)
    rows, columns = np.mgrid[:40, :60]
    plane = 2.0 * rows + 3.0 * columns
    at = [(np.arange(8) + 0.5) * 5 - 0.5, (np.arange(6) + 0.5) * 10 - 0.5]
    np.testing.assert_allclose(bilinear(plane, (8, 6)), 2 * at[0][:, None] + 3 * at[1])
    np.testing.assert_allclose(bilinear(np.ones((3, 4)), (9, 9)), 1)


def test_sizes_that_cannot_be_made_are_refused() -> None:
    with pytest.raises(ConfigError, match="not whole"):
        resized(np.ones((81, 80)), (10, 10), "pick")
    with pytest.raises(ConfigError, match="size is 0 x 4"):
        resized(np.ones((8, 8)), (0, 4), "area")
    with pytest.raises(ConfigError, match="resize is 'cubic'"):
        resized(np.ones((8, 8)), (4, 4), "cubic")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="Images"):
        resized(np.ones(8), (4, 4), "area")


def test_grey_images_become_bytes_and_rates(rng: np.random.Generator) -> None:
    frames = rng.integers(0, 256, (3, 1, 56, 84), dtype=np.uint8)
    inputs = prepare(frames, Preprocess(kind="plain"))
    cells = frames.reshape(3, 28, 2, 28, 3).mean((2, 4))
    np.testing.assert_allclose(inputs.reshape(3, 28, 28), cells, atol=0.5 + 1e-4)
    assert rates_hz(inputs).max() <= 63.75
    with pytest.raises(DataError, match="Pixels are"):
        prepare(np.full((1, 1, 28, 28), 300), Preprocess(kind="plain"))


def test_halves_carry_what_one_input_carries(rng: np.random.Generator) -> None:
    frames = rng.random((4, 1, 28, 28)) * 255
    one = prepare(frames, Preprocess(limit=2.0)).astype(float)
    two = prepare(frames, Preprocess(limit=2.0, split=True)).astype(float)
    negative, positive = two[:, :784], two[:, 784:]
    assert not ((negative > 0) & (positive > 0)).any()
    assert two.shape[1] == Preprocess(split=True).inputs(1)
    np.testing.assert_allclose((positive - negative) / 2 + 127.5, one, atol=1.5)


def test_channels_are_merged_or_kept(rng: np.random.Generator) -> None:
    counts = rng.poisson(0.6, (5, 2, 16, 16))
    settings = Preprocess(size=(8, 8), kind="log_patch", merge=False)
    both = prepare(counts, settings)
    assert both.shape == (5, settings.inputs(2)) == (5, 128)
    off = prepare(counts[:, :1], settings)
    np.testing.assert_array_equal(both[:, :64], off)
    merged = prepare(counts, Preprocess(size=(8, 8), kind="log_patch"))
    np.testing.assert_array_equal(
        merged, prepare(counts.sum(1, keepdims=True), Preprocess(size=(8, 8), kind="log_patch"))
    )
    rgb = rng.integers(0, 256, (2, 3, 28, 28), dtype=np.uint8)
    grey = np.tensordot(rgb, [0.299, 0.587, 0.114], (1, 0))[:, None]
    found = prepare(rgb, Preprocess(kind="plain"))
    np.testing.assert_allclose(found, grey.reshape(2, -1), atol=0.51)


def test_statistics_of_a_traverse_do_not_depend_on_blocks(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    counts = rng.poisson(2.0, (23, 2, 12, 10)).astype(np.float32)
    counts[:, :, :2, :2] = 0
    settings = Preprocess(size=(6, 5), kind="standardised", limit=2.0)
    cells = counts.sum(1).reshape(23, 6, 2, 5, 2).sum((2, 4), dtype=np.float64)
    logarithm = np.log1p(cells)
    for elements in (1 << 20, 1000):
        monkeypatch.setattr(preprocess, "_BLOCK_ELEMENTS", elements)
        seen = measure(counts, settings)
        assert seen is not None
        np.testing.assert_allclose(seen.mean[0], logarithm.mean(0), rtol=1e-6)
        np.testing.assert_allclose(seen.deviation[0], logarithm.std(0), rtol=1e-5, atol=1e-7)
        assert seen.largest == pytest.approx(logarithm.max(), rel=1e-6)
        assert seen.deviation[0, 0, 0] == 0
        inputs = prepare(counts, settings, seen)
    z = np.divide(logarithm - logarithm.mean(0), logarithm.std(0), where=logarithm.std(0) > 0,
                  out=np.zeros_like(logarithm))  # fmt: skip
    expected = 255 * (1 + np.clip(z / 2, -1, 1)) / 2
    np.testing.assert_allclose(inputs, expected.reshape(23, -1), atol=1.01)
    assert (inputs[:, 0] == 127).all(), "a pixel that never changes says nothing"


def test_statistics_of_the_reference_serve_the_query(rng: np.random.Generator) -> None:
    reference, query = rng.poisson(3.0, (9, 1, 8, 8)), rng.poisson(6.0, (4, 1, 8, 8))
    settings = Preprocess(size=(4, 4), kind="log")
    seen = measure(reference, settings)
    assert prepare(reference, settings, seen).max() == 255
    own = prepare(query, settings, measure(query, settings))
    assert (prepare(query, settings, seen) >= own).all()


def test_statistics_that_are_missing_or_of_others_are_refused() -> None:
    frames = np.ones((2, 1, 8, 8))
    settings = Preprocess(size=(4, 4), kind="standardised")
    assert measure(frames, Preprocess()) is None
    with pytest.raises(ConfigError, match="without statistics"):
        prepare(frames, settings)
    wrong = PixelStatistics(np.zeros((2, 4, 4), np.float32), np.zeros((2, 4, 4), np.float32), 1.0)
    with pytest.raises(ShapeError, match="Statistics of"):
        prepare(frames, settings, wrong)
    with pytest.raises(ShapeError, match="Expected both"):
        PixelStatistics(np.zeros((1, 4, 4), np.float32), np.zeros((1, 4, 5), np.float32), 1.0)


@pytest.mark.parametrize("kind", ["log", "log_patch", "standardised"])
def test_counts_below_zero_are_refused(kind: Any) -> None:
    frames = np.full((2, 1, 8, 8), -1.0)
    settings = Preprocess(size=(4, 4), kind=kind)
    with pytest.raises(DataError, match="below 0"):
        measure(frames, settings)
        prepare(frames, settings)


def test_frames_that_are_none_are_refused() -> None:
    with pytest.raises(DataError, match="NaN"):
        prepare(np.full((1, 1, 28, 28), np.nan), Preprocess())
    for shape in ((28, 28), (0, 1, 28, 28), (1, 0, 28, 28)):
        with pytest.raises(ShapeError, match="Frames have shape"):
            prepare(np.ones(shape), Preprocess())


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "edges"},
        {"resize": "nearest"},
        {"compat": "vpr"},
        {"size": (0, 28)},
        {"window": 4},
        {"limit": 0.0},
        {"split": True, "compat": "vprsnn"},
        {"split": True, "kind": "log"},
    ],
)
def test_settings_that_contradict_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Preprocess(**wrong)


def test_opencv_arithmetic_stays_within_a_grey_level_of_the_exact_one(
    rng: np.random.Generator,
) -> None:
    for size in ((28, 28), (17, 90), (60, 80), (30, 40)):
        image = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        exact = bilinear(image.transpose(2, 0, 1).astype(np.float64), size).transpose(1, 2, 0)
        assert np.abs(opencv_resized(image, size) - exact).max() < 1.0
    assert (opencv_resized(image, (60, 80)) == image).all()
    every = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), -1).astype(np.uint8)
    assert np.abs(opencv_grey(every) - every @ [0.299, 0.587, 0.114]).max() <= 0.5 + 0.01


def test_published_images_take_grey_and_colour_of_uint8_alone(rng: np.random.Generator) -> None:
    grey = rng.integers(0, 256, (60, 80), dtype=np.uint8)
    rgb = np.repeat(grey[..., None], 3, axis=2)
    assert np.abs(vprsnn_image(grey).astype(int) - vprsnn_image(rgb)).max() <= 1
    assert vprtempo_image(grey).gamma == pytest.approx(vprtempo_image(rgb).gamma, abs=1e-6)
    for wrong in (grey.astype(np.float32), rgb.astype(np.int64)):
        with pytest.raises(DataError, match="Expected uint8"):
            vprsnn_image(wrong)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="Expected"):
        vprtempo_image(rgb[..., :2])
    with pytest.raises(ShapeError, match="2 channels"):
        prepare(np.zeros((1, 2, 60, 80), np.uint8), Preprocess(compat="vprsnn"))
    with pytest.raises(DataError, match="mean grey value is 0"):
        vprtempo_image(np.zeros((60, 80, 3), np.uint8))


def test_tempo_grey_at_the_middle_keeps_its_gamma_and_flat_images_say_nothing() -> None:
    even = np.tile(np.array([[127, 128]], np.uint8), (60, 40))
    found = vprtempo_image(even, (28, 28), 7)
    assert found.gamma == pytest.approx(1.0, abs=1e-6)
    assert (vprtempo_image(np.full((60, 80), 54, np.uint8)).levels == 127).all()


def test_fake_quantising_keeps_full_range_and_spreads_dark_images() -> None:
    full = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    np.testing.assert_allclose(fake_quantised(full), full / np.float32(255), atol=1e-7)
    dark = np.array([[[0, 1, 3], [7, 8, 10]]], np.uint8)
    levels = fake_quantised(np.concatenate([dark, dark * 25])) * 255
    np.testing.assert_allclose(levels[0], dark[0], atol=10 / 255 / 2 + 1e-6)
    np.testing.assert_allclose(levels[1], dark[0] * 25.0, atol=250 / 255 / 2 + 1e-4)
    assert not fake_quantised(np.zeros((2, 3, 3), np.uint8)).any()


def test_lens_takes_one_pixel_of_each_block_and_brightens_in_training(
    rng: np.random.Generator,
) -> None:
    counts = rng.poisson(9.0, (2, 2, 80, 80)).astype(np.uint8)
    inputs = prepare(counts, Preprocess(size=(10, 10), compat="lens"))
    np.testing.assert_array_equal(inputs[1], counts[1].sum(0)[3::8, 3::8].ravel())
    bright = lens_brightened(inputs[0])
    gamma = np.log(127.5) / np.log(inputs[0].mean())
    np.testing.assert_allclose(bright, np.clip(inputs[0] ** gamma, 0, 255) / 255, rtol=1e-5)
    for still in (np.zeros(4, np.uint8), np.array([2, 0, 1, 1], np.uint8)):
        np.testing.assert_allclose(lens_brightened(still), still / 255, rtol=1e-6)
    many = prepare(np.full((1, 2, 8, 8), 200), Preprocess(size=(1, 1), compat="lens"))
    assert many.item() == 255
    for wrong in (-1.0, np.nan):
        with pytest.raises(DataError, match="Expected event counts"):
            prepare(np.full((1, 1, 8, 8), wrong), Preprocess(size=(1, 1), compat="lens"))
