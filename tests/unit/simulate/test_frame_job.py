"""Videos and pictures are made part by part, to the same events wherever the work was stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import DataError
from saccade.events import Events, SensorSize
from saccade.simulate.config import ImagesConfig, PixelConfig
from saccade.simulate.frame_job import FrameSource, make_parts, pan_source, picture_source
from saccade.simulate.frames import events_from_frames
from saccade.simulate.job import PartStore
from saccade.simulate.pixel import PixelModel
from saccade.simulate.upsample import upsample

SIZE = SensorSize(24, 32)
NOISY = PixelModel(noise_hz=5.0, leak_hz=2.0)


class StoppedError(Exception):
    """Raised in place of a kill."""


def picture(k: int) -> NDArray[np.float32]:
    columns = np.arange(SIZE.width) - 1.5 * k
    row = 50 + 40 * np.sin(2 * np.pi * columns / 16)
    return np.tile(row, (SIZE.height, 1)).astype(np.float32)


def moving(count: int = 28, step_us: int = 130_000) -> FrameSource:
    def since(time_us: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        return ((k * step_us, picture(k)) for k in range(count) if k * step_us >= time_us)

    return FrameSource(since, SIZE, (count - 1) * step_us, follow=True)


def events_of(store: PartStore, count: int) -> Events:
    return Events.concatenate([part.events["left"] for part in store.parts(count)])


def equal(first: Events, second: Events) -> bool:
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in "xytp")


def test_parts_hold_the_events_of_one_pass(tmp_path: Path) -> None:
    source, store = moving(), PartStore(tmp_path / "work", {})
    count = make_parts(source, NOISY, store, seed=3)
    frames = upsample(source.since(0))
    through = Events.concatenate(list(events_from_frames(frames, NOISY, seed=3, size=SIZE)))
    assert count == 4
    assert len(through) > 5_000
    assert equal(events_of(store, count), through)
    starts = [part.start_us for part in store.parts(count)]
    ends = [part.end_us for part in store.parts(count)]
    assert starts[1:] == ends[:-1]
    assert ends == [1_040_000, 2_080_000, 3_120_000, 3_510_000]  # the first frame of each second


@pytest.mark.parametrize("stop_after", [1, 2, 4])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_was_stopped_goes_on_to_the_same_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int, jobs: int
) -> None:
    through = PartStore(tmp_path / "through", {})
    count = make_parts(moving(), NOISY, through, seed=3)
    store = PartStore(tmp_path / "work", {})
    save = PartStore.save

    def save_and_stop(self: PartStore, index: int, *rest: object) -> None:
        save(self, index, *rest)  # type: ignore[arg-type]
        if index + 1 == stop_after:
            raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(PartStore, "save", save_and_stop)
        with pytest.raises(StoppedError):
            make_parts(moving(), NOISY, store, seed=3, jobs=jobs)
    told: list[tuple[int, int]] = []
    made = make_parts(
        moving(), NOISY, store, seed=3, jobs=jobs, progress=lambda *at: told.append(at)
    )
    assert made == count
    assert len(told) == count - stop_after
    assert equal(events_of(store, count), events_of(through, count))


def test_one_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one frame only"):
        make_parts(moving(count=1), NOISY, PartStore(tmp_path / "work", {}), seed=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    for k in range(5):
        Image.fromarray(picture(7 * k).astype(np.uint8)).save(folder / f"p{k}.png")
    return folder


def test_a_pan_can_be_taken_up_at_any_frame(folder: Path, tmp_path: Path) -> None:
    pixels = PixelConfig(size="20x16")
    config = ImagesConfig(input=folder, out=tmp_path / "x.raw", pan=True, pixels=pixels)
    source, pan = pan_source(config, tmp_path)
    frames = list(source.since(0))
    assert source.size == SensorSize(16, 20)
    assert frames[-1][0] == source.duration_us == 5 * 250_000
    for k in (1, len(frames) // 2, len(frames) - 1):
        again = next(source.since(frames[k][0]))
        assert again[0] == frames[k][0]
        np.testing.assert_array_equal(again[1], frames[k][1])
    assert pan.windows_us.shape == (5, 2)


def test_pictures_are_taken_up_at_their_own_times(folder: Path, tmp_path: Path) -> None:
    source = picture_source(ImagesConfig(input=folder, out=tmp_path / "x.raw", fps=10.0))
    assert (source.size, source.duration_us) == (SIZE, 400_000)
    assert [time for time, _ in source.since(150_000)] == [200_000, 300_000, 400_000]
