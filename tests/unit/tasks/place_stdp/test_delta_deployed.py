"""Forms of a trained delta network that leave the house: int8, and spikes in and out."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.events import Events, SensorSize
from saccade.tasks.place_stdp.config_delta import DeltaConfig
from saccade.tasks.place_stdp.delta import DeltaModel
from saccade.tasks.place_stdp.delta_images import as_inputs
from saccade.tasks.place_stdp.delta_quantised import (
    MOST_INPUTS,
    Int8Layer,
    plain_sums,
    quantise,
    quantise_rows,
)
from saccade.tasks.place_stdp.delta_spikes import (
    bernoulli_spikes,
    event_spikes,
    pick_pixels,
    published_spikes,
)
from saccade.tasks.place_stdp.delta_spiking import SpikingModel, plain_counts, spiking

SIDE, PLACES = 8, 30


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (PLACES, SIDE, SIDE), np.uint8)


@pytest.fixture(scope="module")
def model(images: np.ndarray) -> DeltaModel:
    network = DeltaModel(SIDE * SIDE, PLACES, DeltaConfig(max_module=20, epochs=30))
    network.train(images, np.arange(PLACES))
    return network


def noisy(images: np.ndarray, seed: int = 2) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 25, images.shape)
    return np.clip(images + noise, 0, 255).astype(np.uint8)


def test_int8_scores_stay_within_half_a_level_of_each_weight(
    model: DeltaModel, images: np.ndarray
) -> None:
    queries = noisy(images)
    small = quantise(model, images)
    error = np.abs(small.scores(queries) - model.scores(queries))
    scales = small.modules[0][0].scales
    bound = 0.5 * scales * as_inputs(queries, small.inputs).sum(1, keepdims=True)
    assert np.all(error <= bound + 1e-5)
    assert error.max() > 0


@pytest.mark.parametrize("collapsed", [True, False])
def test_int8_ranks_places_as_float_does(
    model: DeltaModel, images: np.ndarray, collapsed: bool
) -> None:
    queries = noisy(images)
    ours = model.scores(queries)
    found = quantise(model, images, collapsed=collapsed).scores(queries)
    assert np.mean(ours.argmax(1) == found.argmax(1)) >= 0.95
    ranks = [scores.argsort(1).argsort(1).ravel() for scores in (ours, found)]
    assert np.corrcoef(*ranks)[0, 1] > 0.99


def test_int8_sums_are_exact() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(-127, 256, (37, 23)).astype(np.int16)
    weights = rng.integers(-127, 128, (5, 23)).astype(np.int8)
    layer = Int8Layer(weights, np.ones(5, np.float32), 1.0, signed=False)
    positive = np.maximum(codes, 0)
    expected = plain_sums(positive, weights)
    np.testing.assert_array_equal(layer.products(positive.astype(np.float32)), expected)


def test_int8_sums_of_the_largest_layer_fit() -> None:
    codes = np.full((1, MOST_INPUTS), 255, np.int16)
    sums = plain_sums(codes, np.full((1, MOST_INPUTS), 127, np.int8))
    assert sums[0, 0] == MOST_INPUTS * 255 * 127
    network = DeltaModel(2, 1)
    network._collapsed = np.ones((1, MOST_INPUTS + 1), np.float32)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(ConfigError, match="overflow"):
        quantise(network, np.ones((1, 2)))


def test_defect_f_the_range_of_inputs_is_measured_once(model: DeltaModel) -> None:
    """A dim query keeps its brightness, and a dim training set its resolution."""
    dim = np.full((PLACES, SIDE * SIDE), 0.1)
    small = quantise(model, dim)
    layer = small.modules[0][0]
    assert layer.input_scale == pytest.approx(0.1 / 255)
    half, whole = small.scores(dim / 2), small.scores(dim)
    np.testing.assert_allclose(half, whole / 2, atol=np.abs(whole).max() / 200)
    for black in (dim * 0, dim[:0]):
        with pytest.raises(DataError, match="above 0"):
            quantise(model, black)


def test_int8_bytes_are_a_quarter(model: DeltaModel, images: np.ndarray) -> None:
    matrix = model.collapse()
    assert quantise(model, images).bytes == matrix.size + 4 * PLACES + 4
    assert not quantise_rows(np.zeros((2, 3), np.float32))[0].any()


def test_spiking_kernel_equals_the_plain_neurons(model: DeltaModel, images: np.ndarray) -> None:
    raster = next(iter(bernoulli_spikes(images[:1], 40, [5])))
    raster[::3] = 0
    raster[1] = 3
    for thresholds, floor in (((1.0, 1.0), -1.0), ((0.3, 0.2), -0.5), ((0.7, 0.1), 0.0)):
        network = spiking(model, thresholds=thresholds, floor=floor)
        parts = [plain_counts(raster, *layers, thresholds, floor) for layers in network.modules]
        np.testing.assert_array_equal(network.counts(raster), np.concatenate(parts))
        assert network.counts(raster).shape == (PLACES,)


def test_spiking_form_recognises_places(model: DeltaModel, images: np.ndarray) -> None:
    scores = spiking(model).scores(bernoulli_spikes(images, 400, np.arange(PLACES)))
    assert scores.shape == (PLACES, PLACES)
    assert np.mean(scores.argmax(1) == np.arange(PLACES)) > 0.8


def test_strong_input_fires_more_than_once_in_a_step() -> None:
    one = np.ones((1, 1), np.float32)
    network = SpikingModel(((one, one),), thresholds=(1.0, 2.0))
    assert network.counts(np.array([[5]], np.uint8)).tolist() == [2]
    assert network.counts(np.array([[1], [1], [1], [1]], np.uint8)).tolist() == [2]
    below = SpikingModel(((-one, one),), floor=-1.0)
    assert below.counts(np.array([[200], [0]], np.uint8)).tolist() == [0]


def test_defect_g_every_query_has_its_own_seed(images: np.ndarray) -> None:
    same = np.repeat(images[:1], 3, axis=0)
    one, other, again = bernoulli_spikes(same, 50, [1, 2, 1])
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(one, again)
    share = np.mean([raster.mean() for raster in (one, other)])
    assert abs(share - same[0].mean() / 255) < 0.03
    published = [published_spikes(images[0], 50) for _ in range(2)]
    np.testing.assert_array_equal(*published)


def test_defect_g_published_spikes_are_those_of_torch() -> None:
    import torch

    frame = np.random.default_rng(0).integers(0, 256, (4, 6), np.uint8)
    rng = torch.Generator().manual_seed(50)
    drawn = torch.rand((9, 24), generator=rng) < torch.from_numpy(frame).flatten() / 255
    np.testing.assert_array_equal(published_spikes(frame, 9).reshape(9, 24), drawn.numpy())


@pytest.mark.parametrize("block", [1, 2, 3, 8])
def test_picked_pixels_are_a_convolution_with_one_weight(block: int) -> None:
    import torch

    frames = np.random.default_rng(0).random((2, 1, 16, 24)).astype(np.float32)
    weight = torch.zeros(1, 1, block, block)
    weight[0, 0, (block - 1) // 2, (block - 1) // 2] = 1
    expected = torch.nn.functional.conv2d(torch.from_numpy(frames), weight, stride=block)
    found = pick_pixels(frames, block)
    np.testing.assert_array_equal(found.reshape(2, -1), expected.numpy().reshape(2, -1))


def test_events_of_picked_pixels_are_counted() -> None:
    rng = np.random.default_rng(0)
    count, size = 4_000, SensorSize(height=30, width=40)
    t = np.sort(rng.integers(0, 1_000, count))
    events = Events(
        rng.integers(0, 40, count), rng.integers(0, 30, count), t, rng.integers(0, 2, count), size
    )
    region, block, steps, start, length = 24, 4, 5, 100, 700
    found = event_spikes(events, start, length, region=region, block=block, steps=steps)
    assert found.shape == (5, 36)
    for k in range(steps):
        first, last = start + k * length // steps, start + (k + 1) * length // steps
        here = (t >= first) & (t < last)
        frame = np.zeros((30, 40), np.int64)
        np.add.at(frame, (events.y[here], events.x[here]), 1)
        np.testing.assert_array_equal(found[k], pick_pixels(frame[3:27, 8:32], block))


def test_silent_windows_and_busy_pixels() -> None:
    size = SensorSize(2, 2)
    none = Events([], [], [], [], size)
    assert not event_spikes(none, 0, 10, region=2, block=1, steps=3).any()
    busy = Events([0] * 300, [0] * 300, [0] * 300, [1] * 300, size)
    assert event_spikes(busy, 0, 10, region=2, block=1, steps=1)[0].tolist() == [255, 0, 0, 0]


def test_wrong_rasters_and_windows_are_refused(model: DeltaModel) -> None:
    network = spiking(model)
    none = Events([], [], [], [], SensorSize(10, 20))
    with pytest.raises(ShapeError, match="64"):
        network.counts(np.zeros((5, 63), np.uint8))
    with pytest.raises(ShapeError, match="one seed"):
        bernoulli_spikes(np.zeros((2, 4)), 3, [1])
    with pytest.raises(ConfigError, match="0 steps"):
        bernoulli_spikes(np.zeros((1, 4)), 0, [1])
    with pytest.raises(ConfigError, match="region of 11"):
        event_spikes(none, 0, 10, region=11, block=1, steps=1)
    with pytest.raises(ConfigError, match="window of 0"):
        event_spikes(none, 0, 0, region=4, block=1, steps=1)
    with pytest.raises(ConfigError, match="Blocks of 5"):
        pick_pixels(np.zeros((4, 9)), 5)
    with pytest.raises(ConfigError, match="thresholds"):
        spiking(model, thresholds=(1.0, 0.0))
