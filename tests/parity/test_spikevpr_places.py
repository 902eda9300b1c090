"""SpikeVPR golden data: slices of Brisbane, GPS fixes and their matches, places of NSAVP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from spikevpr_numbers import files

from saccade.events.convert import from_columns
from saccade.events.filters import read_pixel_list, without_pixels
from saccade.simulate.layouts.brisbane import TRAVERSES
from saccade.traverses import brisbane
from saccade.traverses.brisbane_slices import hot_pixel_file, read_slice, sensor_of, slice_times
from saccade.traverses.gps import Fixes, align, nearest_times, read_nmea
from saccade.traverses.places import along_route, moving, positives, route_labels

NAME = "sunset1"


def by_name(prefix: str) -> pytest.MarkDecorator:
    found = [path for path in files(prefix) if path.suffix == ".npz"]
    assert found, prefix
    return pytest.mark.parametrize("path", found, ids=lambda path: path.stem)


@by_name("brisbane_slice_")
def test_slices_have_the_names_lengths_and_events_of_the_original(
    path: Path, tmp_path: Path
) -> None:
    data = np.load(path)
    (tmp_path / f"{TRAVERSES[NAME].recording_id}.txt").write_bytes(data["text"].tobytes())
    (folder,) = brisbane.prepare(tmp_path, tmp_path)
    slices, times = slice_times(folder)
    assert [file.name for file in slices] == data["files"].tolist()
    assert sorted(folder.iterdir()) == sorted(slices)
    rows = [read_slice(file) for file in slices]
    assert [len(part) for part in rows] == data["lengths"].tolist()
    assert [part[-1, 0] for part in rows] == times.tolist()
    assert rows[0].dtype == data["first_slice"].dtype
    np.testing.assert_array_equal(rows[0], data["first_slice"])


@by_name("brisbane_slice_")
def test_hot_pixels_are_left_out_as_in_the_original(path: Path, tmp_path: Path) -> None:
    data = np.load(path)
    (tmp_path / f"{TRAVERSES[NAME].recording_id}.txt").write_bytes(data["text"].tobytes())
    listed = "".join(f"{x},{y}\n" for x, y in data["hot_pixels"])
    hot_pixel_file(tmp_path, NAME).write_text(listed)
    brisbane.prepare(tmp_path, tmp_path / "out")
    hot = read_pixel_list(hot_pixel_file(tmp_path / "out", NAME))
    t, x, y, p = data["first_slice"].T
    size = sensor_of(tmp_path / "out", NAME)
    kept = without_pixels(from_columns(x, y, t, p, size, time_unit="s"), hot)
    expected = data["first_slice"][data["first_slice_keep"]]
    np.testing.assert_array_equal(np.stack([kept.x, kept.y, kept.p], axis=1), expected[:, 1:])


def golden_fixes(path: Path, folder: Path, letter: str) -> tuple[Fixes, Fixes]:
    """Return what is stored, and what is read from the stored sentences."""
    data = np.load(path)
    log = folder / f"{letter}.nmea"
    log.write_bytes(data[f"nmea_{letter}"].tobytes())
    stored = data[f"gps_{letter}"]
    return Fixes(stored[:, :2], stored[:, 2]), read_nmea(log, compat="spikevpr")


@by_name("gps_")
@pytest.mark.parametrize("letter", ["a", "b"])
def test_fixes_are_those_of_the_original(path: Path, letter: str, tmp_path: Path) -> None:
    stored, found = golden_fixes(path, tmp_path, letter)
    assert len(found) == len(stored)
    np.testing.assert_allclose(found.degrees, stored.degrees, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.seconds, stored.seconds)


@by_name("gps_")
def test_fixes_match_as_in_the_original(path: Path, tmp_path: Path) -> None:
    data = np.load(path)
    (stored, anchor), (_, other) = (golden_fixes(path, tmp_path, letter) for letter in "ab")
    matched = align(anchor, other, compat="spikevpr")
    np.testing.assert_array_equal(matched, data["match_a_to_b"])
    nearest = nearest_times(stored.seconds, data["frame_times"])
    np.testing.assert_array_equal(nearest, data["frame_match"])


@by_name("nsavp_places_")
def test_places_are_those_of_the_original(path: Path) -> None:
    data = np.load(path)
    kept = moving(data["ref_pos"], 1.5)
    np.testing.assert_array_equal(kept, data["kept"])
    reference, query = data["ref_pos"][kept], data["qry_pos"]
    travelled = along_route(data["ref_pos"])[kept]
    np.testing.assert_allclose(travelled, data["cumulative"], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(route_labels(travelled, 10.0), data["label"])
    away = np.linalg.norm(reference[:, None, :2] - query[None, :, :2], axis=2)
    np.testing.assert_allclose(away, data["distance"], rtol=0, atol=1e-9)
    found = positives(reference, query, 10.0)
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in found])])
    np.testing.assert_array_equal(offsets, data["positives_offsets"])
    np.testing.assert_array_equal(np.concatenate(found), data["positives_flat"])
