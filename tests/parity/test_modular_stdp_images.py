"""Golden images of modular STDP: the published front ends of VPRSNN and VPRTempo, step by step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modular_stdp_files import cases
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from saccade.tasks.place_stdp.patches import patch_normalised
from saccade.tasks.place_stdp.preprocess import Preprocess, prepare, rates_hz
from saccade.tasks.place_stdp.published_input import (
    fake_quantised,
    opencv_grey,
    opencv_resized,
    signed_to_bytes,
    vprtempo_image,
)

FLAT = 0.5
"""Grey levels: what the published program makes of a flatter patch is noise of its rounding."""


@pytest.mark.parametrize("path", cases("preprocess_"), ids=lambda path: path.stem)
def test_steps_of_vprsnn(path: Path) -> None:
    data = np.load(path)
    size = data["gray"].shape
    resized = opencv_resized(data["rgb"], size)
    assert np.abs(resized.astype(int) - data["resized_rgb"]).max() <= 1
    np.testing.assert_array_equal(opencv_grey(data["resized_rgb"]), data["gray"])
    normalised = patch_normalised(data["gray"], 7)
    np.testing.assert_allclose(normalised, data["patch_norm"], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(signed_to_bytes(normalised), data["out_uint8"])
    np.testing.assert_array_equal(rates_hz(data["out_uint8"]), data["rates_hz"])


@pytest.mark.parametrize("path", cases("preprocess_"), ids=lambda path: path.stem)
def test_whole_path_of_vprsnn(path: Path) -> None:
    data = np.load(path)
    settings = Preprocess(size=data["gray"].shape, compat="vprsnn")
    found = prepare(data["rgb"].transpose(2, 0, 1)[None], settings)
    assert found.dtype == np.uint8
    if (opencv_resized(data["rgb"], settings.size) == data["resized_rgb"]).all():
        np.testing.assert_array_equal(found[0], data["out_uint8"].ravel())
    same = found[0] == data["out_uint8"].ravel()
    assert same.mean() > 0.5, "a grey level of difference after resizing changes some pixels"


def sizes(data: Any) -> Iterator[tuple[str, tuple[int, int], int]]:
    """Yield the beginning of the keys of each size, the size, and the side of its patch."""
    for name in data.files:
        if found := re.fullmatch(r"((\d+)x(\d+)_p(\d+)_)uint8", name):
            yield found[1], (int(found[2]), int(found[3])), int(found[4])


def spread(image: NDArray[np.float32], window: int) -> NDArray[np.float64]:
    """Standard deviation of every patch."""
    half = window // 2
    padded = np.pad(image.astype(np.float64), half, constant_values=np.nan)
    return np.nanstd(sliding_window_view(padded, (window, window)), axis=(2, 3))


@pytest.mark.parametrize("path", cases("vprtempo_prep_"), ids=lambda path: path.stem)
def test_steps_of_vprtempo(path: Path) -> None:
    data = np.load(path)
    tested = 0
    for key, size, window in sizes(data):
        found = vprtempo_image(data["rgb"], size, window)
        assert found.gamma == pytest.approx(float(data[key + "gamma"]), abs=1e-7)
        np.testing.assert_allclose(found.resized, data[key + "resized"], rtol=0, atol=1e-4)
        patches = spread(data[key + "resized"], window)
        alive = patches > FLAT
        assert alive.mean() > 0.5
        assert (found.levels[patches < 1e-3] == 127).all()
        error = np.abs(found.normalised - data[key + "norm"])
        assert error[alive].max() <= 1e-4
        levels = np.abs(found.levels.astype(int) - data[key + "uint8"])
        assert levels[alive].max() <= 1
        assert (levels[alive] > 0).mean() <= 0.005
        spikes = fake_quantised(data[key + "uint8"]).ravel()
        np.testing.assert_allclose(spikes, data[key + "spikes"], rtol=0, atol=1e-6)
        settings = Preprocess(size=size, window=window, compat="vprtempo")
        whole = prepare(data["rgb"].transpose(2, 0, 1)[None], settings)
        np.testing.assert_array_equal(whole[0], found.levels.ravel())
        tested += 1
    assert tested
