"""Inputs of traverses: events as spikes, frames as rates, files that several processes read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from saccade.errors import CheckpointError, ConfigError, DataError, MissingFileError, ShapeError
from saccade.events import Events, SensorSize
from saccade.tasks.place_stdp.config_network import NetworkConfig
from saccade.tasks.place_stdp.event_spikes import EventSettings, event_raster
from saccade.tasks.place_stdp.inputs import StoredInputs, write_event_inputs, write_inputs
from saccade.tasks.place_stdp.preprocess import Preprocess
from saccade.tasks.place_stdp.queries import file_name
from saccade.traverses.traverse import NumberedPlaces

SENSOR = SensorSize(height=12, width=16)
NETWORK = NetworkConfig(n_in=48, n_e=2, input_ms=120.0)
GRID = EventSettings(size=(6, 8), most_rate_hz=1e6)


def some_events(seed: int, count: int, *, span_us: int = 50_000, start_us: int = 0) -> Events:
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, span_us, count)) + start_us
    x, y = rng.integers(0, SENSOR.width, count), rng.integers(0, SENSOR.height, count)
    return Events(x, y, t, rng.integers(0, 2, count), SENSOR)


class TestEventRaster:
    @given(seed=st.integers(0, 99), count=st.integers(1, 400), polarities=st.booleans())
    def test_every_spike_is_an_event_and_every_event_gives_at_most_one(
        self, seed: int, count: int, polarities: bool
    ) -> None:
        events = some_events(seed, count, start_us=1_000)
        settings = replace(GRID, polarities=polarities)
        found = event_raster(events, settings, NETWORK, start_us=1_000, window_us=50_000)
        expected = {
            (
                (int(t) - 1_000) * 1_200 // 50_000,
                int(y) // 2 * 8 + int(x) // 2 + (48 if polarities and p else 0),
            )
            for x, y, t, p in zip(events.x, events.y, events.t, events.p, strict=True)
        }
        spikes = list(zip(found.step.tolist(), found.neuron.tolist(), strict=True))
        assert set(spikes) == expected and len(spikes) == len(expected) <= count
        assert found.n_steps == 1_200

    @given(seed=st.integers(0, 99), rate=st.floats(0.5, 50))
    def test_thinning_keeps_to_the_rate_and_to_spikes_that_were_there(
        self, seed: int, rate: float
    ) -> None:
        events = some_events(seed, 400)
        whole = event_raster(events, GRID, NETWORK)
        thin = event_raster(events, replace(GRID, most_rate_hz=rate), NETWORK, seed=seed)
        most = round(rate * 0.12 * 48)
        assert len(thin) == min(most, len(whole))
        kept = set(zip(thin.step.tolist(), thin.neuron.tolist(), strict=True))
        assert kept <= set(zip(whole.step.tolist(), whole.neuron.tolist(), strict=True))

    def test_events_outside_the_window_are_left_out(self) -> None:
        events = Events([0, 1, 2, 3], [0] * 4, [99, 100, 199, 200], [1] * 4, SENSOR)
        settings = EventSettings(size=(12, 16), most_rate_hz=1e6)
        config = replace(NETWORK, n_in=192)
        found = event_raster(events, settings, config, start_us=100, window_us=100)
        assert found.neuron.tolist() == [1, 2] and found.step.tolist() == [0, 1_188]

    def test_no_events_and_one_event(self) -> None:
        assert len(event_raster(some_events(0, 0), GRID, NETWORK)) == 0
        one = event_raster(some_events(0, 1), GRID, NETWORK)
        assert one.step.tolist() == [0]

    def test_off_comes_first(self) -> None:
        events = Events([0, 0], [0, 0], [0, 0], [0, 1], SENSOR)
        found = event_raster(events, replace(GRID, polarities=True), NETWORK)
        assert found.neuron.tolist() == [0, 48]
        assert event_raster(events, GRID, NETWORK).neuron.tolist() == [0]

    def test_wrong_arguments_are_named(self) -> None:
        with pytest.raises(ShapeError, match="20x6 inputs for a sensor of 16x12"):
            event_raster(some_events(0, 5), replace(GRID, size=(6, 20)), NETWORK)
        with pytest.raises(ConfigError, match="window_us is 0"):
            event_raster(some_events(0, 5), GRID, NETWORK, window_us=0)
        with pytest.raises(ConfigError, match="most_rate_hz is nan"):
            EventSettings(most_rate_hz=float("nan"))


@dataclass(frozen=True, eq=False)
class Windows(NumberedPlaces):
    """Windows of some events each."""

    counts: tuple[int, ...] = (30, 0, 90)

    def frame(self, k: int, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        raise NotImplementedError

    def window(self, k: int, rng: np.random.Generator | None = None) -> Events:
        return some_events(k, self.counts[k])


def named(name: str) -> Windows:
    return Windows(name, np.arange(3))


class TestStoredInputs:
    def test_events_come_back_window_by_window(self, tmp_path: Path) -> None:
        stored = write_event_inputs(tmp_path / "day", named("day"), GRID, NETWORK)
        assert len(stored) == 3 and stored.is_events and stored.exists
        for k in range(3):
            found = stored.raster(k, NETWORK, np.random.default_rng(0))
            expected = event_raster(named("day").window(k), GRID, NETWORK, seed=k)
            assert np.array_equal(found.neuron, expected.neuron)
            assert np.array_equal(found.step, expected.step)

    def test_steps_that_do_not_fit_are_refused_not_wrapped(self, tmp_path: Path) -> None:
        long = replace(NETWORK, input_ms=6_554.0)
        with pytest.raises(ConfigError, match="--input-ms 6554 is 65,540 steps"):
            write_event_inputs(tmp_path / "day", named("day"), GRID, long)

    def test_half_written_events_are_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "day.spikes").write_bytes(b"")
        assert not StoredInputs(tmp_path / "day").exists
        with pytest.raises(MissingFileError, match=r"day\.inputs\.npy"):
            len(StoredInputs(tmp_path / "day"))

    def test_one_name_that_begins_like_another_is_not_there(self, tmp_path: Path) -> None:
        write_event_inputs(tmp_path / "day.2", named("day.2"), GRID, NETWORK)
        assert not StoredInputs(tmp_path / "day").exists

    def test_names_of_files_differ_where_names_do(self) -> None:
        names = ["street1/day", "street1_day", "street1%2Fday", "a@0-8", "a b", "müd"]
        files = [file_name(named(name)) for name in names]
        assert len(set(files)) == len(names)
        assert all("/" not in file for file in files) and files[3] == "a@0-8"

    def test_rates_of_one_image_depend_on_the_generator_alone(self, tmp_path: Path) -> None:
        frames = np.random.default_rng(0).integers(0, 255, (70, 1, 12, 16)).astype(np.float32)
        stored = write_inputs(tmp_path / "day", frames, Preprocess(size=(6, 8)), None)
        assert len(stored) == 70 and stored.values(69).shape == (48,)
        rasters = [stored.raster(69, NETWORK, np.random.default_rng(3)) for _ in range(2)]
        assert np.array_equal(rasters[0].neuron, rasters[1].neuron)
        rate = len(rasters[0]) / (0.12 * 48)
        assert rate == pytest.approx(stored.values(69).mean() / 4, rel=0.3)

    def test_frame_with_nan_is_named(self, tmp_path: Path) -> None:
        frames = np.ones((70, 1, 12, 16), np.float32)
        frames[66, 0, 3, 3] = np.nan
        with pytest.raises(DataError, match=r"Frame 66 of a b: A pixel is NaN"):
            write_inputs(tmp_path / "a%20b", frames, Preprocess(size=(6, 8)), None)
        assert not list(tmp_path.iterdir())

    def test_damaged_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "day.inputs.npy").write_bytes(b"\x93NUMPY half")
        with pytest.raises(CheckpointError, match=r"day\.inputs\.npy cannot be read"):
            len(StoredInputs(tmp_path / "day"))
