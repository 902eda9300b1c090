"""Recordings as pictures: windows, colours, scaling, sheets, films in bounded memory."""

import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from saccade.errors import ConfigError, EventError
from saccade.events import Events, SensorSize
from saccade.view.canvas import fit, legend_width, png, to_rgb
from saccade.view.color import DARK, LIGHT, palette, saturation_of, shade
from saccade.view.gif import save_gif
from saccade.view.recording import (
    contact_sheet,
    contact_sheet_png,
    iter_frames,
    readable_window_us,
    recording_png,
    render_frames,
    save_contact_sheet,
    save_png,
    span_text,
)


def recording(n: int = 4_000, height: int = 60, width: int = 80, span_us: int = 400_000) -> Events:
    rng = np.random.default_rng(0)
    return Events(
        rng.integers(0, width, n),
        rng.integers(0, height, n),
        np.sort(rng.integers(1_000_000, 1_000_000 + span_us, n)),
        rng.integers(0, 2, n),
        SensorSize(height, width),
    )


def opened(data: bytes | Path) -> Image.Image:
    return Image.open(BytesIO(data if isinstance(data, bytes) else data.read_bytes()))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 400), max_size=60).map(sorted),
    st.integers(1, 90),
    st.integers(1, 9),
    st.none() | st.integers(-20, 300),
)
def test_frames_of_a_stream_are_half_open_windows_that_lose_no_event(
    times: list[int], window_us: int, packet: int, start: int | None
) -> None:
    n = len(times)
    events = Events([0] * n, [0] * n, times, [k % 2 for k in range(n)], SensorSize(1, 1))
    packets = [events[k : k + packet] for k in range(0, n, packet)]
    frames = list(iter_frames(packets, window_us, start_us=start))
    seen = [t for t in times if start is None or t >= start]
    first = (seen[0] if start is None else start) if seen else 0
    assert sum(float(frame.counts.sum()) for frame in frames) == len(seen)
    for k, frame in enumerate(frames):
        assert frame.start_us == first + k * window_us
        inside = [t for t in seen if frame.start_us <= t < frame.start_us + window_us]
        assert float(frame.counts.sum()) == len(inside)
    together = list(iter_frames(events, window_us, start_us=start))
    assert [f.counts.tolist() for f in together] == [f.counts.tolist() for f in frames]


def test_frames_end_where_they_are_told_to() -> None:
    events = recording()
    frames = list(iter_frames(events, 50_000, start_us=1_100_000, end_us=1_200_000))
    assert [frame.start_us for frame in frames] == [1_100_000, 1_150_000]
    inside = len(events.slice_time(1_100_000, 1_200_000))
    assert sum(int(frame.counts.sum()) for frame in frames) == inside


def test_a_stream_is_not_read_beyond_the_end_of_what_is_shown() -> None:
    events = recording()

    def packets() -> Iterator[Events]:
        for k in range(0, len(events), 500):
            assert events.t[max(k - 500, 0)] < 1_100_000, "read on after the end"
            yield events[k : k + 500]

    assert len(list(iter_frames(packets(), 50_000, end_us=1_100_000))) == 2


def test_on_is_blue_off_is_orange_and_nothing_is_background() -> None:
    counts = np.zeros((2, 1, 3))
    counts[1, 0, 0], counts[0, 0, 1] = 5, 5
    picture = to_rgb(shade(counts, saturation=5))
    assert [tuple(pixel) for pixel in picture[0].tolist()] == [LIGHT.on, LIGHT.off, (255,) * 3]
    assert tuple(to_rgb(shade(counts, 5), DARK)[0, 0].tolist()) == DARK.on


def test_a_single_event_is_visible_and_more_events_are_stronger() -> None:
    counts = np.zeros((2, 1, 3))
    counts[1, 0] = [1, 4, 9]
    distance = 255 - to_rgb(shade(counts, saturation=9))[0, :, 0].astype(int)
    assert 60 < distance[0] < distance[1] < distance[2]


def test_mixed_pixels_lie_between_the_two_colours() -> None:
    even = to_rgb(shade(np.full((2, 1, 1), 3), saturation=6))[0, 0].astype(float)
    expected = (np.array(LIGHT.on) + np.array(LIGHT.off)) / 2
    assert np.abs(even - expected).max() <= 1


def test_the_two_colours_differ_in_lightness_for_every_eye() -> None:
    weights = np.array([0.2126, 0.7152, 0.0722])
    for theme in (LIGHT, DARK):
        blue_yellow = [np.array(c) @ [0.5, 0.5, -1.0] for c in (theme.on, theme.off)]
        assert abs(blue_yellow[0] - blue_yellow[1]) > 100
        contrast = [
            abs(np.array(c) - np.array(theme.background)) @ weights for c in (theme.on, theme.off)
        ]
        assert min(contrast) > 90


def test_palette_is_complete_and_saturation_ignores_rare_hot_pixels() -> None:
    assert palette().shape == (256, 3)
    counts = np.ones((2, 10, 10))
    counts[0, 0, 0] = 10_000
    assert saturation_of(counts) == 2


def test_wide_sensors_are_summed_and_small_ones_repeated() -> None:
    counts = np.random.default_rng(1).integers(0, 5, (2, 7, 1_281))
    shrunk = fit(counts, 640)
    assert shrunk.shape == (2, 3, 427)
    assert shrunk.sum() == counts.sum()
    grown = fit(counts[:, :, :34], 640)
    assert grown.shape == (2, 49, 238)
    np.testing.assert_array_equal(grown[:, ::7, ::7], counts[:, :, :34])


def test_render_frames_gives_colour_pictures_and_refuses_too_many() -> None:
    events = recording()
    frames = render_frames(events, window_us=100_000)
    assert [frame.shape for frame in frames] == [(180, 240, 3)] * len(frames)
    assert len(frames) in (4, 5)
    with pytest.raises(ConfigError, match=r"399\.9 ms in windows of 10 µs are 39,991 f"):
        render_frames(events, window_us=10)
    assert render_frames(events[:0], window_us=10) == []


def test_a_single_picture_says_how_many_events_it_shows(tmp_path: Path) -> None:
    path = save_png(recording(), tmp_path / "a.png")
    assert opened(path).size == (240, 180 + 26)
    assert opened(recording_png(recording()[:0])).size == (240, 206)
    assert [item.name for item in tmp_path.iterdir()] == ["a.png"]


def test_a_contact_sheet_has_its_tiles_and_both_formats_agree(tmp_path: Path) -> None:
    events = recording()
    sheet = contact_sheet(events, columns=3, rows=2, max_width=800)
    assert sheet.shape[1] <= 800
    data = contact_sheet_png(events, columns=3, rows=2, max_width=800)
    np.testing.assert_array_equal(np.asarray(opened(data)), sheet)
    path = save_contact_sheet(events, tmp_path / "s.png", columns=3, rows=2, max_width=800)
    assert path.read_bytes() == data
    for columns, rows in ((1, 1), (8, 1)):
        assert contact_sheet(events, columns=columns, rows=rows, max_width=400).shape[1] <= 420


def test_a_contact_sheet_shows_the_moments_it_claims() -> None:
    n = 100
    t = np.arange(n) * 1_000
    events = Events([5] * n, [5] * n, t, [1] * 50 + [0] * 50, SensorSize(100, 240))
    sheet = to_rgb(contact_sheet(events, columns=2, rows=1, max_width=600, window_us=1_000))
    colours = {tuple(pixel) for pixel in sheet.reshape(-1, 3).tolist()}
    left, right = sheet[:, : sheet.shape[1] // 2], sheet[30:, sheet.shape[1] // 2 :]
    assert {LIGHT.on, LIGHT.off} <= colours
    assert not (left.reshape(-1, 3) == LIGHT.off).all(axis=1).any()
    assert (right.reshape(-1, 3) == LIGHT.off).all(axis=1).any()


def test_windows_are_round_numbers_no_longer_than_a_piece() -> None:
    crowded = recording(n=100_000)
    window = readable_window_us(crowded, 4)
    assert window in (1_000, 2_000)
    assert readable_window_us(recording(n=20), 4) == 50_000
    assert readable_window_us(recording(n=1), 4) == 1


def test_spans_carry_a_unit_that_fits() -> None:
    assert [span_text(span) for span in (7, 999, 1_500, 3e6)] == ["7 µs", "999 µs", "1.5 ms", "3 s"]


def test_a_film_keeps_time_and_its_frames_are_the_recording(tmp_path: Path) -> None:
    events = recording()
    film = save_gif(events, tmp_path / "a.gif", fps=30, slow_motion=2)
    gif = opened(film.path)
    assert film.window_us == 16_667
    assert (gif.n_frames, gif.size) == (film.frames, (film.width, film.height))  # type: ignore[attr-defined]
    assert film.frames == events.duration_us // film.window_us + 1
    total_ms = 0
    for k in range(film.frames):
        gif.seek(k)
        total_ms += gif.info["duration"]
    assert total_ms == pytest.approx(2 * events.duration_us / 1_000, abs=40)
    frames = list(iter_frames(events, film.window_us))
    saturation = saturation_of(np.stack([fit(frame.counts, 640) for frame in frames[:12]]))
    gif.seek(5)
    shown = np.asarray(gif.convert("RGB"))[:180]
    np.testing.assert_array_equal(shown, to_rgb(shade(fit(frames[5].counts, 640), saturation)))


def test_a_film_says_when_it_stopped_early(tmp_path: Path) -> None:
    short = save_gif(recording(), tmp_path / "a.gif", max_frames=3)
    assert (short.frames, short.is_complete) == (3, False)
    whole = save_gif(recording(), tmp_path / "b.gif", max_frames=10)
    assert (whole.frames, whole.is_complete) == (10, True)


def test_the_memory_of_a_film_does_not_grow_with_its_length(tmp_path: Path) -> None:
    packet = recording(n=300, height=200, width=320, span_us=20_000)

    def packets(count: int) -> Iterator[Events]:
        for k in range(count):
            yield Events(packet.x, packet.y, packet.t + k * 20_000, packet.p, packet.size)

    def peak(count: int) -> int:
        tracemalloc.start()
        save_gif(packets(count), tmp_path / "a.gif", fps=50)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(4)
    assert peak(100) < peak(25) + 500_000


def test_a_film_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Events]:
        yield recording()
        raise EventError("The recording ends here.")

    with pytest.raises(EventError, match="ends here"):
        save_gif(broken(), tmp_path / "a.gif", fps=50)
    assert list(tmp_path.iterdir()) == []


def test_films_out_of_range_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    with pytest.raises(ConfigError, match=r"fps is 60.*at most 50"):
        save_gif(recording(), path, fps=60)
    with pytest.raises(ConfigError, match="slow_motion is 0"):
        save_gif(recording(), path, slow_motion=0)
    with pytest.raises(ConfigError, match="max_width is 3"):
        save_gif(recording(), path, max_width=3)
    with pytest.raises(ConfigError, match="max_frames is 0"):
        save_gif(recording(), path, max_frames=0)
    with pytest.raises(EventError, match="no events"):
        save_gif(recording(), path, start_us=9_000_000)
    with pytest.raises(EventError, match="no events"):
        contact_sheet(recording()[:0])
    with pytest.raises(ConfigError, match="0 x 3 tiles"):
        contact_sheet(recording(), columns=0, rows=3)
    with pytest.raises(ConfigError, match="window_us is 0"):
        list(iter_frames(recording(), 0))
    assert not path.exists()


def test_a_picture_is_a_palette_png_of_the_same_pixels() -> None:
    canvas = shade(np.random.default_rng(2).integers(0, 4, (2, 20, 30)), 4)
    image = opened(png(canvas, DARK))
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), to_rgb(canvas, DARK))
    assert legend_width() < 140
