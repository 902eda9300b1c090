"""Lists of places from times and positions: speed, spacing, alignment of traverses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from image_drives import pattern, write_image
from saccade.errors import ConfigError, DataError, FormatError, MissingFileError
from saccade.traverses.config import SetArgs
from saccade.traverses.place_lists import (
    PlaceListRecipe,
    make_place_lists,
    speeds,
    write_place_lists,
)
from saccade.traverses.routes import read_route
from saccade.traverses.sets import open_set

SECOND = 1_000_000


def write_drive(
    root: Path, name: str, along_m: NDArray[np.float64], *, aside_m: float = 0.0, start: int = 0
) -> Path:
    """Write an image a second, named by its time, and the table of where it was."""
    times = (start + np.arange(len(along_m))) * SECOND
    for t_us in times.tolist():
        write_image(root / name / f"{t_us}.png", pattern(int(t_us) // SECOND))
    lines = [f"{t},{x},{aside_m}" for t, x in zip(times.tolist(), along_m.tolist(), strict=True)]
    path = root / f"{name}.positions.csv"
    path.write_text("\n".join(["t_us,x,y", *lines]) + "\n")
    return path


def seconds(names: tuple[str, ...]) -> list[int]:
    return [int(Path(name).stem) // SECOND for name in names]


def steady(count: int, metres: float = 10.0) -> NDArray[np.float64]:
    return metres * np.arange(count)


def test_speed_is_over_two_seconds(tmp_path: Path) -> None:
    along = np.array([0, 0, 0, 10, 20, 30, 30, 30], np.float64)
    route = read_route(write_drive(tmp_path, "a", along))
    found = speeds(route, np.arange(8, dtype=np.int64) * SECOND)
    assert found.tolist() == pytest.approx([0, 0, 18, 36, 36, 18, 0, 0])


def test_slow_images_are_left_out_and_others_thinned(tmp_path: Path) -> None:
    along = np.concatenate([np.zeros(5), steady(20), np.full(5, 190.0)])
    write_drive(tmp_path, "a", along)
    every = make_place_lists(tmp_path, {}, PlaceListRecipe(every=1))
    assert seconds(every.names["a"]) == list(range(5, 25))  # 18 km/h at both ends
    fast = make_place_lists(tmp_path, {}, PlaceListRecipe(every=1, min_speed_kmh=20.0))
    assert seconds(fast.names["a"]) == list(range(6, 24))
    third = make_place_lists(tmp_path, {}, PlaceListRecipe(every=3))
    assert seconds(third.names["a"]) == list(range(5, 25, 3))
    metres = make_place_lists(tmp_path, {}, PlaceListRecipe(every_m=50.0))
    assert seconds(metres.names["a"]) == [5, 10, 15, 20]
    still = make_place_lists(tmp_path, {}, PlaceListRecipe(every=1, min_speed_kmh=0.0))
    assert len(still.names["a"]) == 30


def test_others_take_the_nearest_image_or_lose_the_place(tmp_path: Path) -> None:
    write_drive(tmp_path, "sun", steady(21))  # 0 to 200 m
    write_drive(tmp_path, "rain", 53.0 + steady(30, 7.0), aside_m=3.0, start=500)
    first = {"sun": tmp_path / "sun.positions.csv", "rain": tmp_path / "rain.positions.csv"}
    lists = make_place_lists(tmp_path, first, PlaceListRecipe(every_m=40.0, tolerance_m=8.0))
    assert seconds(lists.names["sun"]) == [8, 12, 16, 20]  # places at 0 and 40 m are dropped
    assert seconds(lists.names["rain"]) == [504, 510, 515, 521]
    assert lists.dropped == 2
    rows = {str(row[0]): row[1:] for row in lists.table.rows}
    assert rows["rain"] == (30, 30, 30, 4, 0) and rows["sun"] == (21, 21, 21, 6, 0)
    near = PlaceListRecipe(every_m=40.0, tolerance_m=3.5)
    assert seconds(make_place_lists(tmp_path, first, near).names["sun"]) == [8, 20]


def test_a_film_without_positions_goes_by_names(tmp_path: Path) -> None:
    write_drive(tmp_path, "spring", steady(8))
    for k in (1, 2, 4, 5, 6, 7):
        write_image(tmp_path / "fall" / f"{k * SECOND}.png", pattern(k))
    lists = make_place_lists(tmp_path, {}, PlaceListRecipe(every=2))
    assert seconds(lists.names["spring"]) == seconds(lists.names["fall"]) == [2, 4, 6]
    assert lists.dropped == 1


def test_times_from_a_column_or_from_ticks(tmp_path: Path) -> None:
    for k in range(6):
        write_image(tmp_path / "a" / f"images-{k:05d}.png", pattern(k))
    lines = [f"{k * SECOND},{10 * k},0" for k in range(6)]
    plain = tmp_path / "plain.csv"
    plain.write_text("\n".join(["t_us,x,y", *lines]))
    recipe = PlaceListRecipe(every=2, tick_us=SECOND)
    found = make_place_lists(tmp_path, {"a": plain}, recipe).names["a"]
    assert found == ("images-00000.png", "images-00002.png", "images-00004.png")
    named = tmp_path / "named.csv"
    named.write_text(
        "\n".join(["image,t_us,x,y", *(f"images-{5 - k:05d}.png,{x}" for k, x in enumerate(lines))])
    )
    found = make_place_lists(tmp_path, {"a": named}, PlaceListRecipe(every=2)).names["a"]
    assert found == ("images-00005.png", "images-00003.png", "images-00001.png")
    plain.write_text(f"t_us,x,y\n{90 * SECOND},0,0\n{95 * SECOND},50,0\n")
    with pytest.raises(DataError, match="--tick-us"):
        make_place_lists(tmp_path, {"a": plain}, recipe)
    (tmp_path / "a" / "images-00000.png").rename(tmp_path / "a" / "one.png")
    with pytest.raises(FormatError, match=r"one\.png has no time in its name"):
        make_place_lists(tmp_path, {"a": plain}, recipe)


def test_degrees_on_both_sides(tmp_path: Path) -> None:
    for name, shift in (("a", 0.0), ("b", 2e-5)):
        write_drive(tmp_path, name, steady(5))
        lines = [f"{k * SECOND},{-27.5 + shift},{153 + 1e-4 * k}" for k in range(5)]
        table = "\n".join(["t_us,latitude,longitude", *lines])
        (tmp_path / f"{name}.positions.csv").write_text(table)
    lists = make_place_lists(tmp_path, {}, PlaceListRecipe(every=1, tolerance_m=2.5))
    assert seconds(lists.names["b"]) == [0, 1, 2, 3, 4]  # 2.2 m apart
    write_drive(tmp_path, "b", steady(5))
    with pytest.raises(ConfigError, match="geodesic and planar"):
        make_place_lists(tmp_path, {}, PlaceListRecipe(every=1))


def test_lists_are_written_whole_and_open_as_a_set(tmp_path: Path) -> None:
    write_drive(tmp_path, "a", steady(9))
    write_drive(tmp_path, "b", steady(9, 5.0), start=100)
    lists = make_place_lists(tmp_path, {}, PlaceListRecipe(every=2, tolerance_m=1.0))
    files = write_place_lists(lists, lists.base)
    assert [path.name for path in files] == ["a.txt", "b.txt"]
    data = open_set(SetArgs(data="images", root=tmp_path, tests=("b:a",)))
    assert len(data.tests[0].query) == len(lists.names["a"]) == 3
    assert "b.txt (3 images)" in " ".join(data.notes)
    with pytest.raises(ConfigError, match="--overwrite"):
        write_place_lists(lists, lists.base)
    write_place_lists(lists, lists.base, overwrite=True)


def test_what_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no folder of images"):
        make_place_lists(tmp_path, {}, PlaceListRecipe(every=1))
    table = write_drive(tmp_path, "a", steady(4))
    with pytest.raises(ConfigError, match="--positions c"):
        make_place_lists(tmp_path, {"c": table}, PlaceListRecipe(every=1))
    with pytest.raises(DataError, match="Places in each: a 0"):
        make_place_lists(tmp_path, {}, PlaceListRecipe(every=1, min_speed_kmh=90.0))
    with pytest.raises(MissingFileError, match="no table of positions"):
        make_place_lists(tmp_path, {"a": tmp_path / "none.csv"}, PlaceListRecipe(every=1))
    table.unlink()
    with pytest.raises(MissingFileError, match="--positions NAME=FILE"):
        make_place_lists(tmp_path, {}, PlaceListRecipe(every=1))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({}, "--every 8, or --every-m 100"),
        ({"every": 2, "every_m": 3.0}, "Expected one of them"),
        ({"every": 0}, "--every 0"),
        ({"every_m": -1.0}, "--every-m -1"),
        ({"every": 1, "tick_us": 0}, "--tick-us 0"),
        ({"every": 1, "tolerance_m": float("nan")}, "--tolerance-m nan"),
        ({"every": 1, "min_speed_kmh": -1.0}, "--min-speed-kmh -1"),
    ],
)
def test_wrong_recipes(words: dict[str, float], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        PlaceListRecipe(**words)  # type: ignore[arg-type]
