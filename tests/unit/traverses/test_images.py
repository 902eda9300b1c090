"""Data set "images": arrays, folders, published layouts; which image is which place."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from image_drives import (
    SIZE,
    pattern,
    write_image,
    write_nordland,
    write_orc,
    write_sfu,
    write_st_lucia,
    write_synthia,
)
from saccade.errors import (
    ConfigError,
    DataError,
    FormatError,
    MissingFileError,
    SaccadeError,
    ShapeError,
)
from saccade.traverses.config import SetArgs
from saccade.traverses.image_files import grey_of, read_rgb
from saccade.traverses.images import check
from saccade.traverses.sets import open_set
from saccade.traverses.traverse import COUNTS, GREY, ImageTraverse, PlaceSet


def opened(root: Path, **args: Any) -> PlaceSet:
    return open_set(SetArgs(data="images", root=root, **args))


def pairs_of(data: PlaceSet) -> list[str]:
    return [pair.name for pair in data.tests]


def matches(data: PlaceSet) -> list[list[int]]:
    """Return the right references of each query of the first pair."""
    pair = data.tests[0]
    truth = pair.truth(data.tolerance_m, inclusive=data.inclusive)
    every = np.arange(len(pair.reference))
    return [
        np.flatnonzero(truth.matches(np.array(q), every)).tolist() for q in range(len(pair.query))
    ]


@pytest.fixture
def road(tmp_path: Path) -> Path:
    path = tmp_path / "road.npz"
    grey = np.arange(10 * 6, dtype=np.uint8).reshape(10, 2, 3)
    colour = np.random.default_rng(0).integers(0, 255, (10, 2, 3, 3)).astype(np.uint8)
    np.savez(path, day=grey, night=colour, frame=np.arange(10))
    return path


class TestArrays:
    def test_a_frame_is_grey_and_colours_are_kept(self, road: Path) -> None:
        data = opened(road, tests=("night:day",))
        night, day = data.tests[0].query, data.tests[0].reference
        assert isinstance(night, ImageTraverse) and isinstance(day, ImageTraverse)
        with np.load(road) as held:
            assert np.array_equal(night.rgb(3), held["night"][3])
            weighed = held["night"][3] @ np.array([0.299, 0.587, 0.114])
            assert np.array_equal(day.frame(4)[0], held["day"][4])
            assert np.array_equal(day.rgb(4), np.repeat(held["day"][4][..., None], 3, axis=2))
        frame = night.frame(3)
        assert frame.shape == (1, 2, 3) and frame.dtype == np.float32
        assert np.abs(frame[0] - weighed).max() <= 0.5
        assert data.units == GREY and data.name == "road"

    def test_place_k_matches_place_k_within_the_tolerance(self, road: Path) -> None:
        assert matches(opened(road, tests=("night@3-6:day",))) == [[3], [4], [5]]
        wide = opened(road, tests=("night@3-6:day",), tolerance_m=1.0)
        assert matches(wide) == [[2, 3, 4], [3, 4, 5], [4, 5, 6]]

    def test_a_step_in_a_range_keeps_numbers_and_every_renumbers(self, road: Path) -> None:
        stepped = opened(road, tests=("night@1-10/3:day@1-10/3",)).tests[0].query
        assert stepped.positions.values[:, 0].tolist() == [1, 4, 7]
        thinned = opened(road, tests=("night:day",), every=3, most=3)
        assert thinned.tests[0].query.positions.values[:, 0].tolist() == [0, 1, 2]
        with np.load(road) as held:
            assert np.array_equal(stepped.frame(2)[0], grey_of(held["night"][7]))
            assert np.array_equal(thinned.tests[0].reference.frame(2)[0], held["day"][6])
        assert any("every 3rd image" in note for note in thinned.notes)

    def test_training_and_a_pair_that_stops_it(self, road: Path) -> None:
        data = opened(road, train=("day@0-5",), val=("night@0-5:day@0-5",), tests=("night:day",))
        assert [item.name for item in data.train] == ["day@0-5"]
        assert data.val is not None and data.val.name == "night@0-5 in day@0-5"
        assert pairs_of(data) == ["night in day"]

    def test_a_query_is_never_trained_on_but_its_place_may_be(self, road: Path) -> None:
        opened(road, train=("day",), tests=("night:day",))
        opened(road, train=("day@0-5",), tests=("day@5-10:night",))
        with pytest.raises(ConfigError, match="2 images of day@3-9 are trained on"):
            opened(road, train=("day@0-5",), tests=("day@3-9:night",))

    def test_traverses_survive_pickling(self, road: Path) -> None:
        side = opened(road, tests=("night:day",)).tests[0].query
        assert np.array_equal(pickle.loads(pickle.dumps(side)).frame(2), side.frame(2))

    def test_tunnels_are_left_out_and_numbers_kept(self, tmp_path: Path) -> None:
        images = np.stack([pattern(k)[..., 0] for k in range(6)])
        images[[0, 4]] = 7
        np.savez(tmp_path / "t.npz", a=images, b=images)
        data = opened(tmp_path / "t.npz", tests=("a@0-5:b",), skip_uniform=True)
        assert data.tests[0].query.positions.values[:, 0].tolist() == [1, 2, 3]
        assert matches(data) == [[0], [1], [2]]

    @pytest.mark.parametrize(
        ("args", "error", "text"),
        [
            ({"tests": ("nigt:day",)}, ConfigError, "Did you mean 'night'"),
            ({"tests": ("night@5-11:day",)}, ConfigError, "0 to 10"),
            ({"tests": ("night@5-5:day",)}, ConfigError, "NAME@FIRST-END"),
            ({"tests": ("night@0-5/0:day",)}, ConfigError, "STEP"),
            ({"tests": ("day:day",)}, ConfigError, "looked up in itself"),
            ({}, ConfigError, r"Found: day \(10\), night \(10\).*--tests QUERY:REFERENCE"),
            ({"val": ("night:day", "day:night")}, ConfigError, "names 2 pairs"),
        ],
    )
    def test_wrong_words(
        self, road: Path, args: dict[str, Any], error: type[SaccadeError], text: str
    ) -> None:
        with pytest.raises(error, match=text):
            opened(road, **args)

    def test_files_that_hold_no_images(self, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match="No such file"):
            opened(tmp_path / "none.npz")
        (tmp_path / "text.npz").write_text("images?")
        with pytest.raises(FormatError, match=r"no \.npz file"):
            opened(tmp_path / "text.npz")
        np.savez(tmp_path / "odd.npz", a=np.zeros((4, 2, 2)))
        with pytest.raises(FormatError, match="Pass --as-counts"):
            opened(tmp_path / "odd.npz")

    def test_lengths_must_agree_unless_a_matrix_says_what_matches(self, tmp_path: Path) -> None:
        a, b = np.zeros((4, 2, 2), np.uint8), np.ones((3, 2, 2), np.uint8)
        np.savez(tmp_path / "n.npz", a=a, b=b)
        with pytest.raises(DataError, match="a 4, b 3"):
            opened(tmp_path / "n.npz", tests=("a:b",))
        assert matches(opened(tmp_path / "n.npz", tests=("a:b",), most=3)) == [[0], [1], [2]]
        np.savez(tmp_path / "m.npz", a=a, b=b, gt_a_b=np.eye(3, 4))
        data = opened(tmp_path / "m.npz")
        assert pairs_of(data) == ["a in b"] and matches(data) == [[0], [1], [2], []]
        assert [item.name for item in data.train] == ["b"]


class TestTruthInArrays:
    def test_the_matrix_has_references_in_rows(self, tmp_path: Path) -> None:
        a, b = np.zeros((2, 2, 2), np.uint8), np.zeros((3, 2, 2), np.uint8)
        matrix = np.array([[0, 1], [0, 1], [1, 0]])
        np.savez(tmp_path / "m.npz", a=a, b=b, gt_a_b=matrix)
        assert matches(opened(tmp_path / "m.npz")) == [[2], [0, 1]]
        assert matches(opened(tmp_path / "m.npz", tests=("a@1-2:b@1-3",))) == [[0]]
        np.savez(tmp_path / "w.npz", a=a, b=b, gt_a_b=matrix.T)
        with pytest.raises(ShapeError, match="gt_a_b is for 3 queries and 2 references"):
            opened(tmp_path / "w.npz")

    def test_ranges_hold_both_ends(self, tmp_path: Path) -> None:
        images = np.zeros((3, 2, 2), np.uint8)
        held = {"query": images, "ref": images, "match_first": np.array([0, 0, 2])}
        np.savez(tmp_path / "r.npz", **held, match_last=np.array([1, 2, 2]))
        data = opened(tmp_path / "r.npz")
        assert pairs_of(data) == ["query in ref"] and matches(data) == [[0, 1], [0, 1, 2], [2]]
        assert matches(opened(tmp_path / "r.npz", tests=("ref:query",))) == [[0], [1], [2]]
        np.savez(tmp_path / "s.npz", **held, match_last=np.array([1, 3, 2]))
        with pytest.raises(DataError, match="Query 1 matches references 0 to 3"):
            opened(tmp_path / "s.npz")
        np.savez(tmp_path / "t.npz", **held, match_last=np.array([1, 2]))
        with pytest.raises(ShapeError, match="match_last"):
            opened(tmp_path / "t.npz")


class TestCounts:
    def test_one_channel_or_two_by_polarity(self, tmp_path: Path) -> None:
        merged = np.arange(12, dtype=np.uint16).reshape(3, 2, 2) * 100
        apart = np.random.default_rng(1).integers(0, 9, (3, 2, 2, 2))
        np.savez(tmp_path / "c.npz", merged=merged, more=merged, apart=apart, apart2=apart)
        data = opened(tmp_path / "c.npz", as_counts=True, tests=("merged:more", "apart:apart2"))
        assert data.units == COUNTS
        assert np.array_equal(data.tests[0].query.frame(2), merged[2][None].astype(np.float32))
        assert np.array_equal(data.tests[1].query.frame(1), apart[1].astype(np.float32))
        assert not isinstance(data.tests[0].query, ImageTraverse)

    def test_counts_below_zero_are_refused(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "c.npz", a=np.full((2, 3, 3), -1), b=np.zeros((2, 3, 3)))
        with pytest.raises(DataError, match="a holds values below 0"):
            opened(tmp_path / "c.npz", as_counts=True, tests=("a:b",))


class TestFolders:
    def test_names_sort_as_numbers(self, tmp_path: Path) -> None:
        for name in ("mon", "tue"):
            for k in (9, 10, 100):
                write_image(tmp_path / name / f"f{k}.png", pattern(k))
        data = opened(tmp_path, tests=("tue:mon",))
        side = data.tests[0].query
        assert isinstance(side, ImageTraverse) and len(side) == 3
        for k, number in enumerate((9, 10, 100)):
            assert np.array_equal(side.rgb(k), pattern(number))
            assert np.array_equal(side.frame(k)[0], grey_of(pattern(number)))
        assert matches(data) == [[0], [1], [2]]
        assert data.notes == (
            "tue, mon: 3 places, of the 3 images there, by name; there is no list.",
        )

    def test_a_list_of_ones_own(self, tmp_path: Path) -> None:
        for name in ("mon", "tue"):
            for k in range(4):
                write_image(tmp_path / name / f"{k}.png", pattern(k))
        (tmp_path / "mon.txt").write_text("# places\n2.png\n\n./0.png\n")
        (tmp_path / "other.csv").write_text("Image name,index\n3.png,1\n1.png,0\n")
        data = opened(tmp_path, tests=("tue:mon",), lists=(f"tue={tmp_path / 'other.csv'}",))
        query, reference = data.tests[0].query, data.tests[0].reference
        assert np.array_equal(reference.frame(0)[0], grey_of(pattern(2)))
        assert np.array_equal(query.frame(0)[0], grey_of(pattern(1)))
        (tmp_path / "mon.csv").write_text("image\n1.png\n")
        with pytest.raises(ConfigError, match="--list mon=FILE"):
            opened(tmp_path, tests=("tue:mon",))
        with pytest.raises(ConfigError, match="no such traverse"):
            opened(tmp_path, tests=("tue:mon",), lists=("wed=x.txt",))

    def test_a_matrix_beside_the_folders(self, tmp_path: Path) -> None:
        for name, count in (("mon", 2), ("tue", 3)):
            for k in range(count):
                write_image(tmp_path / name / f"{k}.png", pattern(k))
        np.save(tmp_path / "tue_in_mon.query_by_reference.npy", [[0, 1], [0, 1], [1, 0]])
        assert matches(opened(tmp_path, tests=("tue:mon",))) == [[1], [1], [0]]
        assert matches(opened(tmp_path, tests=("tue:mon",), every=2)) == [[], [0]]

    def test_images_of_other_sizes_and_damaged_ones(self, tmp_path: Path) -> None:
        for name in ("mon", "tue"):
            write_image(tmp_path / name / "0.png", pattern(0))
            write_image(tmp_path / name / "1.png", pattern(1)[:, :5])
            write_image(tmp_path / name / "2.png", pattern(2))
        (tmp_path / "tue" / "2.png").write_bytes((tmp_path / "mon" / "2.png").read_bytes()[:60])
        side = opened(tmp_path, tests=("tue:mon",)).tests[0].query
        with pytest.raises(ShapeError, match=r"1\.png is 5x8.*12x8"):
            side.frame(1)
        with pytest.raises(FormatError, match=r"2\.png cannot be read"):
            side.frame(2)

    def test_nothing_there_or_too_much(self, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match="holds no folder of images"):
            opened(tmp_path)
        np.savez(tmp_path / "road.npz", a=np.zeros((1, 1, 1)))
        with pytest.raises(MissingFileError, match=r"--root .*road\.npz"):
            opened(tmp_path)
        write_orc(tmp_path)
        write_sfu(tmp_path)
        with pytest.raises(ConfigError, match="2 data sets: ORC, SFU-Mountain"):
            opened(tmp_path)


class TestPublishedLayouts:
    def test_nordland(self, tmp_path: Path) -> None:
        data = opened(write_nordland(tmp_path))
        assert [item.name for item in data.train] == ["spring", "fall"]
        assert pairs_of(data) == ["summer in spring"]  # no winter there
        query = data.tests[0].query
        for k, number in enumerate((5, 13, 21, 29)):  # every 8th line of the list
            assert np.array_equal(query.frame(k)[0], grey_of(pattern(number - 1, 5)))
        assert len(query) == 4 and matches(data) == [[0], [1], [2], [3]]
        assert "every 8th of nordland_imageNames.txt (32 images)" in " ".join(data.notes)
        assert len(opened(tmp_path / "nordland", every=1).tests[0].query) == 32

    def test_at_most_as_many_as_published(self, tmp_path: Path) -> None:
        base = write_nordland(tmp_path, ("spring", "summer"))
        names = ["images-00001.png"] * (8 * 3310)
        (base / "nordland_imageNames.txt").write_text("\n".join(names))
        assert len(opened(base).tests[0].query) == 3300
        assert len(opened(base, most=7).tests[0].query) == 7
        assert len(opened(base, every=8).tests[0].query) == 3310

    def test_robotcar_with_either_list(self, tmp_path: Path) -> None:
        base = write_orc(tmp_path)
        for root in (base, tmp_path):
            data = opened(root)
            assert pairs_of(data) == ["Dusk in Sun"]
            assert [item.name for item in data.train] == ["Sun", "Rain"]
            assert np.array_equal(data.train[1].frame(2)[0], grey_of(pattern(16, 5)))
        for path in (tmp_path / "dataset_imagenames").iterdir():
            path.unlink()
        for drive in ("sun", "dusk", "rain"):
            rows = "".join(f"{k:06d}.png,{k}\n" for k in range(20))
            (base / f"orc-{drive}.csv").write_text(f"Image name,index\n{rows}")
        query = opened(base).tests[0].query
        assert len(query) == 3 and np.array_equal(query.frame(1)[0], grey_of(pattern(7, 10)))

    def test_original_names_of_robotcar(self, tmp_path: Path) -> None:
        base = write_orc(tmp_path)
        table = "Image from this repo,Image from ORC\r\n"
        for k in range(20):
            (base / "Dusk" / f"{k:06d}.png").rename(base / "Dusk" / f"{1416 + k}.png")
            table += f"{k:06d}.png,{1416 + k}.png\r\n"
        with pytest.raises(MissingFileError, match=r"--list Sun=ORC_Sun_timestamps\.csv"):
            opened(base)
        path = tmp_path / "ORC_Dusk_timestamps.csv"
        path.write_text(table)
        data = opened(base, lists=(f"Dusk={path}",))
        assert np.array_equal(data.tests[0].query.frame(1)[0], grey_of(pattern(8, 10)))

    def test_sfu_goes_through_both_parts(self, tmp_path: Path) -> None:
        base = write_sfu(tmp_path)
        data = opened(base)
        assert pairs_of(data) == ["dusk in dry"] and len(data.tests[0].query) == 5
        expected = grey_of(read_rgb(base / "part_b/stereo_right/dusk/frames/b002.jpg"))
        assert np.array_equal(data.tests[0].query.frame(4)[0], expected)
        for path in tmp_path.glob("*.txt"):
            path.unlink()
        assert len(opened(base).tests[0].reference) == 5

    def test_synthia(self, tmp_path: Path) -> None:
        data = opened(write_synthia(tmp_path))
        assert pairs_of(data) == ["query in ref"] and matches(data) == [[0], [1], [2], [3]]
        assert data.tests[0].query.frame(0).shape == (1, *SIZE)

    @pytest.mark.parametrize(("inverted", "words"), [(True, "inverted"), (False, "ones are")])
    def test_st_lucia_by_its_matrix(self, tmp_path: Path, inverted: bool, words: str) -> None:
        base = write_st_lucia(tmp_path, inverted=inverted)
        data = opened(base)
        assert matches(data) == [[0], [0], [1], [1], [2], [2]]
        assert len(data.train[0]) == 3 and words in data.notes[-1]
        assert matches(opened(base, every=2)) == [[0], [], [1]]

    def test_st_lucia_without_a_sound_matrix(self, tmp_path: Path) -> None:
        base = write_st_lucia(tmp_path)
        path = base / "St_Lucia_gt_boolean_matrix.npy"
        stored = np.load(path)
        stored[:, 0] = 1
        np.save(path, stored)
        with pytest.raises(DataError, match="one match each"):
            opened(base)
        np.save(path, stored[:, 1:])
        with pytest.raises(ShapeError, match="for 5 queries and 3 references"):
            opened(base)
        path.unlink()
        with pytest.raises(MissingFileError, match=r"St_Lucia_gt_boolean_matrix\.npy is not there"):
            opened(base)

    def test_absent_images_say_how_many_and_which_edition(self, tmp_path: Path) -> None:
        base = write_nordland(tmp_path)
        for number in (13, 29):
            (base / "summer" / f"images-{number:05d}.png").unlink()
        with pytest.raises(MissingFileError) as error:
            opened(base)
        text = str(error.value)
        assert "2 of 4 images of summer" in text and "images-00013.png" in text
        assert "35,768" in text and "24,570" in text and "38 images" in text
        assert "--list summer=FILE" in text


class TestImageFiles:
    def test_modes_of_files(self, tmp_path: Path) -> None:
        grey = pattern(1)[..., 0]
        Image.fromarray(grey).save(tmp_path / "grey.png")
        assert np.array_equal(read_rgb(tmp_path / "grey.png")[..., 1], grey)
        assert np.array_equal(grey_of(read_rgb(tmp_path / "grey.png")), grey)
        Image.fromarray(np.dstack([pattern(1), grey])).save(tmp_path / "alpha.png")
        assert np.array_equal(read_rgb(tmp_path / "alpha.png"), pattern(1))
        Image.fromarray(grey.astype(np.uint16) * 200).save(tmp_path / "deep.png")
        with pytest.raises(FormatError, match="8 bits a channel"):
            read_rgb(tmp_path / "deep.png")
        with pytest.raises(MissingFileError, match="No such image"):
            read_rgb(tmp_path / "none.png")


class TestCheck:
    def test_layouts_and_what_they_lack(self, tmp_path: Path) -> None:
        base = write_nordland(tmp_path)
        table, good = check(tmp_path)
        assert good and all("all 32 images" in str(row[1]) for row in table.rows)
        (base / "summer" / "images-00006.png").unlink()
        table, good = check(base)
        found = {str(row[0]).rpartition("/")[2]: str(row[1]) for row in table.rows}
        assert good and "1 of 32 images of summer" in found["summer"]
        for season in ("spring", "fall"):
            (base / season / "images-00007.png").unlink()
        assert not check(base)[1]

    def test_files_and_folders(self, road: Path, tmp_path: Path) -> None:
        assert check(road)[1] and "night (10, 2, 3, 3)" in str(check(road)[0].rows[0][1])
        assert not check(tmp_path / "nothing.npz")[1]
        (tmp_path / "empty").mkdir()
        assert check(tmp_path / "empty")[0].rows[0][1] == "no images"
        write_image(tmp_path / "own" / "mon" / "1.png", pattern(0))
        assert not check(tmp_path / "own")[1]
        write_image(tmp_path / "own" / "tue" / "1.png", pattern(0))
        assert check(tmp_path / "own")[1]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"lists": ("summer",)}, "NAME=FILE"),
        ({"every": 0}, "--every 0"),
        ({"most": 0}, "--most 0"),
    ],
)
def test_wrong_arguments(args: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        SetArgs(data="images", **args)
