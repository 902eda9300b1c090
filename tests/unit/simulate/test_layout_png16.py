"""PNG files against a decoder written from the specification, Pillow and FFmpeg."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from stereo_recordings import read_png

from saccade.errors import DataError, ShapeError
from saccade.simulate.layouts.png16 import disparity_code, flow_code, png


@st.composite
def images(draw: st.DrawFn) -> NDArray[Any]:
    """Draw images of every kind: noise, plain, ramps; one pixel and more."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.uint8, np.uint16]))
    shape = (draw(st.integers(1, 12)), draw(st.integers(1, 12)), *draw(st.sampled_from([(), (3,)])))
    most = int(np.iinfo(dtype).max)
    if draw(st.booleans()):
        return rng.integers(0, most, shape, dtype, endpoint=True)
    return (np.arange(np.prod(shape)) * draw(st.integers(0, 999)) % (most + 1)).astype(
        dtype
    ).reshape(shape)  # fmt: skip


@given(images())
def test_an_image_is_read_back_as_the_specification_says(image: NDArray[Any]) -> None:
    found = read_png(png(image))
    assert found.dtype.itemsize == image.dtype.itemsize
    np.testing.assert_array_equal(found, image)


@given(images())
def test_pillow_reads_the_same(image: NDArray[Any]) -> None:
    found = np.asarray(Image.open(io.BytesIO(png(image))))
    if image.ndim == 3 and image.dtype == np.uint16:
        image = image >> 8  # Pillow keeps the upper half of a colour of 16 bits
    np.testing.assert_array_equal(found, image)


def test_ffmpeg_reads_all_16_bits_of_a_colour() -> None:
    av = pytest.importorskip("av")
    image = np.random.default_rng(0).integers(0, 2**16, (20, 30, 3), np.uint16)
    with av.open(io.BytesIO(png(image))) as file:
        frame = next(file.decode(video=0))
    assert (frame.format.name, frame.width, frame.height) == ("rgb48be", 30, 20)
    plane = np.frombuffer(bytes(frame.planes[0]), np.uint8)
    rows = plane.reshape(20, -1)[:, : 30 * 6].copy().view(">u2").reshape(20, 30, 3)
    np.testing.assert_array_equal(rows, image)


def test_a_strided_image_is_written_like_its_copy() -> None:
    image = np.random.default_rng(0).integers(0, 2**16, (20, 30, 3), np.uint16)[::2, ::-3]
    assert png(image) == png(image.copy())


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((2, 2), np.float32),
        np.zeros((2, 2, 4), np.uint8),
        np.zeros((0, 2), np.uint8),
        np.zeros(3, np.uint16),
    ],
)
def test_what_is_no_image_is_refused(image: NDArray[Any]) -> None:
    with pytest.raises(ShapeError, match="is no PNG"):
        png(image)


@given(st.lists(st.floats(0, 255.9375, width=32), min_size=1, max_size=40))
def test_disparity_is_rounded_to_a_256th_of_a_pixel(values: list[float]) -> None:
    code = disparity_code(np.array([values], np.float32))
    assert code.dtype == np.uint16
    np.testing.assert_allclose(code[0] / 256, values, rtol=0, atol=0.5 / 256)


def test_no_disparity_and_what_the_code_cannot_hold_are_zero() -> None:
    values = np.array([[np.nan, 0.0, 255.996, 255.999, 256.0, 1e9, np.inf]], np.float32)
    assert disparity_code(values).tolist() == [[0, 0, 65535, 0, 0, 0, 0]]


def test_negative_disparity_is_refused() -> None:
    with pytest.raises(DataError, match=r"A disparity is -2\.5 px"):
        disparity_code(np.array([[1, -2.5]], np.float32))


@given(st.lists(st.floats(-255.9375, 255.9375, width=32), min_size=2, max_size=40))
def test_flow_is_rounded_to_a_128th_of_a_pixel(values: list[float]) -> None:
    flow = np.array([values[:-1], values[1:]], np.float32)[:, None]
    code = flow_code(flow)
    assert code.dtype == np.uint16 and np.all(code[..., 2] == 1)
    found = (code[..., :2].astype(np.float64) - 2**15) / 128
    np.testing.assert_allclose(np.moveaxis(found, -1, 0), flow, rtol=0, atol=0.5 / 128)


def test_flow_of_which_a_component_is_unknown_or_too_large_is_marked() -> None:
    x = [np.nan, 1.0, 256.0, -256.0, -256.01, np.inf, 0.0]
    y = [1.0, np.nan, 0.0, 0.0, 0.0, 0.0, 0.0]
    code = flow_code(np.array([[x], [y]], np.float32))
    assert code[0, :, 2].tolist() == [0, 0, 0, 1, 0, 0, 1]
    assert code[0, 3].tolist() == [0, 2**15, 1]
    assert np.all(code[0, [0, 1, 2, 4, 5], :2] == 2**15)
